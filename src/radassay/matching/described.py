"""Images as the matcher keeps them: one record of fixed length each, in memory or in a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from radassay.errors import InputError
from radassay.matching.keypoints import LENGTH, MOST, Keypoints, detect
from radassay.matching.picture import DETAIL, ready
from radassay.matching.sharing import shared

Read = Callable[[int], NDArray[np.float32]]
"""Image i as grey values in [0, 1], (height, width), at its native size."""
Report = Callable[[int, int, str], None]
"""Called with how much is done, of how much, and what."""

RECORD = np.dtype(
    [
        ("count", np.int32),
        ("width", np.float32),
        ("height", np.float32),
        ("offset", np.float32, 2),
        ("step", np.float32, 2),
        ("places", np.float32, (MOST, 2)),
        ("sizes", np.float32, MOST),
        ("descriptors", np.uint8, (MOST, LENGTH)),
        ("detail", np.uint8, (DETAIL, DETAIL)),
    ]
)
"""One image: keypoints in pixels of the ready picture (`width` x `height`), and that picture squashed to a square."""
BATCH = 32


def silent(done: int, total: int, note: str) -> None:
    """Ignore progress."""


@dataclass(frozen=True)
class Image:
    """What is kept of one image."""

    keypoints: Keypoints
    """In pixels of the ready picture."""
    size: NDArray[np.float32]
    """(2,) width and height of the ready picture."""
    offset: NDArray[np.float32]
    step: NDArray[np.float32]
    """(2,) each: where the ready picture lies in the native one, as in `picture.Ready`."""
    detail: NDArray[np.float32]
    """(160, 160) in [0, 1]: the ready picture squashed."""

    def native(self, places: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Return places (k, 2) of the ready picture in native pixels."""
        return np.asarray((places + 0.5) * self.step + self.offset - 0.5, dtype=np.float64)

    @property
    def to_native(self) -> NDArray[np.float64]:
        """Return the matrix (3, 3) that does the same."""
        step, offset = self.step.astype(np.float64), self.offset.astype(np.float64)
        shift = 0.5 * step + offset - 0.5
        return np.array([[step[0], 0, shift[0]], [0, step[1], shift[1]], [0, 0, 1]])

    @property
    def to_detail(self) -> NDArray[np.float64]:
        """Return the matrix (3, 3) from places of the ready picture to places of the detail."""
        across, down = DETAIL / self.size.astype(np.float64)
        return np.array([[across, 0, 0.5 * across - 0.5], [0, down, 0.5 * down - 0.5], [0, 0, 1]])


@dataclass(frozen=True)
class Described:
    """Images described, all of them; picklable, cheaply so where they lie in a file."""

    count: int
    records: NDArray[np.void] | None = None
    """(count,) records, where they are in memory."""
    path: Path | None = None
    """The file that holds them otherwise. It is read record by record and never mapped, so that memory stays small."""

    def __len__(self) -> int:
        return self.count

    def rows(self, start: int, stop: int) -> NDArray[np.void]:
        """Return the records from `start` to before `stop`."""
        if self.records is not None:
            return self.records[start:stop]
        assert self.path is not None
        count = max(0, min(stop, self.count) - start)
        return np.fromfile(self.path, dtype=RECORD, count=count, offset=start * RECORD.itemsize)

    def image(self, number: int) -> Image:
        """Return what is kept of one image.

        Raises:
            IndexError: there is no such image.
        """
        if not 0 <= number < self.count:
            raise IndexError(number)
        row = self.rows(number, number + 1)[0]
        k = int(row["count"])
        return Image(
            Keypoints(row["places"][:k], row["sizes"][:k], row["descriptors"][:k]),
            np.array([row["width"], row["height"]]),
            row["offset"],
            row["step"],
            row["detail"].astype(np.float32) / 255,
        )


def describe(
    read: Read, count: int, *, folder: Path | None = None, processes: int = 1, report: Report = silent
) -> Described:
    """Return the images described, read one at a time, each once.

    Args:
        read: image i; NaN, constant and tiny ones are taken, and match nothing.
        count: images there are.
        folder: where the records go, 82 kB an image, in one file `described.bin`; None keeps them in memory.
        processes: how many share the work; more than one needs a `read` that can be pickled.
        report: told how many images are done.

    Raises:
        InputError: the folder holds a description already.
    """
    path = None if folder is None else folder / "described.bin"
    if path is not None and path.exists():
        raise InputError("The folder already holds described images", got=path, possible="Name an empty folder")
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    records = np.zeros(count if path is None else 0, dtype=RECORD)
    work = partial(_records, read)
    parts = [range(start, min(start + BATCH, count)) for start in range(0, count, BATCH)]
    done = 0

    def keep(rows: NDArray[np.void]) -> None:
        nonlocal done
        if path is None:
            records[done : done + len(rows)] = rows
        else:
            with path.open("ab") as file:
                rows.tofile(file)
        done += len(rows)
        report(done, count, "images described")

    for rows in shared(work, parts, processes):
        keep(rows)
    if path is not None and not path.exists():
        path.touch()
    return Described(count, None if path is not None else records, path)


def _records(read: Read, numbers: Sequence[int]) -> NDArray[np.void]:
    """Return the records of these images."""
    cv2.setNumThreads(1)
    out = np.zeros(len(numbers), dtype=RECORD)
    for row, number in zip(out, numbers, strict=True):
        picture = ready(read(number))
        if picture is None:
            continue
        points = detect(picture)
        k = len(points)
        row["count"] = k
        row["height"], row["width"] = picture.pixels.shape
        row["offset"], row["step"] = picture.offset, picture.step
        row["places"][:k], row["sizes"][:k], row["descriptors"][:k] = points.places, points.sizes, points.descriptors
        row["detail"] = np.rint(picture.detail * 255)
    return out
