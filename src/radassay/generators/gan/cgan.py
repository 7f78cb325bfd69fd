"""The conditional GAN: both networks of DCGAN are told the class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from radassay.generators.gan.convolutional import (
    BatchNormGame,
    ConvolutionalGAN,
    StridedDiscriminator,
    TransposedGenerator,
)
from radassay.generators.gan.game import Game


@dataclass(frozen=True)
class CGAN(ConvolutionalGAN):
    """The first conditional GAN, in the bodies of DCGAN: the class is joined to the noise and to the picture.

    The generator gets a learned vector for the class beside the noise; the discriminator a plane of ones for the class
    beside the picture and beside the features of every layer, as in the conditional program of DCGAN's authors.
    Transposed convolutions leave a checkerboard, as in DCGAN.
    """

    name: ClassVar[str] = "cgan"
    paper: ClassVar[str] = (
        "Mirza & Osindero 2014, Conditional Generative Adversarial Nets, arXiv:1411.1784; bodies of Radford et al. "
        "2016, arXiv:1511.06434"
    )
    game: ClassVar[type[Game]] = BatchNormGame

    discriminator_rate: float = 1e-3
    """Learning rate of the discriminator, that of the generator; slower ones of either heeded the class less."""

    def drawing(self, size: int, classes: int) -> nn.Module:
        """Return the generator network."""
        return TransposedGenerator(size, classes, self.width, self.latent_dim, told=self.noise_at_each_layer)

    def judging(self, size: int, classes: int) -> nn.Module:
        """Return the discriminator network."""
        return StridedDiscriminator(size, classes, self.width)
