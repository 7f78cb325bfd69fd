"""Colour where there should be none: a tint, coloured marks, many hues, or grey stored three times."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radassay.probes.odd.look import NOTHING, Look, Sight

FAINT, STRONG = 10 / 255, 48 / 255
"""Difference between the largest and smallest channel that counts as colour: JPEG alone makes less than the first;
a drawn mark is above the second."""
MARKED = 2e-4
"""Share of the pixels that a coloured mark covers: about 5 by 5 in 320 by 320."""
NAMES = ("red", "yellow", "green", "cyan", "blue", "magenta")


def tint(look: Look) -> Sight:
    """Say whether one hue lies over the whole picture."""
    if look.colour is None:
        return NOTHING
    chroma, hue = look.chroma
    return max((_tint(chroma, hue, look.grey > low) for low in (0.15, 0.5)), key=lambda sight: sight.score)


def _tint(chroma: NDArray[np.float32], hue: NDArray[np.float32], part: NDArray[np.bool_]) -> Sight:
    """Return whether one hue lies over a part of the picture."""
    if part.mean() < 0.05:
        return NOTHING
    amount = float(np.median(chroma[part]))
    agreed = float(np.abs(np.mean(chroma[part] * np.exp(1j * hue[part])))) / max(float(chroma[part].mean()), 1e-6)
    if amount < 0.2 * FAINT or agreed < 0.8:
        return NOTHING
    name = _name(hue[part], chroma[part])
    return Sight(
        min(1.0, 0.5 * amount / FAINT), f"tinted {name}: {255 * amount:.0f} of 255 grey levels between channels"
    )


def marks(look: Look) -> Sight:
    """Say whether coloured marks (arrows, outlines, text) were drawn on a grey picture."""
    if look.colour is None:
        return NOTHING
    chroma, hue = look.chroma
    strong = chroma > STRONG + np.median(chroma)
    share = float(strong.mean())
    if share < MARKED / 4 or share > 0.3:
        return NOTHING
    rows, columns = np.nonzero(strong)
    name = _name(hue[strong], chroma[strong])
    return Sight(min(1.0, 0.5 * share / MARKED), f"{name} marks on {100 * share:.2g} % of it", look.box(rows, columns))


def hues(look: Look) -> float:
    """Return how much the picture is coloured like a photograph, 0 to 1: several hues over much of it.

    A radiograph is grey, or of one tint; a photograph holds clearly coloured areas of hues far apart.
    """
    if look.colour is None:
        return 0.0
    chroma, hue = look.chroma
    strong = chroma > STRONG / 2
    share = float(strong.mean())
    if share < 0.1:
        return 0.0
    counts = np.bincount(((hue[strong] / (2 * np.pi)) % 1 * 12).astype(np.intp) % 12, minlength=12) / strong.sum()
    neighbours = counts + np.roll(counts, 1) + np.roll(counts, -1)
    apart = 1 - float(neighbours.max())
    return min(1.0, share / 0.3) * min(1.0, apart / 0.2)


def stored_as_colour(look: Look) -> bool:
    """Return whether grey values are stored in three channels, with no colour in them."""
    return look.colour is not None and float(np.quantile(look.chroma[0], 0.999)) < FAINT / 2


def _name(hue: NDArray[np.float32], chroma: NDArray[np.float32]) -> str:
    angle = float(np.angle(np.mean(chroma * np.exp(1j * hue)))) % (2 * np.pi)
    return NAMES[round(angle / (np.pi / 3)) % 6]
