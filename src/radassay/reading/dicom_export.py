"""One image of a reader study as DICOM files that say nothing but the pixels and how to show them.

Every slice is a file of the Secondary Capture Image IOD (DICOM PS3.3 A.8.1). It is the one object that every archive
and viewer takes, claims no scanner, and allows the rescale (C.11.1) and the windows (C.11.2) that reading needs. The
multi-frame Grayscale Word object (A.8.4) would be one file a stack, but not every viewer opens it with its windows.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.uid import UID, ExplicitVRLittleEndian, SecondaryCaptureImageStorage
from pydicom.valuerep import IS, format_number_as_ds

from radassay.reading.asked import Asked, PixelFormat, ReaderList


def uid(*parts: str) -> UID:
    """Return a UID of 44 characters that follows from opaque ids (DICOM PS3.5 B.2: `2.25.` and a UUID as a number).

    The highest bit is set, so that every UID, and with it every file, has the same length.
    """
    return UID(f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, '|'.join(parts)).int | 1 << 127}")


def dicom_files(
    who: ReaderList, asked: Asked, letter: int, pixels: bytes, about: PixelFormat
) -> Iterator[tuple[str, bytes]]:
    """Yield file name and content of every slice of one image; the same arguments give the same bytes.

    Args:
        who: the reader, whose id and item number become the patient id.
        asked: the item, which becomes the study.
        letter: place of the image in the item, which becomes the series.
        pixels: unsigned 16-bit little-endian, slices then rows then columns.
        about: what holds for all images.
    """
    number, length = who.digits(asked.number), about.width * about.height * 2
    name = asked.letters[letter] if len(asked.images) > 1 else ""
    for n in range(about.depth):
        data = _with_windows(about)
        data.PatientName, data.PatientID = number, f"{who.reader[:8]}-{number}"
        data.StudyID, data.StudyDescription = number, f"Item {number}"
        data.SeriesNumber = IS(number if not name else f"{letter + 1:0{len(number)}d}")
        data.SeriesDescription = f"{number}{name or ' '}"
        data.InstanceNumber = IS(f"{n + 1:04d}")
        ids = (who.reader, asked.item, asked.images[letter], f"{n + 1}")
        data.StudyInstanceUID, data.SeriesInstanceUID = uid("study", *ids[:2]), uid("series", *ids[:3])
        data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = uid("image", *ids)
        data.PixelData = pixels[n * length : (n + 1) * length]
        file = DicomBytesIO()
        data.save_as(file, enforce_file_format=True)
        yield f"{name or 'image'}-{n + 1:04d}.dcm", file.getvalue()


def _with_windows(about: PixelFormat) -> FileDataset:
    """Return all that is the same in every file."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = SecondaryCaptureImageStorage, ExplicitVRLittleEndian
    data = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    data.SpecificCharacterSet = "ISO_IR 192"
    data.SOPClassUID, data.ImageType = SecondaryCaptureImageStorage, ["DERIVED", "SECONDARY"]
    # Type 2: they must be there and may be empty. A date, even one for all, would be read as an examination's.
    for empty in ("StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName", "Manufacturer"):
        setattr(data, empty, "")
    data.PatientBirthDate = data.PatientSex = ""
    # WSD, a workstation: SYN, the code of a synthetic image, would be wrong for one arm and would tell the other.
    data.Modality, data.ConversionType = _modality(about), "WSD"
    data.PatientOrientation = _orientation(about)
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Rows, data.Columns = about.height, about.width
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 0
    if about.spacing_mm:
        data.PixelSpacing = [_number(mm) for mm in about.spacing_mm]
    data.RescaleIntercept, data.RescaleSlope = _number(about.intercept), _number(about.slope)
    data.RescaleType = "HU" if about.hu else "US"
    data.WindowCenter = [_number(window.center) for window in about.windows]
    data.WindowWidth = [_number(window.width) for window in about.windows]
    data.WindowCenterWidthExplanation = [window.name.replace("\\", "/") for window in about.windows]
    return data


def _modality(about: PixelFormat) -> str:
    """Return the code of a modality whose pictures are slices, else `OT`: no claim of a detector is made for films."""
    return "CT" if about.hu else {"CT": "CT", "MR": "MR"}.get(about.modality, "OT")


def _orientation(about: PixelFormat) -> list[str] | None:
    """Return where rows and columns run to; None where it is not known.

    Stacks are cut from head to feet, films are frontal. A single slice may be axial or coronal.
    """
    if not about.right_on_left or (about.depth == 1 and _modality(about) != "OT"):
        return None
    return ["L", "P" if about.depth > 1 else "F"]


def _number(value: float) -> str:
    return format_number_as_ds(float(value))
