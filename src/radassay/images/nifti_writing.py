"""Volumes of Hounsfield units as NIfTI-1 files, as `nifti.py` reads them."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from radassay.evidence.run import storage, write_atomic


def write_volume(path: Path, hu: NDArray[np.int16], spacing_mm: tuple[float, float, float]) -> None:
    """Write a volume as `.nii.gz`, byte for byte the same for the same values.

    Args:
        path: of the file.
        hu: (depth, height, width) from feet to head, front row first, patient's right column first.
        spacing_mm: distance between voxel centres along depth, height and width; the affine is made of it, with the
            middle of the volume at the origin.

    Raises:
        StorageError: the file cannot be written.
    """
    # canonical axes of NIfTI grow to the right, the front and the head (RAS+)
    turned = np.ascontiguousarray(np.asarray(hu, dtype=np.int16)[:, ::-1, ::-1].transpose(2, 1, 0))
    step = np.array(spacing_mm[::-1], dtype=float)
    affine = np.diag([*step, 1.0])
    affine[:3, 3] = -step * (np.array(turned.shape) - 1) / 2
    image: Any = nib.Nifti1Image(turned, affine)  # type: ignore[no-untyped-call]
    image.header.set_xyzt_units("mm")
    image.header["descrip"] = b"Hounsfield units"
    with storage(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, gzip.compress(image.to_bytes(), 6, mtime=0))
