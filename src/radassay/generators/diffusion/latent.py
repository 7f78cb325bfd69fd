"""Latent diffusion: an autoencoder learned first, then a denoiser of its latents, in one training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from radassay.errors import SettingsError
from radassay.generators.compute import Compute
from radassay.generators.crew import Crew
from radassay.generators.diffusion.autoencoder import Autoencoder
from radassay.generators.diffusion.denoising import BETAS, Denoising
from radassay.generators.diffusion.edm import EDM
from radassay.generators.diffusion.networks import UNet
from radassay.generators.diffusion.preconditioning import Denoiser
from radassay.generators.given import Given

ENCODED = 16
"""Pictures encoded at a time, always exactly so many but for the last ones."""


class Latent(nn.Module):
    """What is sampled from: the denoiser of latents, and the autoencoder that makes pictures of them."""

    def __init__(self, denoiser: nn.Module, autoencoder: nn.Module) -> None:
        super().__init__()
        self.denoiser, self.autoencoder = denoiser, autoencoder


class LatentDenoising(Denoising):
    """Teaches the autoencoder for the first steps, freezes it, and then teaches the denoiser."""

    rules: LatentDiffusion

    def __init__(
        self, rules: LatentDiffusion, given: Given, compute: Compute, crew: Crew, *, seed: int, steps: int
    ) -> None:
        super().__init__(rules, given, compute, crew, seed=seed, steps=steps)
        self.first = min(steps, max(1, round(rules.autoencoder_share * steps)))
        self.autoencoder = rules.autoencoder()
        self.players.add(
            "autoencoder", self.autoencoder, rate=rules.learning_rate, betas=BETAS, half_life=rules.average_half_life
        )
        self.sampled = Latent(self.players.averaged("denoiser"), self.players.averaged("autoencoder"))
        self.known: tuple[Tensor, Tensor] | None = None

    def prepare(self) -> None:
        """Do nothing: there is no latent yet to measure."""

    @property
    def averaged(self) -> nn.Module:
        """Return the averaged denoiser with the averaged autoencoder."""
        return self.sampled

    def step(self, step: int) -> dict[str, float]:
        """Teach the one or the other and return its loss."""
        if step >= self.first:
            return super().step(step)
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([self.seed, step])))
        n, rules = self.rules.batch_size, self.rules
        rows, _ = self.given.rows(n, rng)
        pictures = self.given.pictures[rows]
        side = self.given.size // rules.shrink
        noise = torch.from_numpy(rng.standard_normal((n, rules.latent_channels, side, side), dtype=np.float32))
        loss = self.players.descend(
            "autoencoder", partial(self.error, pictures, noise.to(pictures.device)), n, share=self.share(step)
        )
        self.players.update_averages((step + 1) * n, n)
        if step + 1 == self.first:
            self.freeze()
        return {"reconstruction": loss}

    def error(self, pictures: Tensor, noise: Tensor, rows: slice) -> Tensor:
        """Return the mean loss of the autoencoder over these rows."""
        with self.compute.autocast():
            loss: Tensor = self.autoencoder(pictures[rows], noise[rows], self.rules.latent_penalty)
        return loss

    def freeze(self) -> None:
        """Take the averaged autoencoder as the final one, and measure the latents it gives."""
        average = self.players.averaged("autoencoder")
        # The average goes on being moved towards the network after every step: alike, neither changes any more.
        self.autoencoder.load_state_dict(average.state_dict())
        means, _ = self.latents()
        for denoiser in (self.denoiser, self.players.averaged("denoiser")):
            assert isinstance(denoiser, Denoiser)
            denoiser.standardise_by(means)

    def latents(self) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of the latents of all training images, worked out once."""
        if self.known is None:
            average = self.players.averaged("autoencoder")
            assert isinstance(average, Autoencoder)
            with torch.no_grad(), self.compute.autocast():
                parts = [average.encode(part) for part in torch.split(self.given.pictures, ENCODED)]
            self.known = torch.cat([p.mean for p in parts]), torch.cat([p.log_variance for p in parts])
        return self.known

    def clean(self, rows: Tensor, rng: np.random.Generator) -> Tensor:
        """Return latents of these training images, drawn anew every time."""
        mean, log_variance = (part[rows] for part in self.latents())
        noise = torch.from_numpy(rng.standard_normal(tuple(mean.shape), dtype=np.float32)).to(mean.device)
        return mean + noise * (log_variance / 2).exp()

    def share(self, step: int) -> float:
        """Let the learning rate rise and fall once for each of the two."""
        if step < self.first:
            return self.along(step, self.first)
        return self.along(step - self.first, self.steps - self.first)


@dataclass(frozen=True)
class LatentDiffusion(EDM):
    """A diffusion model in the latents of an autoencoder that the same training learns first: for 256 and 512 px.

    The autoencoder has no discriminator and no features of published networks behind its loss, only pixels, edges and
    a light pull towards unit variance; fine texture is somewhat smoothed. Until its share of the training is over,
    sample grids show noise. As with `edm`, nothing here prevents that training images are repeated.
    """

    name: ClassVar[str] = "latent-diffusion"
    paper: ClassVar[str] = (
        "Rombach et al. 2022, High-Resolution Image Synthesis with Latent Diffusion Models, arXiv:2112.10752; scales "
        "of Karras et al. 2022 (EDM), arXiv:2206.00364"
    )
    sizes: ClassVar[tuple[int, ...]] = (16, 32, 64, 128, 256, 512)
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {
        **EDM.limits,
        "autoencoder_share": (0, 1),
        "autoencoder_width": (1, 4096),
        "latent_channels": (1, 256),
        "latent_penalty": (0, 1e6),
    }

    guidance: float = 3.0
    """How far pictures are pushed towards their class; 1 is as learned, twice as fast, and heeds the class less."""
    images_seen: int = 32_000
    """Training length in real images shown; rounded up to whole batches."""
    autoencoder_share: float = 0.25
    """Share of the training that goes to the autoencoder, at its beginning."""
    autoencoder_width: int = 16
    """Channels of the autoencoder's finest level, at half the side of the pictures."""
    shrink: int = 4
    """How many times smaller the side of the latents is: 2, 4 or 8. 8 draws four times as fast as 4, and blurs more."""
    latent_channels: int = 4
    """Channels of the latents."""
    latent_penalty: float = 1e-3
    """Weight of the latents' divergence from a standard normal distribution (KL)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.shrink not in (2, 4, 8):
            raise SettingsError(
                f"Setting `shrink` of {self.name} is out of range", got=self.shrink, possible="2, 4 or 8"
            )

    def autoencoder(self) -> Autoencoder:
        """Return the autoencoder, untrained."""
        return Autoencoder(self.shrink, self.latent_channels, self.autoencoder_width)

    def denoiser(self, size: int, classes: int) -> Denoiser:
        """Return the denoiser of the latents of pictures of this side, untrained."""
        side = size // self.shrink
        return Denoiser(UNet(side, self.latent_channels, classes, self.width, patch=1, blocks=self.blocks))

    def denoiser_of(self, network: nn.Module) -> Denoiser:
        """Return the denoiser within a network that is sampled from."""
        assert isinstance(network, Latent)
        assert isinstance(network.denoiser, Denoiser)
        return network.denoiser

    def pictures(self, network: nn.Module, data: Tensor, compute: Compute) -> Tensor:
        """Return pictures in [-1, 1], (n, 1, size, size), from latents."""
        assert isinstance(network, Latent)
        assert isinstance(network.autoencoder, Autoencoder)
        with compute.autocast():
            return network.autoencoder.decode(data)

    def learner(self, given: Given, compute: Compute, crew: Crew, *, seed: int, steps: int) -> LatentDenoising:
        """Return what learns first to shrink pictures, then to denoise what they become."""
        return LatentDenoising(self, given, compute, crew, seed=seed, steps=steps)

    def network(self, about: Mapping[str, Any]) -> nn.Module:
        """Return denoiser and autoencoder of a finished training, without their weights."""
        made = type(self)(**about["settings"])
        return Latent(made.denoiser(int(about["size"]), len(about["classes"])), made.autoencoder())
