"""Further endpoints of the main arms: ranking of the rare class, probabilities that mean what they say, decisions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from radassay.evidence.finding import Finding
from radassay.stats.endpoints import endpoints
from radassay.stats.recalibration import calibration_points
from radassay.stats.resample import percentile_interval
from radassay.trials.arms import CLASSICAL, MIXED, REAL, SYNTHETIC, Arm
from radassay.trials.observed import Fold, Trial

SHOWN = (REAL, CLASSICAL, MIXED, SYNTHETIC)
MOST_RESAMPLES = 500
"""A regression in each resample takes its time."""


def secondary(trial: Trial, test: Fold) -> Iterator[Finding]:
    """Yield every endpoint but the plan's own, of the main arms, on the test images.

    Probabilities are recalibrated on validation images, which were neither resampled nor made: a model that learned
    from repeated, reweighted or synthetic images believes in their share of the disease (PROBAST+AI 2025).
    """
    arms = [arm for arm in trial.arms if arm.name in SHOWN and arm.name in test.scores]
    known = trial.fold("validation").labels
    for endpoint in endpoints(trial.plan.act_at):
        if endpoint.name == trial.plan.endpoint:
            continue
        given: dict[str, Any] = {"unit": endpoint.unit, "direction": endpoint.direction}
        if endpoint.reads != "scores" and (known.all() or not known.any()):
            for arm in arms:
                reason = "the validation images are of one class, so nothing could be fixed on them"
                yield test.finding(f"{endpoint.name}_{arm.slug}", reason=reason, **given)
            continue
        names = [arm.name for arm in arms]
        fewer = replace(test, plan=replace(trial.plan, resamples=min(trial.plan.resamples, MOST_RESAMPLES)))
        read = trial.read(test, endpoint, names)
        found = fewer.resampled(names, endpoint, read)
        for row, arm in enumerate(arms):
            details: dict[str, Any] = {"seeds": _plain(found.observed[row]), "arm": arm.name}
            if endpoint.name == "sensitivity":
                details["specificity_on_validation"] = trial.plan.specificity
            if endpoint.name == "net_benefit":
                details["act_at"] = trial.plan.act_at
            if endpoint.name == "calibration_slope":
                details["points"] = _points(test, read[arm.name].mean(axis=0), trial.plan.level)
            yield _told(fewer, arm, endpoint.name, float(found.mean[row]), found.resampled[row], given, details)


def _told(
    fold: Fold, arm: Arm, endpoint: str, value: float, resampled: Any, given: dict[str, Any], details: dict[str, Any]
) -> Finding:
    name = f"{endpoint}_{arm.slug}"
    if not np.isfinite(value):
        return fold.finding(name, reason="the classes are separated, so that it has no value", **given)
    if fold.few:
        return fold.finding(name, value, reason="one class comes from a single patient", details=details, **given)
    lost = int((~np.isfinite(resampled)).sum())
    if lost > len(resampled) // 20 or np.ptp(resampled[np.isfinite(resampled)]) == 0:
        reason = f"no valid interval: {lost} of {len(resampled)} resamples have no value or all the same"
        return fold.finding(name, value, reason=reason, details=details, **given)
    return fold.finding(name, value, percentile_interval(resampled, fold.plan.level), details=details, **given)


def _points(fold: Fold, probabilities: Any, level: float) -> list[list[float]]:
    """Return the points of the calibration plot: probability, share observed, its limits and images."""
    points = calibration_points(probabilities, fold.labels, fold.patients, groups=8, level=level)
    return [[p.probability, p.observed, p.low, p.high, p.images] for p in points]


def _plain(values: Any) -> list[float | None]:
    return [float(v) if np.isfinite(v) else None for v in values]
