"""Outlines that come with a set: `masks/<kind>/<stem>.<type>` below its folder, such as `masks/lung/case1.png`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from radassay.errors import InputError, UnreadableImage
from radassay.images.reader import read
from radassay.images.walk import walk

FOLDER = "masks"
"""Folder of a set that holds outlines, not images."""


def is_mask(source: str) -> bool:
    """Whether a path below the folder of a set is that of an outline."""
    return source.split("/")[0] == FOLDER and source.count("/") >= 2


def find_masks(root: Path, sources: Sequence[str]) -> dict[str, dict[int, Path]]:
    """Return the files of outlines by kind, then by the position of the image in `sources`.

    An outline belongs to the image with the same stem; a stem that two images share finds neither.
    """
    folder = root / FOLDER
    if not folder.is_dir():
        return {}
    rows: dict[str, list[int]] = {}
    for row, source in enumerate(sources):
        rows.setdefault(PurePosixPath(source).stem, []).append(row)
    masks: dict[str, dict[int, Path]] = {}
    for found in walk(folder):
        place = PurePosixPath(found.source)
        mine = rows.get(place.stem, [])
        if not found.problem and len(place.parts) == 2 and len(mine) == 1:
            masks.setdefault(place.parts[0], {})[mine[0]] = found.path
    return masks


def read_mask(path: Path, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return an outline as (height, width), True inside; one of another size is brought to this one.

    Raises:
        InputError: the file is no picture.
    """
    try:
        frame = next(iter(read(path)))
    except (UnreadableImage, StopIteration) as error:
        raise InputError(f"The outline {path.name} cannot be read", got=error) from None
    values = frame.pixels.astype(np.float64) if frame.pixels.ndim == 2 else frame.pixels.max(axis=2).astype(np.float64)
    inside = np.asarray(values > (frame.low + frame.high) / 2)
    if inside.shape != shape:
        inside = np.array(Image.fromarray(inside).resize((shape[1], shape[0]), Image.Resampling.NEAREST))
    return inside
