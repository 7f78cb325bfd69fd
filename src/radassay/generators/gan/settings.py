"""Settings and sampling that all GANs share; a family adds its own settings, networks and game."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from radassay.contracts.grey import Grey
from radassay.generators.compute import Compute
from radassay.generators.crew import Crew
from radassay.generators.family import Family
from radassay.generators.gan.augment import Augment
from radassay.generators.gan.game import Game
from radassay.generators.given import Given
from radassay.generators.noise import noise_of


@dataclass(frozen=True)
class GAN(Family):
    """A generator that maps noise and class to a picture in one pass, taught by a discriminator."""

    game: ClassVar[type[Game]] = Game
    """The rules of a step."""
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {
        **Family.limits,
        "width": (1, 4096),
        "latent_dim": (1, 4096),
        "generator_rate": (1e-9, 1),
        "discriminator_rate": (1e-9, 1),
        "augment_shift": (0, 0.5),
        "augment_intensity": (0, 0.5),
        "augment_cutout": (0, 0.5),
    }

    width: int = 8
    """Channels at full size; lower sides have more, up to sixteen times as many. Time grows with its square."""
    latent_dim: int = 64
    """Length of the noise behind each image."""
    generator_rate: float = 2e-3
    """Learning rate of the generator."""
    discriminator_rate: float = 2e-3
    """Learning rate of the discriminator."""
    augment_shift: float = 0.0
    """Largest translation the discriminator sees images with, as a share of the side."""
    augment_intensity: float = 0.0
    """Largest change of brightness and contrast it sees them with, as a share of the grey range."""
    augment_cutout: float = 0.0
    """Side of the square cut out of every second image it sees, as a share of the side; 0 cuts nothing."""
    augment_flip: bool = False
    """Whether it also sees them mirrored; off, since that moves the heart to the other side."""

    @property
    def augment(self) -> Augment:
        """Return the augmentation of what the discriminator sees."""
        return Augment(self.augment_shift, self.augment_intensity, self.augment_cutout, self.augment_flip)

    @abstractmethod
    def drawing(self, size: int, classes: int) -> nn.Module:
        """Return the network from noise (n, latent_dim) and class numbers (n,) to (n, 1, size, size) in [-1, 1]."""

    @abstractmethod
    def judging(self, size: int, classes: int) -> nn.Module:
        """Return the discriminator network; the family's game knows how to call it."""

    def learner(self, given: Given, compute: Compute, crew: Crew, *, seed: int, steps: int) -> Game:
        """Return the game of the two networks."""
        return self.game(self, given, compute, crew, seed=seed, steps=steps)

    def network(self, about: Mapping[str, Any]) -> nn.Module:
        """Return the generator network of a finished training, without its weights."""
        return type(self)(**about["settings"]).drawing(int(about["size"]), len(about["classes"]))

    def draw(self, network: nn.Module, seed: int, places: range, numbers: NDArray[np.int64], compute: Compute) -> Grey:
        """Return pictures in [0, 1], (n, size, size), in full precision."""
        network.eval()
        latent_dim = int(getattr(network, "latent_dim", self.latent_dim))
        noise = torch.from_numpy(noise_of(seed, places, latent_dim)).to(compute.device)
        drawn = network(noise, torch.from_numpy(numbers).to(compute.device))
        pixels: Grey = ((drawn[:, 0].float() + 1) / 2).clamp(0, 1).cpu().numpy()
        return pixels
