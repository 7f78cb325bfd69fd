"""Augmentation as strong as the discriminator overfits (Karras et al. 2020, arXiv:2006.06676)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from radassay.generators.gan.augment import Changes
from radassay.generators.gan.game import Game
from radassay.generators.gan.settings import GAN

SCALE, TURN, SHIFT = 0.1, 5.0, 0.05
"""Spread of the binary logarithm of the size, largest rotation in degrees, largest shift as a share of the side."""
BRIGHTNESS, CONTRAST, NOISE, CUT = 0.2, 0.15, 0.05, 0.25
"""Spread of brightness, of the natural logarithm of contrast, and of noise, in half grey ranges; side cut out."""
EVERY = 4
"""Steps between two changes of the strength."""


@dataclass(frozen=True)
class Warped(Changes):
    """One drawing of the adaptive augmentation, on top of the steady one."""

    matrix: NDArray[np.float32]
    """(n, 2, 3): where each place is taken from, in coordinates from -1 to 1."""
    grain: NDArray[np.float32]
    """(n, size, size): added noise."""

    def at(self, rows: slice) -> Warped:
        """Return the changes of some of the pictures."""
        steady = super().at(rows)
        return Warped(steady.places, steady.keep, steady.gain, steady.offset, self.matrix[rows], self.grain[rows])

    def apply(self, pictures: Tensor) -> Tensor:
        """Return the changed pictures, (n, 1, size, size); gradients flow through."""
        if not np.array_equal(self.matrix, np.broadcast_to(np.eye(2, 3, dtype=np.float32), self.matrix.shape)):
            matrix = torch.from_numpy(self.matrix).to(pictures.device)
            grid = F.affine_grid(matrix, list(pictures.shape), align_corners=False)
            pictures = F.grid_sample(pictures.float(), grid, padding_mode="border", align_corners=False)
        grain = torch.from_numpy(self.grain).to(pictures.device)[:, None]
        return super().apply(pictures + grain)


def warp(steady: Changes, strength: float, size: int, rng: np.random.Generator) -> Warped:
    """Return steady changes and others on top, each kind befalling a picture with probability `strength`.

    Size, rotation, shift, brightness, contrast, a square cut out, and noise: what a radiograph may have met. Nothing
    is mirrored or turned over, which would move the heart or the diaphragm.
    """
    n = len(steady.gain)

    def some(values: NDArray[np.float64], otherwise: float) -> NDArray[np.float64]:
        return np.where(rng.random(n) < strength, values, otherwise)

    scale = some(2.0 ** (SCALE * rng.standard_normal(n)), 1.0)
    angle = some(np.radians(rng.uniform(-TURN, TURN, n)), 0.0)
    moved = rng.random(n) < strength
    matrix = np.zeros((n, 2, 3), dtype=np.float32)
    matrix[:, 0, 0] = matrix[:, 1, 1] = np.cos(angle) / scale
    matrix[:, 1, 0] = np.sin(angle) / scale
    matrix[:, 0, 1] = -matrix[:, 1, 0]
    matrix[:, :, 2] = rng.uniform(-2 * SHIFT, 2 * SHIFT, (n, 2)) * moved[:, None]
    gain = some(np.exp(CONTRAST * rng.standard_normal(n)), 1.0).astype(np.float32)
    offset = some(BRIGHTNESS * rng.standard_normal(n), 0.0).astype(np.float32)
    hidden = rng.random(n) < strength
    near = np.abs(np.arange(size)[None, None] - rng.integers(0, size, (n, 2))[:, :, None]) <= CUT * size / 2
    keep = steady.keep & ~(near[:, 0, :, None] & near[:, 1, None, :] & hidden[:, None, None])
    spread = some(NOISE * np.abs(rng.standard_normal(n)), 0.0).astype(np.float32)
    grain = spread[:, None, None] * rng.standard_normal((n, size, size), dtype=np.float32)
    return Warped(steady.places, keep, steady.gain * gain, steady.offset * gain + offset, matrix, grain)


@dataclass(frozen=True)
class AdaptiveGAN(GAN):
    """Settings of a GAN whose augmentation follows the overfitting of its discriminator."""

    limits: ClassVar[Mapping[str, tuple[float, float]]] = {
        **GAN.limits,
        "augment_target": (0, 1),
        "augment_pace": (1, math.inf),
    }

    augment_target: float = 0.6
    """Mean sign of the scores of real images that is taken for overfitting, and augmented against; 0 never does."""
    augment_pace: int = 20_000
    """Images in which the augmentation's strength can go from none to full; 500,000 in the paper, on a GPU."""
    compile: bool = False
    """Whether the networks are compiled on a GPU: faster after some minutes of compiling. Nothing on a processor."""


class AdaptiveGame(Game):
    """A game that augments with a probability p, which rises while D(real) is positive too often.

    A family's `discriminator_loss` calls `note` with the scores of real pictures.
    """

    rules: AdaptiveGAN

    def __init__(self, rules: AdaptiveGAN, *given: object, **settings: int) -> None:
        super().__init__(rules, *given, **settings)  # type: ignore[arg-type]
        self.strength = 0.0
        self.signs = torch.zeros(rules.batch_size, device=self.compute.device)
        self.due = torch.zeros(2, dtype=torch.float64)
        if rules.compile and self.compute.device.type == "cuda":
            self.generator.compile()  # in place: the names of the weights stay
            self.discriminator.compile()

    def changes(self, n: int, rng: np.random.Generator) -> Changes:
        """Return how n pictures are augmented at the present strength."""
        steady = super().changes(n, rng)
        return warp(steady, self.strength, self.side, rng) if self.rules.augment_target else steady

    def note(self, rows: slice, of_real: Tensor) -> None:
        """Keep the signs of the scores of real pictures."""
        self.signs[rows] = of_real.detach().sign()

    def step(self, step: int) -> dict[str, float]:
        """Play one round, then let the strength follow the signs of D(real) (Karras et al. 2020, section 3)."""
        self.signs.zero_()
        told = super().step(step)
        if not self.rules.augment_target:
            return told
        signs = self.crew.joined(self.signs)
        self.due += torch.tensor([float(signs.sum()), len(signs)], dtype=torch.float64)
        if (step + 1) % EVERY == 0:
            excess = float(self.due[0] / self.due[1]) - self.rules.augment_target
            move = float(np.sign(excess)) * float(self.due[1]) / self.rules.augment_pace
            self.strength = min(1.0, max(0.0, self.strength + move))
            self.due.zero_()
        return {**told, "augmentation": self.strength}

    def state(self) -> dict[str, Tensor]:
        """Return the strength and the signs not yet acted on."""
        return {**super().state(), "strength": torch.tensor(self.strength, dtype=torch.float64), "due": self.due}

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Take what `state` returned."""
        super().load(tensors)
        self.strength = float(tensors["strength"])
        self.due = tensors["due"].cpu().clone()
