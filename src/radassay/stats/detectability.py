"""How well a known shadow can be told from its background, at native size and after rescaling.

The observer is the prewhitening matched filter, which is the best linear observer (Hotelling's) where the background is
stationary: d'^2 is the sum of |S(f)|^2 / W(f) over spatial frequencies, S the spectrum of the shadow and W that of the
background (Barrett & Myers, Foundations of Image Science, 2004, sections 13.2.12-13). Rescaling is a matrix: it
carries shadow and background alike, folding included, and no observer can win back what it has lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn, fft2, fftfreq
from scipy.optimize import least_squares

Grid = NDArray[np.floating[Any]]
Method = Literal["area", "nearest"]
"""Rescaling by the mean of the area that a pixel covers, or by picking the nearest pixel."""


ROUNDING = 1 / 12
"""Variance of rounding to whole grey levels."""


class Background(NamedTuple):
    """Spectrum of a background: A * (f^-slope + floor), with f in cycles per pixel; only its shape counts here."""

    slope: float
    """Exponent of the power law; about 3 in chest and breast (Burgess, Jacobson & Judy, Med Phys 2001;28:419)."""
    floor: float
    """White noise of the detector against the power law."""

    def spectrum(self, shape: tuple[int, int], variance: float = 1.0) -> NDArray[np.float64]:
        """Return W over cosine waves (type II), `shape`, whose mean is the variance of a pixel in grey levels squared.

        A wave longer than the picture counts as one of its length. Rounding to 256 grey levels adds 1/12 everywhere.
        """
        down, across = (np.arange(side) / (2 * side) for side in shape)
        law = np.maximum(np.hypot(down[:, None], across[None, :]), 0.5 / max(shape)) ** -self.slope + self.floor
        return np.asarray(variance * law / law.mean() + ROUNDING)


def fitted_background(patches: Grid) -> Background:
    """Return the background whose spectrum fits square patches of pure background.

    Each patch loses its mean plane and is tapered (Hann); patches count alike, whatever their contrast. The fit is
    least squares on the logarithm of the mean periodogram in rings of equal width, from two cycles a patch on.

    Args:
        patches: (n, side, side) grey values, side at least 12.

    Raises:
        ValueError: no patch that varies.
    """
    side = patches.shape[1]
    along = np.linspace(-1, 1, side)
    plane = np.stack([np.ones((side, side)), *np.meshgrid(along, along)]).reshape(3, -1)
    flat = patches.reshape(len(patches), -1).astype(np.float64)
    flat = flat - (flat @ np.linalg.pinv(plane)) @ plane
    flat = flat[flat.std(axis=1) > 1e-6]
    if not len(flat):
        raise ValueError("no patch of background varies")
    taper = np.outer(np.hanning(side + 2)[1:-1], np.hanning(side + 2)[1:-1])
    power = np.abs(fft2(flat.reshape(-1, side, side) / flat.std(axis=1)[:, None, None] * taper)) ** 2
    frequency = np.hypot(fftfreq(side)[:, None], fftfreq(side)[None, :])
    ring = np.rint(frequency * side).astype(int)
    rings = np.arange(2, side // 2 + 1)
    mean = np.array([np.log(power[:, ring == r] + 1e-12).mean() for r in rings])
    at = rings / side

    def misfit(values: Grid) -> NDArray[np.float64]:
        level, slope, floor = values
        return np.asarray(level + np.log(at**-slope + np.exp(floor)) - mean)

    found = least_squares(misfit, [float(mean[-1]), 3.0, 0.0], bounds=([-50, 0.0, -12.0], [50, 5.0, 12.0]))
    return Background(float(found.x[1]), float(np.exp(found.x[2])))


@lru_cache(maxsize=256)
def rescaling(size: int, to: int, method: Method) -> NDArray[np.float64]:
    """Return the matrix, (to, size), that rescales one axis; the identity where `to` is not smaller.

    `area` averages with exact shares of the pixels at the edges of each area.
    """
    if to >= size:
        return np.eye(size)
    if method == "nearest":
        return np.asarray(np.eye(size)[((np.arange(to) + 0.5) * size / to).astype(int)])
    edges = np.linspace(0, size, to + 1)
    cell = np.arange(size)
    share = np.minimum(edges[1:, None], cell + 1) - np.maximum(edges[:-1, None], cell)
    share = np.clip(share, 0, None)
    return np.asarray(share / share.sum(axis=1, keepdims=True))


def rescaled(picture: Grid, size: int, method: Method = "area") -> NDArray[np.float64]:
    """Return a picture squashed to (size, size); a side that is not longer stays as it is."""
    height, width = picture.shape
    rows, columns = rescaling(height, size, method), rescaling(width, size, method)
    return np.asarray(rows @ picture @ columns.T)


def detectability(shadow: Grid, spectrum: Grid, sizes: Sequence[int], method: Method = "area") -> NDArray[np.float64]:
    """Return d'^2 of a known shadow in a background, after both were squashed to each size, (sizes,).

    The native picture is taken as band-limited, and the result is the mean over all positions of the new pixels.
    Waves that look alike in the smaller picture fall together: shadow and background are summed there before they are
    divided, so that rescaling never adds information. Cosine waves (type II) see no step at the edges of the picture.

    Args:
        shadow: (height, width) what the lesion adds.
        spectrum: (height, width) W of the background, from `Background.spectrum`.
        sizes: sides after rescaling; one that is not smaller changes nothing.
        method: how it is rescaled.
    """
    power = dctn(shadow, norm="ortho") ** 2
    return np.array([(_folded(power, size, method) / _folded(spectrum, size, method)).sum() for size in sizes])


def _folded(power: Grid, size: int, method: Method) -> NDArray[np.float64]:
    """Return the power that each wave of the smaller picture gathers, (size, size) or a side that is not longer."""
    for axis in (0, 1):
        power = np.moveaxis(power, axis, 0)
        side = len(power)
        if size < side:
            if method == "area":
                # the mean over an area of whole pixels; for broken factors between the neighbouring whole ones
                wave = np.arange(side) / 2
                power = power * (np.sinc(wave / size) / np.sinc(wave / side))[:, None] ** 2
            gathered = np.zeros((size, power.shape[1]))
            for start in range(0, side, size):
                block = power[start : start + size]
                if start // size % 2 == 0:
                    gathered[: len(block)] += block
                else:  # waves above the new limit come back mirrored; the one at the limit vanishes
                    gathered[size - len(block) + 1 :] += block[:0:-1]
            power = gathered
        power = np.moveaxis(power, 0, axis)
    return np.asarray(power, dtype=np.float64)
