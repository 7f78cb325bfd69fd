"""From the trial's predictions to findings: the AUC of each arm and what the synthetic images add."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radassay.errors import InputError
from radassay.evidence.finding import Finding
from radassay.stats.auc import area
from radassay.stats.paired import Arms, crossed_bootstrap
from radassay.stats.resample import percentile_interval
from radassay.trials.plan import (
    CLASSICAL,
    CONTROLS,
    DUPLICATES,
    MIXED,
    MIXED_CLASSICAL,
    REAL,
    SYNTHETIC,
    TrialPlan,
    slug,
)

CHECK = "trial"
METHOD = (
    "mean over seeds; percentile bootstrap over patients and seeds together, {resamples} resamples "
    "(Owen 2007; seeds by Rao and Wu 1988); training patients are taken as given"
)


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
    Difference("gain_on_top_of_classical", MIXED_CLASSICAL, CLASSICAL),
    Difference("change_real_classical", CLASSICAL, REAL),
    Difference("change_real_duplicates", DUPLICATES, REAL),
    Difference("change_synthetic_only", SYNTHETIC, REAL),
)
"""`gain_*` is what the synthetic images add; `change_*` is another arm against the real images alone."""

HEADLINE = "gain_over_controls"
"""`real+synthetic` against the best of the arms without synthetic images."""


def analyse(predictions: pd.DataFrame, plan: TrialPlan) -> list[Finding]:
    """Return the findings of the trial; what could not be measured is a finding with its reason.

    The headline `gain_over_controls` is the smallest of the gains over `real`, `real+classical` and
    `real+duplicates`, taken anew in each resample. Choosing the best control on the test patients favours the
    controls, so this gain errs on the low side.

    Args:
        predictions: one row an arm, seed and test image: `arm`, `seed`, `patient`, `image`, `label`, `score`.
        plan: arms, resamples, level and the seed of the bootstrap.

    Raises:
        InputError: a column is missing, or arms and seeds do not hold the same images.
    """
    observed = _Observations.of(predictions, plan)
    lack = observed.lack()
    if lack:
        names = [f"auc_{slug(arm)}" for arm in plan.arms] + [d.name for d in _planned(plan)] + [HEADLINE]
        return [observed.finding(name, reason=lack) for name in names]
    rng = np.random.default_rng([plan.seed, 3])
    arms = crossed_bootstrap(observed.scores, observed.labels, observed.patients, plan.resamples, rng)
    findings = [_area(observed, arms, row) for row in range(len(observed.arms))]
    findings += [observed.finding(f"auc_{slug(arm)}", reason=why) for arm, why in observed.broken.items()]
    findings += [_difference(observed, arms, difference) for difference in _planned(plan)]
    return [*findings, _headline(observed, arms)]


def _planned(plan: TrialPlan) -> list[Difference]:
    return [d for d in DIFFERENCES if d.arm in plan.arms and d.against in plan.arms]


@dataclass(frozen=True)
class _Observations:
    """The predictions as arrays, and what every finding about them shares."""

    plan: TrialPlan
    arms: list[str]
    """Arms with finite scores, in the order of the plan."""
    scores: NDArray[np.float64]
    """(arms, seeds, n)."""
    labels: NDArray[np.bool_]
    patients: NDArray[np.str_]
    broken: Mapping[str, str]
    """Arms without usable scores, and why."""

    @classmethod
    def of(cls, predictions: pd.DataFrame, plan: TrialPlan) -> _Observations:
        missing = {"arm", "seed", "patient", "image", "label", "score"} - set(predictions.columns)
        if missing:
            raise InputError("The predictions lack a column", got=", ".join(sorted(missing)))
        ordered = predictions.sort_values(["arm", "seed", "image", "patient"], kind="stable")
        groups = dict(list(ordered.groupby(["arm", "seed"], sort=False)))
        first: pd.DataFrame | None = None
        usable: dict[str, NDArray[np.float64]] = {}
        broken: dict[str, str] = {}
        for arm in plan.arms:
            rows = [groups.get((arm, seed)) for seed in range(plan.seeds)]
            here = [r for r in rows if r is not None]
            for r in here:
                about = r[["image", "patient", "label"]].reset_index(drop=True)
                first = about if first is None else first
                if not about.equals(first):
                    raise InputError("Arms and seeds must be tested on the same images", got=arm)
            if len(here) < plan.seeds:
                broken[arm] = f"{plan.seeds - len(here)} of {plan.seeds} trainings of {arm} are missing"
                continue
            scores = np.stack([r["score"].to_numpy(dtype=np.float64) for r in here])
            if np.isfinite(scores).all():
                usable[arm] = scores
            else:
                broken[arm] = f"a training of {arm} diverged: its scores are not finite"
        about = pd.DataFrame({"patient": [], "label": []}) if first is None else first
        return cls(
            plan,
            list(usable),
            np.stack(list(usable.values())) if usable else np.zeros((0, plan.seeds, len(about))),
            about["label"].to_numpy(dtype=bool),
            about["patient"].to_numpy(dtype=str),
            broken,
        )

    def lack(self) -> str:
        """Return why nothing can be measured, or nothing."""
        positives = self.units(True)
        negatives = self.units(False)
        if not self.arms:
            return "; ".join(self.broken.values()) or "there are no predictions"
        if not positives or not negatives:
            return f"the test patients are of one class: {positives} positive, {negatives} negative"
        return ""

    def units(self, positive: bool) -> int:
        """Return the number of patients with an image of this class."""
        return len(np.unique(self.patients[self.labels == positive]))

    def row(self, arm: str) -> int | None:
        """Return the position of an arm with usable scores."""
        return self.arms.index(arm) if arm in self.arms else None

    @property
    def caution(self) -> str:
        """Return what a reader must know of every interval."""
        cautions = []
        if any(patient.startswith("image:") for patient in self.patients):
            cautions.append("the source names no patient for some images, which are counted as independent")
        if self.plan.seeds == 1:
            cautions.append("one seed, so that the spread between trainings is not in the interval")
        return "; ".join(cautions)

    def finding(
        self,
        name: str,
        value: float | None = None,
        limits: tuple[float, float] | None = None,
        *,
        reason: str = "",
        method: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> Finding:
        """Return a finding in this trial's terms."""
        low, high = (None, None) if limits is None else limits
        return Finding(
            check=CHECK,
            name=name,
            value=value,
            low=low,
            high=high,
            level=self.plan.level,
            reason="; ".join(part for part in (reason, self.caution if value is not None else "") if part),
            method=method or METHOD.format(resamples=self.plan.resamples),
            n_patients=len(np.unique(self.patients)),
            n_images=len(self.labels),
            unit="AUC",
            direction="higher is better",
            details=details or {},
        )


def _area(observed: _Observations, arms: Arms, row: int) -> Finding:
    """Return the AUC of one arm."""
    plan, values = observed.plan, arms.observed[row]
    name, details = f"auc_{slug(observed.arms[row])}", {"seeds": values.tolist()}
    value = float(values.mean())
    if min(observed.units(True), observed.units(False)) < 2:
        return observed.finding(name, value, reason="one class comes from a single patient", details=details)
    if np.ptp(arms.resampled[row]) > 0:
        limits = percentile_interval(arms.resampled[row], plan.level)
        return observed.finding(name, value, limits, details=details)
    # every resample gave the same area: nothing to take a percentile of, but patients are still few
    score = area(observed.scores[row, 0], observed.labels, observed.patients, plan.level)
    return observed.finding(name, value, (score.low, score.high), method=score.method, details=details)


def _difference(observed: _Observations, arms: Arms, difference: Difference) -> Finding:
    """Return the paired difference of two arms."""
    arm, against = observed.row(difference.arm), observed.row(difference.against)
    if arm is None or against is None:
        why = [observed.broken[a] for a in (difference.arm, difference.against) if a in observed.broken]
        return observed.finding(difference.name, reason="; ".join(why))
    details = {
        "arm": difference.arm,
        "against": difference.against,
        "seeds": (arms.observed[arm] - arms.observed[against]).tolist(),
        "smallest_gain_worth_having": observed.plan.margin,
        "largest_loss_without_harm": observed.plan.harm,
    }
    value = float(arms.mean[arm] - arms.mean[against])
    return _contrast(observed, difference.name, value, arms.resampled[arm] - arms.resampled[against], details)


def _headline(observed: _Observations, arms: Arms) -> Finding:
    """Return the gain over the best arm that needs no synthetic image."""
    controls = [arm for arm in CONTROLS if arm in observed.plan.arms]
    needed = [MIXED, *controls]
    rows = [observed.row(arm) for arm in needed]
    if any(row is None for row in rows):
        why = [observed.broken.get(arm, f"the plan has no arm {arm}") for arm in needed if arm not in observed.arms]
        return observed.finding(HEADLINE, reason="; ".join(why))
    mixed, *others = [row for row in rows if row is not None]
    gains = arms.mean[mixed] - arms.mean[others]
    details = {
        "arm": MIXED,
        "controls": {arm: float(gain) for arm, gain in zip(controls, gains, strict=True)},
        "best_control": controls[int(np.argmin(gains))],
        "seeds": (arms.observed[mixed] - arms.observed[others].max(axis=0)).tolist(),
        "smallest_gain_worth_having": observed.plan.margin,
        "largest_loss_without_harm": observed.plan.harm,
    }
    resampled = (arms.resampled[mixed] - arms.resampled[others]).min(axis=0)
    return _contrast(observed, HEADLINE, float(gains.min()), resampled, details)


def _contrast(
    observed: _Observations, name: str, value: float, resampled: NDArray[np.float64], details: Mapping[str, Any]
) -> Finding:
    if min(observed.units(True), observed.units(False)) < 2:
        return observed.finding(name, value, reason="one class comes from a single patient", details=details)
    if np.ptp(resampled) == 0:
        reason = "no interval: both arms rank the test images alike in every resample, so a difference cannot show"
        return observed.finding(name, value, reason=reason, details=details)
    return observed.finding(name, value, percentile_interval(resampled, observed.plan.level), details=details)
