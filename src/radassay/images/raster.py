"""PNG, JPEG, TIFF (all pages), WebP, BMP, GIF (all frames) and JPEG 2000, through Pillow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageOps

from radassay.errors import UnreadableImage
from radassay.images.frame import Frame, Limits, finite, one_channel, window_of
from radassay.images.store import Pixels

_PILLOW = {"jpeg2000": "JPEG2000"}
_ORIENTATION = 0x0112


def frames(file: BinaryIO, format: str, limits: Limits) -> Iterator[Frame]:
    """Yield every page or frame of a picture file.

    Raises:
        UnreadableImage: the header claims more than the limits allow. Pillow's own errors pass through.
    """
    deep_colour = format == "png" and _deep_colour_png(file)
    with Image.open(file, formats=[_PILLOW.get(format, format.upper())]) as picture:
        index = total = 0
        many = bool(getattr(picture, "is_animated", False))
        while True:
            limits.check(picture.height, picture.width, index + 1)
            total += picture.height * picture.width
            if total > limits.max_file_pixels:
                raise UnreadableImage("the pages hold more pixels than is allowed", got=total)
            yield _frame(picture, format, index if many else None, deep_colour)
            index += 1
            if not many:
                return
            try:
                picture.seek(index)
            except EOFError:
                return


def _frame(picture: Image.Image, format: str, index: int | None, deep_colour: bool) -> Frame:
    warnings: list[str] = []
    if deep_colour:
        warnings.append("16 bits a channel were read as 8")
    orientation = picture.getexif().get(_ORIENTATION, 1)
    if orientation in range(2, 9):
        picture = ImageOps.exif_transpose(picture)
        warnings.append("turned as its EXIF orientation says")
    pixels, bits = _decoded(picture, warnings)
    pixels, odd = finite(one_channel(pixels))
    low, high, guessed = window_of(pixels, bits)
    return Frame(
        pixels=pixels,
        format=format,
        low=low,
        high=high,
        bits=bits,
        index=index,
        warnings=(*warnings, *odd, *guessed),
    )


def _decoded(picture: Image.Image, warnings: list[str]) -> tuple[Pixels, int]:
    """Return the pixels, grey or RGB, and the bits of a value."""
    mode = picture.mode
    if mode in ("L", "RGB"):
        return np.array(picture), 8
    if mode == "1":
        return np.array(picture.convert("L")), 8
    if mode.startswith("I;16"):
        return np.array(picture).astype(np.uint16), 16
    if mode == "I":
        values = np.array(picture)
        fits = values.min() >= 0 and values.max() < 2**16
        return (values.astype(np.uint16), 16) if fits else (values.astype(np.int32), 32)
    if mode == "F":
        return np.array(picture), 32
    if mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in picture.info:
        return _flattened(picture.convert("RGBA"), warnings), 8
    if mode not in ("P", "RGBX"):
        warnings.append(f"colours turned from {mode} into RGB")
    return np.array(picture.convert("RGB")), 8


def _flattened(picture: Image.Image, warnings: list[str]) -> Pixels:
    """Return RGB with transparent parts shown black."""
    values: np.ndarray[Any, np.dtype[np.uint8]] = np.array(picture)
    alpha = values[..., 3]
    if (alpha == 255).all():
        return np.ascontiguousarray(values[..., :3])
    warnings.append("transparent parts are shown black")
    seen = values[..., :3].astype(np.uint16) * alpha[..., None].astype(np.uint16)
    return ((seen + 127) // 255).astype(np.uint8)


def _deep_colour_png(file: BinaryIO) -> bool:
    """Whether a PNG has 16 bits in several channels, which Pillow reads as 8 (PNG specification, 11.2.2)."""
    head = file.read(26)
    file.seek(0)
    return len(head) == 26 and head[24] == 16 and head[25] in (2, 4, 6)
