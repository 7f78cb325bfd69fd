"""What everything that is trained here shares, pictures or volumes: settings, refusals, and the way into the loop."""

from __future__ import annotations

import contextlib
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from radassay.contracts.generator import Aside
from radassay.contracts.progress import Report
from radassay.engine.claim import claimed
from radassay.errors import SettingsError
from radassay.generators.compute import Compute, Device, Precision, computing
from radassay.generators.crew import Crew, crew
from radassay.generators.training import Draw, Learner, Schedule, finished, train
from radassay.generators.watching import Watch

UNMARKED = ("checkpoint_every", "threads", "device")
"""Settings that leave the weights as they are, up to the last digits."""


class Prepared(NamedTuple):
    """What the loop needs of a family, once device and processes are settled."""

    learner: Learner
    draw: Draw
    watch: Watch


@dataclass(frozen=True)
class Trainable(ABC):
    """Something trained here; a subclass gives settings, networks and what a step is."""

    name: ClassVar[str]
    paper: ClassVar[str]
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {
        "images_seen": (1, math.inf),
        "batch_size": (2, math.inf),
        "average_half_life": (1, math.inf),
        "checkpoint_every": (1, math.inf),
        "grid_every": (1, math.inf),
        "threads": (0, math.inf),
    }
    """Smallest and largest value of each number among the settings."""

    images_seen: int = 28_000
    """Training length in real images shown; rounded up to whole batches."""
    batch_size: int = 8
    """Real images in one step."""
    average_half_life: int = 500
    """Images after which a weight counts half in the average that is sampled from."""
    checkpoint_every: int = 2_000
    """Images between two checkpoints; a kill loses at most so many."""
    grid_every: int = 2_000
    """Images between two sample grids, and between two looks at what is drawn."""
    threads: int = 0
    """Processor threads; 0 leaves the process's count. Results repeat bit for bit under one count only."""
    device: Device = "auto"
    """`auto` takes CUDA where a card answers, else the processor."""
    precision: Precision = "auto"
    """`auto` runs convolutions in bfloat16 where the hardware multiplies it natively, else in float32."""

    def __post_init__(self) -> None:
        for name, (low, high) in self.limits.items():
            value = getattr(self, name)
            if not low <= value <= high:
                possible = f"{low:g} or more" if high == math.inf else f"from {low:g} to {high:g}"
                raise SettingsError(f"Setting `{name}` of {self.name} is out of range", got=value, possible=possible)
        for name, choices in {
            "device": ("auto", "cpu", "cuda"),
            "precision": ("auto", "float32", "bfloat16"),
        }.items():
            if getattr(self, name) not in choices:
                raise SettingsError(
                    f"Setting `{name}` of {self.name} is out of range",
                    got=getattr(self, name),
                    possible=", ".join(choices),
                )

    @abstractmethod
    def network(self, about: Mapping[str, Any]) -> nn.Module:
        """Return the network to sample from, without its weights; `about` holds `classes`, `size` and the settings."""

    def ready(self, tensors: dict[str, torch.Tensor], about: Mapping[str, Any], compute: Compute) -> nn.Module:
        """Return the network of a finished training, with its weights, on the device."""
        with torch.device("meta"):  # no weights to draw: those come from the file
            network = self.network(about)
        network.load_state_dict(tensors, assign=True)
        compute.settle(network)
        return network.eval()

    def train_in(
        self,
        folder: Path,
        prepare: Callable[[Compute, Crew, int], Prepared],
        *,
        data: str,
        classes: NDArray[np.str_],
        numbers: NDArray[np.int64],
        about: Mapping[str, Any],
        seed: int,
        report: Report,
        aside: Aside | None = None,
    ) -> None:
        """Train in `folder`, carry on with the training there, or return at once where it is finished.

        Args:
            prepare: called with device, processes and number of steps, under the seed of the initial weights.
            data: fingerprint of what is learned from.
            classes: names of the classes.
            numbers: class number of everything that is learned from.
            about: kept beside the final weights, with `classes` and `settings`.
            aside: images by which the snapshot to keep is chosen.
        """
        steps = -(-self.images_seen // self.batch_size)
        schedule = Schedule(steps, self.batch_size, self.checkpoint_every, self.grid_every)
        alone = [str(c) for c, n in zip(classes, np.bincount(numbers), strict=True) if n == 1]
        told = {"name": self.name, "classes": [str(c) for c in classes], "settings": asdict(self), **about}
        with computing(self.device, self.precision, self.threads) as compute, crew() as together:
            identity = self._identity(data, seed, aside, together)
            with claimed(folder, identity) if together.leads else contextlib.nullcontext():
                if finished(folder):
                    together.wait()
                    return
                together.wait()
                with torch.random.fork_rng(devices=[]):
                    torch.default_generator.manual_seed(seed)
                    learner, draw, watch = prepare(compute, together, steps)
                note = f"one image only: {', '.join(alone)}" if alone else ""
                train(
                    learner, draw, watch, folder, schedule, report, told,
                    arithmetic=compute.arithmetic, seed=seed, crew=together, note=note,
                )  # fmt: skip

    def _identity(self, data: str, seed: int, aside: Aside | None, together: Crew) -> dict[str, Any]:
        """Return what decides the weights, so that a folder is never continued with something else."""
        left_out = UNMARKED if aside is not None else (*UNMARKED, "grid_every")
        return {
            "generator": self.name,
            "images": data,
            "seed": seed,
            "aside": "" if aside is None else aside.fingerprint,
            "processes": together.size,
            **{name: value for name, value in asdict(self).items() if name not in left_out},
        }
