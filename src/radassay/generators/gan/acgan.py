"""AC-GAN: a discriminator that also names the class, as in CovidGAN."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from radassay.generators.gan.convolutional import (
    BatchNormGame,
    ConvolutionalGAN,
    StridedDiscriminator,
    TransposedGenerator,
)
from radassay.generators.gan.game import Game, Turn
from radassay.generators.gan.loss import discriminator_loss, generator_loss
from radassay.generators.gan.naming import misnamed


class NamingGame(BatchNormGame):
    """Both players want the class to be named rightly, L_C; about L_S, what is real, they disagree."""

    rules: ACGAN

    def discriminator_loss(self, turn: Turn, rows: slice) -> Tensor:
        """Return -L_S - L_C (Odena et al. 2017, eq. 2 and 3), L_C over real pictures and, if asked, over drawn ones."""
        classes = turn.classes[rows]
        of_real, of_drawn = self.judged_together(*self.seen(turn, rows), classes)
        named = misnamed(of_real, classes) + self.rules.drawn_names * misnamed(of_drawn, classes)
        return discriminator_loss(of_real[:, 0], of_drawn[:, 0]) + self.rules.class_weight * named

    def generator_loss(self, turn: Turn, rows: slice) -> Tensor:
        """Return the non-saturating L_S, minus L_C, of drawn pictures."""
        classes = turn.classes[rows]
        judged = self.judged(turn.seen_drawn.at(rows).apply(self.drawn(turn, rows)), classes)
        return generator_loss(judged[:, 0]) + self.rules.class_weight * misnamed(judged, classes)


@dataclass(frozen=True)
class ACGAN(ConvolutionalGAN):
    """AC-GAN, of which CovidGAN is one: the discriminator is not told the class but names it, and both learn from that.

    What is drawn is pulled to where the class is easily named, so that pictures near the border between classes are
    missed: a classifier trained on them looks better than it is. Transposed convolutions leave a checkerboard. Without
    augmentation it drew one chest a class (with `drawn_names = 1`; not measured since). Unlike the paper's, the
    discriminator learns to name from real pictures alone (`drawn_names`).
    """

    name: ClassVar[str] = "acgan"
    paper: ClassVar[str] = (
        "Odena, Olah & Shlens 2017, Conditional Image Synthesis with Auxiliary Classifier GANs, arXiv:1610.09585; "
        "on chests Waheed et al. 2020, CovidGAN, arXiv:2103.05094"
    )
    game: ClassVar[type[Game]] = NamingGame
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {
        **ConvolutionalGAN.limits,
        "class_weight": (0, 1e6),
        "drawn_names": (0, 1),
    }

    generator_rate: float = 3e-4
    """Learning rate of the generator."""
    discriminator_rate: float = 1e-3
    """Learning rate of the discriminator; at 3e-4 against 1e-3 diversity after 2,992 images was 0.25, so 0.55."""
    class_weight: float = 1.0
    """Weight of naming the class against telling real from drawn."""
    drawn_names: float = 0.0
    """Weight of drawn pictures when the discriminator learns to name classes; 1 in the paper. Then both players may
    agree on classes of their own: a classifier of real chests called simulated ones drawn as diseased healthy (AUC
    0.05), and with 0 diseased (0.98)."""

    def drawing(self, size: int, classes: int) -> nn.Module:
        """Return the generator network."""
        return TransposedGenerator(size, classes, self.width, self.latent_dim, told=self.noise_at_each_layer)

    def judging(self, size: int, classes: int) -> nn.Module:
        """Return the discriminator network."""
        return StridedDiscriminator(size, 0, self.width, guessed=classes)
