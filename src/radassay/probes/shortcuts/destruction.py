"""Pictures with their anatomy destroyed: what is left of them, as features (T12)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn
from scipy.ndimage import gaussian_filter

from radassay.anatomy.features import histogram
from radassay.anatomy.regions import outside_lungs, thumbnails
from radassay.contracts.grey import Grey

PATCHES = 8
"""Patches along each side."""
FREE = 0.75
"""Share of a patch that lies outside the lungs where it counts as free of lung."""
Features = NDArray[np.float64]


def patches(pixels: Grey) -> NDArray[np.float64]:
    """Return the patches of pictures, (n, PATCHES**2, side, side); the picture's side is a multiple of PATCHES."""
    n, size, _ = pixels.shape
    side = size // PATCHES
    cut = pixels.astype(np.float64).reshape(n, PATCHES, side, PATCHES, side)
    return cut.transpose(0, 1, 3, 2, 4).reshape(n, PATCHES**2, side, side)


def shuffled_patches(pixels: Grey, rng: np.random.Generator) -> Grey:
    """Return pictures whose patches lie in an order of chance, another for each picture."""
    cut = patches(pixels)
    n, count, side, _ = cut.shape
    order = np.argsort(rng.random((n, count)), axis=1)
    mixed = np.take_along_axis(cut, order[:, :, None, None], axis=1)
    back = mixed.reshape(n, PATCHES, PATCHES, side, side).transpose(0, 1, 3, 2, 4)
    return back.reshape(pixels.shape).astype(np.float32)


def without_order(pixels: Grey, *, lungs: bool = True) -> Features:
    """Return what of a picture is left when its patches are shuffled, (n, 3 * patches + (size / PATCHES)**2).

    The patches' means, spreads and fine detail, each sorted, and their mean spectrum: no order of the patches changes
    them. A linear model of the shuffled pixels themselves would see less than a network does.

    Args:
        pixels: (n, size, size).
        lungs: whether patches that may hold lung count.
    """
    cut = patches(pixels)
    if not lungs:
        free = thumbnails(outside_lungs(pixels.shape[1])[None].astype(np.float32), PATCHES)[0] >= FREE
        cut = cut[:, free.ravel()]
    fine = np.abs(np.diff(cut, axis=3)).mean(axis=(2, 3)) + np.abs(np.diff(cut, axis=2)).mean(axis=(2, 3))
    spectrum = np.log(np.abs(dctn(cut, axes=(2, 3), norm="ortho")).mean(axis=1) + 1e-3)
    parts = [np.sort(cut.mean(axis=(2, 3)), axis=1), np.sort(cut.std(axis=(2, 3)), axis=1), np.sort(fine, axis=1)]
    return np.concatenate([*parts, spectrum.reshape(len(cut), -1)], axis=1)


def blurred(pixels: Grey) -> Features:
    """Return what a heavy blur leaves: 4 x 4 means, (n, 16)."""
    return thumbnails(pixels, 4).reshape(len(pixels), -1)


def fine_detail(pixels: Grey) -> Features:
    """Return how strong what is finer than two pixels is, wherever it is: grain, sharpening, compression; (n, 80).

    The strengths of the patches, sorted, and the spectrum of the finer half of all frequencies in 16 steps.
    """
    fine = pixels - gaussian_filter(pixels, (0, 1, 1), mode="nearest")
    strength = np.sort(np.log(np.sqrt(thumbnails(fine**2, PATCHES)) + 1e-4).reshape(len(pixels), -1), axis=1)
    size = pixels.shape[1]
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :])
    step = np.digitize(frequency, np.linspace(0.25, 0.5, 16, endpoint=False)) - 1
    power = np.abs(np.fft.rfft2(pixels)) ** 2 / size**2
    spectrum = np.stack([np.log(power[:, step == k].mean(axis=1) + 1e-8) for k in range(16)], axis=1)
    return np.concatenate([strength, spectrum], axis=1)


def intact(pixels: Grey) -> Features:
    """Return features of the picture as it is that hold all of `without_order`: the same, and 16 x 16 thumbnails."""
    return np.concatenate([thumbnails(pixels, 16).reshape(len(pixels), -1), without_order(pixels)], axis=1)


def pixels_alone(pixels: Grey) -> Features:
    """Return the histogram of grey values, (n, 32): all that shuffled pixels have left."""
    return histogram(pixels)
