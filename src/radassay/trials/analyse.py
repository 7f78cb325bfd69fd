"""From the trial's predictions to findings: the endpoint of each arm and what the synthetic images add."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radassay.evidence.finding import Finding
from radassay.stats.auc import area
from radassay.stats.contributions import contributions
from radassay.stats.endpoints import Endpoint
from radassay.stats.multiplicity import holm
from radassay.stats.noninferiority import statement
from radassay.stats.paired import Arms
from radassay.stats.resample import percentile_interval
from radassay.trials.arms import CLASSICAL, DUPLICATES, HELD_OUT, MIXED, REAL, REWEIGHTING, SHUFFLED, SYNTHETIC, Arm
from radassay.trials.observed import Fold, Trial
from radassay.trials.parts import external, subgroups
from radassay.trials.secondary import secondary
from radassay.trials.worth import worth


@dataclass(frozen=True)
class Difference:
    """One comparison of two arms on the same patients and seeds."""

    name: str
    arm: str
    against: str


DIFFERENCES = (
    Difference("gain_over_real", MIXED, REAL),
    Difference("gain_over_classical", MIXED, CLASSICAL),
    Difference("gain_over_duplicates", MIXED, DUPLICATES),
    Difference("gain_over_reweighting", MIXED, REWEIGHTING),
    Difference("change_real_classical", CLASSICAL, REAL),
    Difference("change_real_duplicates", DUPLICATES, REAL),
    Difference("change_real_reweighting", REWEIGHTING, REAL),
    Difference("change_synthetic_only", SYNTHETIC, REAL),
)
"""`gain_*` is what the synthetic images add; `change_*` is another arm against the real images alone."""

HEADLINE = "gain_over_controls"
"""`real+synthetic` against the best of the arms without synthetic images."""
AGAINST_CONTROLS = {SHUFFLED: "change_of_shuffled_labels", HELD_OUT: "gain_of_held_out_patients"}
"""The controls of the trial itself: what must not help, and what must."""


def analyse(trial: Trial) -> list[Finding]:
    """Return the findings of the trial; what could not be measured is a finding with its reason.

    `gain_over_controls` is the smallest of the gains over the arms without synthetic images, taken anew in each
    resample. Choosing the best control on the test patients favours the controls, so this gain errs on the low side.
    """
    test = trial.fold("test")
    compared = [arm for arm in trial.arms if not arm.patients]
    if test.lack:
        names = [f"{trial.plan.endpoint}_{arm.slug}" for arm in compared] + [d.name for d in _planned(trial)]
        return [test.finding(name, reason=test.lack) for name in (*names, HEADLINE)]
    gains = Gains.of(trial, test)
    return [
        *_areas(trial, gains, compared),
        *(gains.difference(d) for d in _planned(trial)),
        *_headlines(trial, gains),
        *_backwards(trial),
        *secondary(trial, test),
        *external(trial, lambda fold: Gains.of(trial, fold).over_controls(MIXED)),
        *subgroups(trial, test, gains.best_control),
        *worth(trial, test),
    ]


def _planned(trial: Trial) -> list[Difference]:
    """Return the comparisons of arms that there are.

    `gain_over_best_classical` is against the arm whose augmentation `real+synthetic` has too: the two differ in their
    extra images alone.
    """
    names = {arm.name for arm in trial.arms}
    planned = [d for d in DIFFERENCES if d.arm in names and d.against in names]
    if {MIXED, REAL, CLASSICAL} <= names:
        planned.append(Difference("gain_over_best_classical", MIXED, trial.best_classical))
    return planned


@dataclass(frozen=True)
class Gains:
    """The plan's endpoint of all arms on one fold, turned so that more is better."""

    trial: Trial
    fold: Fold
    endpoint: Endpoint
    names: list[str]
    arms: Arms
    """As measured."""
    sign: float

    @classmethod
    def of(cls, trial: Trial, fold: Fold) -> Gains:
        """Return the endpoint of every arm with finite scores, the learning curve left out."""
        curve = {arm.name for arm in trial.arms if arm.patients}
        names = [name for name in fold.scores if name not in curve]
        endpoint = trial.endpoint(trial.plan.endpoint)
        arms = fold.resampled(names, endpoint, trial.read(fold, endpoint, names))
        return cls(trial, fold, endpoint, names, arms, -1.0 if endpoint.direction == "lower is better" else 1.0)

    def missing(self, *arms: str) -> str:
        """Return why one of these arms is not there, or nothing."""
        return "; ".join(self.fold.broken.get(a, f"the plan has no arm {a}") for a in arms if a not in self.names)

    def of_arms(self, arm: str, against: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the gain of an arm in each seed and in each resample."""
        i, j = self.names.index(arm), self.names.index(against)
        seeds = self.sign * (self.arms.observed[i] - self.arms.observed[j])
        return seeds, self.sign * (self.arms.resampled[i] - self.arms.resampled[j])

    @property
    def best_control(self) -> str:
        """Return the arm without synthetic images that is best on these images, or nothing."""
        there = [c for c in self.trial.controls if c in self.names]
        means = [self.sign * self.arms.mean[self.names.index(c)] for c in there]
        return there[int(np.argmax(means))] if there else ""

    def difference(self, difference: Difference) -> Finding:
        """Return the paired difference of two arms."""
        why = self.missing(difference.arm, difference.against)
        if why:
            return self.fold.finding(difference.name, reason=why)
        seeds, resampled = self.of_arms(difference.arm, difference.against)
        details = {"arm": difference.arm, "against": difference.against, "seeds": seeds.tolist()}
        return self._contrast(difference.name, float(seeds.mean()), resampled, details)

    def over_controls(self, arm: str, name: str = HEADLINE, part: str = "all", **more: Any) -> Finding:
        """Return the gain of an arm over the best control."""
        controls = self.trial.controls
        why = self.missing(arm, *controls)
        if why:
            return self.fold.finding(name, slice=part, reason=why)
        both = [self.of_arms(arm, control) for control in controls]
        gains = [float(seeds.mean()) for seeds, _ in both]
        best = int(np.argmin(gains))
        details = {
            "arm": arm,
            "controls": dict(zip(controls, gains, strict=True)),
            "best_control": controls[best],
            "against": controls[best],
            "seeds": both[best][0].tolist(),
            **more,
        }
        return self._contrast(name, gains[best], np.min([resampled for _, resampled in both], axis=0), details, part)

    def chance(self, arm: str) -> float:
        """Return the two-sided bootstrap p-value of the gain over the best control (Davison and Hinkley 1997, 4.2)."""
        resampled = np.min([self.of_arms(arm, control)[1] for control in self.trial.controls], axis=0)
        tail = min((resampled <= 0).sum(), (resampled >= 0).sum())
        return float(min(1.0, 2 * (1 + tail) / (1 + len(resampled))))

    def _contrast(
        self, name: str, value: float, resampled: NDArray[np.float64], details: Mapping[str, Any], part: str = "all"
    ) -> Finding:
        plan, fold = self.fold.plan, self.fold
        told = {**details, "smallest_gain_worth_having": plan.margin, "largest_loss_without_harm": plan.harm}
        given: dict[str, Any] = {"slice": part, "unit": self.endpoint.unit}
        if fold.few:
            return fold.finding(name, value, reason="one class comes from a single patient", details=told, **given)
        if np.ptp(resampled) == 0:
            reason = "no interval: both arms rank the test images alike in every resample, so a difference cannot show"
            return fold.finding(name, value, reason=reason, details=told, **given)
        limits = percentile_interval(resampled, plan.level)
        told["harm"] = statement(details["arm"], details["against"], limits, plan.harm, self.endpoint.unit)
        if self.endpoint.name == "auc":
            told["delong"] = self._delong(details["arm"], details["against"])
        return fold.finding(name, value, limits, details=told, **given)

    def _delong(self, arm: str, against: str) -> list[float]:
        """Return the limits of the difference by the covariance of areas, to be read beside those of the bootstrap.

        DeLong 1988 for clustered patients (Obuchowski 1997), and trainings as a second factor.
        """
        scores = np.stack([self.fold.scores[arm], self.fold.scores[against]])
        parts = contributions(scores, self.fold.labels, self.fold.patients)
        value = float(parts.mean[0] - parts.mean[1])
        reach = float(parts.reach(np.array([[1.0, -1.0]]), self.fold.plan.level)[0])
        return [value - reach, value + reach]


def _areas(trial: Trial, gains: Gains, compared: list[Arm]) -> Iterator[Finding]:
    """Yield the endpoint of each arm."""
    plan, fold, endpoint = trial.plan, gains.fold, gains.endpoint
    for arm in compared:
        name = f"{plan.endpoint}_{arm.slug}"
        given: dict[str, Any] = {"unit": endpoint.unit, "direction": endpoint.direction}
        if arm.name in fold.broken:
            yield fold.finding(name, reason=fold.broken[arm.name], **given)
            continue
        row = gains.names.index(arm.name)
        values, resampled = gains.arms.observed[row], gains.arms.resampled[row]
        given["details"] = {"seeds": values.tolist(), "arm": arm.name, "dose": arm.dose}
        value = float(values.mean())
        if fold.few:
            yield fold.finding(name, value, reason="one class comes from a single patient", **given)
        elif np.ptp(resampled) > 0 or plan.endpoint != "auc":
            yield fold.finding(name, value, percentile_interval(resampled, plan.level), **given)
        else:
            # every resample gave the same area: nothing to take a percentile of, but patients are still few
            score = area(fold.scores[arm.name][0], fold.labels, fold.patients, plan.level)
            yield fold.finding(name, value, (score.low, score.high), method=score.method, **given)


def _headlines(trial: Trial, gains: Gains) -> Iterator[Finding]:
    """Yield the gain over the best control of every dose, and of the arms that must and must not help."""
    doses = [arm for arm in trial.arms if arm.extra == "synthetic" and arm.real]
    usable = not gains.missing(*(arm.name for arm in doses), *trial.controls)
    chances = [gains.chance(arm.name) for arm in doses] if usable else []
    adjusted = holm(chances).tolist()
    for row, arm in enumerate(doses):
        part = "all" if arm.name == MIXED else f"dose={arm.dose:g}"
        told = {"p": chances[row], "p_of_all_doses": adjusted[row]} if usable else {}
        yield gains.over_controls(arm.name, part=part, dose=arm.dose, **told)
    names = {arm.name for arm in trial.arms}
    for control, name in AGAINST_CONTROLS.items():
        if control in names:
            yield gains.over_controls(control, name)
        elif control == HELD_OUT and HELD_OUT in trial.plan.arms:
            yield gains.fold.finding(name, reason="no patients were held out for it (`reserve` in [trial])")


def _backwards(trial: Trial) -> Iterator[Finding]:
    """Yield how models of real images tell the synthetic classes apart (train on real, test on synthetic)."""
    fold = trial.fold("synthetic")
    name = "auc_trained_real_tested_synthetic"
    arm = trial.best_classical
    if fold.lack or arm not in fold.scores or fold.few:
        yield fold.finding(name, reason=fold.lack or fold.broken.get(arm, "one class has a single image"))
        return
    arms = fold.resampled([arm], trial.endpoint("auc"), fold.scores)
    limits = percentile_interval(arms.resampled[0], trial.plan.level) if np.ptp(arms.resampled) else None
    reason = "" if limits else "no interval: every resample gave the same area"
    yield fold.finding(name, float(arms.mean[0]), limits, reason=reason, details={"arm": arm})
