"""Settings, refusals and the way through a picture set that both translators share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from radassay.contracts.grey import Grey
from radassay.errors import InputError
from radassay.generators.compute import Compute, computing
from radassay.generators.family import CHUNK, Family
from radassay.generators.gan.augment import Augment
from radassay.generators.given import check_grey, check_wanted_labels
from radassay.generators.training import trained


@dataclass(frozen=True)
class Translation(Family):
    """A generator that starts from a picture or a map instead of noise; weights hold some to start from."""

    limits: ClassVar[Mapping[str, tuple[float, float]]] = {
        **Family.limits,
        "width": (1, 4096),
        "judge_width": (1, 4096),
        "generator_rate": (1e-9, 1),
        "discriminator_rate": (1e-9, 1),
        "shift": (0, 0.5),
        "sources": (1, 1_000_000),
    }

    width: int = 16
    """Channels at full size; lower sides have more. Time grows with its square."""
    judge_width: int = 16
    """Channels of the discriminator's first layer (64 in both papers)."""
    generator_rate: float = 2e-4
    """Learning rate of the generator; constant for half of the training, then falling to nothing in a line."""
    discriminator_rate: float = 2e-4
    """Learning rate of the discriminator, likewise."""
    shift: float = 0.05
    """Largest translation that training pictures are shown with, as a share of the side."""
    sources: int = 100
    """Training pictures or maps of each class, at most, that are kept with the weights to start samples from."""

    @property
    def jitter(self) -> Augment:
        """Return how training pictures are moved; never mirrored, since that moves the heart to the other side."""
        return Augment(shift=self.shift)

    def held(self, labels: NDArray[np.str_], what: str) -> dict[str, Any]:
        """Return what is noted beside the weights about the sources that they hold."""
        count = int(np.minimum(np.unique(labels, return_counts=True)[1], self.sources).sum())
        return {
            "sources": count,
            "warning": f"These weights hold {what} of {count} training images. Do not publish or share them.",
        }

    def translate(self, pixels: Grey, labels: NDArray[np.str_], folder: Path, *, target: str, seed: int) -> Grey:
        """Return each picture as one of class `target`, (n, size, size) in [0, 1], by the training in `folder`.

        Args:
            pixels: (n, size, size) in [0, 1], of the size trained on.
            labels: (n,) the class that each has now.
            folder: a finished training.
            target: the class that all shall become.
            seed: of any noise.

        Raises:
            InputError: no finished training, another size, no grey values, an unknown class, or a picture that is of
                class `target` already.
        """
        tensors, about = trained(folder)
        check_wanted_labels(labels, about["classes"])
        (wanted,) = check_wanted_labels(np.array([target]), about["classes"]).tolist()
        check_pictures(pixels, labels, int(about["size"]))
        if (np.asarray(labels) == target).any():
            raise InputError(
                f"{int((np.asarray(labels) == target).sum())} of {len(labels)} pictures are {target} already",
                possible="Translate the others alone",
            )
        with computing(self.device, self.precision, self.threads) as compute:
            network = self.ready(tensors, about, compute)

            def work(places: range, rows: NDArray[np.int64]) -> Tensor:
                pictures = torch.from_numpy(pixels[rows].astype(np.float32))[:, None].to(compute.device) * 2 - 1
                return self.turned(network, pictures, wanted, seed, places)

            return in_chunks(len(pixels), int(about["size"]), work)

    @abstractmethod
    def turned(self, network: nn.Module, pictures: Tensor, target: int, seed: int, places: range) -> Tensor:
        """Return pictures (n, 1, size, size) in [-1, 1], none of them of class `target`, as ones of it."""

    def draw(self, network: nn.Module, seed: int, places: range, numbers: NDArray[np.int64], compute: Compute) -> Grey:
        """Return pictures in [0, 1], (n, size, size), in full precision; each starts from a source of its own."""
        network.eval()
        return to_grey(self.drawn(network, seed, places, numbers))

    @abstractmethod
    def drawn(self, network: nn.Module, seed: int, places: range, numbers: NDArray[np.int64]) -> Tensor:
        """Return pictures of these class numbers, (n, 1, size, size) in [-1, 1]."""


def to_grey(pictures: Tensor) -> Grey:
    """Return pictures (n, 1, size, size) in [-1, 1] as grey values in [0, 1]."""
    pixels: Grey = ((pictures[:, 0].float() + 1) / 2).clamp(0, 1).cpu().numpy()
    return pixels


def in_chunks(count: int, size: int, work: Callable[[range, NDArray[np.int64]], Tensor]) -> Grey:
    """Return what `work` makes of rows 0 to `count`, asked for in chunks of one fixed size, (count, size, size).

    Args:
        work: given the places and as many rows, of which those past the end begin again from the first.
    """
    parts = []
    for start in range(0, count, CHUNK):
        places = range(start, start + CHUNK)
        with torch.no_grad():
            parts.append(to_grey(work(places, np.array(places) % count))[: count - start])
    return np.concatenate(parts) if parts else np.empty((0, size, size), dtype=np.float32)


def check_pictures(pixels: Grey, labels: NDArray[np.str_], size: int) -> None:
    """Refuse pictures that cannot be translated.

    Raises:
        InputError: another shape than (n, size, size), no grey values in [0, 1], or labels that do not fit.
    """
    if pixels.shape[1:] != (size, size):
        raise InputError(
            "Pictures must have the size of the training",
            got=f"shape {pixels.shape}",
            possible=f"(n, {size}, {size})",
        )
    if len(np.asarray(labels)) != len(pixels):
        raise InputError("Every image needs one label", got=f"{len(pixels)} images and {len(labels)} labels")
    check_grey(pixels)
