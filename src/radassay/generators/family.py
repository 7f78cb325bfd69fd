"""What every generator that is trained here shares: settings, refusals, the way into the loop, and sampling."""

from __future__ import annotations

import contextlib
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from radassay.contracts import Aside, Grey, Report, silent
from radassay.engine.claim import claimed
from radassay.errors import SettingsError
from radassay.generators.compute import Compute, Device, Precision, computing
from radassay.generators.crew import Crew, crew
from radassay.generators.given import Given, check_training_images, check_wanted_labels, fingerprint
from radassay.generators.training import Learner, Schedule, finished, train, trained
from radassay.generators.watching import Watch

CHUNK = 16
"""Images drawn at a time, always exactly so many: convolutions round differently in batches of other sizes."""
UNMARKED = ("checkpoint_every", "threads", "device")
"""Settings that leave the weights as they are, up to the last digits."""


@dataclass(frozen=True)
class Family(ABC):
    """A generator trained here; a subclass gives settings, networks and what a step is.

    A subclass says which `sizes` it draws and between which `limits` its settings lie, makes a `learner` for the
    loop, an empty `network` for the weights of a finished training, and tells how that network is made to `draw`.
    """

    name: ClassVar[str]
    paper: ClassVar[str]
    sizes: ClassVar[tuple[int, ...]] = (16, 32, 64, 128)
    """Sides in pixels that it can draw."""
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
    def learner(self, given: Given, compute: Compute, crew: Crew, *, seed: int, steps: int) -> Learner:
        """Return what the loop steps.

        Args:
            given: the training images, on the device.
            compute: device and precision.
            crew: the processes that train together.
            seed: of everything random; initial weights are drawn under it.
            steps: length of the whole training, for schedules.
        """

    @abstractmethod
    def network(self, about: Mapping[str, Any]) -> nn.Module:
        """Return the network to sample from, without its weights; `about` holds `classes`, `size` and the settings."""

    @abstractmethod
    def draw(self, network: nn.Module, seed: int, places: range, numbers: NDArray[np.int64], compute: Compute) -> Grey:
        """Return pictures in [0, 1], (n, size, size); picture i depends on (seed, places[i], numbers[i]) alone."""

    def fit(
        self,
        pixels: Grey,
        labels: NDArray[np.str_],
        folder: Path,
        *,
        seed: int,
        report: Report = silent,
        aside: Aside | None = None,
    ) -> None:
        """Train in `folder`, carry on with the training there, or return at once where it is finished.

        Args:
            pixels: (n, size, size) in [0, 1]; one of `sizes`.
            labels: (n,) strings.
            folder: where checkpoints, grids, losses and weights go; see `radassay.generators.training`.
            seed: of everything random, 0 or more.
            report: told how far it is, a few times a second at most.
            aside: images by which the snapshot to keep is chosen; without them the last one is kept.

        Raises:
            InputError: images or labels that cannot be learned from.
            SettingsError: the folder holds another training, or the losses became infinite.
            StorageError: the folder cannot be written, or another process trains in it.
        """
        labels = np.asarray(labels)
        check_training_images(pixels, labels, self.sizes)
        classes, numbers = np.unique(labels, return_inverse=True)
        steps = -(-self.images_seen // self.batch_size)
        schedule = Schedule(steps, self.batch_size, self.checkpoint_every, self.grid_every)
        alone = [str(c) for c, n in zip(classes, np.bincount(numbers), strict=True) if n == 1]
        about = {
            "classes": [str(c) for c in classes],
            "size": int(pixels.shape[1]),
            "settings": asdict(self),
        }
        with computing(self.device, self.precision, self.threads) as compute, crew() as together:
            identity = self._identity(fingerprint(pixels, labels), seed, aside, together)
            with claimed(folder, identity) if together.leads else contextlib.nullcontext():
                if finished(folder):
                    together.wait()
                    return
                together.wait()
                given = Given.of(pixels, numbers.astype(np.int64), compute.device)
                with torch.random.fork_rng(devices=[]):
                    torch.default_generator.manual_seed(seed)
                    learner = self.learner(given, compute, together, seed=seed, steps=steps)
                watch = Watch(pixels, numbers, classes, aside, seed)

                def drawn(network: nn.Module, chosen: int, numbers: NDArray[np.int64]) -> Grey:
                    return self._drawn(network, chosen, numbers, compute)

                note = f"one image only: {', '.join(alone)}" if alone else ""
                train(
                    learner, drawn, watch, folder, schedule, report if together.leads else silent, about,
                    arithmetic=compute.arithmetic, seed=seed, crew=together, note=note,
                )  # fmt: skip

    def sample(self, labels: NDArray[np.str_], folder: Path, *, seed: int, batch: int = 64) -> Grey:
        """Return one image a label, (n, size, size) in [0, 1], from the finished training in `folder`.

        Image i depends on (seed, i, labels[i]) alone. Images are drawn in chunks of one fixed size, the last one
        padded, so that `batch` changes neither a bit nor the memory by much; it is taken for the contract's sake.

        Raises:
            InputError: no finished training, a label it does not know, or a batch under 1.
        """
        if batch < 1:
            raise SettingsError("Setting `batch` is out of range", got=batch, possible="1 or more")
        tensors, about = trained(folder)
        numbers = check_wanted_labels(labels, about["classes"])
        with computing(self.device, self.precision, self.threads) as compute:
            return self._drawn(self.ready(tensors, about, compute), seed, numbers, compute, int(about["size"]))

    def ready(self, tensors: dict[str, torch.Tensor], about: Mapping[str, Any], compute: Compute) -> nn.Module:
        """Return the network of a finished training, with its weights, on the device."""
        with torch.device("meta"):  # no weights to draw: those come from the file
            network = self.network(about)
        network.load_state_dict(tensors, assign=True)
        compute.settle(network)
        return network.eval()

    def _drawn(
        self, network: nn.Module, seed: int, numbers: NDArray[np.int64], compute: Compute, size: int = 0
    ) -> Grey:
        """Return one picture a class number, drawn in chunks of one size."""
        parts = []
        for start in range(0, len(numbers), CHUNK):
            wanted = numbers[start : start + CHUNK]
            padded = np.zeros(CHUNK, dtype=np.int64)
            padded[: len(wanted)] = wanted
            with torch.no_grad():
                drawn = self.draw(network, seed, range(start, start + CHUNK), padded, compute)
            parts.append(drawn[: len(wanted)])
        return np.concatenate(parts) if parts else np.empty((0, size, size), dtype=np.float32)

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
