"""Subjects for tests: simulated cohorts as image sets, made once a process and never changed."""

import tempfile
from functools import lru_cache
from pathlib import Path

import numpy as np

from radassay.contracts.probe import Subject
from radassay.images.imageset import ImageSet
from radassay.images.phantom import Cohort, make_phantoms
from radassay.images.store import PixelStore


@lru_cache(maxsize=16)
def phantoms(patients=60, seed=0, **settings):
    """A simulated cohort, one image a patient, 128 pixels; do not change it, make another with `repainted`."""
    folder = Path(tempfile.mkdtemp(prefix="radassay-phantoms-"))
    cohort = Cohort(**{"patients": patients, "images_per_patient": 1, "size": 128, "seed": seed} | settings)
    return make_phantoms(folder, cohort, workers=1)


def drawn(pictures, name="drawn", **columns):
    """An image set of these uint8 pictures, (h, w) or (h, w, 3); columns are lists or single values."""
    store = PixelStore(Path(tempfile.mkdtemp(prefix="radassay-drawn-")))
    ids = [store.put(np.ascontiguousarray(picture)) for picture in pictures]
    rows = [
        {
            "image": image,
            "source": f"{number:05d}.png",
            "origin": "acquired",
            "format": "png",
            "bits": 8,
            "low": 0,
            "high": 255,
            "height": picture.shape[0],
            "width": picture.shape[1],
            "channels": 1 if picture.ndim == 2 else 3,
        }
        for number, (image, picture) in enumerate(zip(ids, pictures, strict=True))
    ]
    for column, values in columns.items():
        for number, row in enumerate(rows):
            row[column] = values if isinstance(values, str | float | int) else values[number]
    return ImageSet.of(name, rows, store)


def repainted(images, paint, name=""):
    """The set with `paint(row number, pixels)` in place of each picture; everything known of an image stays."""
    pictures = [np.asarray(paint(row, images.pixels(row))) for row in range(len(images))]
    keep = [c for c in images.table.columns if c not in ("image", "height", "width", "channels", "low", "high", "bits")]
    columns = {c: images.table[c].tolist() for c in keep}
    return drawn(pictures, name or images.name, **columns)


def subject(*sets, positive=(), **fields):
    """A subject of these sets."""
    return Subject(tuple(sets), tuple(Path(f"/data/{images.name}") for images in sets), tuple(positive), **fields)
