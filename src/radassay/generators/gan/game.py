"""The game of the two networks, one step at a time; everything random in step k comes from (seed, k)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from radassay.generators.compute import Compute
from radassay.generators.crew import Crew
from radassay.generators.gan.augment import Changes
from radassay.generators.gan.loss import discriminator_loss, generator_loss
from radassay.generators.given import Given
from radassay.generators.players import Players

if TYPE_CHECKING:
    from radassay.generators.gan.settings import GAN


@dataclass
class Turn:
    """What one teaching of a network is about: drawn once for the whole batch, so that parts of it fit together."""

    step: int
    real: Tensor
    """(n, 1, size, size) in [-1, 1]."""
    classes: Tensor
    """(n,) class numbers."""
    noise: Tensor
    """(n, latent_dim)."""
    seen_real: Changes
    """How the real pictures are augmented."""
    seen_drawn: Changes
    """How the drawn pictures are augmented."""
    kept: dict[tuple[int, int], Tensor] = field(default_factory=dict)
    """Pictures drawn in this turn, by rows, with their gradients."""


class Game:
    """Two networks taught in turn: the discriminator `critics` times, then the generator once.

    A family overrides the losses, and what is drawn or judged, not the order of things.

    Args:
        rules: the settings of the family.
        given: the training images.
        seed: of weights, batches and noise.
        steps: length of the whole training, for the schedule of the learning rates.
    """

    critics: int = 1
    """Turns of the discriminator before each one of the generator."""
    betas: tuple[float, float] = (0.0, 0.99)
    """Of Adam. Without momentum, as in StyleGAN2: momentum makes the two players circle each other."""

    def __init__(self, rules: GAN, given: Given, compute: Compute, crew: Crew, *, seed: int, steps: int) -> None:
        self.rules, self.given, self.compute, self.crew = rules, given, compute, crew
        self.seed, self.steps = seed, steps
        self.players = Players(compute, crew)
        drawing, judging = (make(given.size, given.classes) for make in (rules.drawing, rules.judging))
        half_life = rules.average_half_life
        self.players.add("generator", drawing, rate=rules.generator_rate, betas=self.betas, half_life=half_life)
        self.players.add("discriminator", judging, rate=rules.discriminator_rate, betas=self.betas)
        self.generator, self.discriminator = drawing, judging

    @property
    def averaged(self) -> nn.Module:
        """Return the averaged generator, from which is sampled."""
        return self.players.averaged("generator")

    @property
    def side(self) -> int:
        """Return the side in pixels of the pictures that are judged."""
        return self.given.size

    def step(self, step: int) -> dict[str, float]:
        """Play one round and return the losses and the diversity of the drawn pictures (1 = as far apart as real)."""
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([self.seed, step])))
        n = self.rules.batch_size
        self.generator.train()
        for _ in range(self.critics):
            turn = self.turn(step, rng)
            loss_d = self.players.descend(
                "discriminator", partial(self.discriminator_loss, turn), n, share=self.share(step)
            )
        turn.seen_drawn = self.changes(n, rng)
        loss_g = self.players.descend(
            "generator",
            partial(self.generator_loss, turn),
            n,
            share=self.share(step),
            frozen=("discriminator",),
        )
        self.players.update_averages((step + 1) * n, n)
        return {"discriminator": loss_d, "generator": loss_g}

    def turn(self, step: int, rng: np.random.Generator) -> Turn:
        """Return a batch, its noise, and how it is augmented."""
        n = self.rules.batch_size
        real, classes = self.given.batch(n, rng)
        noise = torch.from_numpy(rng.standard_normal((n, self.rules.latent_dim), dtype=np.float32))
        seen_real, seen_drawn = (self.changes(n, rng) for _ in range(2))
        return Turn(step, real, classes, noise.to(real.device), seen_real, seen_drawn)

    def changes(self, n: int, rng: np.random.Generator) -> Changes:
        """Return how n pictures are augmented."""
        return self.rules.augment.draw(n, self.side, rng)

    def share(self, step: int) -> float:
        """Warm up over 20 steps, hold for half of the training, then fall along a cosine to a tenth."""
        falling = max(0.0, step / self.steps - 0.5) / 0.5
        return min(1.0, (step + 1) / 20) * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * falling)))

    def drawn(self, turn: Turn, rows: slice) -> Tensor:
        """Return pictures drawn for these rows, (n, 1, size, size), with gradients.

        The generator learns from the pictures that the discriminator has seen: drawing others would cost a sixth of
        the step and teach no more. Where memory is short they are not kept.
        """
        key = (rows.start, rows.stop)
        if key not in turn.kept:
            with self.compute.autocast():
                drawn: Tensor = self.generator(turn.noise[rows], turn.classes[rows])
            if self.players.parts > 1:
                return drawn
            turn.kept[key] = drawn
        return turn.kept[key]

    def discriminator_loss(self, turn: Turn, rows: slice) -> Tensor:
        """Return the mean loss of the discriminator over these rows; non-saturating logistic unless overridden."""
        real, drawn = self.seen(turn, rows)
        return discriminator_loss(*self.judged_together(real, drawn, turn.classes[rows]))

    def generator_loss(self, turn: Turn, rows: slice) -> Tensor:
        """Return the mean loss of the generator over these rows; non-saturating logistic unless overridden."""
        seen = turn.seen_drawn.at(rows).apply(self.drawn(turn, rows))
        return generator_loss(self.judged(seen, turn.classes[rows]))

    def seen(self, turn: Turn, rows: slice) -> tuple[Tensor, Tensor]:
        """Return real and drawn pictures as the discriminator sees them, without gradients towards the generator."""
        drawn = self.drawn(turn, rows).detach()
        return turn.seen_real.at(rows).apply(turn.real[rows]), turn.seen_drawn.at(rows).apply(drawn)

    def judged_together(self, real: Tensor, drawn: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
        """Return the scores of real and of drawn pictures, (n,) each, in one pass."""
        with self.compute.autocast():
            scores: Tensor = self.discriminator(torch.cat([real, drawn]), torch.cat([classes, classes]), 2)
        of_real, of_drawn = scores.float().chunk(2)
        return of_real, of_drawn

    def judged(self, pictures: Tensor, classes: Tensor) -> Tensor:
        """Return the discriminator's scores of pictures, (n,), higher for real."""
        with self.compute.autocast():
            scores: Tensor = self.discriminator(pictures, classes)
        return scores.float()

    def state(self) -> dict[str, Tensor]:
        """Return nothing: all that a later step depends on is in the players."""
        return {}

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Take what `state` returned."""
