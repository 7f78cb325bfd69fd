"""The networks of one training, each with its optimiser and, where one is sampled from, the average of its weights."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from radassay.generators.average import WeightAverage
from radassay.generators.compute import Compute
from radassay.generators.crew import Crew

Loss = Callable[[slice], Tensor]
"""The mean loss over some rows of the batch; it may be asked for several parts, one after the other."""


@dataclass
class Player:
    """One network that learns."""

    network: nn.Module
    optimiser: Optimizer
    rate: float
    """Learning rate before any schedule."""
    average: WeightAverage | None


class Players:
    """Networks and what steps, saves and restores them, the same for every family.

    A batch is shared between the processes of a crew, each of which takes its rows; where the memory of the device
    does not hold those at once, they are taken in parts whose gradients add up, twice as many after each failure.
    """

    def __init__(self, compute: Compute, crew: Crew) -> None:
        self.compute, self.crew = compute, crew
        self.parts = 1
        """Parts in which this process takes its rows."""
        self.of: dict[str, Player] = {}

    def add(
        self,
        name: str,
        network: nn.Module,
        *,
        rate: float,
        betas: tuple[float, float] = (0.0, 0.99),
        half_life: int | None = None,
        optimiser: Callable[[Iterable[nn.Parameter]], Optimizer] | None = None,
    ) -> None:
        """Take a network in: moved to the device, under Adam unless told otherwise, averaged where a half-life is."""
        self.compute.settle(network)
        parameters = [p for p in network.parameters() if p.requires_grad]
        fused = self.compute.device.type == "cuda"
        made = optimiser(parameters) if optimiser else Adam(parameters, lr=rate, betas=betas, fused=fused)
        average = None if half_life is None else WeightAverage(copy.deepcopy(network), half_life)
        self.of[name] = Player(network, made, rate, average)

    def averaged(self, name: str) -> nn.Module:
        """Return the averaged network, from which is sampled."""
        average = self.of[name].average
        if average is None:
            raise KeyError(name)
        return average.model

    def descend(self, name: str, loss: Loss, images: int, *, share: float = 1.0, frozen: tuple[str, ...] = ()) -> float:
        """Take one step of one player down the mean of a loss over a batch of so many images, and return that mean.

        Args:
            name: the player that steps.
            loss: see `Loss`; an added penalty counts as part of it.
            images: length of the batch, before it is shared.
            share: what the schedule leaves of the learning rate.
            frozen: players that gradients pass through without being kept.

        Raises:
            torch.OutOfMemoryError: not even one image at a time fits.
        """
        player = self.of[name]
        for group in player.optimiser.param_groups:
            group["lr"] = player.rate * share
        for other in frozen:
            self.of[other].network.requires_grad_(False)
        try:
            value = self._gradients(player, loss, images)
        finally:
            for other in frozen:
                self.of[other].network.requires_grad_(True)
        value = self.crew.average(player.network, value)
        player.optimiser.step()
        return value

    def _gradients(self, player: Player, loss: Loss, images: int) -> float:
        """Add up the gradients of this process's rows and return their mean loss."""
        mine = self.crew.rows(images)
        count = mine.stop - mine.start
        while True:
            player.optimiser.zero_grad()
            total = 0.0
            try:
                for rows in parted(mine, self.parts):
                    weight = (rows.stop - rows.start) / count
                    value = loss(rows)
                    torch.autograd.backward([value * weight if weight < 1 else value])
                    total += float(value.detach()) * weight
            except torch.OutOfMemoryError:
                if self.parts >= count:
                    raise
                self.parts *= 2
                if self.compute.device.type == "cuda":
                    torch.cuda.empty_cache()
                continue
            return total

    def update_averages(self, images_seen: int, images: int) -> None:
        """Move all averages towards the weights after `images` more images, `images_seen` in all."""
        for player in self.of.values():
            if player.average is not None:
                player.average.update(player.network, images_seen, images)

    def state(self) -> dict[str, Tensor]:
        """Return weights, averages and optimisers."""
        tensors: dict[str, Tensor] = {}
        for name, player in self.of.items():
            tensors |= {f"{name}/{key}": value for key, value in player.network.state_dict().items()}
            if player.average is not None:
                tensors |= {f"{name}-average/{k}": v for k, v in player.average.model.state_dict().items()}
            for index, kept in player.optimiser.state_dict()["state"].items():
                tensors |= {f"{name}-optimiser/{index}/{key}": torch.as_tensor(value) for key, value in kept.items()}
        return tensors

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Go back to a state that `state` returned."""
        for name, player in self.of.items():
            player.network.load_state_dict(under(tensors, name))
            if player.average is not None:
                player.average.model.load_state_dict(under(tensors, f"{name}-average"))
            kept: dict[int, dict[str, Tensor]] = {}
            for key, value in under(tensors, f"{name}-optimiser").items():
                index, field = key.split("/")
                like = player.optimiser.param_groups[0]["params"][int(index)]
                # In the parameter's own memory order, as if never saved, so that no kernel rounds differently.
                value = torch.empty_like(like).copy_(value) if value.shape == like.shape else value
                kept.setdefault(int(index), {})[field] = value
            player.optimiser.load_state_dict({**player.optimiser.state_dict(), "state": kept})


def parted(rows: slice, parts: int) -> list[slice]:
    """Return rows cut into at most so many parts, nearly alike in length, none empty."""
    length = rows.stop - rows.start
    parts = min(parts, length)
    edges = [rows.start + length * part // parts for part in range(parts + 1)]
    return [slice(a, b) for a, b in pairwise(edges)]


def under(tensors: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    """Return the tensors whose key starts with `name/`, without it."""
    return {key.removeprefix(f"{name}/"): value for key, value in tensors.items() if key.startswith(f"{name}/")}
