"""NIfTI-1 and NIfTI-2 volumes, plain or gzipped, as axial slices the way radiologists see them."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from typing import Any, BinaryIO

import nibabel as nib
import numpy as np
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation

from radassay.errors import UnreadableImage
from radassay.images.frame import Frame, Limits, finite, smallest_integers, window_of
from radassay.images.intensity import LUNG_WINDOW_HU

AIR_HU, BONE_HU = -900.0, 200.0
GUESSED_HU = "taken for Hounsfield units by the range of its values"
_HEADER = 544


def frames(file: BinaryIO, limits: Limits) -> Iterator[Frame]:
    """Yield the axial slices of a volume from feet to head: patient's right at the left, front at the top.

    Values are taken for Hounsfield units, with a warning, where they span at least air to bone: NIfTI does not say.

    Raises:
        UnreadableImage: not one three-dimensional volume, cut off, or beyond the limits.
    """
    image = _image(file, limits)
    volume, affine = _canonical(image)
    slope, inter = _scale(image)
    lowest, highest = (float(v) * slope + inter for v in (np.nanmin(volume), np.nanmax(volume)))
    lowest, highest = min(lowest, highest), max(lowest, highest)
    is_hu = -4100.0 < lowest <= AIR_HU and highest >= BONE_HU
    normal = np.cross(affine[:3, 0], affine[:3, 1])
    normal /= np.linalg.norm(normal) or 1.0
    # one window for all slices, so that they can be compared
    ends = smallest_integers(np.array([lowest, highest]))
    low, high, told = (*LUNG_WINDOW_HU, (GUESSED_HU,)) if is_hu else window_of(ends, volume.dtype.itemsize * 8)
    for k in range(volume.shape[2]):
        # canonical axes grow to the right, the front and the head (RAS+)
        stored = np.ascontiguousarray(volume[::-1, ::-1, k].T)
        scaled = stored if slope == 1 and inter == 0 else stored.astype(np.float64) * slope + inter
        pixels, odd = finite(scaled)
        pixels = smallest_integers(pixels)
        yield Frame(
            pixels=pixels,
            format="nifti",
            low=low,
            high=high,
            bits=stored.dtype.itemsize * 8,
            unit="HU" if is_hu else "stored",
            index=k,
            spacing_mm=float(np.linalg.norm(affine[:3, 1])),
            volume="this file",
            positions={"position": float(np.round(normal @ (affine[:3, 2] * k + affine[:3, 3]), 4))},
            view="Axial",
            modality="CT" if is_hu else "",
            warnings=(*told, *odd),
        )


def _image(file: BinaryIO, limits: Limits) -> Any:
    """Return the image over bytes whose number was checked against the header first."""
    zipped = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    source: BinaryIO = gzip.GzipFile(fileobj=file) if zipped else file  # type: ignore[assignment]
    head = source.read(_HEADER)
    if head[344:348] == b"ni1\0" or head[4:8] == b"ni2\0":
        raise UnreadableImage("one half of a NIfTI pair", possible="Convert header and image into one .nii file")
    kind = nib.Nifti1Image if head[344:348] == b"n+1\0" else nib.Nifti2Image
    header: Any = kind.header_class.from_fileobj(io.BytesIO(head), check=False)  # type: ignore[no-untyped-call]
    shape = [int(n) for n in header.get_data_shape()]
    if len(shape) < 2 or any(n < 1 for n in shape) or any(n > 1 for n in shape[3:]):
        raise UnreadableImage(
            "not one three-dimensional volume", got=" x ".join(map(str, shape)), possible="Split it into volumes first"
        )
    deep = shape[2] if len(shape) > 2 else 1
    # the canonical slice may lie along any pair of axes
    sides = sorted((shape[0], shape[1], deep))
    limits.check(sides[2], sides[1], sides[0])
    dtype = header.get_data_dtype()
    if dtype.kind not in "iuf":
        raise UnreadableImage("NIfTI with colours or complex numbers", got=dtype)
    start = int(header["vox_offset"])
    wanted = start + int(np.prod(shape)) * dtype.itemsize
    if not 0 <= start <= 2**24 or wanted > limits.max_memory_bytes // 4:
        raise UnreadableImage("the header claims more than is allowed", got=f"{wanted} bytes")
    content = head + source.read(wanted - len(head))
    if len(content) < wanted:
        raise UnreadableImage("the volume is cut off", got=f"{len(content)} of {wanted} bytes")
    return kind.from_bytes(content)


def _canonical(image: Any) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, np.dtype[np.float64]]]:
    """Return the stored values with axes nearest to right, front, head, and the affine that goes with them."""
    stored = np.asanyarray(image.dataobj.get_unscaled())
    stored = stored.reshape(*stored.shape[:2], stored.shape[2] if stored.ndim > 2 else 1)
    affine = np.asarray(image.affine, dtype=np.float64)
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-12:
        raise UnreadableImage("the orientation of the volume is not given")
    orientation = io_orientation(affine)  # type: ignore[no-untyped-call]
    if np.isnan(orientation).any():
        raise UnreadableImage("the orientation of the volume is not given")
    turned = apply_orientation(stored, orientation)  # type: ignore[no-untyped-call]
    return turned, affine @ inv_ornt_aff(orientation, stored.shape)  # type: ignore[no-untyped-call]


def _scale(image: Any) -> tuple[float, float]:
    slope, inter = float(image.dataobj.slope), float(image.dataobj.inter)
    return (slope, inter) if np.isfinite(slope) and np.isfinite(inter) and slope != 0 else (1.0, 0.0)
