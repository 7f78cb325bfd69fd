"""The projection GAN: lean enough for two processor cores, conditional on the class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from radassay.generators.gan.game import Game, Turn
from radassay.generators.gan.loss import discriminator_loss, gradient_penalty
from radassay.generators.gan.networks import DiscriminatorNetwork, GeneratorNetwork
from radassay.generators.gan.settings import GAN


class ProjectionGame(Game):
    """The logistic game with a lazy gradient penalty on real pictures."""

    rules: ProjectionGAN

    def discriminator_loss(self, turn: Turn, rows: slice) -> Tensor:
        """Return the logistic loss and, every few steps, R1."""
        rules = self.rules
        real, drawn = self.seen(turn, rows)
        due = rules.penalty > 0 and turn.step % rules.penalty_every == 0
        real = real.detach().requires_grad_(due)
        of_real, of_drawn = self.judged_together(real, drawn, turn.classes[rows])
        loss = discriminator_loss(of_real, of_drawn)
        if due:
            warm = min(1.0, turn.step / max(1.0, 0.05 * self.steps))
            # Played every few steps only, so that much stronger (lazy regularisation, Karras et al. 2020).
            loss = loss + 0.5 * rules.penalty * warm * rules.penalty_every * gradient_penalty(of_real, real)
        return loss


@dataclass(frozen=True)
class ProjectionGAN(GAN):
    """A lean conditional GAN whose discriminator knows the class by projection, with R1: minutes on two cores.

    Plain resize-convolutions under class-conditional batch normalisation; non-saturating loss with a light, lazy
    gradient penalty on real images (R1); projection discriminator; differentiable augmentation; averaged weights.
    Small batches: at a given time, more steps teach more than larger ones. Every class is shown equally often,
    whatever the number of its images.
    """

    name: ClassVar[str] = "projection-gan"
    paper: ClassVar[str] = (
        "Miyato & Koyama 2018, cGANs with Projection Discriminator, arXiv:1802.05637; penalty of Mescheder et al. "
        "2018, arXiv:1801.04406"
    )
    game: ClassVar[type[Game]] = ProjectionGame
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {
        **GAN.limits,
        "penalty": (0, 1e6),
        "penalty_every": (1, 1_000_000),
    }

    augment_shift: float = 0.02
    """Largest translation the discriminator sees images with, as a share of the side."""
    penalty: float = 0.1
    """Weight of the gradient penalty R1; it warms up over the first twentieth of the training."""
    penalty_every: int = 8
    """Steps between two gradient penalties, each so many times stronger."""

    def drawing(self, size: int, classes: int) -> nn.Module:
        """Return the generator network."""
        return GeneratorNetwork(size, classes, self.width, self.latent_dim)

    def judging(self, size: int, classes: int) -> nn.Module:
        """Return the discriminator network."""
        return DiscriminatorNetwork(size, classes, self.width)
