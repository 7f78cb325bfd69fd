"""The runner of controls: blanks and planted defects go through the checks, limits of detection come out.

No check knows of it. A check of real images meets the defects that go into real images, a check of synthetic images
those that go into synthetic ones. Every repeat draws a new blank and plants once; all checks see the same pictures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from radassay.contracts.check import Check, Inputs
from radassay.contracts.defect import Defect
from radassay.contracts.progress import Progress, Report, silent
from radassay.controls.bench import Answer, Bench, Job, at_bench, sit_down
from radassay.controls.floor import blank_numbers, thinned
from radassay.controls.numbers import MOST
from radassay.controls.responses import Responses
from radassay.controls.streams import Streams
from radassay.controls.wanted import Wanted, plan_of
from radassay.engine.processes import processes
from radassay.errors import SettingsError
from radassay.evidence.finding import Finding

POOL = 10
"""Real images that blanks are drawn from, at most, in units of the images on one side of a blank."""
SIDES = 3
"""Sides of a blank."""


@dataclass(frozen=True)
class Controls:
    """How thoroughly the controls are run.

    Raises:
        SettingsError: too few blanks, repeats, draws, images or workers.
    """

    blanks: int = 20
    """Runs without any fault; the limit of blank and the floor come from them."""
    repeats: int = 5
    """Runs at each dose of each planted defect."""
    draws: int = 1000
    """Bootstrap draws behind the interval of a limit of detection."""
    images: int = MOST
    """Images on each side of a blank (training, held out, standing in for synthetic ones), where there are more."""
    workers: int = 1
    """Processes at work; the numbers do not depend on it. More than one needs plug-ins that can be sent to another."""

    def __post_init__(self) -> None:
        least = (("blanks", 3), ("repeats", 2), ("draws", 100), ("images", 20), ("workers", 1))
        for name, fewest in least:
            if getattr(self, name) < fewest:
                raise SettingsError(
                    f"Controls need at least {fewest} {name}", got=getattr(self, name), possible=f"Raise {name}"
                )


def run_controls(
    checks: Sequence[Check],
    defects: Sequence[Defect],
    inputs: Inputs,
    settings: Controls,
    rng: np.random.Generator,
    report: Report = silent,
    wanted: Wanted | None = None,
) -> dict[str, list[Finding]]:
    """Return floor, planted values and limits of detection, by name of the check.

    The numbers of a check depend neither on the other checks nor on the other defects given, nor on what else is
    wanted, nor on the number of processes; an exception in a check or a defect becomes a finding without value, and
    the others go on. Memory beyond the inputs: the pictures of one blank, and features of the real pictures and of
    those planted at one dose, in each process.

    Args:
        checks: the checks as they measure; the controls use their `quick` form.
        defects: the faults to plant; each check meets those of its kind, unless it names others.
        inputs: the user's images; blanks are made of the real ones.
        settings: numbers of repeats and images.
        rng: source of all randomness; one number is drawn from it.
        report: told after each dose.
        wanted: the part that is run; all of it by default. Checks of which nothing is wanted get no findings.
    """
    random = Streams(rng)
    followed = {check.name: Responses(check, plan_of(check, defects, wanted)) for check in checks}
    followed = {name: responses for name, responses in followed.items() if responses.plan}
    jobs = _jobs(list(followed.values()), settings)
    few = _pools(inputs, settings, random, any(getattr(r.check, "encoded", True) for r in followed.values()))
    bench = Bench(few, {name: r.check for name, r in followed.items()}, random, settings.images)
    done, total = 0, sum(len(job.repeats) for job in jobs)
    for job, answers in zip(jobs, _answers(bench, jobs, settings.workers), strict=True):
        for answer in answers:
            followed[answer.check].note((job.name, job.dose), answer.read)
        done += len(job.repeats)
        report(Progress(done, total, "controls", job.name or "blank"))
    for responses in followed.values():
        responses.numbers = blank_numbers(few[responses.check.reads], responses.check, settings.images)
        responses.whole = _whole(inputs)
    return {
        check.name: followed[check.name].findings(inputs, random, settings.draws) if check.name in followed else []
        for check in checks
    }


def _pools(inputs: Inputs, settings: Controls, random: Streams, encoded: bool) -> dict[str, Inputs]:
    """Return the images that blanks are drawn from, by what the checks read.

    Checks of real images look at all of a blank, so theirs are the fewest that fill all sides of one.
    """
    plain = inputs.but(others=(), sealed=None)
    if encoded and plain.encode is not None:
        # Once here rather than once a process; an encoder that fails tells so in every check that asks it.
        with suppress(Exception):
            for sample in (plain.training, plain.held_out):
                plain.features(sample)
    few = thinned(plain, POOL * settings.images, random("pool"))
    return {"synthetic": few, "real": thinned(few, SIDES * settings.images, random("pool", "real"))}


def _jobs(followed: Sequence[Responses], settings: Controls) -> list[Job]:
    """Return all runs to be made: blanks in handfuls, then every dose of every defect with its repeats."""
    jobs = []
    for kind in dict.fromkeys(responses.check.reads for responses in followed):
        group = [responses for responses in followed if responses.check.reads == kind]
        everyone = tuple(responses.check.name for responses in group)
        for start in range(0, settings.blanks, settings.repeats):
            repeats = range(start, min(start + settings.repeats, settings.blanks))
            jobs.append(Job(kind, None, 0.0, tuple(repeats), everyone))
        planted: dict[tuple[str, float], Defect] = {}
        asking: dict[tuple[str, float], list[str]] = {}
        for responses in group:
            for defect in dict.fromkeys(d for defects in responses.plan.values() for d in defects):
                for dose in defect.doses:
                    planted.setdefault((defect.name, dose), defect)
                    asking.setdefault((defect.name, dose), []).append(responses.check.name)
        repeats = range(settings.repeats)
        for place, defect in planted.items():
            jobs.append(Job(kind, defect, place[1], tuple(repeats), tuple(dict.fromkeys(asking[place]))))
    return jobs


def _answers(bench: Bench, jobs: Sequence[Job], workers: int) -> Iterator[list[Answer]]:
    """Yield the answers of each job, in their order, whoever did it first."""
    if min(workers, len(jobs)) <= 1:
        yield from (bench.do(job) for job in jobs)
        return
    with processes(min(workers, len(jobs)), sit_down, bench) as pool:
        try:
            yield from pool.map(at_bench, jobs)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _whole(inputs: Inputs) -> Mapping[str, int]:
    """Return the number of images on each side of the study."""
    sides = {"training": inputs.training, "held_out": inputs.held_out, "synthetic": inputs.synthetic}
    return Counter({side: len(sample) for side, sample in sides.items() if sample is not None})
