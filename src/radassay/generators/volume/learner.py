"""How both denoisers learn together: one step shows some whole bodies coarsely and one fine tile of each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from radassay.generators.compute import Compute
from radassay.generators.crew import Crew
from radassay.generators.diffusion.preconditioning import draw_levels, scales
from radassay.generators.players import Players
from radassay.generators.volume.given import GivenVolumes
from radassay.generators.volume.networks import Cascade, places

if TYPE_CHECKING:
    from radassay.generators.volume.flow import VolumeFlow

MEASURED = 24
"""Volumes, at most, from which the scales of the data are taken."""


@dataclass
class Shown:
    """What one step is about, drawn once for the whole batch."""

    coarse: Tensor
    """(n, 1, d, h, w), normalised."""
    told: Tensor
    """Fine tiles of the coarse volumes with their noise, at full side, (n, 1, t, t, t)."""
    residual: Tensor
    """What the tiles are beyond that, normalised, (n, 1, t, t, t)."""
    whole_places: Tensor
    """(3, d, h, w), of all coarse volumes."""
    tile_places: Tensor
    """(n, 3, t, t, t)."""
    classes: Tensor
    spacing: Tensor
    sigma: Tensor
    """(2, n): noise levels of the coarse volumes and of the tiles."""
    coarse_noise: Tensor
    fine_noise: Tensor


class CascadeLearner:
    """The learner of `VolumeFlow`."""

    def __init__(
        self, rules: VolumeFlow, network: Cascade, given: GivenVolumes, compute: Compute, crew: Crew,
        *, seed: int, steps: int,
    ) -> None:  # fmt: skip
        self.rules, self.given, self.compute, self.network = rules, given, compute, network
        self.seed, self.steps = seed, steps
        measure(network.to(compute.device), given)
        self.players = Players(compute, crew)
        self.players.add("flow", network, rate=rules.rate, betas=(0.9, 0.99), half_life=rules.average_half_life)

    @property
    def averaged(self) -> nn.Module:
        """Return the averaged networks, from which is sampled."""
        return self.players.averaged("flow")

    def step(self, step: int) -> dict[str, float]:
        """Take one step of both and return their losses, 1 for a denoiser that has learned nothing."""
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([self.seed, step])))
        n = self.rules.batch_size
        shown, parts = self.shown(n, rng), {"coarse": 0.0, "fine": 0.0}
        self.network.train()
        self.players.descend("flow", partial(self.loss, shown, parts), n, share=self.share(step))
        self.players.update_averages((step + 1) * n, n)
        return parts

    def shown(self, n: int, rng: np.random.Generator) -> Shown:
        """Return a batch with everything random in it."""
        rules, given, network = self.rules, self.given, self.network
        rows = given.rows(n, rng)
        volumes = given.at(rows)
        device, shape = volumes.device, given.shape
        tile = rules.tile_of(shape)
        corners = [tuple(int(rng.integers(s - t + 1)) for s, t in zip(shape, tile, strict=True)) for _ in rows]
        sigma = np.stack([draw_levels(n, rules.noise_mean, rules.noise_spread, rng) for _ in range(2)])
        coarse = network.shrunk(volumes)
        noises = [
            torch.from_numpy(rng.standard_normal((n, 1, *sides), dtype=np.float32)).to(device)
            for sides in (coarse.shape[2:], coarse.shape[2:], tile)
        ]
        told = network.enlarged(coarse + rules.doubt * noises[0])
        cut = [
            (slice(i, i + 1), slice(None), *(slice(c, c + t) for c, t in zip(corner, tile, strict=True)))
            for i, corner in enumerate(corners)
        ]
        residual = torch.cat([volumes[at] - told[at] for at in cut]) / network.residual_deviation
        grid = tuple(coarse.shape[2:])
        return Shown(
            coarse=coarse,
            told=torch.cat([told[at] for at in cut]),
            residual=residual,
            whole_places=places((0, 0, 0), grid, grid, grid).to(device),
            tile_places=torch.stack([places(corner, tile, shape, shape) for corner in corners]).to(device),
            classes=torch.from_numpy(given.numbers[rows]).to(device),
            spacing=torch.from_numpy(given.spacing[rows]).to(device),
            sigma=torch.from_numpy(sigma).to(device),
            coarse_noise=noises[1],
            fine_noise=noises[2],
        )

    def loss(self, shown: Shown, parts: dict[str, float], rows: slice) -> Tensor:
        """Return the summed loss of both over these rows, and add what each is to `parts`."""
        network, about = self.network, (shown.classes[rows], shown.spacing[rows])
        where = shown.whole_places.expand(rows.stop - rows.start, -1, -1, -1, -1)
        told = torch.cat([shown.told[rows], shown.tile_places[rows]], dim=1)
        losses = {}
        for number, (name, clean, noise, seen) in enumerate(
            (("coarse", shown.coarse, shown.coarse_noise, where), ("fine", shown.residual, shown.fine_noise, told))
        ):
            sigma = shown.sigma[number, rows]
            noisy = clean[rows] + sigma[:, None, None, None, None] * noise[rows]
            with self.compute.autocast():
                found = network.denoised(getattr(network, name), noisy, sigma, seen, *about)
            weight = scales(sigma).weight[..., None]
            losses[name] = (weight * (found - clean[rows]).square()).mean()
        share = (rows.stop - rows.start) / len(shown.coarse)
        for name, value in losses.items():
            parts[name] += float(value.detach()) * share
        return losses["coarse"] + losses["fine"]

    def share(self, step: int) -> float:
        """Warm up over 20 steps, hold for half of the training, then fall along a cosine to a twentieth."""
        falling = max(0.0, step / self.steps - 0.5) / 0.5
        return min(1.0, (step + 1) / 20) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * falling)))

    def state(self) -> dict[str, Tensor]:
        """Return nothing: all that a later step depends on is in the players."""
        return {}

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Take what `state` returned."""


def measure(network: Cascade, given: GivenVolumes) -> None:
    """Set the scales of a cascade so that both learn data of mean 0 and deviation 1."""
    rows = np.unique(np.linspace(0, len(given.volumes) - 1, MEASURED).astype(int)).tolist()
    sums = np.zeros(2)
    for row in rows:
        coarse = network.shrunk(given.at([row])).double()
        sums += [float(coarse.mean()), float(coarse.square().mean())]
    mean, square = sums / len(rows)
    deviation = max(math.sqrt(max(square - mean * mean, 0.0)), 1e-3)
    network.coarse_mean.copy_(network.coarse_mean + network.coarse_deviation * mean)
    network.coarse_deviation.mul_(deviation)
    left = 0.0
    for row in rows:
        volume = given.at([row])
        left += float((volume - network.enlarged(network.shrunk(volume))).square().mean())
    network.residual_deviation.fill_(max(math.sqrt(left / len(rows)), 1e-3))
