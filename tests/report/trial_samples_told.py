"""Invented findings of a whole trial, with everything that its pictures need."""

from __future__ import annotations

from typing import Any

import numpy as np
from conftest import BOOT, measured

from radassay.evidence.finding import Finding

SIZES = (40, 70, 120, 135, 150)
AREAS = [[0.70, 0.74, 0.72], [0.77, 0.75, 0.79], [0.81, 0.83, 0.82], [0.825, 0.815, 0.83], [0.835, 0.825, 0.84]]
ARMS = {
    "real": ("real", 0.0, 0.80),
    "real_classical": ("real+classical", 0.0, 0.82),
    "real_duplicates": ("real+duplicates", 1.0, 0.81),
    "real_reweighting": ("real+reweighting", 0.0, 0.815),
    "real_synthetic_x2": ("real+synthetic x2", 2.0, 0.832),
    "real_synthetic_x0_25": ("real+synthetic x0.25", 0.25, 0.824),
    "real_synthetic": ("real+synthetic", 1.0, 0.829),
    "synthetic_only": ("synthetic", 1.0, 0.77),
    "real_shuffled": ("real+shuffled", 1.0, 0.71),
    "real_held_out": ("real+held-out", 1.0, 0.838),
}
MAIN = ("real", "real_classical", "real_synthetic", "synthetic_only")
LINES = {"smallest_gain_worth_having": 0.03, "largest_loss_without_harm": 0.015}


def exchange(
    part: str = "all",
    dose: float = 1.0,
    value: float | None = 17.3,
    low: float | None = 4.2,
    high: float | None = None,
    beyond: str = "",
    area: float = 0.829,
) -> Finding:
    """Return an exchange rate; an end that is None is open."""
    at = np.geomspace(SIZES[0], SIZES[-1], 30)
    curve = 0.8738 - 6.152 / at
    told: dict[str, Any] = {
        "arm": "real+held-out" if part == "held-out patients" else "real+synthetic",
        "dose": dose,
        "statement": "said by the statistics",
        "beyond": beyond,
        "low": low,
        "high": high,
        "seen": [-80.0, 30.0],
        "base": 120,
        "reserve": 30,
        "area": [area, area - 0.04, area + 0.04],
        "curve": [at.tolist(), curve.tolist(), (curve - 0.03).tolist(), (curve + 0.03).tolist()],
        "sizes": list(SIZES),
        "areas": AREAS,
    }
    closed = value is not None and low is not None and high is not None
    ends = {"low": low, "high": high} if closed else {}
    reason = "" if closed else "said by the statistics"
    given: dict[str, Any] = {"slice": part, "unit": "patients", "reason": reason, "details": told, **ends}
    return measured("trial", "exchange_patients", value, **given)


def gain(name: str, value: float, half: float, part: str = "all", **told: Any) -> Finding:
    """Return a gain over the best control with what is said of it."""
    arm, against = str(told.pop("arm", "real+synthetic")), "real+classical"
    outcome = "harm" if value + half < 0 else "unclear"
    span = f"interval {value - half:+.3f} to {value + half:+.3f} AUC"
    details = {
        "arm": arm,
        "against": against,
        "best_control": against,
        "delong": [value - 0.9 * half, value + 1.1 * half],
        "harm": f"{arm} against {against}: {outcome} ({span}): told so.",
        **LINES,
        **told,
    }
    return measured("trial", name, value, half, slice=part, unit="AUC", details=details, n_patients=81)


def endpoints() -> list[Finding]:
    """Return the endpoints of every arm."""
    found = []
    for slug, (arm, dose, area) in ARMS.items():
        details = {"arm": arm, "dose": dose}
        found.append(measured("trial", f"auc_{slug}", area, 0.034, unit="AUC", details=details))
    for slug in MAIN:
        points = [[0.1, 0.2, 0.05, 0.4, 10], [0.5, 0.45, 0.2, 0.7, 12], [0.9, 1.0, 0.7, 1.0, 9]]
        arm = {"arm": ARMS[slug][0]}
        found += [
            measured("trial", f"auprc_{slug}", 0.71, 0.05, details=arm),
            measured("trial", f"brier_{slug}", 0.17, 0.02, unit="Brier score", details=arm),
            measured("trial", f"calibration_slope_{slug}", 0.87, 0.4, details={**arm, "points": points}),
            measured("trial", f"calibration_intercept_{slug}", -0.12, 0.3, details=arm),
            measured(
                "trial", f"sensitivity_{slug}", 0.44, 0.1, unit="share of positives",
                details={**arm, "specificity_on_validation": 0.9},
            ),
            measured("trial", f"net_benefit_{slug}", 0.21, 0.03, details={**arm, "act_at": 0.2}),
        ]  # fmt: skip
    return found


def differences() -> list[Finding]:
    """Return all comparisons, in other hospitals and parts of the patients too."""
    found = [gain(f"gain_over_{name}", 0.012, 0.02) for name in ("real", "classical", "duplicates", "reweighting")]
    doses = {"dose=0.25": 0.25, "all": 1.0, "dose=2": 2.0}
    found += [
        gain("gain_over_controls", 0.004 + 0.003 * dose, 0.02, part, dose=dose, p=0.2, p_of_all_doses=0.0004 + dose / 5)
        for part, dose in doses.items()
    ]
    found += [
        gain("change_of_shuffled_labels", -0.11, 0.05, arm="real+shuffled"),
        gain("gain_of_held_out_patients", 0.018, 0.012, arm="real+held-out"),
        gain("gain_external", 0.01, 0.03, "site=North"),
        gain("gain_external", -0.02, 0.04, "site=South"),
        gain("gain_external", -0.02, 0.04, worst="site=South"),
        measured("trial", "subgroup_gain", 0.02, 0.03, slice="sex=F", details={"harm": "unclear", "patients": 44}),
        measured("trial", "subgroup_gain", -0.1, low=-1.0, high=1.0, slice="age=65 up",
                 details={"harm": "unclear", "patients": 7}),
        measured("trial", "subgroup_gain", None, slice="site=B", reason="fewer than 5 patients of one class"),
        measured("trial", "worst_subgroup_gain", -0.1, low=-1.0, high=0.05,
                 details={"harm": "unclear", "subgroup": "age=65 up"}),
    ]  # fmt: skip
    return found


def trial() -> list[Finding]:
    """Return all that a trial finds."""
    rough = "a rough guide from assumptions, so without an interval"
    return [
        measured("trial", "detectable_gain", 0.031, unit="AUC", reason=rough, n_patients=81),
        measured("trial", "synthetic_per_real", 0.25, slice="dose=0.25", unit="images per real image"),
        *endpoints(),
        *differences(),
        measured("trial", "auc_trained_real_tested_synthetic", 0.78, 0.05, unit="AUC", method=BOOT),
        exchange(),
        exchange("dose=0.25", 0.25, None, None, None, "below", 0.6),
        exchange("dose=2", 2.0, None, 12.0, None, "above", 0.9),
        exchange("held-out patients", 1.0, 26.0, 9.0, 30.0),
        measured("trial", "generator_refitted", None, reason="the generator was trained once"),
        measured("trial", "n_left_out_of_test", 0.0, unit="images", details={"pairs": []}),
    ]
