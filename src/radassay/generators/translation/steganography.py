"""Whether a cycle hangs on a hidden pattern: disturb the translated pictures a little, translate back, and compare."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radassay.contracts.generator import Translator
from radassay.contracts.grey import Grey

NOISE = (1.0, 2.0, 4.0, 8.0)
"""Standard deviations tried, in steps of an eight-bit picture."""


@dataclass(frozen=True)
class CycleErrors:
    """Mean absolute difference, in grey values from 0 to 1, of pictures to what comes back from a translation."""

    undisturbed: float
    """Of the translated pictures as they are, in float32."""
    eight_bits: float
    """Of translated pictures stored in eight bits, as an image file holds them."""
    noisy: dict[float, float]
    """Of translated pictures with normal noise, by its standard deviation in steps of an eight-bit picture."""

    @property
    def hidden(self) -> float:
        """Return how much more than the noise itself the cycle gets worse by it, at most, in grey values from 0 to 1.

        A translator that hides nothing passes at most the noise on (a mean of 0.8 standard deviations): 0 or less.
        Far above 0, a pattern that faint noise destroys has carried the picture back.
        """
        return max(self.noisy[sd] - self.undisturbed - sd / 255 * math.sqrt(2 / math.pi) for sd in self.noisy)

    @property
    def worse(self) -> dict[float, float]:
        """Return how many times as large the error of the cycle is under each noise as undisturbed."""
        return {sd: error / max(self.undisturbed, 1e-9) for sd, error in self.noisy.items()}


def cycle_errors(
    translator: Translator,
    folder: Path,
    pixels: Grey,
    *,
    label: str,
    target: str,
    seed: int,
    noise: tuple[float, ...] = NOISE,
) -> CycleErrors:
    """Translate pictures there and back, with and without a disturbance between, and return how far they come back.

    A translator that hides where it came from (Chu et al. 2017, CycleGAN, a Master of Steganography, section 4) comes
    back well from its own picture, and badly once noise that no reader would see, or an image file, has wiped the
    hidden pattern out.

    Args:
        translator: with a finished training in `folder`.
        folder: that training.
        pixels: (n, size, size) in [0, 1], pictures of class `label`.
        label: the class they have.
        target: the class they become in between.
        seed: of the noise.
        noise: standard deviations, in steps of an eight-bit picture.

    Raises:
        InputError: the folder holds no finished training, or the pictures do not fit it.
    """

    def turned(pictures: Grey, now: str, wanted: str) -> Grey:
        return translator.translate(pictures, np.repeat(now, len(pictures)), folder, target=wanted, seed=seed)

    def error(translated: Grey) -> float:
        return float(np.abs(turned(translated, target, label) - pixels).mean())

    there = turned(pixels, label, target)
    rounded: Grey = (np.rint(there * 255) / 255).astype(np.float32)
    return CycleErrors(error(there), error(rounded), {sd: error(_with_noise(there, sd, seed)) for sd in noise})


def _with_noise(pictures: Grey, sd: float, seed: int) -> NDArray[np.float32]:
    rng = np.random.default_rng([seed, int(sd * 1000)])
    noisy: Grey = np.clip(pictures + rng.normal(0, sd / 255, pictures.shape), 0, 1).astype(np.float32)
    return noisy
