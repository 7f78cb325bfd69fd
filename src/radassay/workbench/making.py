"""Synthetic images for a study: train a generator on the training patients alone, then sample it."""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radassay import registry
from radassay.contracts import Generator, Report, silent
from radassay.errors import InputError, SettingsError
from radassay.evidence.run import write_atomic
from radassay.images.imageset import ImageSet
from radassay.images.intensity import Fit
from radassay.images.store import PixelStore


def plugin(kind: str, name: str, settings: dict[str, Any]) -> Any:
    """Return a plug-in with its settings.

    Raises:
        UnknownName: no such plug-in.
        SettingsError: it has no such setting; the message lists those it has.
    """
    made = registry.load(kind, name)
    known = [f.name for f in fields(made)]
    for setting in settings:
        if setting not in known:
            raise SettingsError(f"{name} has no setting {setting!r}", possible="Settings: " + ", ".join(known))
    return made(**settings)


def train(
    images: ImageSet, folder: Path, generator: Generator, *, size: int, fit: Fit, seed: int, report: Report = silent
) -> None:
    """Train a generator on a set, after writing down which images it was given.

    Raises:
        SettingsError: the set holds images of the test or validation split.
    """
    outside = sorted(set(images.table["split"]) - {"train", ""})
    if outside:
        raise SettingsError(
            "A generator learns from training images alone",
            got=f"images of split {outside}",
            possible="Give the training split",
        )
    given = {
        "generator": generator.name,
        "settings": asdict(generator),  # type: ignore[call-overload]
        "set": images.name,
        "images": len(images),
        "fingerprint": images.fingerprint,
        "size": size,
        "fit": fit,
    }
    write_atomic(folder / "given.json", (json.dumps(given, indent=1) + "\n").encode())
    generator.fit(images.load(size, fit), images.table["label"].to_numpy(dtype=str), folder, seed=seed, report=report)


def trained(folder: Path) -> Generator:
    """Return the generator that `train` was given for this folder, with its settings.

    Raises:
        InputError: nothing was trained there.
    """
    given = folder / "given.json"
    if not given.exists():
        raise InputError(f"{folder} holds no trained generator", possible="Make one with `radassay train`")
    told = json.loads(given.read_text())
    generator: Generator = plugin("generators", told["generator"], told["settings"])
    return generator


def typed(text: str) -> Any:
    """Return the value of a setting written on the command line: a TOML value, or else the text itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def sample(
    generator: Generator, folder: Path, out: Path, labels: NDArray[np.str_], *, seed: int, name: str = "synthetic"
) -> ImageSet:
    """Sample one image a label into an image set at `out`; every row is marked as generated."""
    pixels = generator.sample(labels, folder, seed=seed)
    grey = np.rint(pixels.clip(0, 1) * 255).astype(np.uint8)
    store = PixelStore(out / "pixels")
    rows = [
        {
            "image": store.put(picture),
            "source": f"{generator.name}/{index:06d}",
            "origin": "generated",
            "label": str(label),
            "label_source": str(label),
            "format": "sampled",
            "unit": "stored",
            "bits": 8,
            "channels": 1,
            "height": picture.shape[0],
            "width": picture.shape[1],
            "low": 0,
            "high": 255,
        }
        for index, (picture, label) in enumerate(zip(grey, labels, strict=True))
    ]
    images = ImageSet.of(name, rows, store)
    images.save(out)
    return images


def labels_wanted(training: ImageSet, count: int) -> NDArray[np.str_]:
    """Return the labels to ask for: `count` of them (0: as many as there are), in the training images' class mix."""
    labels, numbers = np.unique(training.table["label"].to_numpy(dtype=str), return_counts=True)
    count = count or int(numbers.sum())
    exact = numbers / numbers.sum() * count
    whole = np.floor(exact).astype(int)
    # Largest remainders first; ties go to the earlier label, so that the mix is the same every time.
    order = np.argsort(whole - exact, kind="stable")
    whole[order[: count - int(whole.sum())]] += 1
    return np.repeat(labels, whole)
