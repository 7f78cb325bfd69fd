"""Published splits that come as text files: one file name a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from radassay.errors import InputError, SettingsError
from radassay.images.imageset import ImageSet
from radassay.images.splits import SPLITS

SHOWN = 5
"""File names in a message."""


def listed(images: ImageSet, lists: Mapping[str, Sequence[str]], source: Path) -> ImageSet:
    """Return the set with the split that text files beside its pictures tell.

    Args:
        images: imported images; names are those of their files, without folders.
        lists: paths of the files by split, relative to `source`; with two of the three splits named, the third takes
            the images that no file names.
        source: the folder that the pictures were imported from.

    Raises:
        SettingsError: a split that there is not, or fewer than two of them.
        InputError: a file cannot be read, names an image twice, or names one that was not imported.
    """
    if set(lists) - set(SPLITS) or len(lists) < 2:
        raise SettingsError(
            "split_lists must name two splits or three", got=tuple(lists), possible="Splits: " + ", ".join(SPLITS)
        )
    of: dict[str, str] = {}
    for split, names in lists.items():
        for name in names:
            for line in _lines(source / name):
                if of.setdefault(line, split) != split:
                    raise InputError(f"An image is in two splits of {source.name}", got=line)
    files = [PurePosixPath(text).name for text in images.table["source"]]
    strange = sorted(set(of) - set(files))
    if strange:
        raise InputError(
            f"The split lists name {len(strange)} images that are not in {images.name}",
            got=", ".join(strange[:SHOWN]),
            possible="File names as they are in the folder, one a line",
        )
    rest = next((split for split in SPLITS if split not in lists), None)
    unnamed = [name for name in files if name not in of]
    if rest is None and unnamed:
        raise InputError(f"No split list names {len(unnamed)} images of {images.name}", got=", ".join(unnamed[:SHOWN]))
    return images.with_columns(split=np.array([of.get(name, rest or "") for name in files], dtype=object))


def _lines(path: Path) -> list[str]:
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"Cannot read the split list {path.name}", got=str(error)) from None
