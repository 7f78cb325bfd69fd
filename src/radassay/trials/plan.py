"""The trial's plan, fixed and hashed before any image is looked at, and what it could show."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from scipy.stats import norm

from radassay.errors import SettingsError
from radassay.evidence.finding import Finding
from radassay.stats.paired import hanley_mcneil_variance

REAL = "real"
CLASSICAL = "real+classical"
DUPLICATES = "real+duplicates"
MIXED = "real+synthetic"
MIXED_CLASSICAL = "real+synthetic+classical"
SYNTHETIC = "synthetic"

ARMS = {
    REAL: "the real training images alone",
    CLASSICAL: "the same with classical augmentation",
    DUPLICATES: "the same with real images repeated, as many of each class as `real+synthetic` has synthetic ones",
    MIXED: "the real and the synthetic images",
    MIXED_CLASSICAL: "the real and the synthetic images with classical augmentation",
    SYNTHETIC: "as many synthetic images, no real one",
}
"""Every arm there is, and what it trains on."""

CONTROLS = (REAL, CLASSICAL, DUPLICATES)
"""The arms that cost no synthetic images; a gain must be over the best of them."""


@dataclass(frozen=True)
class TrialPlan:
    """What will be trained and how it will be judged; all arms have one optimisation budget.

    Raises:
        SettingsError: a setting is out of range, an arm unknown or named twice, or `real` is missing.
    """

    arms: tuple[str, ...] = (REAL, CLASSICAL, DUPLICATES, MIXED, SYNTHETIC)
    """What is compared; see `ARMS`."""
    seeds: int = 5
    """Trainings an arm. Training i of every arm starts from the same weights."""
    steps: int = 300
    """Optimisation steps of each training, the same in every arm; the batch is the classifier's setting."""
    ratio: float = 1.0
    """Synthetic images (or duplicates) per real training image."""
    endpoint: str = "AUC"
    """What is compared; the area under the ROC curve is the only endpoint so far."""
    margin: float = 0.02
    """Smallest gain in AUC worth having."""
    harm: float = 0.02
    """Largest loss in AUC that counts as no harm."""
    resamples: int = 2000
    """Bootstrap resamples of patients and seeds."""
    level: float = 0.95
    """Nominal coverage of the intervals."""
    seed: int = 0
    """Where all randomness of the trial comes from."""
    assumed_auc: float = 0.85
    """AUC assumed for the power statement."""
    assumed_correlation: float = 0.5
    """Correlation of two arms' AUC over patients assumed for the power statement."""
    assumed_seed_sd: float = 0.02
    """Standard deviation of the AUC between trainings of one arm assumed for the power statement."""

    def __post_init__(self) -> None:
        unknown = [arm for arm in self.arms if arm not in ARMS]
        if unknown or len(set(self.arms)) != len(self.arms) or REAL not in self.arms:
            raise SettingsError(
                "arms must be different, known, and hold `real`", got=self.arms, possible="Arms: " + ", ".join(ARMS)
            )
        if self.endpoint != "AUC":
            raise SettingsError("No such endpoint", got=self.endpoint, possible="Endpoints: AUC")
        for name, low, high in _RANGES:
            value = getattr(self, name)
            if not low <= value <= high:
                raise SettingsError(f"{name} must lie from {low:g} to {high:g}", got=value)

    @property
    def hash(self) -> str:
        """Return the SHA-256 (hex) of every field."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    @property
    def trainings(self) -> list[tuple[str, int]]:
        """Return every (arm, seed index), all arms of one seed together."""
        return [(arm, seed) for seed in range(self.seeds) for arm in self.arms]


_RANGES: Sequence[tuple[str, float, float]] = (
    ("seeds", 1, 1000),
    ("steps", 1, 10**7),
    ("ratio", 0.01, 100),
    ("margin", 0, 0.5),
    ("harm", 0, 0.5),
    ("resamples", 100, 10**6),
    ("level", 0.5, 0.999),
    ("seed", 0, 2**63 - 1),
    ("assumed_auc", 0.5, 0.999),
    ("assumed_correlation", 0, 0.99),
    ("assumed_seed_sd", 0, 0.5),
)


def slug(arm: str) -> str:
    """Return the arm as part of a file or finding name; `synthetic` becomes `synthetic_only`."""
    return "synthetic_only" if arm == SYNTHETIC else arm.replace("+", "_")


def detectable_gain(plan: TrialPlan, positives: int, negatives: int, power: float = 0.8) -> Finding:
    """Return the smallest gain in AUC that this trial shows with the given power, before anything is trained.

    (z_level + z_power) · √(2 (1 - r) V + 2 σ² / s): V is the variance of one AUC (Hanley and McNeil 1982), r the
    correlation of two arms over the same patients (Hanley and McNeil 1983), σ the standard deviation between s seeds.
    All of them are assumptions of the plan, so the number is a rough guide and has no interval.

    Args:
        plan: gives seeds and assumptions.
        positives: positive test patients.
        negatives: negative test patients.
        power: chance that a gain of this size is shown.
    """
    about = {
        "power": power,
        "assumed_auc": plan.assumed_auc,
        "assumed_correlation": plan.assumed_correlation,
        "assumed_seed_sd": plan.assumed_seed_sd,
        "positive_patients": positives,
        "negative_patients": negatives,
        "smallest_gain_worth_having": plan.margin,
    }
    method = f"Hanley and McNeil 1982, 1983, before training; {power:.0%} power, assumptions of the plan"
    if min(positives, negatives) < 1:
        reason = f"the test patients are of one class: {positives} positive, {negatives} negative"
        return Finding(check="trial", name="detectable_gain", reason=reason, method=method, details=about)
    variance = hanley_mcneil_variance(plan.assumed_auc, positives, negatives)
    patients = 2.0 * (1.0 - plan.assumed_correlation) * variance
    spread = math.sqrt(patients + 2.0 * plan.assumed_seed_sd**2 / plan.seeds)
    value = float(norm.ppf(0.5 + plan.level / 2) + norm.ppf(power)) * spread
    enough = "" if value <= plan.margin else f"; the smallest gain worth having, {plan.margin:g}, is below it"
    return Finding(
        check="trial",
        name="detectable_gain",
        value=min(value, 1.0),
        reason=f"a rough guide from assumptions, so without an interval{enough}",
        method=method,
        n_patients=positives + negatives,
        unit="AUC",
        direction="lower is better",
        details=about,
    )
