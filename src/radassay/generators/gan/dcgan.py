"""DCGAN: the GAN that most reviewed studies trained, once for each class."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from radassay.generators.gan.convolutional import (
    BatchNormGame,
    ConvolutionalGAN,
    StridedDiscriminator,
    TransposedGenerator,
)
from radassay.generators.gan.game import Game, Turn


class OneEach(nn.Module):
    """Networks of one make, one a class, of which each class meets its own alone."""

    def __init__(self, networks: list[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, given: Tensor, classes: Tensor) -> Tensor:
        """Return what the network of each row's class makes of the row; a batch to learn from is of one class.

        At rest all networks see all rows: convolutions round differently in batches of other lengths.
        """
        if self.training:
            alone: Tensor = self.networks[int(classes[0])](given, classes)
            return alone
        made = torch.stack([network(given, classes) for network in self.networks])
        return made[classes, torch.arange(len(classes), device=classes.device)]


class OneClassAtATime(BatchNormGame):
    """The classes take turns: step k teaches the pair of class k modulo their number."""

    def turn(self, step: int, rng: np.random.Generator) -> Turn:
        """Return a batch of one class."""
        turn = super().turn(step, rng)
        number = step % self.given.classes
        rows = rng.choice(self.given.members[number], len(turn.classes))
        real = self.given.pictures[torch.from_numpy(rows).to(turn.real.device)]
        return replace(turn, real=real, classes=torch.full_like(turn.classes, number))


@dataclass(frozen=True)
class DCGAN(ConvolutionalGAN):
    """DCGAN as the reviewed studies used it: knows no classes, so one pair of networks is trained for each.

    Convolutions of stride two down, transposed ones up, batch norm, logistic loss, Adam with momentum 0.5. Transposed
    convolutions of side 5 and stride 2 leave a checkerboard: that is part of the method, and a trial should find it.
    The classes take turns, a batch each; so with k classes each network sees a k-th of `images_seen`.
    """

    name: ClassVar[str] = "dcgan"
    paper: ClassVar[str] = (
        "Radford, Metz & Chintala 2016, Unsupervised Representation Learning with Deep Convolutional Generative "
        "Adversarial Networks, arXiv:1511.06434"
    )
    game: ClassVar[type[Game]] = OneClassAtATime

    def drawing(self, size: int, classes: int) -> nn.Module:
        """Return the generator networks."""
        return OneEach(
            [
                TransposedGenerator(size, 0, self.width, self.latent_dim, told=self.noise_at_each_layer)
                for _ in range(classes)
            ]
        )

    def judging(self, size: int, classes: int) -> nn.Module:
        """Return the discriminator networks."""
        return OneEach([StridedDiscriminator(size, 0, self.width) for _ in range(classes)])
