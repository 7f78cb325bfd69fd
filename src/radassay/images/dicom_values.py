"""From the stored values of a DICOM frame to Hounsfield units, and the window in which to show them."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut

from radassay.errors import UnreadableImage
from radassay.images.dicom_tags import first, group, text, whole
from radassay.images.frame import finite, one_channel, smallest_integers, window_of
from radassay.images.intensity import LUNG_WINDOW_HU
from radassay.images.store import Pixels


def shown(ds: Dataset, index: int, stored: Pixels, modality: str) -> tuple[Pixels, str, float, float, tuple[str, ...]]:
    """Return pixels in HU or as stored, dark = low, with their unit, window and warnings."""
    bits = whole(ds, "BitsStored", 16)
    kind = str(ds.PhotometricInterpretation)
    if stored.ndim == 3 or kind == "PALETTE COLOR":
        colour = _eight_bits(apply_color_lut(stored, ds), 16) if kind == "PALETTE COLOR" else _eight_bits(stored, bits)
        return one_channel(colour), "stored", 0.0, 255.0, ()
    transform = group(ds, index, "PixelValueTransformationSequence", "RescaleIntercept")
    rescaled, odd = finite(_rescaled(stored, transform, ds))
    pixels = smallest_integers(rescaled)
    is_hu = modality == "CT" and "RescaleIntercept" in transform
    if is_hu and text(transform, "RescaleType") not in ("", "HU"):
        is_hu, odd = False, (*odd, "CT values are not in Hounsfield units")
    elif modality == "CT" and not is_hu:
        odd = (*odd, "CT without rescale: its values are not known to be Hounsfield units")
    if is_hu:
        low, high = LUNG_WINDOW_HU
    else:
        pixels, low, high, guessed = _voi(ds, index, pixels, bits)
        odd = (*odd, *guessed)
    if kind == "MONOCHROME1":
        # mirrored about the middle of the window, so that whole numbers stay whole
        total = low + high if pixels.dtype.kind == "f" else float(round(low + high))
        pixels = smallest_integers(finite(total - pixels.astype(np.float64))[0])
        low, high = total - high, total - low
    return pixels, "HU" if is_hu else "stored", low, high, odd


def _eight_bits(colour: Pixels, bits: int) -> Pixels:
    if colour.dtype == np.uint8:
        return colour
    return (colour.astype(np.uint32) >> max(bits - 8, 0)).astype(np.uint8)


def _rescaled(stored: Pixels, transform: Dataset, ds: Dataset) -> Pixels:
    """Apply the modality LUT table, or slope and intercept (DICOM PS3.3 C.11.1)."""
    if transform.get("ModalityLUTSequence"):
        return _looked_up(stored, transform.ModalityLUTSequence[0], ds)[0]
    slope, intercept = first(transform, "RescaleSlope"), first(transform, "RescaleIntercept")
    slope, intercept = (
        (slope if np.isfinite(slope) and slope != 0 else 1.0),
        (0.0 if np.isnan(intercept) else intercept),
    )
    if (slope, intercept) == (1.0, 0.0):
        return stored
    return stored.astype(np.float64) * slope + intercept


def _looked_up(pixels: Pixels, item: Dataset, ds: Dataset) -> tuple[Pixels, float]:
    """Return table values of pixels and the largest value of the table's depth.

    Written out because pydicom 3.0 knows no modality table of 12 bits and clips 8 bit pixels with an overflow.
    """
    entries, start, bits = (int(v) for v in item.LUTDescriptor)
    data = item.LUTData
    if isinstance(data, bytes):
        order = "<" if ds.file_meta.TransferSyntaxUID.is_little_endian else ">"
        data = np.frombuffer(data, dtype=np.uint8 if len(data) == entries else f"{order}u2")
    table = np.asarray(data).astype(np.uint16)[: entries or 2**16]
    if not len(table):
        raise UnreadableImage("its look-up table is empty")
    places = np.clip(pixels.astype(np.int64) - start, 0, len(table) - 1)
    return table[places], float(2**bits - 1)


def _voi(ds: Dataset, index: int, pixels: Pixels, bits: int) -> tuple[Pixels, float, float, tuple[str, ...]]:
    """Apply a VOI LUT table, or return the window (DICOM PS3.3 C.11.2.1.2); first of several."""
    voi = group(ds, index, "FrameVOILUTSequence", "WindowCenter")
    if voi.get("VOILUTSequence") and pixels.dtype.kind in "iu":
        looked_up, top = _looked_up(pixels, voi.VOILUTSequence[0], ds)
        return looked_up, 0.0, top, ()
    center, width = first(voi, "WindowCenter"), first(voi, "WindowWidth")
    if np.isfinite(center) and np.isfinite(width) and width >= 1:
        function = text(voi, "VOILUTFunction") or "LINEAR"
        warned = ("sigmoid window shown as a linear one",) if function == "SIGMOID" else ()
        if function == "LINEAR_EXACT" or width == 1:
            return pixels, center - width / 2, center + width / 2, warned
        return pixels, center - width / 2, center + width / 2 - 1, warned
    if text(ds, "PixelPaddingValue") and (inside := pixels[pixels != first(ds, "PixelPaddingValue")]).size:
        return pixels, *window_of(inside, max(bits, 9))
    return pixels, *window_of(pixels, bits)
