"""What a file holds, told by its content and never by its name."""

from __future__ import annotations

import gzip
import struct
import zipfile
import zlib
from typing import BinaryIO

RASTER = ("png", "jpeg", "tiff", "webp", "bmp", "gif", "jpeg2000")
READABLE = ("dicom", "nifti", "npz", *RASTER)

EXTENSIONS = {
    ".png": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".jpe": "jpeg",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".webp": "webp",
    ".bmp": "bmp",
    ".gif": "gif",
    ".jp2": "jpeg2000",
    ".dcm": "dicom",
    ".dicom": "dicom",
    ".nii": "nifti",
    ".nii.gz": "nifti",
    ".npz": "npz",
}
"""What a name promises; other names promise nothing."""

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "jpeg2000"),
    (b"7z\xbc\xaf\x27\x1c", "archive (7z)"),
    (b"Rar!\x1a\x07", "archive (rar)"),
    (b"\xfd7zXZ\0", "archive (xz)"),
    (b"BZh", "archive (bzip2)"),
    (b"\x28\xb5\x2f\xfd", "archive (zstd)"),
    (b"%PDF-", "PDF"),
    (b"\x93NUMPY", "NumPy array"),
    (b"PAR1", "Parquet table"),
    (b"\0\5\x16\7", "AppleDouble"),
    (b"\0\0\0\1Bud1", "folder settings of macOS"),
)
_VR = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT OB OW PN SH SL SQ SS ST TM UI UL UN US UT".split())
_BMP_HEADERS = (12, 40, 52, 56, 64, 108, 124)


def sniff(file: BinaryIO) -> str:
    """Return what an open file holds: one of `READABLE`, or a word for what else it is.

    Other words are `empty`, `text`, `unknown`, `archive (...)`, `PDF` and the like.
    """
    head = file.read(1024)
    file.seek(0)
    if not head:
        return "empty"
    if head[:4] in (b"PK\3\4", b"PK\5\6"):
        return _in_zip(file)
    if head[:2] == b"\x1f\x8b":
        return _in_gzip(file)
    return _of_bytes(head)


def promised(name: str) -> str:
    """Return the format that a file name promises, or an empty string."""
    lower = name.lower()
    if lower.endswith(".nii.gz"):
        return "nifti"
    dot = lower.rfind(".")
    return EXTENSIONS.get(lower[dot:], "") if dot >= 0 else ""


def _of_bytes(head: bytes) -> str:
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[128:132] == b"DICM" or _bare_dicom(head):
        return "dicom"
    if head[:2] == b"BM" and len(head) >= 18 and struct.unpack("<I", head[14:18])[0] in _BMP_HEADERS:
        return "bmp"
    if is_nifti(head):
        return "nifti"
    if head[257:262] == b"ustar":
        return "archive (tar)"
    return "text" if _is_text(head) else "unknown"


def is_nifti(head: bytes) -> bool:
    """Return whether these bytes open a NIfTI-1 or NIfTI-2 file (one of two files, `ni1`, counts too)."""
    return head[344:348] in (b"n+1\0", b"ni1\0") or head[4:8] in (b"n+2\0", b"ni2\0")


def _bare_dicom(head: bytes) -> bool:
    """DICOM without preamble: the first element belongs to group 2 or 8 and has a sane length."""
    if len(head) < 12 or head[:2] not in (b"\2\0", b"\x08\0") or head[3] != 0:
        return False
    return head[4:6] in _VR or struct.unpack("<I", head[4:8])[0] <= 256


def _is_text(head: bytes) -> bool:
    if b"\0" in head:
        return False
    odd = sum(1 for byte in head if byte < 32 and byte not in b"\t\n\r\f\x1b")
    return odd == 0


def _in_zip(file: BinaryIO) -> str:
    try:
        with zipfile.ZipFile(file) as archive:
            names = [n for n in archive.namelist() if not n.endswith("/")]
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        names = []
        file.seek(0)
        # a truncated NPZ has lost its directory, but its first member still tells
        if b".npy" in file.read(256):
            names = ["x.npy"]
    finally:
        file.seek(0)
    return "npz" if names and all(n.endswith(".npy") for n in names) else "archive (zip)"


def _in_gzip(file: BinaryIO) -> str:
    try:
        with gzip.GzipFile(fileobj=file) as inner:
            head = inner.read(560)
    except (OSError, EOFError, zlib.error):
        head = b""
    finally:
        file.seek(0)
    return "nifti" if is_nifti(head) else "archive (gzip)"
