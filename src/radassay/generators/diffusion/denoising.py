"""How a denoiser learns, one step at a time; everything random in step k comes from (seed, k)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from radassay.generators.compute import Compute
from radassay.generators.crew import Crew
from radassay.generators.diffusion.preconditioning import draw_levels, scales
from radassay.generators.given import Given
from radassay.generators.players import Players

if TYPE_CHECKING:
    from radassay.generators.diffusion.edm import EDM

BETAS = (0.9, 0.99)
"""Of Adam; the short memory of the second lets it follow a short training."""
WARM = 50
"""Steps over which the learning rate rises."""


@dataclass(frozen=True)
class Lesson:
    """One batch, drawn once for the whole of it, so that parts of it fit together."""

    clean: Tensor
    """(n, channels, side, side), standardised."""
    noise: Tensor
    """Like `clean`, standard normal."""
    sigma: Tensor
    """(n,) noise levels."""
    classes: Tensor
    """(n,) class numbers; the number of classes where the label was dropped."""


class Denoising:
    """The learner of `EDM`.

    Args:
        rules: the settings of the family.
        given: the training images.
        seed: of weights, batches and noise.
        steps: length of the whole training, for the schedule of the learning rate.
    """

    def __init__(self, rules: EDM, given: Given, compute: Compute, crew: Crew, *, seed: int, steps: int) -> None:
        self.rules, self.given, self.compute = rules, given, compute
        self.seed, self.steps = seed, steps
        self.players = Players(compute, crew)
        self.denoiser = rules.denoiser(given.size, given.classes)
        self.prepare()
        self.players.add(
            "denoiser", self.denoiser, rate=rules.learning_rate, betas=BETAS, half_life=rules.average_half_life
        )

    def prepare(self) -> None:
        """Measure mean and spread of what is learned."""
        self.denoiser.standardise_by(self.given.pictures)

    @property
    def averaged(self) -> nn.Module:
        """Return the averaged denoiser, from which is sampled."""
        return self.players.averaged("denoiser")

    def step(self, step: int) -> dict[str, float]:
        """Learn from one batch and return the loss, 1 for a denoiser that has learned nothing."""
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([self.seed, step])))
        n = self.rules.batch_size
        lesson = self.lesson(n, rng)
        loss = self.players.descend("denoiser", partial(self.loss, lesson), n, share=self.share(step))
        self.players.update_averages((step + 1) * n, n)
        return {"denoising": loss}

    def lesson(self, n: int, rng: np.random.Generator) -> Lesson:
        """Return a batch, its noise and noise levels, and which labels are dropped."""
        rules = self.rules
        rows, classes = self.given.rows(n, rng)
        clean = self.denoiser.standardised(self.clean(rows, rng))
        sigma = torch.from_numpy(draw_levels(n, rules.noise_mean, rules.noise_spread, rng))
        noise = torch.from_numpy(rng.standard_normal(tuple(clean.shape), dtype=np.float32))
        dropped = torch.from_numpy(rng.random(n) < rules.label_dropped).to(classes.device)
        told = classes.masked_fill(dropped, self.given.classes)
        return Lesson(clean, noise.to(clean.device), sigma.to(clean.device), told)

    def clean(self, rows: Tensor, rng: np.random.Generator) -> Tensor:
        """Return what these training images are to the denoiser, (n, channels, side, side)."""
        return self.given.pictures[rows]

    def loss(self, lesson: Lesson, rows: slice) -> Tensor:
        """Return the mean weighted squared error over these rows (equation 2 of EDM)."""
        clean, sigma = lesson.clean[rows], lesson.sigma[rows]
        noisy = clean + sigma[:, None, None, None] * lesson.noise[rows]
        with self.compute.autocast():
            found: Tensor = self.denoiser(noisy, sigma, lesson.classes[rows])
        error: Tensor = scales(sigma).weight * (found - clean).square()
        return error.mean()

    def share(self, step: int) -> float:
        """Return what the schedule leaves of the learning rate."""
        return self.along(step, self.steps)

    @staticmethod
    def along(step: int, steps: int) -> float:
        """Warm up, then fall along half a cosine to a twentieth."""
        return min(1.0, (step + 1) / WARM) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * step / steps)))

    def state(self) -> dict[str, Tensor]:
        """Return nothing: all that a later step depends on is in the players."""
        return {}

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Take what `state` returned."""
