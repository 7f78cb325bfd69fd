"""Synthetic images for a study: train a generator on the training patients alone, then sample it."""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radassay import registry
from radassay.contracts.generator import Aside, Generator, Translator
from radassay.contracts.grey import Grey
from radassay.contracts.progress import Report, silent
from radassay.errors import InputError, SettingsError
from radassay.evidence.run import write_atomic
from radassay.images.hounsfield import OWN, Values, in_hu, shown_in, to_hu
from radassay.images.imageset import ImageSet
from radassay.images.intensity import Fit
from radassay.images.splits import split
from radassay.images.store import PixelStore

GIVEN = "given.json"
GREY: dict[str, Any] = {"unit": "stored", "bits": 8, "low": 0, "high": 255}
WATCHING = "random-conv"
"""Encoder by which a generator's snapshots are compared; it was never trained, so it favours nobody."""
LEAST_ASIDE = 20
"""Fewer images kept aside than this say nothing about a snapshot."""


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


def generator_for(name: str, settings: dict[str, Any], size: int) -> Generator:
    """Return a generator with its settings, after making sure, before any image is read, that it can draw that size.

    Raises:
        UnknownName: no such generator.
        SettingsError: a setting it does not have or cannot take, or a size it does not draw.
    """
    generator: Generator = plugin("generators", name, settings)
    sizes = getattr(generator, "sizes", (size,))
    if size not in sizes:
        raise SettingsError(
            f"{name} cannot draw that size", got=f"{size} px", possible="Sizes: " + ", ".join(map(str, sizes))
        )
    if getattr(generator, "missing", ""):
        raise SettingsError(f"The generator {name} is not ready", got=generator.missing)  # type: ignore[attr-defined]
    return generator


def train(
    images: ImageSet,
    folder: Path,
    generator: Generator,
    *,
    size: int,
    fit: Fit,
    seed: int,
    aside: float = 0.0,
    window: str = OWN,
    report: Report = silent,
) -> None:
    """Train a generator on a set, after writing down which images it was given.

    Args:
        window: in which CT values are learned from, see `radassay.images.hounsfield`; other images keep their own.
        aside: share of the patients that it does not learn from, by whose images it keeps its best snapshot; with
            fewer than `LEAST_ASIDE` such images, or a class that would lack them, it learns from all.

    Raises:
        SettingsError: the set holds images of the test or validation split.
    """
    refuse_other_splits(images)
    images = shown_in(images, window)
    learnt, kept = set_aside(images, aside, seed)
    values = Values.of(images, size, fit)
    given = {
        "generator": generator.name,
        "settings": asdict(generator),  # type: ignore[call-overload]
        "set": images.name,
        "images": len(images),
        "aside": 0 if kept is None else len(kept),
        "fingerprint": images.fingerprint,
        "ids": images.table["image"].tolist(),
        "size": size,
        "fit": fit,
        "values": None if values is None else asdict(values),
    }
    write_atomic(folder / GIVEN, (json.dumps(given, indent=1) + "\n").encode())
    generator.fit(
        learnt.load(size, fit),
        learnt.table["label"].to_numpy(dtype=str),
        folder,
        seed=seed,
        report=report,
        aside=None if kept is None else watched(kept, size, fit),
    )


def refuse_other_splits(images: ImageSet) -> None:
    """Refuse to show a generator what it must not see.

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


def set_aside(images: ImageSet, share: float, seed: int) -> tuple[ImageSet, ImageSet | None]:
    """Return the images to learn from and those of other patients by which the snapshot is chosen, or None."""
    if share <= 0:
        return images, None
    try:
        parted = split(images.with_columns(split=""), fractions=(1 - share, share, 0.0), seed=seed)
    except InputError:  # a class of too few patients: nothing can be spared
        return images, None
    kept = parted.where(split="validation")
    return (images, None) if len(kept) < LEAST_ASIDE else (parted.where(split="train"), kept)


def watched(images: ImageSet, size: int, fit: Fit) -> Aside:
    """Return images kept aside, with the features in which drawn ones are compared with them."""
    encoder = plugin("encoders", WATCHING, {})
    return Aside(
        images.load(size, fit),
        images.table["label"].to_numpy(dtype=str),
        encoder.encode,
        f"{WATCHING} {encoder.fingerprint[:16]}",
    )


def given_ids(folder: Path) -> list[str]:
    """Return the ids of the images that the generator trained in a folder was given, those kept aside included."""
    ids: list[str] = json.loads((folder / GIVEN).read_text())["ids"]
    return ids


def learnt_values(folder: Path) -> Values | None:
    """Return what the grey values of the generator trained in a folder stand for, or None where no unit is known."""
    given = folder / GIVEN
    return Values.read(json.loads(given.read_text()).get("values")) if given.exists() else None


def trained(folder: Path) -> Generator:
    """Return the generator that `train` was given for this folder, with its settings.

    Raises:
        InputError: nothing was trained there.
    """
    given = folder / GIVEN
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
    """Sample one image a label into an image set at `out`; every row is marked as generated.

    What was learned from CT values is stored in whole Hounsfield units; anything else as 8-bit grey.
    """
    pixels = generator.sample(labels, folder, seed=seed)
    sources = [f"{generator.name}/{index:06d}" for index in range(len(labels))]
    return _stored(pixels, pd.DataFrame({"source": sources, "label": labels}), folder, out, name)


CARRIED = ("patient", "study", "sex", "age_text", "age_years", "view", "modality", "site", "split")
"""What a translated image keeps of the image it was made from: it is still a picture of that patient."""
FROM = "translated_from"
"""Column of the id of the image that an image was translated from."""


def translate(
    generator: Generator,
    folder: Path,
    images: ImageSet,
    out: Path,
    target: str,
    *,
    seed: int,
    name: str = "translated",
) -> ImageSet:
    """Translate all images of other classes than `target` into an image set at `out`, marked as generated.

    A row keeps the patient of the image that it was made from, whose id stands in the column `translated_from`.

    Raises:
        InputError: the generator is no translator, it does not know a class, no image is left to translate, or it
            learned from CT values and the images hold none.
    """
    if not isinstance(generator, Translator):
        raise InputError(f"{generator.name} does not translate images", possible="Train cyclegan or pix2pix")
    others = images.take(np.flatnonzero(images.table["label"] != target))
    if len(others) == 0:
        raise InputError(f"All {len(images)} images are {target} already", possible="Give images of another class")
    values = learnt_values(folder)
    if values is not None:
        if not in_hu(others):
            raise InputError("The generator learned from CT values", possible="Give images in Hounsfield units")
        others = others.with_columns(low=values.low, high=values.high)
    told = json.loads((folder / GIVEN).read_text())
    pixels = generator.translate(
        others.load(told["size"], told["fit"]),
        others.table["label"].to_numpy(dtype=str),
        folder,
        target=target,
        seed=seed,
    )
    rows = others.table[list(CARRIED)].assign(
        source=[f"{generator.name}/{source}" for source in others.table["source"]],
        label=target,
        **{FROM: others.table["image"]},
    )
    return _stored(pixels, rows, folder, out, name)


def _stored(pixels: Grey, about_each: pd.DataFrame, folder: Path, out: Path, name: str) -> ImageSet:
    """Write generated pixels (n, size, size) in [0, 1] into an image set, one row each with what is known of it."""
    values = learnt_values(folder)
    if values is None:
        pictures, about = np.rint(pixels.clip(0, 1) * 255).astype(np.uint8), GREY
    else:
        pictures, about = to_hu(pixels, (values.low, values.high)), values.row()
    store = PixelStore(out / "pixels")
    rows = [
        {
            **known,
            "image": store.put(picture),
            "origin": "generated",
            "label_source": known["label"],
            "format": "sampled",
            "channels": 1,
            "height": picture.shape[0],
            "width": picture.shape[1],
            **about,
        }
        for picture, known in zip(pictures, about_each.to_dict("records"), strict=True)
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
