"""From a file to its frames: the one place where decoders are chosen and where their errors end."""

from __future__ import annotations

import os
import stat
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from PIL import UnidentifiedImageError

from radassay.errors import UnreadableImage
from radassay.images.frame import Frame, Limits
from radassay.images.sniff import RASTER, READABLE, promised, sniff


def read(path: Path, limits: Limits | None = None) -> Iterator[Frame]:
    """Yield the frames of one file, whose reader is chosen by its content.

    A name that promises another format is a warning on every frame. Whatever a decoder raises becomes an
    `UnreadableImage` with a reason, also in the middle of a file: then none of its frames should be used.

    Raises:
        UnreadableImage: the file is no picture, is damaged, or asks for more than the limits allow.
    """
    limits = limits or Limits()
    try:
        with open_regular(path, limits) as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            kind = sniff(file)
            yield from _decode(file, kind, _mislabelled(path.name, kind), limits)
    except UnreadableImage:
        raise
    except (MemoryError, RecursionError) as error:
        raise UnreadableImage(f"decoding it needs too much memory ({type(error).__name__})") from None
    except (EOFError, zlib.error, zipfile.BadZipFile):
        raise UnreadableImage("the file is cut off or its compressed data are damaged") from None
    except UnidentifiedImageError:
        raise UnreadableImage("its header is damaged") from None
    except Exception as error:  # decoders raise anything; their words may quote the patient, so only the kind is told
        raise UnreadableImage(f"it cannot be decoded{_known(error)}") from None


def open_regular(path: Path, limits: Limits) -> BinaryIO:
    """Open a regular file that is not too large; never waits on a pipe or a device."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except OSError as error:
        raise UnreadableImage(f"the file cannot be opened ({error.strerror})") from None
    about = os.fstat(handle)
    if not stat.S_ISREG(about.st_mode):
        os.close(handle)
        raise UnreadableImage("not a regular file")
    if about.st_size > limits.max_file_bytes:
        os.close(handle)
        raise UnreadableImage(
            "the file is larger than is allowed",
            got=f"{about.st_size} bytes",
            possible=f"{limits.max_file_bytes} bytes",
        )
    return os.fdopen(handle, "rb")


def _decode(file: BinaryIO, kind: str, warned: tuple[str, ...], limits: Limits) -> Iterator[Frame]:
    if kind == "empty":
        raise UnreadableImage("the file is empty")
    if kind.startswith("archive"):
        raise UnreadableImage(kind, possible="Unpack it first")
    if kind not in READABLE:
        what = "its content is of no known kind" if kind == "unknown" else f"no picture but {kind}"
        raise UnreadableImage(what, possible="Read are DICOM, NIfTI, NPZ, PNG, JPEG, TIFF, WebP, BMP, GIF")
    for frame in _reader(file, kind, limits):
        yield Frame(**{**vars(frame), "warnings": (*warned, *frame.warnings)}) if warned else frame


def _reader(file: BinaryIO, kind: str, limits: Limits) -> Iterator[Frame]:
    """Return the reader of a format; each is imported only when a file asks for it."""
    if kind in RASTER:
        from radassay.images import raster

        return raster.frames(file, kind, limits)
    if kind == "dicom":
        from radassay.images import dicom

        return dicom.frames(file, limits)
    if kind == "nifti":
        from radassay.images import nifti

        return nifti.frames(file, limits)
    from radassay.images import npz

    return npz.frames(file, limits)


def _mislabelled(name: str, kind: str) -> tuple[str, ...]:
    claim = promised(name)
    return (f"named as {claim} but holds {kind}",) if claim and kind in READABLE and claim != kind else ()


def _known(error: Exception) -> str:
    """Return the kind of an error, and its words where they are Pillow's and name no object."""
    words = str(error)
    if isinstance(error, OSError | SyntaxError) and 0 < len(words) < 120 and "0x" not in words:
        return f": {words}"
    return f" ({type(error).__name__})"
