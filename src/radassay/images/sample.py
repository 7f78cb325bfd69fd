"""A sample: images made ready for a check, all at one size, in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radassay.images.imageset import ImageSet
from radassay.images.intensity import Fit


@dataclass(frozen=True)
class Sample:
    """Images at one size with what a check may know about them; arrays all have length n."""

    name: str
    pixels: NDArray[np.float32]
    """(n, size, size), grey values in [0, 1]."""
    labels: NDArray[np.str_]
    """Class of each image."""
    patients: NDArray[np.str_]
    """Independent unit of each image: patient code, or one code an image where no patient is known."""
    images: NDArray[np.str_]
    """Image ids (SHA-256 of the decoded pixels)."""
    sources: NDArray[np.str_]
    """Paths within the imported folder."""
    table: pd.DataFrame
    """The rows of the image set, for native size, file type, view, site, split and so on."""
    patients_known: bool = True
    """Whether the source named patients for every image."""

    @classmethod
    def of(cls, images: ImageSet, size: int, fit: Fit = "squash") -> Sample:
        """Return all images of a set, read and resized."""
        table = images.table
        return cls(
            name=images.name,
            pixels=images.load(size, fit),
            labels=table["label"].to_numpy(dtype=str),
            patients=images.units,
            images=table["image"].to_numpy(dtype=str),
            sources=table["source"].to_numpy(dtype=str),
            table=table,
            patients_known=bool((table["patient"] != "").all()),
        )

    def __len__(self) -> int:
        return len(self.pixels)

    @cached_property
    def fingerprint(self) -> str:
        """Return the SHA-256 of pixels, labels and patients."""
        digest = hashlib.sha256(np.ascontiguousarray(self.pixels).tobytes())
        digest.update("\n".join([str(self.pixels.shape), *self.labels, *self.patients]).encode())
        return digest.hexdigest()

    def take(self, rows: NDArray[Any] | Sequence[int], name: str = "") -> Sample:
        """Return the images at these positions (or under this boolean mask)."""
        index = np.asarray(rows)
        index = np.flatnonzero(index) if index.dtype == bool else index.astype(int)
        return Sample(
            name or self.name,
            self.pixels[index],
            self.labels[index],
            self.patients[index],
            self.images[index],
            self.sources[index],
            self.table.iloc[index].reset_index(drop=True),
            self.patients_known,
        )

    def changed(self, *, name: str, **fields: Any) -> Sample:
        """Return a copy with other pixels, labels or patients."""
        return replace(self, name=name, **fields)

    def joined(self, other: Sample, name: str = "") -> Sample:
        """Return the images of both."""
        return Sample(
            name or f"{self.name}+{other.name}",
            np.concatenate([self.pixels, other.pixels]),
            np.concatenate([self.labels, other.labels]),
            np.concatenate([self.patients, other.patients]),
            np.concatenate([self.images, other.images]),
            np.concatenate([self.sources, other.sources]),
            pd.concat([self.table, other.table], ignore_index=True),
            self.patients_known and other.patients_known,
        )
