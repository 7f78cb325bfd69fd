"""What the leak test looks at: traces of how an image was stored, not of what it shows."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from radassay.anatomy.features import SIDE, histogram
from radassay.anatomy.regions import border, thumbnails
from radassay.reading.copies import undithered
from radassay.reading.pipeline import TOP

Floats = NDArray[np.float64]
TELLS = ("border", "size", "compression", "histogram")
"""Of every image; stacks have `slices` too."""
BLOCK = 8
"""Side of the blocks that JPEG compresses."""
LOOKED_AT = 8
"""Slices of a stack whose border, traces of size and compression are looked at, evenly spread."""
BINS = 32
PERIOD = 4
"""Slices after which the weights of interpolation between slices usually repeat."""


def traces(pixels: Iterable[NDArray[np.uint16]], step: float = 1.0) -> dict[str, Floats]:
    """Return the features behind each tell, (n, d), one image at a time so that memory stays bounded.

    Args:
        pixels: each (size, size) or (slices, size, size), as served; all of one shape.
        step: stored units between grey levels. The dither is rounded away: whoever looks for traces would do that.
    """
    rows: dict[str, list[Floats]] = {tell: [] for tell in TELLS}
    for stored in pixels:
        stack = stored[None] if stored.ndim == 2 else stored
        chosen = np.unique(np.linspace(0, len(stack) - 1, LOOKED_AT).round().astype(np.intp))
        parts = [_of_picture(stack[n], step) for n in chosen]
        for tell in TELLS:
            rows[tell].append(np.mean([part[tell] for part in parts], axis=0))
        if len(stack) > 1:
            rows["histogram"][-1] = np.sqrt(np.mean([_shares(slice_, step) for slice_ in stack], axis=0))
            rows.setdefault("slices", []).append(_along(stack, step))
    return {tell: np.stack(values) for tell, values in rows.items()}


def _grey(stored: NDArray[np.uint16], step: float) -> Floats:
    """Return values in [0, 1] without the dither."""
    return undithered(stored, step).astype(np.float64) * ((step if step > 3 else 1.0) / TOP)


def _shares(stored: NDArray[np.uint16], step: float) -> Floats:
    """Return the share of pixels in each grey bin, (32,)."""
    shares: Floats = histogram(_grey(stored, step)[None].astype(np.float32), BINS)[0] ** 2
    return shares


def _of_picture(stored: NDArray[np.uint16], step: float) -> dict[str, Floats]:
    picture = _grey(stored, step)
    return {
        "border": thumbnails(picture[None], SIDE)[0, border(SIDE)],
        "size": np.concatenate([_bars(picture), _resolution(picture)]),
        "compression": np.concatenate([_blocking(picture), _fine(picture), _levels(undithered(stored, step))]),
        "histogram": np.sqrt(_shares(stored, step)),
    }


def _along(stack: NDArray[np.uint16], step: float) -> Floats:
    """Return how slices follow each other, (14,): ends without content, equal neighbours, noise and distance, rhythm.

    The first and second differences between neighbours, against those within a slice, grow with the distance of slices
    and with noise that neighbours do not share. Interpolated slices are smoother than others, in a rhythm.
    """
    empty = [float(np.ptp(_grey(one, step)) < 1e-3) for one in (stack[0], stack[-1])]
    first, second, within, equal = [], [], [], []
    before: list[Floats] = []
    for one in stack:
        now = _grey(one, step)
        within.append([np.abs(np.diff(now, n, axis=1)).mean() for n in (1, 2)])
        if before:
            apart = now - before[-1]
            first.append(np.abs(apart).mean())
            equal.append(float((apart == 0).mean()))
        if len(before) > 1:
            second.append(np.abs(apart - (before[-1] - before[-2])).mean())
        before = [*before[-1:], now]
    inside, between, rough = np.mean(within, axis=0), np.array(first), np.array(second)
    rhythm = [_log([values[place::PERIOD].mean() for place in range(min(PERIOD, len(values)))], values.mean())
              for values in (between, np.array(within)[:, 1])]  # fmt: skip
    parts = [empty, [float(np.mean(equal))], _log([between.mean(), rough.mean() if len(rough) else 0.0], inside[0])]
    return np.concatenate([*parts, _log([inside[1]], inside[0]), *(np.resize(part, PERIOD) for part in rhythm)])


def _log(values: list[float], whole: float) -> Floats:
    return np.asarray(np.log((np.asarray(values, dtype=np.float64) + 1e-6) / (whole + 1e-6)))


def _bars(picture: Floats) -> Floats:
    """Return how much of each edge is a bar of one grey value, as padding leaves it, (4,)."""
    out = []
    for turned in (picture, picture[::-1], picture.T, picture.T[::-1]):
        varied = np.flatnonzero(np.ptp(turned, axis=1) > 1e-3)
        out.append((varied[0] if len(varied) else len(turned)) / len(turned))
    return np.array(out)


def _resolution(picture: Floats) -> Floats:
    """Return the share of equal neighbours and the logarithm of what halving the size takes away, (3,)."""
    side = len(picture) // 2 * 2
    even = picture[:side, :side]
    half = even.reshape(side // 2, 2, side // 2, 2).mean(axis=(1, 3))
    lost = float(((even - half.repeat(2, axis=0).repeat(2, axis=1)) ** 2).mean())
    same = [float((np.diff(picture, axis=axis) == 0).mean()) for axis in (0, 1)]
    return np.array([*same, np.log(lost / (picture.var() + 1e-9) + 1e-9)])


def _blocking(picture: Floats) -> Floats:
    """Return how rough the picture is at each of the 8 places of a block, by row and column, (16,)."""
    out: list[Floats] = []
    for axis in (0, 1):
        rough = np.abs(np.diff(picture, n=2, axis=axis)).mean(axis=1 - axis)
        at = np.array([rough[place::BLOCK].mean() for place in range(BLOCK)])
        out.append(np.log((at + 1e-9) / (at.mean() + 1e-9)))
    return np.concatenate(out)


def _fine(picture: Floats) -> Floats:
    """Return the logarithm of the share of power in 6 rings of fine detail, (6,)."""
    n = len(picture)
    window = np.hanning(n)[:, None] * np.hanning(n)[None, :]
    power = np.abs(np.fft.rfft2((picture - picture.mean()) * window)) ** 2
    frequency = np.hypot(np.fft.fftfreq(n)[:, None], np.fft.rfftfreq(n)[None, :]) / 0.5
    edges = np.linspace(0.4, 1.0, 7)
    total = power.sum() + 1e-12
    rings = [power[(frequency >= low) & (frequency < high)].sum() / total for low, high in pairwise(edges)]
    return np.log(np.array(rings) + 1e-12)


def _levels(stored: NDArray[np.uint16]) -> Floats:
    """Return how many grey values there are and how unevenly neighbouring ones are used, (2,)."""
    values, counts = np.unique(stored, return_counts=True)
    uneven = np.abs(np.diff(counts)).sum() / (2 * counts.sum()) if len(counts) > 1 else 0.0
    return np.array([np.log(len(values)), uneven])
