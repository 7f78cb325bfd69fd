"""How often each rule fails where nothing is wrong: real images of some patients against real images of others.

Each repetition draws patients, deals them into training, held-out and stand-ins for synthetic images, runs all checks
with intervals and the controls that the rules' thresholds are made of, and judges. Wanted: no rule fails in more than 5
of 100. Rules about the real images alone are counted on simulated chests, which have no shortcut; public sets do.

    python benchmarks/false_alarms.py [--set IMPORTED_SET --positive LABEL] [--repetitions 200] [--processes 2]

It takes hours. With `--record FILE` every repetition is kept as it ends, and a later call does only what is missing.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
from interval_coverage import SIZE, world
from recorded import Recorded

from radassay import registry
from radassay.checklists.judge import judge
from radassay.checklists.rules import OfPlanted, Rule, read_rules
from radassay.contracts.check import Check, Inputs
from radassay.contracts.encoder import LearntEncoder
from radassay.controls.floor import matched_inputs
from radassay.controls.rows import RememberedRows
from radassay.controls.runner import Controls, run_controls
from radassay.engine.processes import one_thread, processes
from radassay.evidence.finding import Finding
from radassay.images.imageset import ImageSet
from radassay.images.sample import Sample
from radassay.stats.proportion import wilson

PARTS = (0.4, 0.25, 0.35)
"""Shares of the drawn patients: training, held-out, stand-ins for synthetic images."""


@cache
def everybody(folder: Path, positive: tuple[str, ...]) -> Sample:
    """Return all images, with the two labels of the task, read once a process."""
    images = Sample.of(ImageSet.open(folder), SIZE)
    images = images.take(np.flatnonzero(images.labels != ""))
    labels = np.where(np.isin(images.labels, positive), "positive", "other")
    return images.changed(name="real", labels=labels, table=images.table.assign(label=labels))


@cache
def encoder(folder: Path, positive: tuple[str, ...], name: str) -> tuple[str, RememberedRows]:
    """Return the encoder, which encodes each picture once a process."""
    made, some = registry.load("encoders", name)(), everybody(folder, positive).take(np.arange(400))
    if isinstance(made, LearntEncoder):
        made = made.learn(some.pixels, some.patients, folder / f"learnt-{name}", seed=0)
    few = some.take(np.arange(2))
    return name, RememberedRows(Inputs(few, few, encode=made.encode, encoder=name))


def dealt(folder: Path, positive: tuple[str, ...], patients: int, name: str, rng: np.random.Generator) -> Inputs:
    """Return one repetition's inputs."""
    images = everybody(folder, positive)
    units = rng.permutation(np.unique(images.patients))[:patients]
    ends = np.cumsum(np.array(PARTS) * len(units)).astype(int)
    parts = [images.take(np.isin(images.patients, part)) for part in np.split(units, ends[:-1])]
    made = parts[2].changed(name="synthetic", patients=parts[2].images)
    encoded, rows = encoder(folder, positive, name)
    return Inputs(parts[0], parts[1], made, encode=rows, encoder=encoded, positive="positive")


def failing(
    folder: Path, positive: tuple[str, ...], patients: int, name: str, only: tuple[str, ...], seed: int
) -> dict[str, str]:
    """Return the status of every rule in one repetition."""
    rng = np.random.default_rng(seed)
    inputs, rules = dealt(folder, positive, patients, name, rng), read_rules("local")
    asked: list[Check] = [registry.load("checks", c)() for c in only or registry.names("checks")]
    planted = [r for r in rules.rules if isinstance(r.threshold, OfPlanted)]
    findings: list[Finding] = []
    for check in asked:
        findings += check.measure(matched_inputs(inputs, check, rng), rng)
    for rule in planted:
        findings += _held_against(rule, asked, inputs, rng)
    verdicts = [v for rung in judge(findings, rules).rungs for v in rung.verdicts]
    return {v.rule: v.status for v in verdicts}


def _held_against(rule: Rule, asked: list[Check], inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
    """Return the floor and the planted dose that a rule names."""
    assert isinstance(rule.threshold, OfPlanted)
    checks = [c for c in asked if rule.finding.startswith(f"{c.name}.")]
    defect = registry.load("controls", rule.threshold.control)(doses=(rule.threshold.dose,))
    found = run_controls(checks, [defect], inputs, Controls(), rng) if checks else {}
    return [f for findings in found.values() for f in findings if f.key == rule.finding]


def main() -> None:
    """Print how often each rule failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", type=Path, default=None, help="folder of an imported set; simulated chests by default")
    parser.add_argument("--positive", nargs="+", default=["disease"])
    parser.add_argument("--patients", type=int, default=400)
    parser.add_argument("--checks", nargs="*", default=[], help="all by default")
    parser.add_argument("--encoder", default="random-conv")
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--record", type=Path, default=None, help="lines of JSON, one a repetition; carried on with")
    options = parser.parse_args()
    folder = options.set or world(Path(tempfile.gettempdir()) / "radassay-coverage-world", options.processes)
    given = (folder, tuple(options.positive), options.patients, options.encoder, tuple(options.checks))
    done = Recorded(options.record)
    wanted = [seed for seed in range(options.repetitions) if (seed,) not in done.found]
    started = time.perf_counter()
    with processes(options.processes) as pool:
        results = pool.map(failing, *zip(*((*given, seed) for seed in wanted), strict=True)) if wanted else ()
        for seed, statuses in zip(wanted, results, strict=True):
            done.add((seed,), statuses)
    counts: Counter[tuple[str, str]] = Counter()
    for seed in range(options.repetitions):
        counts.update(done.found[seed,].items())
    print(f"{options.repetitions} repetitions, {len(wanted)} of them now in {time.perf_counter() - started:.0f} s")
    print(f"{'rule':36s} {'met':>5s} {'unclear':>8s} {'not met':>8s} {'not measured':>13s}   failed (95 % CI)")
    for rule in dict.fromkeys(rule for rule, _ in counts):
        of = {s: counts[rule, s] for s in ("met", "unclear", "not met", "not measured")}
        low, high = wilson(of["not met"], options.repetitions)
        told = f"{of['not met'] / options.repetitions:.3f} ({low:.3f}-{high:.3f})"
        print(f"{rule:36s} {of['met']:5d} {of['unclear']:8d} {of['not met']:8d} {of['not measured']:13d}   {told}")


if __name__ == "__main__":
    one_thread()
    main()
