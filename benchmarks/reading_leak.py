"""How often a reader study is refused for a leak: where there is none, and where one was planted.

Where there is none, real images of some patients stand in for synthetic ones. Each repetition draws patients, plans a
study of them as `radassay reading plan` does, and runs the leak test on the pixels as served. Wanted: at most 5 of 100
refused. Where one was planted, all stand-ins have a mark in the border, are blurred, went through JPEG, or are paler;
the smallest dose that is refused 95 times in 100 is what the test can be trusted to see.

    python benchmarks/reading_leak.py [--set IMPORTED_SET --positive LABEL] [--repetitions 100] [--record FILE]

With `--record FILE` every repetition is kept as it ends, and a later call does only what is missing.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from recorded import Recorded
from scipy.ndimage import gaussian_filter

from radassay.engine.processes import one_thread
from radassay.images.imageset import ImageSet
from radassay.images.phantom import Cohort, make_phantoms
from radassay.reading.copies import dithered
from radassay.reading.leak import telling, told_by
from radassay.reading.pack import pack
from radassay.reading.pipeline import Scale, quantised
from radassay.reading.plan import ReadingPlan
from radassay.reading.traces import traces
from radassay.stats.proportion import wilson

PLAN = ReadingPlan(cases=50, readers=6, catch=0, training=0, split="any", size=128)
WORLD = Cohort(patients=1000, images_per_patient=1, size=192, seed=11)
RING = 4
"""Width of the planted mark in pixels."""
Picture = NDArray[np.float64]


def marked(picture: Picture, dose: float) -> Picture:
    """Return a picture whose outermost pixels are brighter by `dose` of 255 grey levels."""
    out = picture + dose / 255
    out[RING:-RING, RING:-RING] = picture[RING:-RING, RING:-RING]
    return out


def blurred(picture: Picture, dose: float) -> Picture:
    """Return a picture after a Gaussian filter of `dose` pixels."""
    return np.asarray(gaussian_filter(picture, dose, mode="nearest"))


def compressed(picture: Picture, dose: float) -> Picture:
    """Return a picture after JPEG compression of quality `100 - dose`."""
    file = BytesIO()
    Image.fromarray(np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)).save(file, "JPEG", quality=int(100 - dose))
    return np.asarray(Image.open(file), dtype=np.float64) / 255


def paler(picture: Picture, dose: float) -> Picture:
    """Return a picture to the power `1 / (1 + dose)`."""
    return np.asarray(np.clip(picture, 0, 1) ** (1 / (1 + dose)))


PLANTED: dict[str, tuple[Callable[[Picture, float], Picture], tuple[float, ...]]] = {
    "border, grey levels of 255": (marked, (0.25, 0.5, 1, 2, 4, 8)),
    "blur, pixels": (blurred, (0.2, 0.25, 0.3, 0.35, 0.4, 0.5)),
    "JPEG, 100 less quality": (compressed, (1, 2, 5, 10, 20, 40)),
    "histogram, gamma above 1": (paler, (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8)),
}


@cache
def everybody(folder: Path, positive: tuple[str, ...]) -> ImageSet:
    """Return all images that have a label, once each; the label is `positive` or `other`."""
    images = ImageSet.open(folder)
    once = ~images.table["image"].duplicated().to_numpy()
    images = images.take(np.flatnonzero(once & (images.table["label"] != "").to_numpy()))
    return images.with_columns(label=np.where(images.table["label"].isin(positive), "positive", "other"))


def halves(images: ImageSet, rng: np.random.Generator) -> tuple[ImageSet, ImageSet]:
    """Return the images of a random half of the patients, and of the others as stand-ins for synthetic ones."""
    units = np.unique(images.units)
    first = np.isin(images.units, rng.permutation(units)[: len(units) // 2])
    return images.take(np.flatnonzero(first)), images.take(np.flatnonzero(~first)).with_columns(origin="generated")


def refused(images: ImageSet, size: int, seed: int) -> dict[str, float]:
    """Return lower limits of the leaks of one repetition in which nothing leaks, by tell."""
    rng = np.random.default_rng(seed)
    packed = pack(replace(PLAN, size=size), *halves(images, rng))
    found = packed.leaks(rng)
    return {
        tell: next(f.low or 0.0 for f in found if f.name == f"leak_{tell}") for tell in telling(found, PLAN.leak_limit)
    }


@cache
def traces_of(folder: Path, positive: tuple[str, ...], kind: str, dose: float) -> dict[str, NDArray[np.float64]]:
    """Return the features of all images as they would be served with something planted; nothing for an empty kind."""
    images, rng = everybody(folder, positive), np.random.default_rng(0)
    scale = Scale(0.0, 255.0, PLAN.levels)

    def served(row: int) -> NDArray[np.uint16]:
        picture = images.display(row, PLAN.size, PLAN.fit).astype(np.float64)
        return dithered(
            quantised(PLANTED[kind][0](picture, dose) if kind else picture, scale.levels)[None], scale.step, rng
        )

    # what is planted comes after resizing and before rounding, as a generator that draws at this size would leave it
    return traces((served(row) for row in range(len(images))), scale.step)


def caught(folder: Path, positive: tuple[str, ...], kind: str, dose: float, seed: int) -> list[str]:
    """Return the tells that refuse one repetition in which one arm carries something planted."""
    images, rng = everybody(folder, positive), np.random.default_rng(seed)
    units, labels = images.units, images.table["label"].to_numpy(dtype=str)
    rows: list[int] = []
    for label in ("positive", "other"):
        order = rng.permutation(np.flatnonzero(labels == label))
        _, first = np.unique(units[order], return_index=True)
        rows += list(order[np.sort(first)][: 2 * PLAN.cases])
    synthetic = np.arange(len(rows)) % 2 == 1
    plain, planted = (traces_of(folder, positive, *of) for of in (("", 0.0), (kind, dose)))
    features = {t: np.where(synthetic[:, None], planted[t][rows], plain[t][rows]) for t in plain}
    return telling(told_by(features, synthetic, units[rows].astype(str), rng), PLAN.leak_limit)


def line(name: str, count: int, of: int) -> str:
    """Return a line of the table."""
    low, high = wilson(count, of)
    return f"{name:40s} {count:4d} of {of}   {count / of:.3f} ({low:.3f}-{high:.3f})"


def main() -> None:
    """Print how often studies were refused."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", type=Path, default=None, help="folder of an imported set; simulated chests by default")
    parser.add_argument("--positive", nargs="+", default=["disease"])
    parser.add_argument("--size", type=int, default=PLAN.size, help="side in pixels where nothing is planted")
    parser.add_argument("--nothing", action="store_true", help="plant nothing; stacks of CT slices are read this way")
    parser.add_argument("--repetitions", type=int, default=100)
    parser.add_argument("--record", type=Path, default=None, help="lines of JSON, one a repetition; carried on with")
    options = parser.parse_args()
    folder, positive = options.set or Path(tempfile.gettempdir()) / "radassay-leak-world", tuple(options.positive)
    if not (folder / "set.json").exists():
        make_phantoms(folder, WORLD, workers=1)
    done, started = Recorded(options.record), time.process_time()
    for seed in range(options.repetitions):
        if ("nothing", seed) not in done.found:
            done.add(("nothing", seed), refused(everybody(folder, positive), options.size, seed))
    found = [done.found["nothing", seed] for seed in range(options.repetitions)]
    print(line("nothing planted", sum(bool(one) for one in found), len(found)), flush=True)
    for tell in sorted({tell for one in found for tell in one}):
        print(line(f"  refused by {tell}", sum(tell in one for one in found), len(found)), flush=True)
    for kind, (_, doses) in ({} if options.nothing else PLANTED).items():
        for dose in doses:
            keys = [(kind, str(dose), seed) for seed in range(options.repetitions)]
            for key in keys:
                if key not in done.found:
                    done.add(key, caught(folder, positive, kind, dose, key[2]))
            hits = sum(bool(done.found[key]) for key in keys)
            print(line(f"{kind}: {dose:g}", hits, len(keys)), flush=True)
    print(f"{time.process_time() - started:.0f} processor seconds")


if __name__ == "__main__":
    one_thread()
    main()
