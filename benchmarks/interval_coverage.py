"""How often the 95 % interval of each measure holds the truth, on simulated chests whose truth is known.

A large population of simulated patients stands for the world; each repetition draws training, held-out and synthetic
images from it, patients being the units, and measures with intervals. Two truths are held against the intervals: the
mean over all repetitions (the expectation for samples of this size) and, with `--large`, the value at a size many
times larger. Wanted: 92 to 98 of 100.

Cases: `same` (synthetic images are images of other patients), `shifted` (they are blurred, paler, their labels wrong in
one of ten), `copies` (shifted, and 5 % are copies of training images), `files` (as `same`, and the files' shapes and
types lean to the label, and the hospital is noted at random of three patients in ten; for `shortcut` alone).

    python benchmarks/interval_coverage.py [--check fidelity] [--case shifted] [--repetitions 500] [--large]

The intervals of all radiomic differences are to hold together: `feature_difference, together` counts that.
It takes hours, most of them for `verified_copies`, which `--fewer` runs in the first so many repetitions alone. With
`--record FILE` every repetition is kept as it ends, and a later call does only what is missing. `--first SEED` draws
others: a method that was chosen by some draws is to be counted on fresh ones.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
from recorded import Recorded
from scipy.ndimage import gaussian_filter

from radassay import registry
from radassay.checks.space import draws
from radassay.contracts.check import Inputs
from radassay.contracts.encoder import LearntEncoder
from radassay.controls.planting import relabelled, repainted, share_of
from radassay.controls.rows import RememberedRows
from radassay.engine.processes import one_thread, processes
from radassay.images.imageset import ImageSet
from radassay.images.phantom import Cohort, make_phantoms
from radassay.images.sample import Sample
from radassay.radiomics import feature_set
from radassay.stats.proportion import wilson
from radassay.stats.simultaneous import simultaneous_areas

SIZE = 64
POPULATION = 4_000
"""Patients of the world; a draw takes so few of them that they are as good as endless."""
CASES = ("same", "shifted", "copies", "files")
LARGE = 1200
"""Patients in each sample of the large one."""
HEAD = (
    "case     measure                          slice               n      mean       sd  "
    "coverage (95 % CI)    below above  width/sd"
)
TOGETHER = "feature_difference, together"
Measures = dict[tuple[str, str], tuple[float, float | None, float | None, str]]
"""Value, limits and reason by measure and slice."""
BLUR, PALE, WRONG, COPIED = 0.4, 0.98, 0.1, 0.05
WIDER, SPREAD, LEAN, MISPLACED = 0.1, 0.15, 0.1, 0.3
"""How the files of diseased patients differ, and how many patients' hospital is noted at random."""


@dataclass(frozen=True)
class Sizes:
    """Patients that a repetition draws."""

    training: int = 160
    held_out: int = 120
    synthetic: int = 160


def world(folder: Path, processes_: int) -> Path:
    """Return the folder of the population, made if it is not there."""
    if not (folder / "set.json").exists():
        cohort = Cohort(patients=POPULATION, images_per_patient=2, size=SIZE, seed=77)
        make_phantoms(folder, cohort, workers=processes_)
    return folder


@cache
def people(folder: Path) -> Sample:
    """Return everybody, read once a process."""
    return Sample.of(ImageSet.open(folder), SIZE)


@cache
def shifted(folder: Path) -> Sample:
    """Return everybody as a poor generator would show them."""
    everybody = people(folder)
    pixels = gaussian_filter(everybody.pixels, sigma=(0.0, BLUR, BLUR), mode="nearest") * PALE + 0.01
    return repainted(everybody, np.arange(len(everybody)), pixels)


@cache
def filed(folder: Path) -> Sample:
    """Return everybody in files that tell something of the label, from hospitals that are not always noted truly."""
    everybody, rng = people(folder), np.random.default_rng(5)
    table, patient = everybody.table.copy(), np.unique(everybody.patients, return_inverse=True)[1]
    diseased, count = everybody.labels == "disease", int(patient.max()) + 1
    size, tall = (rng.normal(0, SPREAD, count)[patient] for _ in range(2))
    table["height"] = np.round(1500 * np.exp(size + WIDER * diseased))
    table["width"] = np.round(table["height"] * np.exp(tall - WIDER * diseased))
    table["format"] = np.where(rng.random(count)[patient] < 0.5 + LEAN * diseased, "PNG", "JPEG")
    elsewhere = (rng.random(count) < MISPLACED)[patient]
    table["site"] = np.where(elsewhere, rng.choice(["A", "B"], count)[patient], table["site"])
    return everybody.changed(name=everybody.name, table=table)


@cache
def remembered(folder: Path, name: str) -> RememberedRows:
    """Return the encoder, which encodes each picture once a process."""
    everybody, encoder = people(folder), registry.load("encoders", name)()
    if isinstance(encoder, LearntEncoder):
        some = everybody.take(np.arange(600))
        encoder = encoder.learn(some.pixels, some.patients, folder / f"learnt-{name}", seed=0)
    none = everybody.take(np.arange(2))
    return RememberedRows(Inputs(none, none, encode=encoder.encode, encoder=name))


def drawn(folder: Path, case: str, sizes: Sizes, encoder: str, rng: np.random.Generator) -> Inputs:
    """Return the inputs of one repetition; half of the real patients have one image, half two."""
    everybody = filed(folder) if case == "files" else people(folder)
    patients = rng.permutation(np.unique(everybody.patients))[: sizes.training + sizes.held_out + sizes.synthetic]
    parts = np.split(patients, np.cumsum([sizes.training, sizes.held_out]))
    training, held_out = (_some(everybody, part, rng) for part in parts[:2])
    true = case in ("same", "files")
    source = everybody if true else shifted(folder)
    first = np.flatnonzero(np.isin(source.patients, parts[2]) & _first_films(source))
    synthetic = source.take(first, "synthetic").changed(name="synthetic", patients=source.images[first])
    if not true:
        wrong = share_of(np.arange(len(synthetic)), WRONG, rng)
        labels = synthetic.labels.copy()
        labels[wrong] = np.where(labels[wrong] == "disease", "healthy", "disease")
        synthetic = relabelled(synthetic, labels)
    if case == "copies":
        rows = share_of(np.arange(len(synthetic)), COPIED, rng)
        donors = rng.choice(len(training), len(rows), replace=False)
        grain = rng.normal(0, 0.01, (len(rows), SIZE, SIZE)).astype(np.float32)
        synthetic = repainted(synthetic, rows, training.pixels[donors] + grain)
    rows_of = remembered(folder, encoder)
    return Inputs(training, held_out, synthetic, encode=rows_of, encoder=encoder, positive="disease")


def _some(everybody: Sample, patients: np.ndarray, rng: np.random.Generator) -> Sample:
    rows = np.flatnonzero(np.isin(everybody.patients, patients))
    return everybody.take(rows[_first_films(everybody)[rows] | (rng.random(len(rows)) < 0.5)])


def _first_films(sample: Sample) -> np.ndarray:
    """Return which images are their patient's first; images stand in the order of their fingerprints."""
    first = np.zeros(len(sample), dtype=bool)
    first[np.unique(sample.patients, return_index=True)[1]] = True
    return first


def one(folder: Path, check: str, case: str, sizes: Sizes, encoder: str, seed: int, geometry: bool = True) -> Measures:
    """Return value, limits and reason of every measure of one repetition."""
    rng = np.random.default_rng([seed, CASES.index(case)])
    inputs = drawn(folder, case, sizes, encoder, rng)
    measured = registry.load("checks", check)()
    found = (measured if geometry else replace(measured, geometry=False)).measure(inputs, rng)
    measures = {(f.name, f.slice): (f.value, f.low, f.high, f.reason) for f in found if f.value is not None}
    return _all_features(inputs, measures, rng) if check == "radiomics" else measures


def _all_features(inputs: Inputs, measures: Measures, rng: np.random.Generator) -> Measures:
    """Return the measures with the differences of all features, in place of those that the check picks to be shown."""
    samples = [inputs.held_out, inputs.synthetic]
    features = [feature_set.remembered(sample.pixels, feature_set.LEVELS) for sample in samples]
    made = np.arange(sum(map(len, samples))) >= len(samples[0])
    areas = simultaneous_areas(np.concatenate(features).T, made, np.concatenate([draws(s) for s in samples]), rng)
    spans = (2 * np.stack([areas.values, areas.low, areas.high], axis=1) - 1).tolist()
    kept = {key: value for key, value in measures.items() if key[0] != "feature_difference"}
    return kept | {(TOGETHER, name): (*span, "") for name, span in zip(feature_set.NAMES, spans, strict=True)}


def repeated(options: argparse.Namespace, folder: Path, check: str, case: str, done: Recorded) -> list[dict]:
    """Return the measures of each repetition, those done before included."""
    seeds = range(options.first, options.first + options.repetitions)
    keys = [(options.encoder, check, case, seed) for seed in seeds]
    missing = [key for key in keys if key not in done.found]
    arguments = [
        (
            folder,
            check,
            case,
            Sizes(),
            options.encoder,
            seed,
            check != "memorisation" or seed < seeds[0] + options.fewer,
        )
        for *_, seed in missing
    ]
    with processes(options.processes) if missing and options.processes > 1 else nullcontext() as pool:
        found = (one(*given) for given in arguments) if pool is None else pool.map(one, *zip(*arguments, strict=True))
        for key, measures in zip(missing, found, strict=True):
            done.add(key, [[*name, *measured] for name, measured in measures.items()])
    return [{(name, part): tuple(rest) for name, part, *rest in done.found[key]} for key in keys]


def main() -> None:
    """Print one line a measure and case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    checks = [name for name in registry.names("checks") if registry.load("checks", name).reads == "synthetic"]
    parser.add_argument("--check", choices=registry.names("checks"), help="all that read synthetic images by default")
    parser.add_argument("--case", choices=CASES, default=None, help="all cases by default")
    parser.add_argument("--repetitions", type=int, default=500)
    parser.add_argument("--first", type=int, default=0, help="seed of the first repetition")
    parser.add_argument("--fewer", type=int, default=500, help="repetitions that verify copies by geometry")
    parser.add_argument("--rows", action="store_true", help="print what is recorded as rows of a Markdown table")
    parser.add_argument("--encoder", default="random-conv")
    parser.add_argument("--large", action="store_true", help=f"also hold the value at {LARGE} patients against them")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "radassay-coverage-world")
    parser.add_argument("--record", type=Path, default=None, help="lines of JSON, one a repetition; carried on with")
    options = parser.parse_args()
    done = Recorded(options.record)
    if options.rows:
        _rows(done)
        return
    folder = world(options.folder, options.processes)
    print(f"{HEAD}  at {LARGE} patients" if options.large else HEAD)
    for check, case in product([options.check] if options.check else checks, [options.case] if options.case else CASES):
        if case == "files" and check != "shortcut":
            continue
        started = time.process_time()
        results = repeated(options, folder, check, case, done)
        large = {}
        if options.large:
            large = one(folder, check, case, Sizes(LARGE, LARGE, LARGE), options.encoder, 10**6)
        _table(case, results, large)
        print(
            f"{check}, {case}: {(time.process_time() - started) / options.repetitions:.2f} CPU-s a repetition",
            flush=True,
        )


def _table(case: str, results: list[Measures], large: Measures) -> None:
    for (name, part), found in _by_measure(results).items():
        values = np.array([f[0] for f in found])
        head = f"{case:8s} {name:32s} {part:16s} {len(found):4d}  {values.mean():8.4f} {values.std(ddof=1):8.4f}"
        low, high = _limits(found)
        if len(low) < 2:
            print(f"{head}  no interval: {found[0][3][:70]}")
            continue
        truths = [values.mean(), *([large[name, part][0]] if (name, part) in large else [])]
        told = []
        for truth in truths:
            below, above = (high < truth).mean(), (low > truth).mean()
            covered = int(((low <= truth) & (truth <= high)).sum())
            share = wilson(covered, len(low))
            told.append(f"{covered / len(low):.3f} ({share[0]:.3f}-{share[1]:.3f})  {below:.3f} {above:.3f}")
        width = (high - low).mean() / max(2 * 1.96 * values.std(ddof=1), 1e-12)
        more = f"  {truths[1]:8.4f}: {told[1]}" if len(told) > 1 else ""
        print(f"{head}  {told[0]}  {width:5.2f}{more}")
    together = _together(results)
    if len(together):
        print(f"{case:8s} {TOGETHER:49s} {len(together):4d}  {together.mean():.3f}")


def _by_measure(results: list[Measures]) -> dict[tuple[str, str], list]:
    """Return what all repetitions found of each measure; features whose intervals hold together are left out."""
    by_measure = defaultdict(list)
    for key, found in ((key, found) for result in results for key, found in result.items() if key[0] != TOGETHER):
        by_measure[key].append(found)
    return by_measure


def _limits(found: list) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower and upper limits of the repetitions that have some."""
    limits = np.array([[np.nan if limit is None else limit for limit in f[1:3]] for f in found], dtype=float)
    low, high = limits[np.isfinite(limits).all(axis=1)].T
    return low, high


def _together(results: list[Measures]) -> np.ndarray:
    """Return in which repetitions the intervals of all features hold their means over repetitions."""
    spans = [[found[:3] for key, found in result.items() if key[0] == TOGETHER] for result in results]
    if not spans or not spans[0]:
        return np.empty(0)
    value, low, high = np.moveaxis(np.array(spans, dtype=float), 2, 0)
    truth = value.mean(axis=0)
    return np.asarray(((low <= truth) & (truth <= high)).all(axis=1))


def _rows(done: Recorded) -> None:
    """Print one row a check, measure and slice: coverage and repetitions of each case."""
    results = defaultdict(list)
    for (_, check, case, _seed), found in done.found.items():
        results[check, case].append({(name, part): tuple(rest) for name, part, *rest in found})
    rows = defaultdict(dict)
    for (check, case), repetitions in results.items():
        for (name, part), found in _by_measure(repetitions).items():
            low, high = _limits(found)
            mean = np.mean([f[0] for f in found])
            if len(low) > 1:
                rows[check, name, part][case] = ((low <= mean) & (mean <= high)).mean(), len(low)
        together = _together(repetitions)
        if len(together):
            rows[check, TOGETHER, "all"][case] = together.mean(), len(together)
    print(f"| check | measure | images | {' | '.join(f'`{case}`' for case in CASES)} |")
    for (check, name, part), by_case in sorted(rows.items()):
        cells = [f"{by_case[case][0]:.3f} of {by_case[case][1]}" if case in by_case else "–" for case in CASES]
        print(f"| {check} | `{name}` | {part} | {' | '.join(cells)} |")


if __name__ == "__main__":
    one_thread()
    main()
