"""DICOM: single frames, multi-frame objects and slices of volumes, compressed or not, with tags missing."""

from __future__ import annotations

import logging
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from pydicom import config, dcmread
from pydicom.dataset import Dataset
from pydicom.pixels.utils import iter_pixels
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian, MediaStorageDirectoryStorage

from radassay.errors import UnreadableImage
from radassay.images.dicom_tags import first, group, numbers, text, whole
from radassay.images.dicom_values import shown
from radassay.images.frame import NAN, Frame, Limits

logging.getLogger("pydicom").setLevel(logging.CRITICAL)
config.settings.reading_validation_mode = config.IGNORE

MODALITIES = {"CR": "X-ray", "DX": "X-ray", "RG": "X-ray", "RF": "X-ray", "CT": "CT", "MR": "MR"}
"""Words of the image set for the modalities of DICOM PS3.3 C.7.3.1.1.1; others keep their code."""
PLANAR = ("CR", "DX", "RG", "RF", "MG", "PX", "IO", "XA")
"""Modalities whose pictures are projections, never slices."""
NO_PATIENT = frozenset({"", "anonymous", "anonymised", "anonymized", "anon", "unknown", "none", "na", "n/a", "0"})
_BY_CLASS = {
    "1.2.840.10008.5.1.4.1.1.1": "CR",
    "1.2.840.10008.5.1.4.1.1.1.1": "DX",
    "1.2.840.10008.5.1.4.1.1.2": "CT",
    "1.2.840.10008.5.1.4.1.1.2.1": "CT",
    "1.2.840.10008.5.1.4.1.1.4": "MR",
    "1.2.840.10008.5.1.4.1.1.4.1": "MR",
}
_PLANES = ("Sagittal", "Coronal", "Axial")


@dataclass(frozen=True)
class _Geometry:
    """Where one frame lies in the patient (DICOM PS3.3 C.7.6.2.1.1)."""

    spacing_mm: float
    view: str
    orientation: str
    positions: dict[str, float]


def frames(file: BinaryIO, limits: Limits) -> Iterator[Frame]:
    """Yield every frame of a DICOM file.

    CT values become Hounsfield units; MONOCHROME1 pictures are turned so that low values are dark; the display
    window is the lung window for CT in HU, else the VOI LUT or window of the file, else the range of the values.

    Raises:
        UnreadableImage: no pixels, or a header beyond the limits. pydicom's own errors pass through.
    """
    ds, warnings = _dataset(file, limits)
    height, width = whole(ds, "Rows"), whole(ds, "Columns")
    count = whole(ds, "NumberOfFrames", 1) or 1
    limits.check(height, width, count, whole(ds, "SamplesPerPixel", 1))
    _check_length(ds, count)
    about = _about(ds)
    modality = _modality(ds)
    for index, stored in enumerate(iter_pixels(ds)):
        if index >= count:
            break
        limits.check(stored.shape[0], stored.shape[1])
        place = _geometry(ds, index)
        pixels, unit, low, high, odd = shown(ds, index, stored, modality)
        series = text(ds, "SeriesInstanceUID")
        in_volume = bool(place.positions) and modality not in PLANAR
        # without a modality, a number alone makes no volume: it may count the X-rays of a folder
        in_volume = in_volume and (modality in ("CT", "MR", "PT") or "position" in place.positions)
        yield Frame(
            pixels=pixels,
            format="dicom",
            low=low,
            high=high,
            bits=whole(ds, "BitsStored", whole(ds, "BitsAllocated", 16)),
            unit=unit,
            index=index if count > 1 else None,
            spacing_mm=place.spacing_mm,
            volume=f"{series}|{place.orientation}|{pixels.shape[0]}x{pixels.shape[1]}" if in_volume else "",
            positions=place.positions if in_volume else {},
            view=text(ds, "ViewPosition") or place.view,
            modality=MODALITIES.get(modality, modality),
            warnings=(*warnings, *odd),
            **about,
        )


def _dataset(file: BinaryIO, limits: Limits) -> tuple[Dataset, list[str]]:
    """Return the data set with what it lacks for decoding filled in, and a warning for each such tag."""
    warnings: list[str] = []
    _refuse_deflate_bomb(file, limits)
    ds = dcmread(file, force=True)
    meta = getattr(ds, "file_meta", None)
    if meta is not None and meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage:
        raise UnreadableImage("a DICOM directory, which holds no picture")
    if not any(name in ds for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        raise UnreadableImage("this DICOM file holds no pixels", got=_modality(ds) or "no modality")
    if whole(ds, "BitsAllocated", 16) == 1:
        raise UnreadableImage("this DICOM file holds outlines (one bit a pixel), not a picture")
    if meta is not None and "TransferSyntaxUID" not in meta:
        meta.TransferSyntaxUID = ds.original_encoding and _uncompressed(ds)
        warnings.append("no transfer syntax: read as uncompressed")
    eight = "BitsAllocated" in ds and ds.BitsAllocated == 8
    fill: dict[str, Any] = {
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 8 if eight else 16,
        "PixelRepresentation": 0,
    }
    for name, value in fill.items():
        if ds.get(name) in (None, ""):
            setattr(ds, name, ds.BitsAllocated if name == "BitsStored" else value)
            warnings.append(f"tag {name} is missing; taken as {getattr(ds, name)}")
    if ds.get("HighBit") in (None, ""):
        ds.HighBit = ds.BitsStored - 1
    return ds, warnings


def _uncompressed(ds: Dataset) -> str:
    implicit, little = ds.original_encoding
    if implicit is False:
        return "1.2.840.10008.1.2.1" if little else "1.2.840.10008.1.2.2"
    return str(ImplicitVRLittleEndian)


def _refuse_deflate_bomb(file: BinaryIO, limits: Limits) -> None:
    """A deflated data set is inflated whole by pydicom, so its size is counted first, piece by piece."""
    head = file.read(1024)
    file.seek(0)
    if DeflatedExplicitVRLittleEndian.encode() + b"\0" not in head:
        return
    # (0002,0000) UL, the first element after `DICM`, holds the length of the rest of the group
    (group_length,) = struct.unpack("<I", head[140:144])
    file.seek(144 + group_length)
    inflate, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
    while not inflate.eof and (piece := inflate.unconsumed_tail or file.read(65536)):
        size += len(inflate.decompress(piece, 2**20))
        if size > min(limits.max_file_bytes, limits.max_memory_bytes // 4):
            raise UnreadableImage("the deflated data grow beyond what is allowed", got=f"more than {size} bytes")
    file.seek(0)


def _check_length(ds: Dataset, count: int) -> None:
    """Say how much of uncompressed pixels is missing, before a decoder stumbles over it."""
    data = ds.get("PixelData")
    if data is None or ds.file_meta.TransferSyntaxUID.is_compressed:
        return
    values = ds.Rows * ds.Columns * ds.SamplesPerPixel * count
    if ds.PhotometricInterpretation == "YBR_FULL_422":
        values = values * 2 // 3
    wanted = values * ds.BitsAllocated // 8
    if len(data) < wanted:
        raise UnreadableImage("the pixels are cut off", got=f"{len(data)} of {wanted} bytes")


def _about(ds: Dataset) -> dict[str, str]:
    """Return patient, study, sex, age and site as the file writes them."""
    patient = text(ds, "PatientID")
    sex = text(ds, "PatientSex").upper()
    return {
        "patient": "" if patient.lower() in NO_PATIENT else patient,
        "study": text(ds, "StudyInstanceUID"),
        "sex": sex if sex in ("F", "M") else "",
        "age_text": text(ds, "PatientAge"),
        "site": text(ds, "InstitutionName"),
    }


def _modality(ds: Dataset) -> str:
    return text(ds, "Modality").upper() or _BY_CLASS.get(text(ds, "SOPClassUID"), "")


def _geometry(ds: Dataset, index: int) -> _Geometry:
    """Return spacing, plane and position of a frame; what the file lacks stays empty."""
    positions: dict[str, float] = {}
    row_and_column = numbers(
        group(ds, index, "PlaneOrientationSequence", "ImageOrientationPatient"), "ImageOrientationPatient", 6
    )
    corner = numbers(group(ds, index, "PlanePositionSequence", "ImagePositionPatient"), "ImagePositionPatient", 3)
    view = orientation = ""
    if row_and_column is not None:
        normal = np.cross(row_and_column[:3], row_and_column[3:])
        orientation = ",".join(f"{v + 0.0:.2f}" for v in np.round(row_and_column, 2) + 0.0)
        if np.abs(normal).max() > 0.8:
            view = _PLANES[int(np.abs(normal).argmax())]
        if corner is not None:
            positions["position"] = float(np.round(normal @ corner, 4))
    for name, tag in (("location", "SliceLocation"), ("number", "InstanceNumber")):
        value = first(ds, tag)
        if np.isfinite(value) and whole(ds, "NumberOfFrames", 1) <= 1:
            positions[name] = value
    measures = group(ds, index, "PixelMeasuresSequence", "PixelSpacing")
    spacing = first(measures, "PixelSpacing")
    if not np.isfinite(spacing):
        spacing = first(ds, "ImagerPixelSpacing")
    return _Geometry(spacing if spacing > 0 else NAN, view, orientation, positions)
