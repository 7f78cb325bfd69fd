"""Learning without labels: two views of an image shall get the same features, and features shall not be redundant."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from radassay.encoders.views import Views
from radassay.engine.checkpoint import Arrays

INVARIANCE, VARIANCE, COVARIANCE = 25.0, 25.0, 1.0
"""Weights of the three terms (Bardes et al. 2022, section 4.2)."""
GRID = 4
"""Cells along each side in which the last maps are averaged, so that features know where something is."""
PROJECTED = 256
"""Outputs of the projector, which is dropped after the learning."""
RISE = 0.15
"""Share of the steps in which the learning rate rises."""


class Network(nn.Module):
    """Strided convolutions, averages on a coarse grid, and a linear map to the features."""

    def __init__(self, widths: tuple[int, ...], dims: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for number, (before, width) in enumerate(pairwise((1, *widths))):
            reach = 1 if number else 2
            layers.append(nn.Conv2d(before, width, 2 * reach + 1, stride=2, padding=reach, bias=False))
            layers += [nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
        self.maps = nn.Sequential(*layers)
        self.head = nn.Linear(widths[-1] * GRID * GRID, dims)

    def forward(self, images: Tensor) -> Tensor:
        """Return (n, dims) of (n, 1, side, side) standardised grey values."""
        images = images.contiguous(memory_format=torch.channels_last)
        features: Tensor = self.head(F.adaptive_avg_pool2d(self.maps(images), GRID).flatten(1))
        return features


def projector(dims: int) -> nn.Module:
    """Return the network between features and loss."""
    return nn.Sequential(
        nn.BatchNorm1d(dims),
        nn.ReLU(),
        nn.Linear(dims, PROJECTED, bias=False),
        nn.BatchNorm1d(PROJECTED),
        nn.ReLU(),
        nn.Linear(PROJECTED, PROJECTED),
    )


def loss(a: Tensor, b: Tensor) -> Tensor:
    """Return the loss of two views, (n, d) each: invariance, variance and covariance (Bardes et al. 2022, eq. 1-6)."""
    total = INVARIANCE * F.mse_loss(a, b)
    for view in (a, b):
        centred = view - view.mean(dim=0)
        total = total + VARIANCE / 2 * F.relu(1.0 - torch.sqrt(centred.var(dim=0) + 1e-4)).mean()
        covariance = centred.T @ centred / (len(view) - 1)
        shared = covariance.square().sum() - covariance.diagonal().square().sum()
        total = total + COVARIANCE * shared / view.shape[1]
    return total


@dataclass(frozen=True)
class Course:
    """How long and how fast it learns."""

    steps: int
    batch: int
    rate: float
    decay: float

    def rate_at(self, step: int) -> float:
        """Return the learning rate of a step: it rises, then falls along a cosine."""
        risen = max(1, round(RISE * self.steps))
        if step < risen:
            return self.rate * (step + 1) / risen
        return self.rate * 0.5 * (1.0 + math.cos(math.pi * (step - risen) / max(1, self.steps - risen)))


class Learning:
    """The state of one training; step k depends on it, the images and (seed, k) alone."""

    def __init__(self, network: Network, pixels: Tensor, course: Course, views: Views, seed: int, dims: int) -> None:
        """Take (n, 1, side, side) grey values on the device of the network."""
        self.network, self.pixels, self.course, self.views, self.seed = network, pixels, course, views, seed
        self.mean, self.sd = pixels.mean(), pixels.std().clamp_min(1e-3)
        self.parts = nn.ModuleDict({"network": network, "projector": projector(dims).to(pixels.device)})
        self.parts.train()
        self.optimiser = torch.optim.AdamW(self.parts.parameters(), lr=course.rate, weight_decay=course.decay)

    def step(self, step: int) -> float:
        """Do one step and return its loss."""
        rows, generator = self._rows(step), _generator(self.seed, 1, step)
        images = self.pixels[rows]
        both = torch.cat([self.views.of(images, generator), self.views.of(images, generator)])
        projected = self.parts["projector"](self.network((both - self.mean) / self.sd))
        value = loss(projected[: len(rows)], projected[len(rows) :])
        for group in self.optimiser.param_groups:
            group["lr"] = self.course.rate_at(step)
        self.optimiser.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        return float(value.detach())

    def _rows(self, step: int) -> Tensor:
        """Return the images of a step: shuffled passes over all of them, one after the other."""
        n, batch = len(self.pixels), self.course.batch
        places = np.arange(step * batch, (step + 1) * batch)
        passes = {p: torch.randperm(n, generator=_generator(self.seed, 2, p)) for p in np.unique(places // n).tolist()}
        return torch.stack([passes[place // n][place % n] for place in places.tolist()])

    def state(self) -> Arrays:
        """Return everything that later steps depend on."""
        arrays = {f"parts/{name}": plain(value) for name, value in self.parts.state_dict().items()}
        for number, moments in self.optimiser.state_dict()["state"].items():
            arrays |= {f"adam/{number}/{name}": plain(value) for name, value in moments.items()}
        return arrays

    def load(self, arrays: Arrays) -> None:
        """Put back what `state` returned."""
        tensors = {name: torch.tensor(value) for name, value in arrays.items()}
        cut = "parts/"
        self.parts.load_state_dict({n.removeprefix(cut): t for n, t in tensors.items() if n.startswith(cut)})
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith("adam/"):
                _, number, what = name.split("/")
                moments.setdefault(int(number), {})[what] = tensor
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": moments})


def plain(tensor: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Return a tensor's own values as an array on the processor."""
    return tensor.detach().cpu().contiguous().numpy().copy()


def _generator(seed: int, *place: int) -> torch.Generator:
    """Return the generator of one place in the training."""
    state = np.random.SeedSequence([seed, *place]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> np.uint64(1)))


@contextmanager
def reproducible(threads: int, seed: int | None = None) -> Iterator[None]:
    """Use this many threads (0: as many as now) and, for drawing weights, this seed; then put all back as it was."""
    before = torch.get_num_threads()
    try:
        if threads:
            torch.set_num_threads(threads)
        with torch.random.fork_rng(devices=[], enabled=seed is not None):
            if seed is not None:
                torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(before)
