"""Synthetic CT volumes: train a generator of volumes on training scans, then sample it into slices and NIfTI."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radassay import registry
from radassay.contracts.progress import Progress, Report, silent
from radassay.contracts.volume_generator import DrawnVolume, VolumeGenerator
from radassay.errors import InputError, SettingsError
from radassay.evidence.run import write_atomic
from radassay.images.hounsfield import Values, clipped_share, in_hu, shown_in, to_hu
from radassay.images.imageset import ImageSet
from radassay.images.nifti_writing import write_volume
from radassay.images.store import PixelStore
from radassay.images.volume_sequence import VolumeSequence
from radassay.workbench.making import GIVEN, learnt_values, plugin, refuse_other_splits

KIND = "volume-generators"
Shape = tuple[int, int, int]


def makes_volumes(name: str) -> bool:
    """Return whether a generator of this name draws volumes."""
    return name in registry.names(KIND)


def volume_generator(name: str, settings: dict[str, Any]) -> VolumeGenerator:
    """Return a generator of volumes with its settings.

    Raises:
        UnknownName: no such generator.
        SettingsError: a setting it does not have or cannot take.
    """
    generator: VolumeGenerator = plugin(KIND, name, settings)
    return generator


def train_volumes(
    images: ImageSet,
    folder: Path,
    generator: VolumeGenerator,
    *,
    shape: Shape,
    seed: int,
    window: str = "lung",
    report: Report = silent,
) -> int:
    """Train a generator on the volumes of a set, after writing down what it was given; return how many there are.

    Args:
        shape: depth, height and width in voxels to which every volume is brought.
        window: in which values are learned from, see `radassay.images.hounsfield`.

    Raises:
        SettingsError: the set holds images of the test or validation split.
        InputError: the set holds no volumes in Hounsfield units.
    """
    refuse_other_splits(images)
    if not in_hu(images):
        units = sorted(set(images.table["unit"]))
        raise InputError("Volumes must be CT in Hounsfield units", got=f"units {units}")
    images = shown_in(images, window)
    volumes = VolumeSequence(images, shape)
    used = np.concatenate([rows["row"].to_numpy() for rows in volumes.studies])
    low, high = (float(images.table[end].iloc[0]) for end in ("low", "high"))
    given = {
        "generator": generator.name,
        "settings": asdict(generator),  # type: ignore[call-overload]
        "set": images.name,
        "volumes": len(volumes),
        "images": len(used),
        "fingerprint": images.fingerprint,
        "ids": images.table["image"].iloc[used].tolist(),
        "shape": list(shape),
        "values": asdict(Values(low, high, clipped_share(images.take(used)), None, "Axial")),
    }
    write_atomic(folder / GIVEN, (json.dumps(given, indent=1) + "\n").encode())
    generator.fit(volumes, volumes.labels, volumes.spacing_mm, folder, seed=seed, report=report)
    return len(volumes)


def trained_volumes(folder: Path) -> VolumeGenerator | None:
    """Return the generator of volumes that was trained in a folder, or None where that is none of volumes."""
    given = folder / GIVEN
    told = json.loads(given.read_text()) if given.exists() else {}
    if not makes_volumes(told.get("generator", "")):
        return None
    return volume_generator(told["generator"], told["settings"])


def sample_volumes(
    generator: VolumeGenerator,
    folder: Path,
    out: Path,
    labels: NDArray[np.str_],
    *,
    seed: int,
    shape: Shape | None = None,
    name: str = "synthetic",
    report: Report = silent,
) -> ImageSet:
    """Sample one volume a label: `out/volumes/V000000.nii.gz` and on, and all slices as an image set at `out`.

    Values are whole Hounsfield units. The slices of a volume share `study` and `patient`, so that they are never
    counted as independent. One volume is in memory at a time.

    Raises:
        SettingsError: nothing was trained in the folder by `train_volumes`.
    """
    values = learnt_values(folder)
    if values is None:
        raise SettingsError(f"{folder} holds no generator of volumes", possible="Make one with `radassay train`")
    store, rows = PixelStore(out / "pixels"), []
    for index, drawn in enumerate(generator.sample(labels, folder, seed=seed, shape=shape)):
        hu = to_hu(drawn.voxels, (values.low, values.high))
        code = f"V{index:06d}"
        write_volume(out / "volumes" / f"{code}.nii.gz", hu, drawn.spacing_mm)
        about = {"label": str(labels[index]), "label_source": str(labels[index]), "study": code, "patient": code}
        rows += [
            {**values.row(), **about, **_slice_row(layer, picture, drawn), "image": store.put(picture),
             "source": f"{generator.name}/{code}#{layer}"}
            for layer, picture in enumerate(hu)
        ]  # fmt: skip
        report(Progress(index + 1, len(labels), "volumes"))
    images = ImageSet.of(name, rows, store)
    images.save(out)
    return images


def _slice_row(layer: int, picture: NDArray[np.int16], drawn: DrawnVolume) -> dict[str, Any]:
    depth, height, width = drawn.spacing_mm
    return {
        "origin": "generated",
        "format": "sampled",
        "channels": 1,
        "height": picture.shape[0],
        "width": picture.shape[1],
        "position_mm": round(layer * depth, 4),
        "spacing_mm": width if math.isclose(width, height, rel_tol=1e-3) else math.nan,
    }
