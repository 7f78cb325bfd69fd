"""What a generator is given, checked before any training."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from radassay.contracts.grey import Grey
from radassay.errors import InputError


@dataclass(frozen=True)
class Given:
    """The training images where the arithmetic runs, all of them at once."""

    pictures: Tensor
    """(n, 1, size, size) in [-1, 1]."""
    members: tuple[NDArray[np.int64], ...]
    """The images of each class, by class number; no class is empty."""
    maps: Tensor | None = None
    """(n, size, size): the kind of each place, for a generator that draws from maps and was given them."""

    @classmethod
    def of(
        cls, pixels: Grey, numbers: NDArray[np.int64], device: torch.device, maps: NDArray[np.int64] | None = None
    ) -> Given:
        """Take pixels (n, size, size) in [0, 1], their class numbers (n,) and any maps to the device."""
        grey = torch.from_numpy(np.ascontiguousarray(pixels, dtype=np.float32)).to(device)
        members = tuple(np.flatnonzero(numbers == k) for k in range(int(numbers.max()) + 1))
        return cls(grey[:, None] * 2 - 1, members, None if maps is None else torch.from_numpy(maps).to(device))

    def __len__(self) -> int:
        return len(self.pictures)

    @property
    def size(self) -> int:
        """Return the side in pixels."""
        return int(self.pictures.shape[-1])

    @property
    def classes(self) -> int:
        """Return how many classes there are."""
        return len(self.members)

    def batch(self, n: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return n pictures and their class numbers, every class equally often whatever the number of its images."""
        rows, classes = self.rows(n, rng)
        return self.pictures[rows], classes

    def rows(self, n: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return which n images make a batch, and their class numbers, on the device."""
        classes = rng.permutation((np.arange(n) + rng.integers(self.classes)) % self.classes)
        rows = np.array([rng.choice(self.members[k]) for k in classes])
        device = self.pictures.device
        return torch.from_numpy(rows).to(device), torch.from_numpy(classes).to(device)


def check_training_images(pixels: Grey, labels: NDArray[np.str_], sizes: tuple[int, ...]) -> None:
    """Refuse images that no generator can learn from.

    Args:
        pixels: should be (n, size, size) in [0, 1].
        labels: should be n strings.
        sizes: the sides in pixels that this generator can draw.

    Raises:
        InputError: another shape or size, fewer than two images, values that are no grey values, or labels that do
            not fit.
    """
    possible = "Sizes: " + ", ".join(f"{s} x {s}" for s in sizes)
    if pixels.ndim != 3 or pixels.shape[1] != pixels.shape[2]:
        raise InputError("Training images must be square and grey", got=f"shape {pixels.shape}", possible=possible)
    if pixels.shape[1] not in sizes:
        raise InputError("This generator cannot draw that size", got=f"{pixels.shape[1]} px", possible=possible)
    if len(pixels) < 2:
        raise InputError("Too few training images", got=len(pixels), possible="At least 2; a few hundred are sensible")
    check_labels(labels, len(pixels))
    check_grey(pixels)


def check_labels(labels: NDArray[np.str_], images: int) -> None:
    """Refuse labels that are not one text an image.

    Raises:
        InputError: they are not.
    """
    if labels.ndim != 1 or len(labels) != images:
        raise InputError("Every image needs one label", got=f"{images} images and labels of shape {labels.shape}")
    if labels.dtype.kind != "U":
        raise InputError("Labels must be strings", got=f"labels of type {labels.dtype}")
    if (labels == "").any():
        rows = np.flatnonzero(labels == "")
        raise InputError("An image has no label", got=f"{len(rows)} images, the first is {rows[0]}")


def check_grey(pixels: NDArray[np.float32], first: int = 0, what: str = "Image") -> None:
    """Refuse what is no grey value from 0 to 1; images or volumes along the first axis are counted from `first`.

    Raises:
        InputError: whole numbers, values out of range, or NaN.
    """
    if pixels.dtype.kind != "f":
        raise InputError(
            "Images must be grey values from 0 to 1",
            got=f"numbers of type {pixels.dtype}",
            possible="Divide by the largest value that the format can hold, or let an image set do it",
        )
    for row, picture in enumerate(pixels):
        low, high = float(picture.min()), float(picture.max())
        if not (low >= 0 and high <= 1):  # also true of NaN
            raise InputError(
                f"{what} {first + row} holds values that are no grey values",
                got=f"{low:g} to {high:g}",
                possible="Finite values from 0 to 1",
            )


def check_wanted_labels(labels: NDArray[np.str_], known: list[str]) -> NDArray[np.int64]:
    """Return the class number of each label asked for.

    Raises:
        InputError: a label that the training images did not have.
    """
    wanted = np.asarray(labels)
    strange = sorted(set(wanted.tolist()) - set(known))
    if wanted.ndim != 1 or strange:
        raise InputError(
            "The generator does not know this label",
            got=", ".join(map(str, strange[:5])) or f"labels of shape {wanted.shape}",
            possible="Labels: " + ", ".join(known),
        )
    place = {label: number for number, label in enumerate(known)}
    return np.array([place[str(label)] for label in wanted], dtype=np.int64)


def fingerprint(pixels: Grey, labels: NDArray[np.str_], maps: NDArray[np.int64] | None = None) -> str:
    """Return the SHA-256 of the training images, their labels and any maps, in their order."""
    digest = hashlib.sha256(repr((pixels.shape, [str(label) for label in labels])).encode())
    for picture in pixels:
        digest.update(np.ascontiguousarray(picture, dtype=np.float32).tobytes())
    if maps is not None:
        digest.update(np.ascontiguousarray(maps, dtype=np.int64).tobytes())
    return digest.hexdigest()
