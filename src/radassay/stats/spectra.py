"""Radial power spectra: how much of a picture's variation lies at each spatial frequency."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

Array = NDArray[np.float64]

FAINTEST = 1e-12
"""Power below which a picture counts as flat, in squared grey values a pixel; an 8-bit step has 1e-6."""


@lru_cache(maxsize=4)
def _rings(size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the window, (size, size), and the mean over each ring of frequencies, (size · (size/2 + 1), rings)."""
    taper = np.hanning(size + 2)[1:-1]
    window = np.outer(taper, taper)
    window /= np.sqrt((window**2).mean())
    radius = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :]) * size
    ring = np.rint(radius).astype(int).ravel()
    # a column of the half spectrum stands for two, except the first and, at an even size, the last
    twice = np.full(size // 2 + 1, 2.0)
    twice[0] = 1.0
    twice[-1] = 1.0 if size % 2 == 0 else 2.0
    member = (ring[:, None] == np.arange(1, size // 2 + 1)[None, :]) * np.tile(twice, size)[:, None]
    return window.astype(np.float32), (member / member.sum(axis=0)).astype(np.float32)


def log_spectra(pixels: NDArray[np.floating[Any]], block: int = 256) -> Array:
    """Return the natural logarithm of mean power in rings of 1, 2, ... size/2 cycles a picture, (n, size // 2).

    The mean is taken away and a Hann window laid over the picture, so that its edges feign no high frequencies.
    Power is in squared grey values a pixel.

    Args:
        pixels: (n, size, size).
        block: pictures transformed at once.
    """
    size = pixels.shape[1]
    window, rings = _rings(size)
    out = np.empty((len(pixels), size // 2))
    for start in range(0, len(pixels), block):
        part = np.asarray(pixels[start : start + block], dtype=np.float32)
        part = (part - part.mean(axis=(1, 2), keepdims=True)) * window
        found = scipy.fft.rfft2(part)
        power = (found.real**2 + found.imag**2).reshape(len(part), -1) / size**2
        out[start : start + block] = np.log(power @ rings + FAINTEST)
    return out
