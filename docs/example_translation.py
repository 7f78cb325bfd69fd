"""Turn healthy simulated chests into diseased ones, and measure what was painted in against the truth.

    python docs/example_translation.py FOLDER [--size 32] [--images-seen 3000] [--patients 300]

trains CycleGAN on simulated chests of different healthy and diseased patients, translates held-out healthy ones, and
writes FOLDER/measured.json and FOLDER/translation.png. Everything shown is simulated.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from radassay.anatomy.lungs import find_lungs
from radassay.classifiers.small_cnn import SmallCNN
from radassay.cli.progress import progress
from radassay.contracts.classifier import fit_score
from radassay.generators.translation.cyclegan import CycleGAN
from radassay.generators.translation.steganography import cycle_errors
from radassay.images.phantom import Cohort
from radassay.stats.auc import auc

Pictures = NDArray[np.float32]
HELD_OUT = 100
"""Patients who are translated, and as many more on whom the detector is calibrated."""
EXTENT = (0.22, 0.4)
"""Share of the lungs that is ill: large, so that a detector can tell."""
SPECIFICITY = 0.95
"""Share of healthy chests in which the calibrated detector finds nothing."""
BRIGHTER = 0.08
"""Rise of the grey value, smoothed over a fiftieth of the side, from which on a place counts as painted."""


@dataclass(frozen=True)
class Chests:
    """Simulated chests of one patient each; those held out exist twice, healthy and ill."""

    training: Pictures
    labels: NDArray[np.str_]
    calibration: Pictures
    """Healthy."""
    healthy: Pictures
    ill: Pictures
    """The same patients in the same pose, ill."""
    lung: NDArray[np.bool_]
    heart: NDArray[np.bool_]

    @classmethod
    def draw(cls, patients: int, size: int, seed: int) -> Chests:
        """Return chests of so many patients of each class to learn from, and of others to measure on."""
        cohort = Cohort(size=size, images_per_patient=1, extent=EXTENT, seed=seed)

        def grey(first: int, count: int, label: str) -> Pictures:
            made = [cohort.picture(cohort.patient(i, label)).grey() for i in range(first, first + count)]
            return np.array(made, dtype=np.float32)

        last = 2 * patients
        masks = [cohort.picture(cohort.patient(i, "healthy")).masks() for i in range(last, last + HELD_OUT)]
        return cls(
            np.concatenate([grey(0, patients, "healthy"), grey(patients, patients, "disease")]),
            np.repeat(["healthy", "disease"], patients),
            grey(last + HELD_OUT, HELD_OUT, "healthy"),
            grey(last, HELD_OUT, "healthy"),
            grey(last, HELD_OUT, "disease"),
            np.array([m.lung for m in masks]),
            np.array([m.heart for m in masks]),
        )


def found(chests: Chests, translated: Pictures, seed: int) -> dict[str, float]:
    """Return in which share a detector, learned and calibrated on simulated chests alone, finds disease."""
    rows = np.random.default_rng(seed).permutation(len(chests.labels))
    ill = chests.labels == "disease"
    learnt, choosing = rows[: len(rows) * 4 // 5], rows[len(rows) * 4 // 5 :]
    scores = fit_score(
        SmallCNN(),
        chests.training[learnt],
        ill[learnt],
        (chests.training[choosing], ill[choosing]),
        np.concatenate([chests.calibration, chests.healthy, chests.ill, translated]),
        steps=600,
        augment=True,
        seed=seed,
    )
    calibration, *others = scores.reshape(4, HELD_OUT)
    limit = np.quantile(calibration, SPECIFICITY)
    shares = {f"found in {name}": float((s > limit).mean()) for name, s in zip(KINDS, others, strict=True)}
    truth = np.repeat([False, True], HELD_OUT)
    return {"detector's AUC": float(auc(np.concatenate(others[:2]), truth)), **shares}


QUICK = {
    "width": 8, "blocks": 2, "generator_rate": 1e-3, "discriminator_rate": 2e-3, "cycle": 5.0, "identity": 0.0,
}  # fmt: skip
"""Settings of a training that one processor core ends in half a minute at 32 px."""
KINDS = ("healthy", "ill", "translated")


def painted(chests: Chests, pictures: Pictures) -> float:
    """Return which share of all places that became brighter lies in the true lungs of the healthy chest."""
    sigma = pictures.shape[-1] / 50
    rise = np.array([gaussian_filter(p - h, sigma) for p, h in zip(pictures, chests.healthy, strict=True)])
    places = rise > BRIGHTER
    return float((places & chests.lung).sum() / max(int(places.sum()), 1))


def alike(chests: Chests, pictures: Pictures) -> float:
    """Return the mean correlation of what changed in one patient with what changed in another: 1, always the same."""
    change = (pictures - chests.healthy).reshape(len(pictures), -1)
    among = np.corrcoef(change)
    return float(among[~np.eye(len(among), dtype=bool)].mean())


def lungs_kept(chests: Chests, pictures: Pictures) -> float:
    """Return the mean Dice coefficient of the lungs found on pictures with the true ones of the healthy chest."""
    seen, true = find_lungs(pictures), chests.lung
    return float(np.mean(2 * (seen & true).sum((1, 2)) / (seen.sum((1, 2)) + true.sum((1, 2)))))


def heart_moved(chests: Chests, pictures: Pictures, reach: int = 4) -> NDArray[np.float64]:
    """Return by how many pixels the heart of each picture lies elsewhere than in the healthy chest.

    It is the shift, of up to `reach` pixels each way, at which the frame around the heart correlates best.
    """
    moved = []
    for picture, healthy, heart in zip(pictures, chests.healthy, chests.heart, strict=True):
        ys, xs = np.nonzero(heart)
        top, bottom = max(ys.min() - 2, reach), min(ys.max() + 3, len(heart) - reach)
        left, right = max(xs.min() - 2, reach), min(xs.max() + 3, len(heart) - reach)
        true = healthy[top:bottom, left:right].ravel()
        fits = {
            (dy, dx): np.corrcoef(true, picture[top + dy : bottom + dy, left + dx : right + dx].ravel())[0, 1]
            for dy in range(-reach, reach + 1)
            for dx in range(-reach, reach + 1)
        }
        moved.append(np.hypot(*max(fits, key=lambda at: fits[at])))
    return np.array(moved)


def measured(chests: Chests, translator: CycleGAN, folder: Path, seed: int) -> tuple[dict[str, float], Pictures]:
    """Return all that is measured on translations of the held-out healthy chests, and the translations."""
    healthy = np.repeat("healthy", HELD_OUT)
    translated = translator.translate(chests.healthy, healthy, folder, target="disease", seed=seed)
    cycle = cycle_errors(translator, folder, chests.healthy, label="healthy", target="disease", seed=seed)
    numbers = found(chests, translated, seed)
    for name, pictures in (("translated", translated), ("ill", chests.ill)):
        moved = heart_moved(chests, pictures)
        numbers |= {
            f"painted in the lungs, {name}": painted(chests, pictures),
            f"likeness of two patients' changes, {name}": alike(chests, pictures),
            f"Dice of the lungs, {name}": lungs_kept(chests, pictures),
            f"heart moved by 1 px or more, {name}": float((moved >= 1).mean()),
            f"heart moved by 2 px or more, {name}": float((moved >= 2).mean()),
        }
    numbers |= {"cycle error": cycle.undisturbed, "cycle error in 8 bits": cycle.eight_bits, "hidden": cycle.hidden}
    numbers |= {f"cycle error, noise {sd:g}": error for sd, error in cycle.noisy.items()}
    return numbers, translated


def figure(chests: Chests, translated: Pictures, columns: int = 8) -> Image.Image:
    """Return rows of chests: healthy, translated, what changed, and the same patients truly ill."""
    change = np.clip(0.5 + 2 * (translated - chests.healthy), 0, 1)
    rows = [np.concatenate(list(p[:columns]), axis=1) for p in (chests.healthy, translated, change, chests.ill)]
    grey = np.rint(np.concatenate(rows) * 255).astype(np.uint8)
    times = max(1, 128 // translated.shape[-1])
    return Image.fromarray(grey).resize((grey.shape[1] * times, grey.shape[0] * times), Image.Resampling.NEAREST)


def main() -> None:
    """Train, translate, measure and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--images-seen", type=int, default=3_000)
    parser.add_argument("--patients", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chests = Chests.draw(options.patients, options.size, options.seed)
    translator = CycleGAN(images_seen=options.images_seen, threads=1, device="cpu", **QUICK)
    with progress() as report:
        translator.fit(chests.training, chests.labels, options.folder / "cyclegan", seed=options.seed, report=report)
    numbers, translated = measured(chests, translator, options.folder / "cyclegan", options.seed)
    told = {name: round(value, 4) for name, value in numbers.items()}
    (options.folder / "measured.json").write_text(json.dumps(told, indent=1) + "\n")
    figure(chests, translated).save(options.folder / "translation.png")
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
