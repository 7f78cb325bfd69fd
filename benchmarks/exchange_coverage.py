"""How often the 95 % interval of the exchange rate holds the truth, in simulated worlds where the truth is known.

Scores: every training's scores are drawn; the area follows a power law of the number of training patients, each of
whom makes trainings better or worse; patients have two images, and trainings differ in whom they find difficult.
Chests: simulated chest X-rays as 16 x 16 thumbnails, told by logistic regression; subsets are drawn from a pool, and
the truth comes from several hundred trainings on fresh patients. Synthetic images are fresh patients, of whom a share
has the wrong label. Wanted: 90 to 97 of 100.

    python benchmarks/exchange_coverage.py [--world scores] [--trials 400]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.linalg import solve
from scipy.stats import norm

from radassay.engine.processes import one_thread
from radassay.images.imageset import ImageSet
from radassay.images.phantom import Cohort, make_phantoms
from radassay.images.sample import Sample
from radassay.stats import learning_curve
from radassay.stats.auc import auc
from radassay.stats.exchange import Exchange, exchange
from radassay.stats.proportion import wilson

FITS = {"power_law": learning_curve.power_law, "monotone": learning_curve.monotone}
HEAD = (
    "world and fit     case               truth  coverage (95 % CI)      below  above  median low..high      "
    "median  bias   open above  beyond"
)


@dataclass(frozen=True)
class Design:
    """What one trial trains and tests."""

    sizes: tuple[int, ...] = (40, 60, 90, 135, 200)
    base: int = 80
    trainings: int = 10
    test: int = 200
    pool: int = 400


@dataclass(frozen=True)
class Case:
    """A generator whose worth is known."""

    name: str
    images: int
    """Synthetic images in each training."""
    wrong: float
    """Share of them whose label is wrong, or in the world of scores the patients they are worth."""
    trainings: int = 10
    test: int = 200
    pool: int = 400
    """Patients of whom each training takes its subsets."""


def answers(
    design: Design, scores: np.ndarray, mixed: np.ndarray, labels: np.ndarray, units: np.ndarray
) -> dict[str, Exchange]:
    """Return the exchange of one trial by each fit of the learning curve."""
    return {
        name: exchange(np.array(design.sizes), scores, mixed, labels, units, base=design.base, curve=fit)
        for name, fit in FITS.items()
    }


SCORES = (
    Case("as patients", 60, 60.0),
    Case("half as good", 60, 30.0),
    Case("worthless", 60, 0.0),
    Case("harmful", 60, -25.0),
    Case("beyond the curve", 200, 200.0),
    Case("5 trainings", 60, 40.0, trainings=5),
    Case("60 test patients", 60, 40.0, test=60),
    Case("all of the pool", 60, 40.0, pool=200),
)
CHESTS = (
    Case("as patients", 60, 0.0),
    Case("label wrong: 15 %", 60, 0.15),
    Case("label wrong: 50 %", 60, 0.5),
    Case("beyond the curve", 240, 0.0),
    Case("5 trainings", 60, 0.0, trainings=5),
    Case("60 test patients", 60, 0.0, test=60),
    Case("all of the pool", 60, 0.0, pool=200),
)


# The world of scores

TOP, FALL, EXPONENT = 0.93, 0.9, 0.42
QUALITY, START, PERSON, TASTE = 0.9, 0.04, 0.6, 0.35


def strength(n: float | np.ndarray) -> np.ndarray:
    """Return the distance of the classes that gives the area of the power law at n patients."""
    return np.sqrt(2) * norm.ppf(TOP - FALL * np.asarray(n, dtype=float) ** -EXPONENT)


def expected(n: float) -> float:
    """Return the expected area: distances spread around `strength` by the patients trained on and by the start."""
    return float(norm.cdf(strength(n) / np.sqrt(2 + START**2 + QUALITY**2 / n)))


def scored(distance: float, labels: np.ndarray, person: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return scores of variance 1 in each class, alike for one person, and of a training's own taste of persons."""
    taste = np.repeat(rng.normal(size=len(labels) // 2), 2)
    rest = np.sqrt(1 - PERSON**2 - TASTE**2)
    return distance * labels + PERSON * person + TASTE * taste + rest * rng.normal(size=len(labels))


def trial_of_scores(case: Case, seed: int) -> dict[str, Exchange]:
    """Return the exchange of one simulated trial."""
    design = Design(trainings=case.trainings, test=case.test, pool=case.pool)
    rng = np.random.default_rng([seed, SCORES.index(case)])
    labels = np.repeat(np.arange(design.test) % 2 == 0, 2)
    person = np.repeat(rng.normal(size=design.test), 2)
    quality = QUALITY * rng.normal(size=design.pool)
    scores = np.empty((len(design.sizes), design.trainings, len(labels)))
    mixed = np.empty(scores.shape[1:])
    for s in range(design.trainings):
        own = quality[rng.permutation(design.pool)]
        for k, n in enumerate(design.sizes):
            scores[k, s] = scored(strength(n) + own[:n].mean() + START * rng.normal(), labels, person, rng)
        worth = design.base + case.wrong
        few = own[: min(design.base, int(worth))].sum()
        more = QUALITY * np.sqrt(max(case.wrong, 0.0)) * rng.normal()
        mixed[s] = scored(strength(worth) + (few + more) / worth + START * rng.normal(), labels, person, rng)
    units = np.repeat(np.arange(design.test).astype(str), 2)
    return answers(design, scores, mixed, labels, units)


# The world of simulated chests

PENALTY = 0.3


@dataclass(frozen=True)
class World:
    """Everybody: two thumbnails of each patient, one after the other."""

    pixels: np.ndarray
    labels: np.ndarray

    @classmethod
    def at(cls, folder: Path, patients: int = 4000) -> World:
        """Return the world of the folder, made if it is not there."""
        if not (folder / "set.json").exists():
            make_phantoms(folder, Cohort(patients=patients, images_per_patient=2, size=64, seed=77))
        everybody = Sample.of(ImageSet.open(folder), 64)
        order = np.argsort(everybody.patients, kind="stable")
        small = everybody.pixels[order].reshape(len(order), 16, 4, 16, 4).mean(axis=(2, 4)).reshape(len(order), -1)
        small = (small - small.mean(axis=1, keepdims=True)) / small.std(axis=1, keepdims=True)
        return cls(small.astype(np.float64), everybody.labels[order] == "disease")

    @property
    def patients(self) -> int:
        """Return how many there are."""
        return len(self.labels) // 2


def trained(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the weights of a logistic regression, penalised by the squared norm, intercept last.

    Newton's method in as many unknowns as there are images (Rasmussen and Williams 2006, algorithm 3.1): several times
    as fast as a general solver where images are fewer than pixels.
    """
    kernel = PENALTY * (x @ x.T + 10)
    f = np.zeros(len(y))
    for _ in range(6):
        p = 1 / (1 + np.exp(-f))
        root = np.sqrt(p * (1 - p))
        b = root**2 * f + y - p
        inner = solve(np.eye(len(y)) + root[:, None] * kernel * root, root * (kernel @ b), assume_a="pos")
        alpha = b - root * inner
        f = kernel @ alpha
    return PENALTY * np.r_[alpha @ x, 10 * alpha.sum()]


def scores_of(model: np.ndarray, world: World, rows: np.ndarray) -> np.ndarray:
    """Return the log odds of these images."""
    return world.pixels[rows] @ model[:-1] + model[-1]


def tested(model: np.ndarray, world: World, rows: np.ndarray) -> float:
    """Return the area on these images."""
    return auc(scores_of(model, world, rows), world.labels[rows])


def made(world: World, who: np.ndarray, wrong: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return synthetic images: fresh patients, a share of whose labels is wrong."""
    labels = world.labels[2 * who]
    return world.pixels[2 * who], np.where(rng.random(len(who)) < wrong, ~labels, labels)


def trial_of_chests(world: World, case: Case, seed: int) -> dict[str, Exchange]:
    """Return the exchange of one trial on simulated chests; a synthetic image is used in one training alone."""
    design = Design(trainings=case.trainings, test=case.test, pool=case.pool)
    rng = np.random.default_rng([seed, CHESTS.index(case)])
    test, pool, rest = np.split(rng.permutation(world.patients), [design.test, design.test + design.pool])
    rows = np.sort(np.r_[2 * test, 2 * test + 1])
    scores = np.empty((len(design.sizes), design.trainings, len(rows)))
    mixed = np.empty(scores.shape[1:])
    for s in range(design.trainings):
        own = 2 * rng.permutation(pool)
        for k, n in enumerate(design.sizes):
            model = trained(world.pixels[own[:n]], world.labels[own[:n]])
            scores[k, s] = scores_of(model, world, rows)
        x, y = made(world, rest[s * case.images : (s + 1) * case.images], case.wrong, rng)
        first = own[: design.base]
        model = trained(np.concatenate([world.pixels[first], x]), np.concatenate([world.labels[first], y]))
        mixed[s] = scores_of(model, world, rows)
    return answers(design, scores, mixed, world.labels[rows], (rows // 2).astype(str))


def truth_of_chests(world: World, cases: tuple[Case, ...], repetitions: int) -> dict[Case, float]:
    """Return the patients that each generator is worth, from trainings on fresh patients.

    Fresh patients themselves are worth what they are; for the others the mean area is looked up on the mean curve.
    """
    rng = np.random.default_rng(2026)
    base, sizes = Design().base, np.array([40, 50, 60, 70, 80, 90, 105, 120, 135, 160, 200])
    sums, others = np.zeros(len(sizes)), dict.fromkeys([c for c in cases if c.wrong], 0.0)
    for _ in range(repetitions):
        test, real, extra = np.split(rng.permutation(world.patients), [1500, 3500])
        own, rows = 2 * real, np.r_[2 * test, 2 * test + 1]
        for k, n in enumerate(sizes):
            sums[k] += tested(trained(world.pixels[own[:n]], world.labels[own[:n]]), world, rows)
        for case in others:
            x, y = made(world, extra[: case.images], case.wrong, rng)
            model = trained(
                np.concatenate([world.pixels[own[:base]], x]), np.concatenate([world.labels[own[:base]], y])
            )
            others[case] += tested(model, world, rows)
    curve = np.maximum.accumulate(sums)
    worth = {c: float(np.exp(np.interp(v, curve, np.log(sizes)))) - base for c, v in others.items()}
    return {c: worth.get(c, float(c.images)) for c in cases}


# The table


def line(name: str, case: Case, truth: float, found: list[Exchange]) -> str:
    """Return what the trials of one case found."""
    low = np.array([-np.inf if f.low is None else f.low for f in found])
    high = np.array([np.inf if f.high is None else f.high for f in found])
    value = np.array([{"above": np.inf, "below": -np.inf}.get(f.beyond, f.patients) for f in found], dtype=float)
    covered = int(((low <= truth) & (truth <= high)).sum())
    share = wilson(covered, len(found))
    with np.errstate(invalid="ignore"):
        middle = [np.quantile(v, 0.5, method="lower") for v in (low, high, value)]
    return (
        f"{name:17s} {case.name:17s} {truth:6.1f}  {covered / len(found):.3f} ({share[0]:.3f}-{share[1]:.3f})  "
        f"{(high < truth).mean():.3f}  {(low > truth).mean():.3f}  {middle[0]:8.1f} .. {middle[1]:6.1f}   "
        f"{middle[2]:8.1f}  {middle[2] - truth:+5.1f}   {np.isinf(high).mean():.2f}        {np.isinf(value).mean():.2f}"
    )


def lines(world: str, case: Case, truth: float, found: list[dict[str, Exchange]]) -> Iterator[str]:
    """Yield a line a fit."""
    for fit in FITS:
        yield line(f"{world} {fit}", case, truth, [f[fit] for f in found])


def worlds(options: argparse.Namespace) -> Iterator[str]:
    """Yield the lines of the table as they come."""
    if options.world in (None, "scores"):
        for case in SCORES:
            found = [trial_of_scores(case, seed) for seed in range(options.trials)]
            yield from lines("scores", case, case.wrong, found)
    if options.world in (None, "chests"):
        world = World.at(options.folder)
        truths = truth_of_chests(world, CHESTS, options.truth)
        for case in CHESTS:
            found = [trial_of_chests(world, case, seed) for seed in range(options.trials)]
            yield from lines("chests", case, truths[case], found)


def main() -> None:
    """Print one line a world and case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--world", choices=["scores", "chests"], default=None, help="both by default")
    parser.add_argument("--trials", type=int, default=400)
    parser.add_argument("--truth", type=int, default=300, help="trainings behind the truth of the chests")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "radassay-coverage-world")
    options = parser.parse_args()
    print(HEAD)
    for text in worlds(options):
        print(text, flush=True)
    print(f"{time.process_time():.0f} CPU-s")


if __name__ == "__main__":
    one_thread()
    main()
