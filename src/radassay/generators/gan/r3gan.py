"""R3GAN: real and drawn pictures are judged in pairs, and the slope is penalised at both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from radassay.generators.gan.adaptive import AdaptiveGame, AdaptiveGAN
from radassay.generators.gan.game import Game, Turn
from radassay.generators.gan.loss import gradient_penalty
from radassay.generators.gan.r3gan_networks import Drawer, Judge


def relativistic_loss(better: Tensor, worse: Tensor) -> Tensor:
    """Return E[softplus(-(better - worse))] over pairs of scores, (n,) each (Huang et al. 2024, eq. 2)."""
    return F.softplus(worse - better).mean()


class PairedGame(AdaptiveGame):
    """Each drawn picture is judged against a real one, with R1 and R2."""

    rules: R3GAN

    def discriminator_loss(self, turn: Turn, rows: slice) -> Tensor:
        """Return the paired loss and, when it is due, (gamma / 2) (R1 + R2)."""
        rules = self.rules
        due = rules.penalty > 0 and turn.step % rules.penalty_every == 0
        # One leaf for both, since a score depends on its own picture alone: R1 and R2 come from one backward pass.
        pictures = torch.cat(self.seen(turn, rows)).detach().requires_grad_(due)
        classes = turn.classes[rows]
        scores = self._scores(pictures, torch.cat([classes, classes]), twice=due)
        of_real, of_drawn = scores.chunk(2)
        self.note(rows, of_real - of_drawn)
        loss = relativistic_loss(of_real, of_drawn)
        if due:
            both = 2 * gradient_penalty(scores, pictures)
            loss = loss + 0.5 * rules.penalty * rules.penalty_every * both
        return loss

    def generator_loss(self, turn: Turn, rows: slice) -> Tensor:
        """Return the paired loss the other way round."""
        drawn = turn.seen_drawn.at(rows).apply(self.drawn(turn, rows))
        classes = turn.classes[rows]
        with torch.no_grad():
            of_real = self._scores(turn.seen_real.at(rows).apply(turn.real[rows]), classes, twice=False)
        return relativistic_loss(self._scores(drawn, classes, twice=False), of_real)

    def _scores(self, pictures: Tensor, classes: Tensor, *, twice: bool) -> Tensor:
        """Return the scores; uncompiled where their gradient is differentiated again."""
        judge = self.discriminator.forward if twice else self.discriminator
        with self.compute.autocast():
            scores: Tensor = judge(pictures, classes)
        return scores.float()


@dataclass(frozen=True)
class R3GAN(AdaptiveGAN):
    """A GAN that compares drawn with real pictures in pairs, with R1 and R2, and nothing normalised.

    Residual blocks of 1x1, grouped 3x3 and 1x1 convolutions under fix-up initialisation, bilinear resampling; the
    class enters the generator beside the noise and the discriminator by projection. From 300 simulated chests of
    32 px it draws blurred chests with a third to most of the real variety in minutes of a processor, and heeds the
    class in some trainings more than in others (decision 0017). For 256 px on a GPU:
    `width=32, depth=2, latent_dim=64, batch_size=64, penalty=15, generator_rate=2e-4, discriminator_rate=2e-4,
    augment_pace=500000, images_seen=5000000, average_half_life=50000`.
    """

    name: ClassVar[str] = "r3gan"
    paper: ClassVar[str] = (
        "Huang et al. 2024, The GAN is dead; long live the GAN! A Modern GAN Baseline, arXiv:2501.05441"
    )
    sizes: ClassVar[tuple[int, ...]] = (16, 32, 64, 128, 256, 512)
    game: ClassVar[type[Game]] = PairedGame
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {
        **AdaptiveGAN.limits,
        "depth": (1, 16),
        "penalty": (0, 1e6),
        "penalty_every": (1, 1_000_000),
    }

    batch_size: int = 16
    """Real images in one step."""
    width: int = 8
    """Channels at full size; lower sides have more, up to sixteen times as many. Time grows with its square."""
    generator_rate: float = 4e-3
    """Learning rate of the generator; 2e-4 in the paper, and thousands of times as long."""
    discriminator_rate: float = 4e-3
    """Learning rate of the discriminator; the generator's, as in the paper: at a quarter of it nothing is learned."""
    depth: int = 1
    """Residual blocks at each side; two in the paper."""
    penalty: float = 0.5
    """Weight gamma of the gradient penalties R1 and R2."""
    penalty_every: int = 1
    """Steps between two gradient penalties, each so many times stronger. More than 1 saves time and may fall apart."""

    def drawing(self, size: int, classes: int) -> nn.Module:
        """Return the generator network."""
        return Drawer(size, classes, self.width, self.latent_dim, self.depth)

    def judging(self, size: int, classes: int) -> nn.Module:
        """Return the discriminator network."""
        return Judge(size, classes, self.width, self.depth)
