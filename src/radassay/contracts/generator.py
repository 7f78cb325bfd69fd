"""What a generator of pictures must do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from radassay.contracts.grey import Grey
from radassay.contracts.progress import Report, silent


@dataclass(frozen=True)
class Aside:
    """Real images of training patients that a generator does not learn from, to choose which snapshot it keeps."""

    pixels: Grey
    labels: NDArray[np.str_]
    encode: Callable[[Grey], NDArray[np.float32]]
    """Features in which drawn images are compared with these, (n, size, size) -> (n, d)."""
    encoder: str
    """Name and fingerprint of the encoder."""

    @cached_property
    def fingerprint(self) -> str:
        """Return the SHA-256 of the images, their labels and the encoder."""
        digest = hashlib.sha256(repr((self.encoder, self.pixels.shape, self.labels.tolist())).encode())
        digest.update(np.ascontiguousarray(self.pixels, dtype=np.float32).tobytes())
        return digest.hexdigest()


class Generator(Protocol):
    """Learns from real images and makes new ones.

    Contract:
        - `fit` sees the training images alone; labels are strings and every label given at `fit` can be sampled.
        - `fit` killed at any moment and called again with the same arguments and folder carries on and ends in
          the same weights as an unbroken run (same machine, same threads). Weights are safetensors, never pickle.
        - `fit` of a finished folder returns at once.
        - `sample` makes one image a label asked for, in [0, 1], shape (n, size, size); the same seed gives the same
          images, whatever `batch`; image i depends on (seed, i, labels[i]) alone.
        - Bad input (one image, NaN, odd size, an unknown label) is an `InputError` before any training.
        - `fit` writes `folder/grids/*.png` as it goes and reports progress with its rate and losses.
        - With `aside`, `fit` keeps the snapshot that is nearest to those images, by a rule fixed before it begins;
          without, the last one. It never learns from them.
    """

    name: ClassVar[str]
    paper: ClassVar[str]
    """Where the method is from."""

    def fit(
        self,
        pixels: Grey,
        labels: NDArray[np.str_],
        folder: Path,
        *,
        seed: int,
        report: Report = silent,
        aside: Aside | None = None,
    ) -> None: ...

    def sample(self, labels: NDArray[np.str_], folder: Path, *, seed: int, batch: int = 64) -> Grey: ...


@runtime_checkable
class Translator(Generator, Protocol):
    """A generator that starts from pictures instead of noise.

    Contract:
        - `translate` keeps shape and order: (n, size, size) in [0, 1] to the same. `labels` is the class that each
          image has now, `target` the one it shall become; an image that has it already is an `InputError`.
        - Picture i depends on (pixels[i], labels[i], target, seed, i) alone; some translators ignore the seed.
        - `sample` starts from training patients' pictures or maps, which are kept with the weights: such weights
          must not be published, and what is written beside them says so.
    """

    def translate(self, pixels: Grey, labels: NDArray[np.str_], folder: Path, *, target: str, seed: int) -> Grey: ...
