"""Simulated chests into an image set on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radassay.engine.processes import cores, processes
from radassay.images.imageset import ImageSet
from radassay.images.intensity import LUNG_WINDOW_HU
from radassay.images.phantom.cohort import Cohort
from radassay.images.store import PixelStore

Report = Callable[[int, int, str], None]
Made = list[tuple[NDArray[np.uint8] | NDArray[np.int16], dict[str, object]]]
PATIENTS_A_JOB = 8


def make_phantoms(
    folder: Path,
    settings: Cohort,
    *,
    report: Report = lambda done, total, unit: None,
    workers: int | None = None,
    name: str = "phantoms",
) -> ImageSet:
    """Make a cohort and save it as an image set; the pixels do not depend on the number of workers.

    Args:
        folder: gets `pixels/`, `images.parquet` and `set.json`.
        settings: the cohort.
        report: called with images done, images in all, and `images`.
        workers: processes; None takes one a core where there are more than 64 images.
        name: name of the set.

    Raises:
        StorageError: the disk is full or the folder cannot be written.
    """
    store = PixelStore(folder / "pixels")
    total = settings.patients * settings.images_per_patient
    rows = []
    for made in _batches(settings, _workers(workers, total)):
        for pixels, row in made:
            rows.append({**row, "image": store.put(pixels)})
        report(len(rows), total, "images")
    images = ImageSet.of(name, rows, store)
    images.save(folder)
    return images


def _workers(asked: int | None, total: int) -> int:
    if asked is not None:
        return max(1, asked)
    return cores() if total > 64 else 1


def _batches(settings: Cohort, workers: int) -> Iterator[Made]:
    starts = range(0, settings.patients, PATIENTS_A_JOB)
    jobs = [range(s, min(s + PATIENTS_A_JOB, settings.patients)) for s in starts]
    if workers == 1:
        yield from (_make(settings, job) for job in jobs)
        return
    with processes(workers) as pool:
        yield from pool.map(_make, [settings] * len(jobs), jobs)


def _make(settings: Cohort, indices: range) -> Made:
    """Return pixels and rows of these patients."""
    made: Made = []
    for picture in settings.pictures(indices):
        pixels = picture.pixels()
        low, high = LUNG_WINDOW_HU if picture.modality == "CT" else (0.0, 255.0)
        about = {
            "format": "simulated",
            "unit": "HU" if picture.modality == "CT" else "stored",
            "height": pixels.shape[0],
            "width": pixels.shape[1],
            "channels": 1,
            "bits": 8 * pixels.itemsize,
            "low": low,
            "high": high,
        }
        made.append((pixels, {**picture.row(), **about}))
    return made
