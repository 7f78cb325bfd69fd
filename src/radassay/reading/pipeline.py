"""The one way that images of either arm go from the image set to what is served."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from radassay.errors import InputError
from radassay.images.hounsfield import fitted_spacing, in_hu
from radassay.images.imageset import ImageSet
from radassay.images.intensity import to_display
from radassay.reading.plan import ReadingPlan

Stack = NDArray[np.uint16]
"""(slices, size, size); one slice is a picture."""
TOP = 65535
QUANTILES = 1024
HU = (-1024.0, 3071.0)
"""What scanners store in 12 bits; values beyond are padding or metal."""
SAME = 0.01
"""Relative difference of pixel distances that a ruler does not show."""


@dataclass(frozen=True)
class Shown:
    """One image that is shown, by the rows of its set: one, or one a slice."""

    arm: str
    rows: tuple[int, ...]
    broken: int = 0
    """Above 0: it is broken on purpose, and this is the seed of how."""


@dataclass(frozen=True)
class Scale:
    """What the 16 bits of every served image stand for."""

    low: float
    """Value of 0."""
    high: float
    """Value of 65535."""
    levels: int
    """Values in between that occur, evenly spaced."""
    hu: bool = False
    """Whether values are Hounsfield units; else they are grey values."""

    @property
    def slope(self) -> float:
        """Return what one stored unit is worth."""
        return (self.high - self.low) / TOP

    @property
    def step(self) -> float:
        """Return how many stored units lie between neighbouring levels."""
        return TOP / (self.levels - 1)


def scale_of(sets: Mapping[str, ImageSet], shown: Sequence[Shown], plan: ReadingPlan) -> Scale:
    """Return Hounsfield units where both arms hold them, to the whole unit; else grey values 0 to 255.

    Unless the plan gives a range, it is what images of both arms reach, within `HU`: where one arm was cut off at a
    window, the other is cut off there too, so that the end of the scale does not tell the arm.

    Raises:
        InputError: the arms have no values in common, or Hounsfield units were to be equalised.
    """
    if not all(in_hu(images) for images in sets.values()):
        return Scale(0.0, 255.0, plan.levels)
    if plan.equalise:
        raise InputError("Hounsfield units are not equalised: they would no longer be Hounsfield units")
    if plan.hu:
        return Scale(plan.hu[0], plan.hu[1], round(plan.hu[1] - plan.hu[0]) + 1, hu=True)
    reach = {arm: [HU[1], HU[0]] for arm in sets}
    for one in shown:
        for row in one.rows:
            pixels = sets[one.arm].pixels(row)
            ends = reach[one.arm]
            ends[:] = min(ends[0], float(pixels.min())), max(ends[1], float(pixels.max()))
    low = np.floor(max(HU[0], *(ends[0] for ends in reach.values())))
    high = np.ceil(min(HU[1], *(ends[1] for ends in reach.values())))
    if high - low < 16:
        got = "; ".join(f"{arm}: {ends[0]:g} to {ends[1]:g} HU" for arm, ends in reach.items())
        raise InputError("The arms have hardly a Hounsfield unit in common", got=got)
    return Scale(float(low), float(high), int(high - low) + 1, hu=True)


def sides(images: ImageSet) -> NDArray[np.intp]:
    """Return the shorter side of every image in pixels, (n,)."""
    table = images.table
    short = table[["height", "width"]].min(axis=1).to_numpy(dtype=np.float64)
    unknown = np.flatnonzero(~np.isfinite(short))
    for row in unknown:
        short[row] = min(images.pixels(int(row)).shape[:2])
    return short.astype(np.intp)


@dataclass(frozen=True)
class Pipeline:
    """The steps, the same for either arm; one image is in memory at a time."""

    sets: Mapping[str, ImageSet]
    plan: ReadingPlan
    """Gives the steps; its `size` is the side in pixels."""
    scale: Scale
    shades: NDArray[np.float64] | None = None
    """(1024,) mean quantiles of grey values, if they are equalised."""

    @classmethod
    def of(cls, sets: Mapping[str, ImageSet], plan: ReadingPlan, scale: Scale, shown: Sequence[Shown]) -> Pipeline:
        """Return the pipeline; what equalising needs is found in one pass over the images shown."""
        plain = cls(sets, plan, scale)
        if not plan.equalise:
            return plain
        return replace(plain, shades=mean_quantiles(plain.levelled(one) for one in shown))

    def served(self, one: Shown) -> Stack:
        """Return one image as it is served, but for the dither: (slices, size, size).

        Made square, resized, trimmed at the edges, smoothed, rounded to levels, and then, if the plan says so, given
        the mean distribution of grey values.
        """
        out = self.levelled(one)
        if self.shades is not None:
            out = equalised(out, self.shades, self.scale.levels)
        return broken(out, np.random.default_rng(one.broken)) if one.broken else out

    def levelled(self, one: Shown) -> Stack:
        """Return one image as `served` before grey values are equalised and before it is broken."""
        size, plan, images = self.plan.size, self.plan, self.sets[one.arm]
        whole, window = self.whole, (self.scale.low, self.scale.high)
        first = (whole - size) // 2
        out = np.empty((len(one.rows), size, size), dtype=np.uint16)
        for n, row in enumerate(one.rows):
            if self.scale.hu:
                picture = to_display(images.pixels(row), window, whole, plan.fit)
            else:
                picture = images.display(row, whole, plan.fit)
            picture = picture[first : first + size, first : first + size]
            if plan.smooth:
                picture = gaussian_filter(picture, plan.smooth, mode="nearest")
            out[n] = quantised(picture, self.scale.levels)
        return out

    @property
    def whole(self) -> int:
        """Return the side in pixels before the edges are trimmed."""
        return round(self.plan.size / (1 - 2 * self.plan.trim))

    def spacing_mm(self, shown: Iterable[Shown]) -> float | None:
        """Return the distance between pixel centres as served, where it is known and the same for all within 1 %."""
        found = [fitted_spacing(self.sets[o.arm].take([o.rows[0]]), self.whole, self.plan.fit) for o in shown]
        known = np.array([np.nan if mm is None else mm for mm in found])
        if not np.isfinite(known).all() or np.ptp(known) > SAME * np.median(known):
            return None
        return round(float(np.median(known)), 4)


def quantised(picture: NDArray[np.floating], levels: int) -> Stack:
    """Return grey values in [0, 1] at so many levels, evenly over 16 bits."""
    steps = np.rint(np.clip(picture, 0, 1).astype(np.float64) * (levels - 1))
    return np.asarray(np.rint(steps * (TOP / (levels - 1))), dtype=np.uint16)


def mean_quantiles(pictures: Iterable[Stack]) -> NDArray[np.float64]:
    """Return the mean over pictures of their quantiles in [0, 1], (1024,)."""
    total, count = np.zeros(QUANTILES), 0
    for picture in pictures:
        total, count = total + np.quantile(picture, _AT), count + 1
    return total / (max(1, count) * TOP)


_AT = (np.arange(QUANTILES) + 0.5) / QUANTILES


def equalised(picture: Stack, shades: NDArray[np.float64], levels: int) -> Stack:
    """Return an image with these quantiles of grey values; equal values stay equal, and one value alone stays."""
    values, where, counts = np.unique(picture, return_inverse=True, return_counts=True)
    if len(values) == 1:
        return picture
    middle = (np.cumsum(counts) - counts / 2) / picture.size
    return quantised(np.interp(middle, _AT, shades)[where.reshape(picture.shape)], levels)


def broken(picture: Stack, rng: np.random.Generator) -> Stack:
    """Return an image cut into 16 tiles that lie in a wrong order and upside down, in every slice alike."""
    side = picture.shape[-1] // 4
    out = picture.copy()
    spots = [(row * side, column * side) for row in range(4) for column in range(4)]
    for (row, column), n in zip(spots, rng.permutation(16), strict=True):
        top, left = spots[n]
        tile = picture[..., top : top + side, left : left + side]
        out[..., row : row + side, column : column + side] = tile[..., ::-1, :]
    return out


def remedied(plan: ReadingPlan, tells: Sequence[str], *, hu: bool = False) -> ReadingPlan:
    """Return the plan with further steps, the same for either arm, against what the leak test named.

    Hounsfield units keep their distribution, and nothing is done to how slices follow each other.
    """
    if "border" in tells:
        plan = replace(plan, trim=round(min(0.4, plan.trim + 0.08), 4))
    if "size" in tells or "compression" in tells:
        plan = replace(plan, fit="crop", smooth=round(plan.smooth + 0.75, 4))
    if "histogram" in tells and not hu:
        plan = replace(plan, equalise=True)
    return plan
