"""What a probe of an audit may look at, and what it must do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from radassay.contracts.classifier import Classifier
from radassay.contracts.grey import Grey
from radassay.contracts.progress import Report, silent
from radassay.evidence.finding import Finding
from radassay.images.imageset import ImageSet
from radassay.images.intensity import Fit
from radassay.images.masks import read_mask

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Subject:
    """Image sets under audit, as they are, before anything is split or trained.

    Images are counted through all sets: image i is row i of `table`.
    """

    sets: tuple[ImageSet, ...]
    """The sets, with different names."""
    roots: tuple[Path, ...]
    """The folder of each set that the column `source` starts from."""
    positive: tuple[str, ...] = ()
    """Labels that count as diseased; empty where none were named."""
    masks: Mapping[str, Mapping[int, Path]] = field(default_factory=dict)
    """Files of outlines by kind (`lung`, `opacity`), then by image."""
    classifier: Classifier | None = None
    """A network, where the user asks for one in place of the linear models."""
    cache: dict[str, NDArray[np.float32]] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def table(self) -> pd.DataFrame:
        """Return the rows of all sets, one below the other, with three columns more.

        `set`: name of the set; `path`: the file, with the root of its set; `unit`: the independent unit, a patient of
        its set, or the image where no patient is known.
        """
        import pandas as pd

        parts = [
            images.table.assign(
                set=images.name,
                path=[(root / source).as_posix() for source in images.table["source"]],
                unit=np.char.add(f"{images.name}/", images.units.astype(str)),
            )
            for images, root in zip(self.sets, self.roots, strict=True)
        ]
        return pd.concat(parts, ignore_index=True)

    def __len__(self) -> int:
        return sum(len(images) for images in self.sets)

    def at(self, image: int) -> tuple[ImageSet, int]:
        """Return the set that image i is in, and its row there."""
        for images in self.sets:
            if image < len(images):
                return images, image
            image -= len(images)
        raise IndexError(image)

    def pixels(self, image: int) -> NDArray[np.generic]:
        """Return the decoded pixels of image i, as stored: (height, width) or (height, width, 3)."""
        images, row = self.at(image)
        return images.pixels(row)

    def display(self, image: int, size: int | None = None, fit: Fit = "squash") -> NDArray[np.float32]:
        """Return image i as grey values in [0, 1], (height, width) or (size, size)."""
        images, row = self.at(image)
        return images.display(row, size, fit)

    def thumbnails(self, size: int) -> Grey:
        """Return all images squashed into (n, size, size), read once a process."""
        key = f"thumbnails {size}"
        if key not in self.cache:
            self.cache[key] = np.concatenate([images.load(size) for images in self.sets])
        return self.cache[key]

    def mask(self, kind: str, image: int) -> NDArray[np.bool_] | None:
        """Return the outline of image i, (height, width) as the picture, or None where there is none."""
        path = self.masks.get(kind, {}).get(image)
        if path is None:
            return None
        height, width = (int(self.table[side].iloc[image]) for side in ("height", "width"))
        return read_mask(path, (height, width))


@dataclass(frozen=True)
class Answer:
    """What a probe found."""

    findings: list[Finding]
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    """Observations behind the findings, by name."""
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    """PNG bytes, by name; the name begins with that of the probe."""
    captions: Mapping[str, str] = field(default_factory=dict)
    """What each picture shows, by its name."""


class Probe(Protocol):
    """One question about image sets before anything is trained, answered in minutes.

    Contract:
        - `measure` judges and writes nothing and reads no global random state; the same subject and the same
          generator state give the same answer.
        - A finding is about one set (slice `set=NAME`), one label of it (`set=NAME, label=LABEL`), two sets
          (`sets=A+B`) or all (`all`).
        - What cannot be measured is a finding without a value and with the reason; bad data are no exception.
        - Every value has an interval over patients, or a reason why none is valid.
        - Every measure that a rule judges comes with a finding of role `limit`, control `true effect` and the same
          name and slice: the smallest effect at which this measure, on these images, would fail its rule 95 times
          in 100.
        - Memory is bounded: of very large sets a random part is looked at, and the finding says so.
    """

    name: ClassVar[str]
    question: ClassVar[str]
    """What it asks, in a radiologist's words."""

    def measure(self, subject: Subject, rng: np.random.Generator, report: Report = silent) -> Answer: ...
