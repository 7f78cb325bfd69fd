"""The game of the two networks, one step at a time; everything random in step k comes from (seed, k)."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from radassay.contracts import Grey
from radassay.generators.average import WeightAverage
from radassay.generators.compute import Compute
from radassay.generators.gan.augment import Augment
from radassay.generators.gan.loss import discriminator_loss, generator_loss, gradient_penalty
from radassay.generators.gan.networks import DiscriminatorNetwork, GeneratorNetwork
from radassay.generators.noise import noise_of

COLUMNS = 10
"""Pictures of each class in a sample grid."""


@dataclass(frozen=True)
class Rules:
    """Settings of the game; see `ConditionalGAN` for what they mean."""

    batch_size: int
    latent_dim: int
    width: int
    generator_rate: float
    discriminator_rate: float
    penalty: float
    penalty_every: int
    average_half_life: int
    augment: Augment


class Game:
    """Both networks, the average of the drawing one, and both optimisers.

    Args:
        pixels: (n, size, size) in [0, 1].
        numbers: class number of each image, (n,); every class from 0 to the largest occurs.
        steps: length of the whole training, for the schedule of the learning rates.
    """

    def __init__(
        self, pixels: Grey, numbers: NDArray[np.int64], rules: Rules, compute: Compute, *, seed: int, steps: int
    ) -> None:
        self.rules, self.compute, self.seed, self.steps = rules, compute, seed, steps
        self.members = [np.flatnonzero(numbers == k) for k in range(int(numbers.max()) + 1)]
        self.real = torch.from_numpy(np.ascontiguousarray(pixels, dtype=np.float32)).to(compute.device)
        size, classes = pixels.shape[1], len(self.members)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            drawing = GeneratorNetwork(size, classes, rules.width, rules.latent_dim)
            judging = DiscriminatorNetwork(size, classes, rules.width)
        compute.settle(drawing)
        compute.settle(judging)
        self.generator, self.discriminator = drawing, judging
        self.average = WeightAverage(copy.deepcopy(self.generator), rules.average_half_life)
        fused = compute.device.type == "cuda"
        # Without momentum, as in StyleGAN2: momentum makes the two players circle each other.
        self.optimisers = {
            "generator": torch.optim.Adam(self.generator.parameters(), lr=0.0, betas=(0.0, 0.99), fused=fused),
            "discriminator": torch.optim.Adam(self.discriminator.parameters(), lr=0.0, betas=(0.0, 0.99), fused=fused),
        }
        self.group = next(g for g in (4, 3, 2, 1) if rules.batch_size % g == 0)

    def step(self, step: int) -> dict[str, float]:
        """Play one round and return the losses and the diversity of the drawn pictures (1 = as far apart as real)."""
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([self.seed, step])))
        self._set_rates(step)
        real, classes = self._batch(rng)
        self.generator.train()
        with self.compute.autocast():
            drawn = self.generator(self._noise(rng), classes)
        loss_d = self._teach_discriminator(real, drawn.detach(), classes, rng, step)
        # The same pictures again: drawing others for the generator would cost a sixth of the step and teach no more.
        loss_g = self._teach_generator(drawn, classes, rng)
        self.average.update(self.generator, (step + 1) * self.rules.batch_size, self.rules.batch_size)
        return {
            "discriminator": float(loss_d),
            "generator": float(loss_g),
            "diversity": float(spread(drawn, classes) / spread(real, classes).clamp_min(1e-6)),
        }

    def _teach_discriminator(
        self, real: Tensor, drawn: Tensor, classes: Tensor, rng: np.random.Generator, step: int
    ) -> Tensor:
        rules, n = self.rules, len(real)
        seen = rules.augment.draw(2 * n, real.shape[-1], rng).apply(torch.cat([real, drawn]))
        seen_real, seen_drawn = seen[:n].detach(), seen[n:].detach()
        due = rules.penalty > 0 and step % rules.penalty_every == 0
        seen_real.requires_grad_(due)
        with self.compute.autocast():
            both = torch.cat([seen_real, seen_drawn])
            scores = self.discriminator(both, torch.cat([classes, classes]), self.group)
        loss = discriminator_loss(scores[:n], scores[n:])
        total = loss
        if due:
            warm = min(1.0, step / max(1.0, 0.05 * self.steps))
            # Played every few steps only, so that much stronger (lazy regularisation, Karras et al. 2020).
            total = loss + 0.5 * rules.penalty * warm * rules.penalty_every * gradient_penalty(scores[:n], seen_real)
        self._descend("discriminator", total)
        return loss.detach()

    def _teach_generator(self, drawn: Tensor, classes: Tensor, rng: np.random.Generator) -> Tensor:
        seen = self.rules.augment.draw(len(drawn), drawn.shape[-1], rng).apply(drawn)
        self.discriminator.requires_grad_(False)
        with self.compute.autocast():
            scores = self.discriminator(seen, classes, self.group)
        loss = generator_loss(scores)
        self._descend("generator", loss)
        self.discriminator.requires_grad_(True)
        return loss.detach()

    def _descend(self, who: str, loss: Tensor) -> None:
        optimiser = self.optimisers[who]
        optimiser.zero_grad()
        torch.autograd.backward([loss])
        optimiser.step()

    def _set_rates(self, step: int) -> None:
        """Warm up over 20 steps, hold for half of the training, then fall along a cosine to a tenth."""
        falling = max(0.0, step / self.steps - 0.5) / 0.5
        share = min(1.0, (step + 1) / 20) * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * falling)))
        rates = {"generator": self.rules.generator_rate, "discriminator": self.rules.discriminator_rate}
        for who, optimiser in self.optimisers.items():
            optimiser.param_groups[0]["lr"] = rates[who] * share

    def _batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return real pictures in [-1, 1] and their classes, every class equally often."""
        n = self.rules.batch_size
        classes = rng.permutation((np.arange(n) + rng.integers(len(self.members))) % len(self.members))
        rows = np.array([rng.choice(self.members[k]) for k in classes])
        device = self.compute.device
        pictures = self.real[torch.from_numpy(rows).to(device)][:, None] * 2 - 1
        return pictures, torch.from_numpy(classes).to(device)

    def _noise(self, rng: np.random.Generator) -> Tensor:
        shape = (self.rules.batch_size, self.rules.latent_dim)
        return torch.from_numpy(rng.standard_normal(shape, dtype=np.float32)).to(self.compute.device)

    def pictures(self) -> Grey:
        """Return what the averaged network draws now, (classes, columns, size, size) in [0, 1]."""
        rows = [
            draw(
                self.average.model,
                noise_of(self.seed, range(COLUMNS), self.rules.latent_dim),
                np.full(COLUMNS, k),
                self.compute,
            )
            for k in range(len(self.members))
        ]
        return np.stack(rows)

    def state(self) -> dict[str, Tensor]:
        """Return everything a later step depends on."""
        tensors: dict[str, Tensor] = {}
        for name, model in self._models().items():
            tensors |= {f"{name}/{key}": value for key, value in model.state_dict().items()}
        for name, optimiser in self.optimisers.items():
            for index, kept in optimiser.state_dict()["state"].items():
                tensors |= {f"{name}-optimiser/{index}/{key}": torch.as_tensor(value) for key, value in kept.items()}
        return tensors

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Go back to a state that `state` returned."""
        for name, model in self._models().items():
            model.load_state_dict(under(tensors, name))
        for name, optimiser in self.optimisers.items():
            kept: dict[int, dict[str, Tensor]] = {}
            for key, value in under(tensors, f"{name}-optimiser").items():
                index, field = key.split("/")
                like = optimiser.param_groups[0]["params"][int(index)]
                # In the parameter's own memory order, as if never saved, so that no kernel rounds differently.
                value = torch.empty_like(like).copy_(value) if value.shape == like.shape else value
                kept.setdefault(int(index), {})[field] = value
            optimiser.load_state_dict({**optimiser.state_dict(), "state": kept})

    def weights(self) -> dict[str, Tensor]:
        """Return the averaged weights of the drawing network, from which is sampled."""
        return dict(self.average.model.state_dict())

    def _models(self) -> dict[str, torch.nn.Module]:
        return {"generator": self.generator, "discriminator": self.discriminator, "average": self.average.model}


def under(tensors: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    """Return the tensors whose key starts with `name/`, without it."""
    return {key.removeprefix(f"{name}/"): value for key, value in tensors.items() if key.startswith(f"{name}/")}


def spread(pictures: Tensor, classes: Tensor) -> Tensor:
    """Return the mean distance between pictures of the same class, seen at an eighth of the side or 8 px."""
    small = torch.nn.functional.adaptive_avg_pool2d(pictures.detach().float(), 8).flatten(1)
    same = (classes[:, None] == classes[None]).float()
    same.fill_diagonal_(0)
    return (torch.cdist(small, small) * same).sum() / same.sum().clamp_min(1)


@torch.no_grad()
def draw(network: torch.nn.Module, noise: NDArray[np.float32], numbers: NDArray[np.int64], compute: Compute) -> Grey:
    """Return pictures in [0, 1], (n, size, size), in full precision, from noise (n, latent_dim) and class numbers."""
    network.eval()
    classes = torch.from_numpy(np.asarray(numbers, dtype=np.int64)).to(compute.device)
    drawn = network(torch.from_numpy(noise).to(compute.device), classes)
    pixels: Grey = ((drawn[:, 0].float() + 1) / 2).clamp(0, 1).cpu().numpy()
    return pixels
