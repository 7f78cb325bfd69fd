"""The trial's plan, fixed and hashed before any image is looked at, and what it could show."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from radassay.errors import SettingsError
from radassay.evidence.finding import Finding
from radassay.stats.power_of_gain import Assumptions, detectable_gain
from radassay.trials.arms import KINDS, REAL

ENDPOINTS = ("auc", "auprc", "brier", "sensitivity", "net_benefit")
"""What the gain can be measured in; the calibration slope is told of every arm, but better has no direction there."""
SUBGROUPS = ("sex", "age", "view", "site")
"""Columns that parts of the test patients can be told apart by."""


@dataclass(frozen=True)
class TrialPlan:
    """What will be trained and how it will be judged; all arms have one optimisation budget.

    Raises:
        SettingsError: a setting is out of range, an arm, endpoint or subgroup unknown or named twice, `real` is
            missing, or the headline dose is none of the doses.
    """

    arms: tuple[str, ...] = tuple(KINDS)
    """Kinds of arms that are compared; see `radassay.trials.arms.KINDS`."""
    doses: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0, 4.0)
    """Synthetic images per real training image, an arm each."""
    dose: float = 1.0
    """The dose that the headline is about; duplicates and the arms of control have as many images."""
    curve: tuple[float, ...] = (0.35, 0.6)
    """Shares of the training patients at which the learning curve of real patients is measured, beside all of them
    and, where patients were held out for it, more. Empty for no curve and no exchange rate."""
    seeds: int = 5
    """Trainings an arm. Training i of every arm starts from the same weights."""
    steps: int = 300
    """Optimisation steps of each training, the same in every arm; the batch is the classifier's setting."""
    endpoint: str = "auc"
    """What the gain is measured in: auc, auprc, brier, sensitivity or net_benefit."""
    specificity: float = 0.9
    """Specificity on validation images at which the sensitivity is told."""
    act_at: float = 0.2
    """Probability from which one would act, for the net benefit."""
    margin: float = 0.02
    """Smallest gain worth having."""
    harm: float = 0.02
    """Largest loss that counts as no harm."""
    subgroups: tuple[str, ...] = SUBGROUPS
    """Columns whose values part the test patients; those that are not known are left out."""
    external: tuple[str, ...] = ()
    """Names of the sets of other hospitals."""
    resamples: int = 2000
    """Bootstrap resamples of patients and seeds."""
    level: float = 0.95
    """Nominal coverage of the intervals."""
    seed: int = 0
    """Where all randomness of the trial comes from."""
    assumed: Assumptions = field(default_factory=Assumptions)
    """What the power statement assumes, since nothing is measured yet."""

    def __post_init__(self) -> None:
        for name, known in (("arms", tuple(KINDS)), ("subgroups", SUBGROUPS)):
            given = getattr(self, name)
            if set(given) - set(known) or len(set(given)) != len(given):
                raise SettingsError(f"{name} must be different and known", got=given, possible=", ".join(known))
        if REAL not in self.arms:
            raise SettingsError("arms must hold `real`", got=self.arms)
        if self.endpoint not in ENDPOINTS:
            raise SettingsError("No such endpoint", got=self.endpoint, possible=", ".join(ENDPOINTS))
        wrong = any(not 0 < dose <= 100 for dose in self.doses) or len(set(self.doses)) != len(self.doses)
        if wrong or self.dose not in self.doses:
            raise SettingsError(
                "doses must be different, above 0, at most 100, and hold `dose`", got=(self.doses, self.dose)
            )
        if any(not 0 < share < 1 for share in self.curve) or len(set(self.curve)) != len(self.curve):
            raise SettingsError("curve must be different shares between 0 and 1", got=self.curve)
        for name, low, high in _RANGES:
            value = getattr(self, name)
            if not low <= value <= high:
                raise SettingsError(f"{name} must lie from {low:g} to {high:g}", got=value)

    @property
    def hash(self) -> str:
        """Return the SHA-256 (hex) of every field."""
        return _hash(asdict(self))

    @property
    def recipe(self) -> str:
        """Return the SHA-256 (hex) of the fields that decide what a training of an arm is."""
        return _hash({name: getattr(self, name) for name in ("dose", "steps", "seed")})


def _hash(fields: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


_RANGES: Sequence[tuple[str, float, float]] = (
    ("seeds", 1, 1000),
    ("steps", 1, 10**7),
    ("specificity", 0.01, 0.999),
    ("act_at", 0.001, 0.999),
    ("margin", 0, 0.5),
    ("harm", 0, 0.5),
    ("resamples", 100, 10**6),
    ("level", 0.5, 0.999),
    ("seed", 0, 2**63 - 1),
)


def power(plan: TrialPlan, positives: int, negatives: int, chance: float = 0.8) -> Finding:
    """Return the smallest gain in AUC that this trial shows with the given chance, before anything is trained.

    All of it rests on the plan's assumptions, so the number is a rough guide and has no interval; see
    `radassay.stats.power_of_gain`.

    Args:
        plan: gives seeds and assumptions.
        positives: positive test patients.
        negatives: negative test patients.
        chance: that a gain of this size is shown.
    """
    about = {
        "power": chance,
        "assumed": asdict(plan.assumed),
        "positive_patients": positives,
        "negative_patients": negatives,
        "smallest_gain_worth_having": plan.margin,
        "plan": plan.hash,
    }
    method = f"Hanley and McNeil 1982, 1983, before training; {chance:.0%} power, assumptions of the plan"
    if min(positives, negatives) < 1:
        reason = f"the test patients are of one class: {positives} positive, {negatives} negative"
        return Finding(check="trial", name="detectable_gain", reason=reason, method=method, details=about)
    value = detectable_gain(positives, negatives, plan.seeds, plan.assumed, plan.level, chance)
    short = "" if value <= plan.margin else f"; the smallest gain worth having, {plan.margin:g}, is below it"
    return Finding(
        check="trial",
        name="detectable_gain",
        value=value,
        reason=f"a rough guide from assumptions, so without an interval{short}",
        method=method,
        n_patients=positives + negatives,
        unit="AUC",
        direction="lower is better",
        details=about,
    )
