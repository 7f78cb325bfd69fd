"""Traces of earlier saving: the 8 x 8 grid of JPEG, and enlargement from a small picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radassay.probes.odd.look import NOTHING, Look, Sight

GRID = 8
STEP = 0.35
"""Mean step at block boundaries beyond that of their neighbours, as a share of the mean step anywhere. Uncompressed
phantoms stay below 0.2; saved at quality 20 they lie above 0.5."""
SMALLEST = 64
"""Rows and columns needed to tell coarse from small."""
FALL = 2.3
"""Decades of power, from a tenth of the finest frequency up, below which nothing counts as detail: steeper than
1/f^3.5, where anatomy follows 1/f^3 (Burgess, Jacobson & Judy, Med Phys 2001;28:419)."""
REACH = 0.4
"""Share of the finest frequency at and below which a picture counts as blown up: two and a half times a side."""


def blocking(look: Look) -> Sight:
    """Say whether the grid of JPEG blocks shows, also after a later lossless save.

    The step across every pixel boundary is compared with those beside it; of the eight places that a grid may have,
    one must stand out, along and across (Wang, Bovik & Evans, ICIP 2000, with an unknown offset).
    """
    part = look.patch
    if min(part.shape) < 6 * GRID:
        return NOTHING
    found = [_step(part), _step(part.T)]
    excess = float(min(e for e, _ in found))
    if excess <= 0:
        return NOTHING
    score = min(1.0, 0.5 * excess / STEP)
    return Sight(score, f"steps on an 8 x 8 grid, {100 * excess:.0f} % above those between: saved as JPEG too small")


def _step(part: NDArray[np.float32]) -> tuple[float, int]:
    """Return how far the strongest of eight column phases stands out, and which it is."""
    # the dark outside of a collimated film has no steps and says nothing; strong edges are anatomy
    step = np.minimum(np.abs(np.diff(part, axis=1)), 24)
    beyond = step[:, 1:-1] - (step[:, :-2] + step[:, 2:]) / 2
    column = beyond.mean(axis=0)
    phase = np.arange(len(column)) % GRID
    means = np.array([column[phase == k].mean() for k in range(GRID)])
    best = int(means.argmax())
    others = np.delete(means, best)
    typical = max(float(step.mean()), 0.25)
    # the steps on the grid differ from those off it by far more than columns differ among themselves
    spread = float(column[phase != best].std()) / np.sqrt((phase == best).sum())
    sure = (means[best] - others.mean()) / max(spread, 1e-6)
    return (float(means[best] - others.mean()) / typical if sure > 4 else 0.0), best


def enlarged(look: Look) -> Sight:
    """Say whether the picture was blown up from a thumbnail: it holds no fine detail for its size.

    Power along rows and columns is measured in the middle of the picture, as stored. A picture enlarged k times has
    none above 1/k of the finest frequency that its pixels carry.
    """
    if min(look.patch.shape) < SMALLEST or look.patch.std() < 1:
        return NOTHING
    reach = max(_reach(look.patch), _reach(look.patch.T))
    height, width = (max(1, round(side * reach)) for side in look.full.shape)
    reason = f"no detail finer than in a picture of {width} x {height} pixels"
    return Sight(min(1.0, 0.5 * REACH / reach), reason)


def _reach(part: NDArray[np.float32]) -> float:
    """Return the share of the frequencies along rows, up to the finest that pixels carry, that hold detail."""
    rows = (part - part.mean(axis=1, keepdims=True)) * np.hanning(part.shape[1]).astype(np.float32)
    power = (np.abs(np.fft.rfft(rows, axis=1)) ** 2).mean(axis=0)
    edges = np.linspace(0.05, 1, 20)
    bands = np.split(power, np.ceil(edges * (len(power) - 1)).astype(np.intp))[1:-1]
    level = np.log10([float(np.sort(band)[len(band) // 2]) for band in bands])
    # rounding to 256 grey values makes this much power at every frequency; detail must stand out from it
    floor = np.log10(3 / 8 * part.shape[1] / 12) + 0.3
    held = level > max(floor, level[:2].mean() - FALL)
    return float(edges[1 + np.flatnonzero(held).max()]) if held.any() else float(edges[1])
