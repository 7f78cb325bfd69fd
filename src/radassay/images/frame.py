"""One decoded picture with what its file tells of it, and the limits under which files are decoded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from radassay.errors import UnreadableImage
from radassay.images.store import Pixels

NAN = float("nan")


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One slice, frame, page or picture, before it is a row of an image set.

    Patient, study and volume are as the file wrote them: the import turns them into pseudonyms at once.
    """

    pixels: Pixels
    """(height, width) or (height, width, 3); low values are dark."""
    format: str
    """File type by content."""
    low: float
    """Value shown black."""
    high: float
    """Value shown white."""
    bits: int
    """Bits stored per value."""
    unit: str = "stored"
    """`HU` or `stored`."""
    index: int | None = None
    """Number of the frame within its file; None where the file holds one picture."""
    spacing_mm: float = NAN
    """Distance between pixel centres (of rows, where rows and columns differ)."""
    patient: str = ""
    study: str = ""
    volume: str = ""
    """What the slices of one volume have in common; empty outside volumes."""
    positions: Mapping[str, float] = field(default_factory=dict)
    """Where the slice lies along its volume, by source: `position` (mm), `location` (mm), `number` (counts)."""
    sex: str = ""
    age_text: str = ""
    view: str = ""
    modality: str = ""
    site: str = ""
    label: str = ""
    split: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Limits:
    """What one file may ask of the machine; checked against headers before anything is allocated."""

    max_pixels: int = 200_000_000
    """Pixels of one picture."""
    max_file_pixels: int = 4_000_000_000
    """Pixels of all pictures of one file."""
    max_frames: int = 200_000
    """Pictures of one file."""
    max_file_bytes: int = 8 * 2**30
    """Size of one file on disk."""
    max_memory_bytes: int = 8 * 2**30
    """Address space of the process that decodes."""
    seconds: float = 60.0
    """Time for one picture; a decoder that takes longer is ended and its file rejected."""

    def check(self, height: int, width: int, frames: int = 1, samples: int = 1) -> None:
        """Raise `UnreadableImage` unless pictures of this shape may be decoded."""
        if min(height, width, frames) < 1:
            raise UnreadableImage("the header claims a picture without pixels", got=f"{frames} x {height} x {width}")
        if height * width > self.max_pixels:
            raise UnreadableImage(
                "the header claims a larger picture than is allowed",
                got=f"{height} x {width} pixels",
                possible=f"Allowed: {self.max_pixels} pixels",
            )
        if samples > 4 or frames > self.max_frames or frames * height * width > self.max_file_pixels:
            raise UnreadableImage(
                "the header claims more than is allowed",
                got=f"{frames} frames of {height} x {width} pixels with {samples} values each",
                possible=f"Allowed: {self.max_frames} frames, {self.max_file_pixels} pixels a file, 4 values a pixel",
            )


def one_channel(pixels: Pixels) -> Pixels:
    """Return (height, width) where the channels of (height, width, 3) are all equal, else the picture itself."""
    if pixels.ndim == 3:
        first = pixels[..., 0]
        if np.array_equal(first, pixels[..., 1]) and np.array_equal(first, pixels[..., 2]):
            return np.ascontiguousarray(first)
    return pixels


def window_of(pixels: Pixels, bits: int) -> tuple[float, float, tuple[str, ...]]:
    """Return the values to show black and white where the file names none, and a warning if they were guessed.

    The range of the bits if the picture uses its upper half or has 8 bits, else the smallest and largest value.
    """
    whole = float(2**bits - 1)
    if bits <= 8:
        return 0.0, whole, ()
    low, high = float(pixels.min()), float(pixels.max())
    if low >= 0 and whole / 2 < high <= whole:
        return 0.0, whole, ()
    if high <= low:
        high = low + 1.0
    return low, high, (f"no display window: shown from its smallest to its largest value ({low:g} to {high:g})",)


def finite(pixels: Pixels) -> tuple[Pixels, tuple[str, ...]]:
    """Return float pictures as float32 with NaN and infinities replaced by the smallest value, and a warning.

    Raises:
        UnreadableImage: no value is finite.
    """
    if pixels.dtype.kind != "f":
        return pixels, ()
    with np.errstate(over="ignore"):
        pixels = pixels.astype(np.float32)
    good = np.isfinite(pixels)
    if good.all():
        return pixels, ()
    if not good.any():
        raise UnreadableImage("no pixel has a finite value")
    bad = int(pixels.size - good.sum())
    return np.where(good, pixels, pixels[good].min()), (f"{bad} values were not finite; shown black",)


def smallest_integers(pixels: Pixels) -> Pixels:
    """Return whole numbers in the smallest of int16, uint16 and int32 that holds them; others as they are.

    Pictures of 8 and 16 bits keep their type, so that a picture has one content whatever file carried it.
    """
    native = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    if native.dtype in (np.uint8, np.int16, np.uint16) or not np.array_equal(native, np.rint(native)):
        return native
    low, high = float(native.min()), float(native.max())
    for kind in (np.int16, np.uint16, np.int32):
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return native.astype(kind)
    return native
