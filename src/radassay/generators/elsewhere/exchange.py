"""Images handed over to a command, and those it wrote read back by our own readers."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from radassay.contracts.grey import Grey
from radassay.errors import InputError, UnreadableImage
from radassay.evidence.run import storage
from radassay.images.frame import Limits
from radassay.images.intensity import to_display
from radassay.images.reader import read
from radassay.images.walk import walk

LIMITS = Limits(max_pixels=64_000_000, max_file_bytes=2**30, max_frames=1)


def hand_over(pixels: Grey, labels: NDArray[np.str_], folder: Path) -> None:
    """Write images as 8-bit PNG files, one folder a class.

    The folders are `FOLDER/LABEL/000012.png`, numbered by the row of the image; signs of a label that do not suit a
    folder's name become `_`.

    Raises:
        InputError: two labels would share a folder.
    """
    folders = {str(label): re.sub(r"[^\w.+-]", "_", str(label)).lstrip(".") or "_" for label in np.unique(labels)}
    if len(set(folders.values())) < len(folders):
        raise InputError("Two labels would share a folder", got=", ".join(folders), possible="Rename one of them")
    with storage(folder):
        for row, (picture, label) in enumerate(zip(pixels, labels, strict=True)):
            path = folder / folders[str(label)] / f"{row:06d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.rint(picture * 255).astype(np.uint8)).save(path)


def write_table(path: Path, names: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write a table as CSV."""
    with storage(path.parent), open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(rows)


def read_back(folder: Path, pattern: str, wanted: int) -> list[NDArray[np.float32]]:
    """Return the pictures below a folder as grey values in [0, 1], numbers within their names in counting order.

    Args:
        folder: where the command wrote.
        pattern: which file names count, such as `*.png`.
        wanted: how many pictures there should be.

    Raises:
        InputError: more or fewer files than wanted, or one that is no picture.
    """
    found = [f for f in walk(folder) if fnmatchcase(f.path.name, pattern)] if folder.is_dir() else []
    bad = [f"{f.source}: {f.problem}" for f in found if f.problem]
    if bad or len(found) != wanted:
        raise InputError(
            f"The command should have written {wanted} pictures",
            got=bad[0] if bad else f"{len(found)} files named {pattern}",
            possible="Every picture a file of its own below {out}; `files_wanted` says which names count",
        )
    found.sort(key=lambda f: [(int(part), "") if part.isdecimal() else (0, part) for part in _parts(f.source)])
    return [_picture(f.path, f.source) for f in found]


def _picture(path: Path, source: str) -> NDArray[np.float32]:
    """Return the one picture of a file as grey values in [0, 1]."""
    try:
        frames = list(read(path, LIMITS))
    except UnreadableImage as error:
        raise InputError(f"{source}, written by the command, is no picture that can be read", got=error) from None
    if len(frames) != 1:
        raise InputError(f"{source}, written by the command, holds several pictures", got=len(frames))
    return to_display(frames[0].pixels, (frames[0].low, frames[0].high))


def _parts(source: str) -> list[str]:
    """Return a path in runs of digits and of other signs."""
    return re.findall(r"\d+|\D+", source)
