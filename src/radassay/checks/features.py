"""Cheap features of an image that a shortcut may use, by the name of the finding they lead to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radassay.checks.regions import border, outside_lungs, thumbnails
from radassay.images.sample import Sample

SIDE = 32
"""Side of the thumbnail in pixels."""


def from_pixels(sample: Sample) -> dict[str, NDArray[np.float64]]:
    """Return features of the picture as the network sees it, each (n, d)."""
    small = thumbnails(sample.pixels, SIDE)
    return {
        "auc_border": small[:, border(SIDE)],
        "auc_lungs_out": small[:, outside_lungs(SIDE)],
        "auc_histogram": histogram(sample.pixels),
        "auc_full": small.reshape(len(small), -1),
    }


def histogram(pixels: NDArray[np.float32], bins: int = 32) -> NDArray[np.float64]:
    """Return the square root of the share of pixels in each grey bin, (n, bins).

    The root evens out the bins' variances (Hellinger distance).
    """
    index = np.clip(np.nan_to_num(pixels) * bins, 0, bins - 1).astype(np.intp).reshape(len(pixels), -1)
    rows = np.arange(len(pixels))[:, None] * bins
    counts = np.bincount((index + rows).ravel(), minlength=len(pixels) * bins).reshape(len(pixels), bins)
    return np.sqrt(counts / max(1, index.shape[1]))


def from_file(sample: Sample) -> dict[str, NDArray[np.float64] | str]:
    """Return features of the file alone, each (n, d), or the reason why there are none."""
    height, width = (sample.table[c].to_numpy(dtype=np.float64) for c in ("height", "width"))
    if not (np.isfinite(height) & np.isfinite(width) & (height > 0) & (width > 0)).all():
        missing = "the native height and width are not known of every image"
        shapes: dict[str, NDArray[np.float64] | str] = {"auc_shape": missing, "auc_aspect": missing}
    else:
        aspect = np.log(width / height)
        size = np.stack([np.log(height), np.log(width), aspect, np.abs(aspect)], axis=1)
        shapes = {"auc_shape": size, "auc_aspect": aspect[:, None]}
    return {**shapes, "auc_file": file_type(sample)}


def file_type(sample: Sample) -> NDArray[np.float64] | str:
    """Return file type, bits and channels as indicators, (n, d)."""
    columns = [sample.table[c].astype(str).to_numpy(dtype=str) for c in ("format", "bits", "channels")]
    if (columns[0] == "").any():
        return "the file type is not known of every image"
    return np.concatenate([c[:, None] == np.unique(c)[None, :] for c in columns], axis=1).astype(np.float64)
