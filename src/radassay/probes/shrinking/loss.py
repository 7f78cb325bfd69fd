"""Contrast, noise and detectability of lesions at native size and after rescaling, lesion by lesion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radassay.probes.shrinking.lesions import LEAST_PIXELS, Case, Cases, Lesion, lesions
from radassay.probes.shrinking.model import Model
from radassay.stats.detectability import detectability, rescaled

Numbers = NDArray[np.float64]

SHARE_KEPT = 0.95
"""Share of the information that a size must keep."""
FINEST = 16
"""Smallest size on the curve of information against size."""


class NoLesions(ValueError):
    """Nowhere an outline of a lesion that is large enough."""


@dataclass(frozen=True)
class Losses:
    """What n lesions are like at native size and at smaller ones."""

    native: int
    """Usual longest side, pixels."""
    grid: tuple[int, ...]
    """Sizes of the curve, descending."""
    sizes: tuple[int, ...]
    """Sizes at which contrast is measured, descending; column 0 of the tables below is the native size."""
    names: tuple[str, ...]
    """File of each lesion."""
    numbers: tuple[int, ...]
    """Which lesion of the file."""
    units: NDArray[np.str_]
    kept: Numbers
    """(n, grid) d'^2 against native, shrunk by averaging."""
    nearest: Numbers
    """(n, sizes) the same, shrunk by picking single pixels."""
    contrast: Numbers
    """(n, 1 + sizes) mean inside minus ring, grey levels; NaN without a ring."""
    noise: Numbers
    """(n, 1 + sizes) standard deviation in the ring, grey levels."""
    pixels: Numbers
    """(n, 1 + sizes) pixels that are at least half lesion."""
    dprime: Numbers
    """(n, 1 + sizes) detectability d'; NaN without a ring."""
    wide: Numbers
    """(n,) diameter of the disc of the same area, share of the picture's width."""
    pixel_mm: Numbers
    """(n,) side of a native pixel, mm; NaN where not known."""

    def cnr(self) -> Numbers:
        """Return the contrast-to-noise ratio, (n, 1 + sizes), positive where the sign is that of the native size."""
        return np.asarray(self.contrast * np.sign(self.contrast[:, :1]) / np.maximum(self.noise, 0.5))

    def visible(self, least: float) -> NDArray[np.bool_]:
        """Return which lesions have d' enough to be seen and pixels enough for a shape, (n, 1 + sizes).

        Rose (J Opt Soc Am 1948;38:196) found that a signal-to-noise ratio of about 5 is needed; in backgrounds that are
        not white his ratio is the ideal observer's d' (Burgess, J Opt Soc Am A 1999;16:633).
        """
        with np.errstate(invalid="ignore"):
            return np.asarray((self.dprime >= least) & (self.pixels >= LEAST_PIXELS))


def curve_sizes(native: int, sizes: Sequence[int]) -> tuple[int, ...]:
    """Return the sizes of the curve: the ones asked for that are smaller than native, and steps of the root of 2."""
    steps = [round(native * 2 ** (-k / 2)) for k in range(32)]
    return tuple(sorted({s for s in (*steps, *sizes) if FINEST <= s <= native}, reverse=True))


def losses(cases: Cases, model: Model, native: int, sizes: tuple[int, ...]) -> Losses:
    """Return what all lesions of these cases lose.

    Args:
        cases: the pictures.
        model: their background and edges.
        native: usual longest side.
        sizes: sizes below native, descending.

    Raises:
        NoLesions: there are none.
    """
    grid = curve_sizes(native, sizes)
    rows: list[dict[str, Any]] = []
    for case in cases():
        small = [case.picture.astype(np.float64), *(rescaled(case.picture, size) for size in sizes)]
        for lesion in lesions(case):
            rows.append(_row(case, lesion, model, small, grid, sizes))
    if not rows:
        raise NoLesions("no outline is large enough for a lesion")
    stacked = {key: np.array([row[key] for row in rows]) for key in rows[0]}
    names, numbers = tuple(stacked.pop("name").tolist()), tuple(stacked.pop("number").tolist())
    return Losses(native=native, grid=grid, sizes=sizes, names=names, numbers=numbers, **stacked)


def _row(
    case: Case, lesion: Lesion, model: Model, small: list[Numbers], grid: tuple[int, ...], sizes: tuple[int, ...]
) -> dict[str, Any]:
    contrast, noise, pixels = _seen(lesion, small, sizes)
    # the background has the variance of the ring; where there is none, that of the picture
    deviation = max(float(noise[0] if np.isfinite(noise[0]) else case.picture.std()), 0.5)
    height, width = case.picture.shape
    spectrum = model.background.spectrum((height, width), deviation**2)
    shadow = lesion.shadow(model.softness)
    shadow = shadow / shadow[lesion.inside].mean()
    found = detectability(shadow, spectrum, (max(height, width), *grid))
    places = [0, *(1 + grid.index(size) for size in sizes)]
    return {
        "name": case.name,
        "number": lesion.number,
        "units": case.unit,
        "kept": found[1:] / found[0],
        "nearest": detectability(shadow, spectrum, sizes, "nearest") / found[0],
        "contrast": contrast,
        "noise": noise,
        "pixels": pixels,
        "dprime": np.sqrt(found[places]) * abs(contrast[0]),
        "wide": 2 * lesion.radius / width,
        "pixel_mm": case.pixel_mm,
    }


def _seen(lesion: Lesion, small: list[Numbers], sizes: tuple[int, ...]) -> tuple[Numbers, Numbers, Numbers]:
    """Return contrast, noise and number of pixels at native size and at each smaller one."""
    cover = [lesion.inside.astype(float), *(rescaled(lesion.inside.astype(float), size) for size in sizes)]
    ring = [lesion.ring.astype(float), *(rescaled(lesion.ring.astype(float), size) for size in sizes)]
    contrast, noise, pixels = (np.full(len(small), np.nan) for _ in range(3))
    for i, picture in enumerate(small):
        inside, around = cover[i] >= 0.5, ring[i] >= 0.5
        pixels[i] = inside.sum()
        # of a lesion thinner than a pixel the fullest pixel is looked at
        inside = inside if inside.any() else cover[i] == cover[i].max()
        around = around if around.sum() > 1 else ring[i] > 0
        if lesion.ring.any():
            contrast[i] = picture[inside].mean() - np.average(picture[around], weights=ring[i][around])
            noise[i] = picture[around].std()
    return contrast, noise, pixels
