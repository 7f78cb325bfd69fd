"""The one way that images of either arm go from the image set to what is served."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from radassay.images.imageset import ImageSet
from radassay.reading.plan import ReadingPlan

Stack = NDArray[np.uint16]
TOP = 65535
QUANTILES = 1024


@dataclass(frozen=True)
class Shown:
    """One image that is shown, by the row of its set."""

    arm: str
    row: int
    broken: int = 0
    """Above 0: it is broken on purpose, and this is the seed of how."""


def sides(images: ImageSet) -> NDArray[np.intp]:
    """Return the shorter side of every image in pixels, (n,)."""
    table = images.table
    short = table[["height", "width"]].min(axis=1).to_numpy(dtype=np.float64)
    unknown = np.flatnonzero(~np.isfinite(short))
    for row in unknown:
        short[row] = min(images.pixels(int(row)).shape[:2])
    return short.astype(np.intp)


def served(sets: dict[str, ImageSet], shown: Sequence[Shown], plan: ReadingPlan, size: int) -> Stack:
    """Return the images as they are served, (n, size, size), each by the same steps whatever its arm.

    Made square, resized, trimmed at the edges, smoothed, rounded to the plan's grey levels, and then, if the plan says
    so, given the mean distribution of grey values. Takes about 2 bytes a pixel of all images.

    Args:
        sets: the image sets by arm.
        shown: which images.
        plan: gives the steps.
        size: side in pixels.
    """
    out = np.empty((len(shown), size, size), dtype=np.uint16)
    whole = round(size / (1 - 2 * plan.trim))
    first = (whole - size) // 2
    for n, one in enumerate(shown):
        picture = sets[one.arm].display(one.row, whole, plan.fit)[first : first + size, first : first + size]
        if plan.smooth:
            picture = gaussian_filter(picture, plan.smooth, mode="nearest")
        out[n] = quantised(picture, plan.levels)
    if plan.equalise:
        out = equalised(out, plan.levels)
    for n, one in enumerate(shown):
        if one.broken:
            out[n] = broken(out[n], np.random.default_rng(one.broken))
    return out


def quantised(picture: NDArray[np.floating], levels: int) -> Stack:
    """Return grey values in [0, 1] at so many levels, evenly over 16 bits."""
    steps = np.rint(np.clip(picture, 0, 1).astype(np.float64) * (levels - 1))
    return np.asarray(np.rint(steps * (TOP / (levels - 1))), dtype=np.uint16)


def equalised(stack: Stack, levels: int) -> Stack:
    """Return all images with the mean of their distributions of grey values; equal values stay equal."""
    at = (np.arange(QUANTILES) + 0.5) / QUANTILES
    target = np.mean([np.quantile(picture, at) for picture in stack], axis=0) / TOP
    out = np.empty_like(stack)
    for n, picture in enumerate(stack):
        values, where, counts = np.unique(picture, return_inverse=True, return_counts=True)
        middle = (np.cumsum(counts) - counts / 2) / picture.size
        shades = np.interp(middle, at, target)
        out[n] = quantised(shades[where.reshape(picture.shape)], levels) if len(values) > 1 else picture
    return out


def broken(picture: Stack, rng: np.random.Generator) -> Stack:
    """Return an image cut into 16 tiles that lie in a wrong order and upside down."""
    side = len(picture) // 4
    out = picture.copy()
    spots = [(row * side, column * side) for row in range(4) for column in range(4)]
    for (row, column), n in zip(spots, rng.permutation(16), strict=True):
        top, left = spots[n]
        out[row : row + side, column : column + side] = picture[top : top + side, left : left + side][::-1]
    return out


def remedied(plan: ReadingPlan, tells: Sequence[str]) -> ReadingPlan:
    """Return the plan with further steps, the same for either arm, against what the leak test named."""
    if "border" in tells:
        plan = replace(plan, trim=round(min(0.4, plan.trim + 0.08), 4))
    if "size" in tells or "compression" in tells:
        plan = replace(plan, fit="crop", smooth=round(plan.smooth + 0.75, 4))
    if "histogram" in tells:
        plan = replace(plan, equalise=True)
    return plan
