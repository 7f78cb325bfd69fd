"""NPZ in the form of MedMNIST: `train_images`, `train_labels`, `val_...`, `test_...`; never pickle."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy

from radassay.errors import UnreadableImage
from radassay.images.frame import Frame, Limits, finite, one_channel, window_of

SPLITS = {"train": "train", "val": "validation", "test": "test", "": ""}
_LARGEST_LABELS = 2**28


def frames(file: BinaryIO, limits: Limits) -> Iterator[Frame]:
    """Yield the pictures of (n, height, width), (n, height, width, 3) or (n, depth, height, width) arrays.

    Arrays are called `train_images` and `train_labels` (also `val_`, `test_`), or plainly `images` and `labels`.
    Pictures are read one at a time; labels are numbers as text, several positive ones joined by `+`.

    Raises:
        UnreadableImage: no such arrays, arrays that need pickle, or sizes beyond the limits or the file's own.
    """
    with zipfile.ZipFile(file) as archive:
        names = {n.removesuffix(".npy"): n for n in archive.namelist()}
        parts = [p for p in SPLITS if _key(p, "images") in names]
        if not parts:
            found = ", ".join(sorted(names)[:8])
            raise UnreadableImage(
                "no arrays called images, train_images, val_images or test_images", got=found[:200] or "nothing"
            )
        known = {_key(p, what) for p in parts for what in ("images", "labels")}
        extra = tuple(f"array {n[:60]} was not used" for n in sorted(set(names) - known))
        index = 0
        for part in parts:
            labels = _labels(archive, names.get(_key(part, "labels")))
            for frame in _pictures(archive, names[_key(part, "images")], labels, part, index, limits):
                index += 1
                # told once, with the first picture
                yield frame if index > 1 or not extra else _warned(frame, extra)


def _key(part: str, what: str) -> str:
    return f"{part}_{what}" if part else what


def _warned(frame: Frame, extra: tuple[str, ...]) -> Frame:
    return Frame(**{**vars(frame), "warnings": (*frame.warnings, *extra)})


def _header(member: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = npy.read_magic(member)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = read(member)
    if dtype.hasobject:
        raise UnreadableImage("an array holds Python objects, which only pickle could read; pickle is never read")
    return shape, fortran, dtype


def _labels(archive: zipfile.ZipFile, name: str | None) -> list[str] | None:
    if name is None:
        return None
    with archive.open(name) as member:
        shape, fortran, dtype = _header(member)
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        if not 0 <= size <= _LARGEST_LABELS:
            raise UnreadableImage("the labels are larger than is allowed", got=f"{size} bytes")
        values = np.frombuffer(_exactly(member, size), dtype=dtype)
        values = values.reshape(shape, order="F" if fortran else "C")
    if values.ndim == 2 and values.shape[1] > 1:
        return ["+".join(str(i) for i in np.flatnonzero(row)) or "none" for row in values]
    return [str(v) for v in values.reshape(-1)]


def _pictures(
    archive: zipfile.ZipFile, name: str, labels: list[str] | None, part: str, start: int, limits: Limits
) -> Iterator[Frame]:
    with archive.open(name) as member:
        shape, fortran, dtype = _header(member)
        if len(shape) not in (3, 4) or dtype.kind not in "biuf" or fortran:
            raise UnreadableImage(
                f"{name} is no array of pictures", got=f"{dtype} {shape}", possible="(n, height, width[, 3]) in C order"
            )
        colour = len(shape) == 4 and shape[3] == 3
        deep = shape[1] if len(shape) == 4 and not colour else 1
        height, width = shape[1:3] if colour or len(shape) == 3 else shape[2:4]
        limits.check(height, width, max(shape[0] * deep, 1), 3 if colour else 1)
        if labels is not None and len(labels) != shape[0]:
            raise UnreadableImage("pictures and labels differ in number", got=f"{shape[0]} and {len(labels)}")
        one = height * width * (3 if colour else 1) * dtype.itemsize
        declared = archive.getinfo(name).file_size
        if declared < one * shape[0] * deep:
            raise UnreadableImage("the array is cut off", got=f"{declared} of {one * shape[0] * deep} bytes")
        for n in range(shape[0] * deep):
            values = np.frombuffer(_exactly(member, one), dtype=dtype)
            pixels = values.reshape((height, width, 3) if colour else (height, width)).copy()
            if dtype.kind == "b":
                pixels = pixels.astype(np.uint8) * np.uint8(255)
            pixels, odd = finite(one_channel(pixels.astype(pixels.dtype.newbyteorder("="))))
            low, high, guessed = window_of(pixels, pixels.dtype.itemsize * 8)
            yield Frame(
                pixels=pixels,
                format="npz",
                low=low,
                high=high,
                bits=pixels.dtype.itemsize * 8,
                index=start + n,
                volume=f"{part}/{n // deep}" if deep > 1 else "",
                positions={"number": float(n % deep)} if deep > 1 else {},
                label="" if labels is None else labels[n // deep],
                split=SPLITS[part],
                warnings=(*odd, *guessed),
            )


def _exactly(member: Any, size: int) -> bytes:
    content: bytes = member.read(size)
    if len(content) < size:
        raise UnreadableImage("the array is cut off", got=f"{len(content)} of {size} bytes")
    return content
