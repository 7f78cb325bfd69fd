"""PGGAN: both networks grow from 4 pixels to full size while they train."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from radassay.generators.gan.game import Game, Turn
from radassay.generators.gan.growing import GrowingCritic, GrowingGenerator, doublings, faded, grown
from radassay.generators.gan.naming import misnamed
from radassay.generators.gan.networks import SMALLEST
from radassay.generators.gan.wasserstein import MixedTurn, WassersteinGame, WassersteinGAN


class GrowingGame(WassersteinGame):
    """The Wasserstein game at a side that doubles, with a critic that also names the class."""

    rules: PGGAN
    generator: GrowingGenerator
    discriminator: GrowingCritic

    def step(self, step: int) -> dict[str, float]:
        """Play one round at the side that belongs to it."""
        images = self.rules.batch_size
        at = grown(step * images, self.rules.grown_after * self.steps * images, doublings(self.given.size))
        self.generator.grow(at)
        self.discriminator.grow(at)
        return super().step(step)

    @property
    def side(self) -> int:
        """Return the side in pixels of what is judged now."""
        return int(SMALLEST * 2 ** np.ceil(self.generator.at))

    def turn(self, step: int, rng: np.random.Generator) -> MixedTurn:
        """Return a batch at the side of now."""
        turn = super().turn(step, rng)
        return replace(turn, real=faded(turn.real, self.generator.at))

    def discriminator_loss(self, turn: Turn, rows: slice) -> Tensor:
        """Return the Wasserstein loss with penalty and drift (Karras et al. 2018, app. A.1), and the misnaming.

        Real pictures are to be named rightly, and, if asked, drawn ones.
        """
        rules, classes = self.rules, turn.classes[rows]
        real, drawn = self.seen(turn, rows)
        of_real, of_drawn = self.judged_together(real, drawn, classes)
        apart = of_drawn[:, 0].mean() - of_real[:, 0].mean()
        drift = of_real[:, 0].square().mean()
        named = misnamed(of_real, classes) + rules.drawn_names * misnamed(of_drawn, classes)
        return apart + rules.drift * drift + rules.class_weight * named + self.penalty(turn, rows, real, drawn)

    def generator_loss(self, turn: Turn, rows: slice) -> Tensor:
        """Return -E[D(G(z))] and the misnaming of what is drawn."""
        classes = turn.classes[rows]
        judged = self.judged(turn.seen_drawn.at(rows).apply(self.drawn(turn, rows)), classes)
        return -judged[:, 0].mean() + self.rules.class_weight * misnamed(judged, classes)

    def scores(self, pictures: Tensor, classes: Tensor) -> Tensor:
        """Return the critic's scores (n,) alone."""
        return self.judged(pictures, classes)[:, 0]

    def judged_together(self, real: Tensor, drawn: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the critic tells of real and of drawn pictures in one pass."""
        with self.compute.autocast():
            told: Tensor = self.discriminator(torch.cat([real, drawn]), classes, 2)
        of_real, of_drawn = told.float().chunk(2)
        return of_real, of_drawn


@dataclass(frozen=True)
class PGGAN(WassersteinGAN):
    """Progressive growing: networks start at 4 x 4 pixels, and blocks for each doubling are faded in one by one.

    Equalised learning rates, pixel norm, minibatch deviation, and the Wasserstein loss with slope penalty and drift;
    conditional as in the authors' program: the generator is told the class, the critic names it. How far the networks
    have grown depends on the images seen alone. Nothing is drawn by transposed convolutions, so no checkerboard.
    """

    name: ClassVar[str] = "pggan"
    paper: ClassVar[str] = (
        "Karras, Aila, Laine & Lehtinen 2018, Progressive Growing of GANs for Improved Quality, Stability, and "
        "Variation, arXiv:1710.10196"
    )
    game: ClassVar[type[Game]] = GrowingGame
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {
        **WassersteinGAN.limits,
        "grown_after": (0.01, 1),
        "drift": (0, 1e6),
        "class_weight": (0, 1e6),
        "drawn_names": (0, 1),
    }

    batch_size: int = 16
    """Real images in one step."""
    generator_rate: float = 5e-3
    """Learning rate of the generator; the paper has 1e-3, and a hundred times as long."""
    discriminator_rate: float = 5e-3
    """Learning rate of the critic."""
    critic_steps: int = 1
    """Steps of the critic before each one of the generator."""
    grown_after: float = 0.5
    """Share of the training after which the last block has faded in."""
    drift: float = 1e-3
    """Weight of the squared scores of real pictures, which keeps them near nought."""
    class_weight: float = 1.0
    """Weight of naming the class."""
    drawn_names: float = 0.0
    """Weight of drawn pictures when the critic learns to name classes; 1 in the authors' program. See `acgan`."""

    def drawing(self, size: int, classes: int) -> nn.Module:
        """Return the generator network."""
        return GrowingGenerator(size, classes, self.width, self.latent_dim)

    def judging(self, size: int, classes: int) -> nn.Module:
        """Return the critic network."""
        return GrowingCritic(size, classes, self.width)
