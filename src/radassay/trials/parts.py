"""The gain where it counts: in other hospitals, and in parts of the test patients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from radassay.evidence.finding import Finding
from radassay.stats.noninferiority import Outcome, outcome
from radassay.stats.subgroups import LEAST, Subgroup, subgroup_differences
from radassay.trials.arms import MIXED
from radassay.trials.observed import Fold, Trial

EXTERNAL = "gain_external"
WORST = "worst_subgroup_gain"
SHOWN = 3
"""Parts without enough patients that a reason names."""


def external(trial: Trial, over_controls: Callable[[Fold], Finding]) -> Iterator[Finding]:
    """Yield the gain over the controls in each set of another hospital, and the smallest of them.

    Each of m intervals is made at the level ** (1/m), so that all hold at once (Šidák 1967). The smallest true gain
    then lies between the smallest lower and the smallest upper limit.

    Args:
        trial: what was recorded.
        over_controls: the gain of the headline's arm on a fold.
    """
    names = trial.plan.external
    if not names:
        fold = trial.fold("test")
        yield fold.finding(EXTERNAL, reason="the study names no set of another hospital (`[[trial.external]]`)")
        return
    found = []
    for name in names:
        fold = trial.fold(f"external {name}")
        fold = replace(fold, plan=replace(fold.plan, level=fold.plan.level ** (1 / len(names))))
        one = fold.finding(EXTERNAL, reason=fold.lack) if fold.lack else over_controls(fold)
        found.append(replace(one, name=EXTERNAL, slice=f"site={name}"))
    yield from found
    yield _smallest(trial, found)


def _smallest(trial: Trial, found: list[Finding]) -> Finding:
    fold = trial.fold(f"external {trial.plan.external[0]}")
    without = [f.slice for f in found if f.value is None or f.low is None or f.high is None]
    if without:
        return fold.finding(EXTERNAL, reason=f"not measured with an interval in {', '.join(without)}")
    worst = min(found, key=lambda f: f.value or 0.0)
    limits = min(f.low or 0.0 for f in found), min(f.high or 0.0 for f in found)
    details = {**worst.details, "worst": worst.slice}
    return fold.finding(EXTERNAL, worst.value, limits, method=worst.method, unit=worst.unit, details=details)


def subgroups(trial: Trial, test: Fold, control: str) -> Iterator[Finding]:
    """Yield the gain in AUC over the best control in each part of the test patients with enough of them, and the worst.

    Intervals of all parts hold at once; see `radassay.stats.subgroups`.

    Args:
        trial: what was recorded.
        test: its test images.
        control: the best arm without synthetic images there.
    """
    if control not in test.scores or MIXED not in test.scores:
        yield test.finding(WORST, reason="an arm that it compares is missing")
        return
    columns = [c for c in trial.plan.subgroups if len(set(test.about[c]) - {""}) > 1]
    if not columns:
        yield test.finding(WORST, reason="no two parts of the test patients are told apart by sex, age, view or site")
        return
    level = trial.plan.level ** (1 / len(columns))
    every: list[Subgroup] = []
    for column in columns:
        values = test.about[column].to_numpy(str)
        groups = np.where(values == "", "", np.char.add(f"{column}=", values))
        found = subgroup_differences(
            test.scores[MIXED], test.scores[control], test.labels, test.patients, groups, trial.plan.harm, level
        )
        every += found.every
    for part in every:
        if part.low is None or part.high is None:
            continue
        limits = part.low, part.high
        told = outcome(part.low, part.high, trial.plan.harm)
        yield test.finding(
            "subgroup_gain",
            part.value,
            limits,
            slice=part.name,
            method=_METHOD,
            details={"arm": MIXED, "against": control, "harm": told.value, "patients": part.patients},
        )
    yield _worst(trial, test, every, control)


_METHOD = (
    "areas by DeLong 1988 for clustered patients (Obuchowski 1997) and trainings; limits hold for all parts at once"
)


def _worst(trial: Trial, test: Fold, every: list[Subgroup], control: str) -> Finding:
    measured = [s for s in every if s.value is not None and s.low is not None and s.high is not None]
    if not measured:
        return test.finding(WORST, reason=f"no part has {LEAST} patients of each class")
    worst = min(measured, key=lambda s: s.value or 0.0)
    limits = min(s.low or 0.0 for s in measured), min(s.high or 0.0 for s in measured)
    outcomes = {outcome(s.low, s.high, trial.plan.harm) for s in every}
    harm = Outcome.HARM if Outcome.HARM in outcomes else outcomes.pop() if len(outcomes) == 1 else Outcome.UNCLEAR
    unknown = [s.name for s in every if s.value is None]
    more = f" and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
    return test.finding(
        WORST,
        worst.value,
        limits,
        reason=f"fewer than {LEAST} patients of a class in {', '.join(unknown[:SHOWN])}{more}" if unknown else "",
        method=_METHOD,
        details={"arm": MIXED, "against": control, "subgroup": worst.name, "harm": harm.value, "unmeasured": unknown},
    )
