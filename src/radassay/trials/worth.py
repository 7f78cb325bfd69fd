"""The exchange rate: the synthetic images of each dose in real patients."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from radassay.evidence.finding import Finding
from radassay.stats.exchange import Exchange, exchange, statement
from radassay.stats.learning_curve import power_law
from radassay.trials.arms import HELD_OUT, MIXED, Arm
from radassay.trials.observed import Fold, Trial

EXCHANGE = "exchange_patients"
CURVE = power_law


def worth(trial: Trial, test: Fold) -> Iterator[Finding]:
    """Yield how many further real patients would have bought what each dose of synthetic images bought.

    The control that must help is held against the same curve: it is worth the patients that were held out, and how far
    the answer is from their number shows what the exchange rate is worth here. One generator made all synthetic images
    from the same training patients; how another draw of patients would have changed it is in no interval.
    """
    arms = [arm for arm in trial.arms if arm.name == HELD_OUT or (arm.extra == "synthetic" and arm.real)]
    points = {trial.patients: trial.best_classical}
    points |= {arm.patients: arm.name for arm in trial.arms if arm.patients}
    sizes = sorted(points)
    why = _lack(trial, test, [points[s] for s in sizes])
    for arm in arms:
        if why or arm.name not in test.scores:
            reason = why or test.broken[arm.name]
            yield test.finding(EXCHANGE, slice=_part(arm), unit="patients", reason=reason)
            continue
        curve = np.stack([test.scores[points[size]] for size in sizes])
        mixed = test.scores[arm.name]
        found = exchange(
            np.array(sizes), curve, mixed, test.labels, test.patients, base=trial.patients, level=trial.plan.level,
            curve=CURVE,
        )  # fmt: skip
        yield _told(trial, test, arm, found, np.array(sizes), curve)


def _lack(trial: Trial, test: Fold, names: list[str]) -> str:
    if test.few:
        return "one class comes from a single patient"
    if trial.plan.seeds < 2:
        return "an exchange rate needs two trainings or more"
    if len(names) < 3:
        return "the plan has no learning curve of three sizes or more (`curve` and `reserve` in [trial])"
    return "; ".join(test.broken[name] for name in names if name in test.broken)


def _part(arm: Arm) -> str:
    return "all" if arm.name == MIXED else "held-out patients" if arm.name == HELD_OUT else f"dose={arm.dose:g}"


def _told(trial: Trial, test: Fold, arm: Arm, found: Exchange, sizes: np.ndarray, curve: np.ndarray) -> Finding:
    """Return the finding, with all that its picture shows."""
    limits = None if found.low is None or found.high is None else (found.low, found.high)
    said = statement(found)
    details = {
        "arm": arm.name,
        "dose": arm.dose,
        "statement": said,
        "beyond": found.beyond,
        "low": found.low,
        "high": found.high,
        "seen": list(found.seen),
        "base": trial.patients,
        "reserve": trial.reserve,
        "area": list(found.area),
        "curve": np.round(found.curve[:, :: max(1, found.curve.shape[1] // 60)], 6).tolist(),
        "sizes": sizes.tolist(),
        "areas": _areas(test, curve),
    }
    value = found.patients
    reason = "" if limits and value is not None else said
    return test.finding(
        EXCHANGE,
        value,
        limits if value is not None else None,
        slice=_part(arm),
        reason=reason,
        method=found.method,
        unit="patients",
        details=details,
    )


def _areas(test: Fold, curve: np.ndarray) -> list[list[float]]:
    """Return the area of each size and training, (sizes, trainings)."""
    from radassay.stats.auc import aucs

    return [aucs(scores, test.labels).tolist() for scores in curve]
