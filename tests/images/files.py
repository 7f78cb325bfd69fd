"""Small image files of every kind, made for tests."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

HERE = Path(__file__).resolve()
DATA = HERE.parents[2].parent / "shared" / "data"


def picture(seed: int = 0, height: int = 24, width: int = 20, top: int = 256, dtype: Any = np.uint8) -> np.ndarray:
    """A smooth picture with some noise, using its whole range."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    smooth = (np.sin(y / 5 + seed) + np.cos(x / 4) + 2) / 4 * (top - 1)
    noisy = np.clip(smooth + rng.normal(0, top / 20, (height, width)), 0, top - 1)
    noisy[0, 0], noisy[-1, -1] = 0, top - 1
    return noisy.astype(dtype)


def save(path: Path, pixels: np.ndarray, format: str | None = None, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, format=format, **options)
    return path


def png_bytes(pixels: np.ndarray, format: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format, **options)
    return out.getvalue()


def dicom(
    pixels: np.ndarray,
    *,
    syntax: str = ExplicitVRLittleEndian,
    ct: bool = False,
    frames: int = 1,
    colour: bool = False,
    bits: int | None = None,
    **tags: Any,
) -> Dataset:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.file_meta.MediaStorageSOPClassUID = CTImageStorage if ct else "1.2.840.10008.5.1.4.1.1.1.1"
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = generate_uid()
    ds.Modality = "CT" if ct else "DX"
    shape = pixels.shape[1:] if frames > 1 else pixels.shape
    ds.Rows, ds.Columns = shape[:2]
    if frames > 1:
        ds.NumberOfFrames = frames
    ds.SamplesPerPixel = 3 if colour else 1
    if colour:
        ds.PlanarConfiguration = 0
    ds.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    ds.BitsAllocated = pixels.dtype.itemsize * 8
    ds.BitsStored = bits or ds.BitsAllocated
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = int(pixels.dtype.kind == "i")
    ds.PixelData = pixels.tobytes()
    for name, value in tags.items():
        setattr(ds, name, value)
    return ds


def save_dicom(path: Path, ds: Dataset) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    ds.save_as(path, enforce_file_format=True)
    return path


def ct_slice(k: int, series: str, **tags: Any) -> Dataset:
    """A slice in HU at z = 2.5 k mm whose values all are -1000 + k."""
    pixels = np.full((8, 8), 24 + k, dtype=np.int16)
    place = {"ImagePositionPatient": [0, 0, 2.5 * k], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
    about = {"RescaleIntercept": -1024, "RescaleSlope": 1, "SeriesInstanceUID": series, "InstanceNumber": k + 1}
    return dicom(pixels, ct=True, **{**about, **place, **tags})


def save_nifti(path: Path, volume: np.ndarray, affine: np.ndarray | None = None) -> Path:
    nib.save(nib.Nifti1Image(volume, np.eye(4) if affine is None else affine), path)
    return path


def save_medmnist(path: Path, n: int = 4, **more: np.ndarray) -> Path:
    arrays = {}
    for part, count in (("train", n), ("val", 2), ("test", 2)):
        arrays[f"{part}_images"] = np.stack([picture(i, 28, 28) for i in range(count)])
        arrays[f"{part}_labels"] = (np.arange(count) % 2).astype(np.uint8)[:, None]
    np.savez_compressed(path, **{**arrays, **more})
    return path


def zip_bytes(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()
