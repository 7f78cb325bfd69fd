"""Prepare three sets to put on trial against real images: real ones, copies, and a GAN's.

    python docs/example_trials.py ../shared/data/darkcovidnet FOLDER --positive Covid-19

writes FOLDER/real (the images of 60 % of the patients) and, each as many as its training images, FOLDER/others (real
images of the other patients), FOLDER/copies (training images with a trace of noise) and FOLDER/gan (made by the default
GAN, trained on the training images alone). Then `radassay assess FOLDER/real FOLDER/copies --positive Covid-19`.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from PIL import Image

from radassay.cli.progress import progress
from radassay.images.imageset import ImageSet
from radassay.images.importing import import_images
from radassay.workbench.making import labels_wanted, plugin, sample, train
from radassay.workbench.materials import gather, labelled
from radassay.workbench.study import study_of

REAL = 0.6
"""Share of the patients whose images are the real set; the others stand for a perfect generator."""


def written(images: ImageSet, folder: Path, noise: float = 0.0, rng: np.random.Generator | None = None) -> None:
    """Write images as PNG files in grey, with a table beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "metadata.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["file", "patient", "label", "view", "modality", "site", "sex", "age"])
        for row in range(len(images)):
            picture = images.display(row)
            if rng is not None:
                picture = np.clip(picture + rng.normal(0, noise, picture.shape), 0, 1)
            Image.fromarray(np.rint(picture * 255).astype(np.uint8)).save(folder / f"{row:05d}.png")
            told = [images.table[c].iloc[row] for c in ("label", "view", "modality", "site", "sex", "age_text")]
            table.writerow([f"{row:05d}.png", images.table["patient"].iloc[row], *told])


def main() -> None:
    """Prepare the folders."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--positive", nargs="+", required=True)
    parser.add_argument("--where", nargs="*", default=[], help="column=value, such as view=PA; repeated values add up")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng, folder = np.random.default_rng(options.seed), options.folder
    images, _ = import_images(options.source, folder / "work" / "import", name=options.source.name, origin="acquired")
    wanted: dict[str, list[str]] = {}
    for column, _, value in (part.partition("=") for part in options.where):
        wanted.setdefault(column, []).append(value)
    images = labelled(images.where(**wanted) if wanted else images, options.positive)
    patients = rng.permutation(np.unique(images.units))
    real = np.isin(images.units, patients[: int(REAL * len(patients))])
    written(images.take(np.flatnonzero(real)), folder / "real")
    study = study_of(
        {
            "name": "trials",
            "seed": options.seed,
            "real": {"source": str(folder / "real"), "positive": [_positive(options.positive)]},
        }
    )
    with progress() as report:
        materials = gather(study, folder / "work", report)
        training = materials.training
        others = images.take(np.flatnonzero(~real))
        written(others.take(np.sort(rng.permutation(len(others))[: len(training)])), folder / "others")
        written(training, folder / "copies", 0.01, rng)
        gan = plugin("generators", "projection-gan", {})
        train(training, folder / "work" / "gan", gan, size=study.size, fit=study.fit, seed=options.seed, report=report)
    labels = labels_wanted(training, 0)
    written(sample(gan, folder / "work" / "gan", folder / "work" / "made", labels, seed=options.seed), folder / "gan")


def _positive(labels: list[str]) -> str:
    return labels[0] if len(labels) == 1 else "positive"


if __name__ == "__main__":
    main()
