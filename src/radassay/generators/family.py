"""What every generator of pictures that is trained here shares: refusals, the way into the loop, and sampling."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from radassay.contracts.generator import Aside
from radassay.contracts.grey import Grey
from radassay.contracts.progress import Report, silent
from radassay.errors import SettingsError
from radassay.generators.compute import Compute, computing
from radassay.generators.crew import Crew
from radassay.generators.given import Given, check_training_images, check_wanted_labels, fingerprint
from radassay.generators.trainable import Prepared, Trainable
from radassay.generators.training import Learner, trained
from radassay.generators.watching import Watch

CHUNK = 16
"""Images drawn at a time, always exactly so many: convolutions round differently in batches of other sizes."""

Drawer = Callable[[nn.Module, int, range, NDArray[np.int64], Compute], Grey]
"""Pictures of these class numbers from a network, a seed and the places of the pictures; see `Family.draw`."""


@dataclass(frozen=True)
class Family(Trainable):
    """A generator trained here; a subclass gives settings, networks and what a step is.

    A subclass says which `sizes` it draws and between which `limits` its settings lie, makes a `learner` for the
    loop, an empty `network` for the weights of a finished training, and tells how that network is made to `draw`.
    """

    sizes: ClassVar[tuple[int, ...]] = (16, 32, 64, 128)
    """Sides in pixels that it can draw."""
    limits: ClassVar[Mapping[str, tuple[float, float]]] = Trainable.limits
    """Smallest and largest value of each number among the settings."""

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
    def draw(self, network: nn.Module, seed: int, places: range, numbers: NDArray[np.int64], compute: Compute) -> Grey:
        """Return pictures in [0, 1], (n, size, size); picture i depends on (seed, places[i], numbers[i]) alone."""

    def glance(
        self, network: nn.Module, seed: int, places: range, numbers: NDArray[np.int64], compute: Compute
    ) -> Grey:
        """Return what `draw` does, or a cheaper likeness of it, for the looks during a training."""
        return self.draw(network, seed, places, numbers, compute)

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
        self._fit(pixels, labels, folder, {}, None, seed=seed, report=report, aside=aside)

    def _fit(
        self,
        pixels: Grey,
        labels: NDArray[np.str_],
        folder: Path,
        about: Mapping[str, Any],
        maps: NDArray[np.int64] | None,
        *,
        seed: int,
        report: Report,
        aside: Aside | None,
    ) -> None:
        """Do what `fit` does, with maps of the images and with more to keep beside the weights."""
        labels = np.asarray(labels)
        check_training_images(pixels, labels, self.sizes)
        classes, numbers = np.unique(labels, return_inverse=True)

        def prepare(compute: Compute, together: Crew, steps: int) -> Prepared:
            given = Given.of(pixels, numbers.astype(np.int64), compute.device, maps)
            learner = self.learner(given, compute, together, seed=seed, steps=steps)

            def drawn(network: nn.Module, chosen: int, wanted: NDArray[np.int64]) -> Grey:
                return self._drawn(network, chosen, wanted, compute, self.glance)

            return Prepared(learner, drawn, Watch(pixels, numbers, classes, aside, seed))

        self.train_in(
            folder, prepare, data=fingerprint(pixels, labels, maps), classes=classes, numbers=numbers,
            about={"size": int(pixels.shape[1]), **about}, seed=seed, report=report, aside=aside,
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
            ready = self.ready(tensors, about, compute)
            return self._drawn(ready, seed, numbers, compute, self.draw, int(about["size"]))

    def _drawn(
        self, network: nn.Module, seed: int, numbers: NDArray[np.int64], compute: Compute, draw: Drawer, size: int = 0
    ) -> Grey:
        """Return one picture a class number, drawn in chunks of one size."""
        parts = []
        for start in range(0, len(numbers), CHUNK):
            wanted = numbers[start : start + CHUNK]
            padded = np.zeros(CHUNK, dtype=np.int64)
            padded[: len(wanted)] = wanted
            with torch.no_grad():
                drawn = draw(network, seed, range(start, start + CHUNK), padded, compute)
            parts.append(drawn[: len(wanted)])
        return np.concatenate(parts) if parts else np.empty((0, size, size), dtype=np.float32)
