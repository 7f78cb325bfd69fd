"""The small diffusion model: a denoiser of pixels, a few steps from noise to picture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from radassay.contracts.grey import Grey
from radassay.errors import SettingsError
from radassay.generators.compute import Compute
from radassay.generators.crew import Crew
from radassay.generators.diffusion.denoising import Denoising
from radassay.generators.diffusion.networks import UNet
from radassay.generators.diffusion.preconditioning import Denoiser
from radassay.generators.diffusion.sampler import guided, heun, noise_levels
from radassay.generators.family import Family
from radassay.generators.given import Given
from radassay.generators.noise import noise_of

GLANCE = 6
"""Steps to draw a picture in when it is only looked at during the training, or `draw_steps` where that is less."""


@dataclass(frozen=True)
class EDM(Family):
    """A diffusion model of pixels: a small U-Net under EDM's scales, drawn by Heun's method; steady, dearer to draw.

    Learns to take noise away, of levels drawn log-normally; draws by taking it all away in a few deterministic
    steps. One loss that falls instead of a game of two, so that it neither collapses nor circles; but with few images
    diffusion models repeat training images more readily than GANs do, and nothing here prevents it: let
    `radassay assess` judge memorisation. Every class is shown equally often, whatever the number of its images.
    """

    name: ClassVar[str] = "edm"
    paper: ClassVar[str] = (
        "Karras et al. 2022, Elucidating the Design Space of Diffusion-Based Generative Models, arXiv:2206.00364; "
        "network after Ho et al. 2020, arXiv:2006.11239"
    )
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {
        **Family.limits,
        "width": (1, 4096),
        "blocks": (1, 64),
        "learning_rate": (1e-9, 1),
        "noise_mean": (-10, 10),
        "noise_spread": (1e-3, 10),
        "label_dropped": (0, 1),
        "guidance": (0, 100),
        "draw_steps": (1, 10_000),
    }

    images_seen: int = 10_000
    """Training length in real images shown; rounded up to whole batches."""
    batch_size: int = 8
    """Real images in one step."""
    average_half_life: int = 1_000
    """Images after which a weight counts half in the average that is sampled from."""
    grid_every: int = 5_000
    """Images between two sample grids, and between two looks at what is drawn; drawing is dear here."""
    width: int = 32
    """Channels of the finest level, up to three times as many further down. Time grows with its square."""
    patch: int = 2
    """Side of the squares of pixels that enter the network as one place: 1, 2 or 4. Fewer is finer and slower."""
    blocks: int = 1
    """Residual blocks a level."""
    learning_rate: float = 2e-3
    """Learning rate at its highest."""
    noise_mean: float = -0.4
    """Mean of the logarithm of the noise levels learned from, in standard deviations of the images."""
    noise_spread: float = 1.2
    """Standard deviation of that logarithm."""
    label_dropped: float = 0.1
    """Share of images shown without their label, from which `guidance` learns what a picture of no class is."""
    guidance: float = 2.0
    """How far pictures are pushed towards their class; 1 is as learned, twice as fast, and heeds the class less."""
    draw_steps: int = 14
    """Steps from noise to picture."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.patch not in (1, 2, 4):
            raise SettingsError(f"Setting `patch` of {self.name} is out of range", got=self.patch, possible="1, 2 or 4")
        if self.guidance != 1 and self.label_dropped == 0:
            raise SettingsError(
                f"Setting `guidance` of {self.name} needs a model that also knows pictures without their label",
                got=f"guidance = {self.guidance:g} and label_dropped = 0",
                possible="guidance = 1, or label_dropped = 0.1",
            )

    def denoiser(self, size: int, classes: int) -> Denoiser:
        """Return the denoiser of pictures of this side, untrained."""
        return Denoiser(UNet(size, 1, classes, self.width, patch=self.patch, blocks=self.blocks))

    def denoiser_of(self, network: nn.Module) -> Denoiser:
        """Return the denoiser within a network that is sampled from."""
        assert isinstance(network, Denoiser)
        return network

    def pictures(self, network: nn.Module, data: Tensor, compute: Compute) -> Tensor:
        """Return pictures in [-1, 1], (n, 1, size, size), from what was drawn."""
        return data

    def learner(self, given: Given, compute: Compute, crew: Crew, *, seed: int, steps: int) -> Denoising:
        """Return what learns to denoise."""
        return Denoising(self, given, compute, crew, seed=seed, steps=steps)

    def network(self, about: Mapping[str, Any]) -> nn.Module:
        """Return the denoiser of a finished training, without its weights."""
        return type(self)(**about["settings"]).denoiser(int(about["size"]), len(about["classes"]))

    def draw(self, network: nn.Module, seed: int, places: range, numbers: NDArray[np.int64], compute: Compute) -> Grey:
        """Return pictures in [0, 1], (n, size, size)."""
        return self._in_steps(self.draw_steps, network, seed, places, numbers, compute)

    def glance(
        self, network: nn.Module, seed: int, places: range, numbers: NDArray[np.int64], compute: Compute
    ) -> Grey:
        """Return the same pictures in fewer steps, (n, size, size): a little smoother, from the same noise."""
        return self._in_steps(min(GLANCE, self.draw_steps), network, seed, places, numbers, compute)

    def _in_steps(
        self, steps: int, network: nn.Module, seed: int, places: range, numbers: NDArray[np.int64], compute: Compute
    ) -> Grey:
        """Draw in so many steps."""
        network.eval()
        denoiser = self.denoiser_of(network)
        inner = denoiser.network
        shape = (inner.channels, inner.side, inner.side)
        x = torch.from_numpy(noise_of(seed, places, math.prod(shape)).reshape(-1, *shape)).to(compute.device)
        classes = torch.from_numpy(numbers).to(compute.device)

        def denoise(x: Tensor, sigma: Tensor) -> Tensor:
            with compute.autocast():
                if self.guidance == 1:
                    alone: Tensor = denoiser(x, sigma.expand(len(x)), classes)
                    return alone
                both: Tensor = denoiser(
                    torch.cat([x, x]),
                    sigma.expand(2 * len(x)),
                    torch.cat([classes, torch.full_like(classes, inner.classes)]),
                )
            return guided(self.guidance, *both.chunk(2))

        drawn = self.pictures(network, denoiser.restored(heun(denoise, x, noise_levels(steps))), compute)
        pixels: Grey = ((drawn[:, 0] + 1) / 2).clamp(0, 1).cpu().numpy()
        return pixels
