"""WGAN-GP: a Wasserstein critic with a penalty on its slope."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from radassay.generators.gan.convolutional import (
    ConvolutionalGAN,
    StridedDiscriminator,
    TransposedGenerator,
    layer_norm,
)
from radassay.generators.gan.game import Game
from radassay.generators.gan.wasserstein import WassersteinGame, WassersteinGAN


class ManyCritics(WassersteinGame):
    """The Wasserstein game with the optimisers of the paper (Gulrajani et al. 2017, algorithm 1)."""

    betas = (0.0, 0.9)


@dataclass(frozen=True)
class WGANGP(WassersteinGAN, ConvolutionalGAN):
    """WGAN-GP: a critic taught five times as often, whose slope is held at one, instead of a judge; conditional.

    In the bodies of DCGAN; the class is joined as in the conditional GAN. The critic has no normalisation, since its
    slope is asked of each picture by itself; the generator has layer norm where the paper has batch norm, so that a
    batch shared by processes teaches the same. The critic sees `critic_steps` times `images_seen` real images.
    """

    name: ClassVar[str] = "wgan-gp"
    paper: ClassVar[str] = (
        "Gulrajani, Ahmed, Arjovsky, Dumoulin & Courville 2017, Improved Training of Wasserstein GANs, arXiv:1704.00028"
    )
    game: ClassVar[type[Game]] = ManyCritics

    images_seen: int = 12_000
    """Training length in real images shown to the generator's turns; the critic sees `critic_steps` times as many."""
    batch_size: int = 16
    """Real images in one step of the critic."""
    generator_rate: float = 1e-3
    """Learning rate of the generator; the paper has 1e-4."""
    discriminator_rate: float = 1e-3
    """Learning rate of the critic."""
    noise_at_each_layer: bool = False
    """Whether noise and class also set gain and shift of each norm; in the paper they do not."""

    def drawing(self, size: int, classes: int) -> nn.Module:
        """Return the generator network."""
        told = self.noise_at_each_layer
        return TransposedGenerator(size, classes, self.width, self.latent_dim, layer_norm, told=told)

    def judging(self, size: int, classes: int) -> nn.Module:
        """Return the critic network."""
        return StridedDiscriminator(size, classes, self.width, norm=None)
