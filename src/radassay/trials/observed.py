"""The predictions of a trial as arrays, fold by fold, and what every finding about them shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radassay.evidence.finding import Direction, Finding
from radassay.stats.endpoints import Endpoint, endpoints, threshold_at
from radassay.stats.paired import Arms, crossed_bootstrap
from radassay.stats.recalibration import Recalibration
from radassay.trials.arms import CLASSICAL, CONTROLS, REAL, Arm
from radassay.trials.plan import TrialPlan
from radassay.trials.record import Record

CHECK = "trial"
METHOD = (
    "mean over seeds; percentile bootstrap over patients and seeds together, {resamples} resamples "
    "(Owen 2007; seeds by Rao and Wu 1988); training patients are taken as given"
)
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Fold:
    """The scored images of one kind."""

    name: str
    plan: TrialPlan
    scores: Mapping[str, Scores]
    """(seeds, n) of each arm whose scores are finite."""
    broken: Mapping[str, str]
    """Why each other arm has none."""
    about: pd.DataFrame
    labels: NDArray[np.bool_]
    patients: NDArray[np.str_]

    def units(self, positive: bool) -> int:
        """Return the number of patients with an image of this class."""
        return len(np.unique(self.patients[self.labels == positive]))

    @property
    def lack(self) -> str:
        """Return why nothing can be measured here, or nothing."""
        positives, negatives = self.units(True), self.units(False)
        if not self.scores:
            return "; ".join(self.broken.values()) or "there are no predictions"
        if not positives or not negatives:
            return f"the {self.name} patients are of one class: {positives} positive, {negatives} negative"
        return ""

    @property
    def few(self) -> bool:
        """Return whether a class comes from a single patient, so that nothing has an interval."""
        return min(self.units(True), self.units(False)) < 2

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
        slice: str = "all",
        reason: str = "",
        method: str = "",
        unit: str = "AUC",
        direction: Direction = "higher is better",
        details: Mapping[str, Any] | None = None,
    ) -> Finding:
        """Return a finding in this trial's terms."""
        low, high = (None, None) if limits is None else limits
        return Finding(
            check=CHECK,
            name=name,
            slice=slice,
            value=value,
            low=low,
            high=high,
            level=self.plan.level,
            reason="; ".join(part for part in (reason, self.caution if value is not None else "") if part),
            method=method or METHOD.format(resamples=self.plan.resamples),
            n_patients=len(np.unique(self.patients)),
            n_images=len(self.labels),
            unit=unit,
            direction=direction,
            details=details or {},
        )

    def resampled(self, names: Sequence[str], endpoint: Endpoint, scores: Mapping[str, Scores]) -> Arms:
        """Return an endpoint of some arms, observed and resampled; folds share the seeds of each resample.

        Args:
            names: arms.
            endpoint: what is measured.
            scores: what the endpoint reads, of each arm; see `Trial.read`.
        """
        rng = np.random.default_rng([self.plan.seed, 3])
        given = np.stack([scores[name] for name in names])
        return crossed_bootstrap(given, self.labels, self.patients, self.plan.resamples, rng, endpoint.measure)


@dataclass(frozen=True)
class Trial:
    """All that was recorded."""

    plan: TrialPlan
    arms: tuple[Arm, ...]
    record: Record
    about: pd.DataFrame
    """One row a scored image; see `material.told_of`."""
    patients: int
    """Training patients."""
    reserve: int
    """Patients held out for the control that must help."""

    def fold(self, name: str) -> Fold:
        """Return the scored images of one fold: `validation`, `test`, `external NAME` or `synthetic`."""
        rows = (self.about["fold"] == name).to_numpy()
        about = self.about[rows].reset_index(drop=True)
        finite, broken = {}, {}
        for arm, scores in self.record.scores.items():
            # a training that diverged is none, wherever its scores happen to be finite
            if np.isfinite(scores).all():
                finite[arm] = scores[:, rows]
            else:
                broken[arm] = f"a training of {arm} diverged: its scores are not finite"
        return Fold(
            name, self.plan, finite, broken, about, about["label"].to_numpy(bool), about["patient"].to_numpy(str)
        )

    @property
    def controls(self) -> list[str]:
        """Return the arms without synthetic images that there are."""
        names = {arm.name for arm in self.arms}
        return [control for control in CONTROLS if control in names]

    @property
    def best_classical(self) -> str:
        """Return the better of `real` and `real+classical` by validation images, as which the other arms augment."""
        return CLASSICAL if self.record.augmented else REAL

    def endpoint(self, name: str) -> Endpoint:
        """Return an endpoint of the plan's settings."""
        return next(e for e in endpoints(self.plan.act_at) if e.name == name)

    def read(self, fold: Fold, endpoint: Endpoint, names: Sequence[str]) -> dict[str, Scores]:
        """Return what an endpoint reads of some arms, (seeds, n) each: scores, probabilities or margins.

        Probabilities are recalibrated and margins are from thresholds chosen on the validation images, in each training
        by itself. Recalibration is of the logit of the score.

        Raises:
            ValueError: the validation images are of one class.
        """
        if endpoint.reads == "scores":
            return {name: fold.scores[name] for name in names}
        known = self.fold("validation")
        found: dict[str, Scores] = {}
        for name in names:
            rows = []
            for seen, asked in zip(known.scores[name], fold.scores[name], strict=True):
                if endpoint.reads == "margins":
                    rows.append(asked - threshold_at(self.plan.specificity, seen, known.labels))
                else:
                    rows.append(Recalibration.learned(logits(seen), known.labels).probabilities(logits(asked)))
            found[name] = np.stack(rows)
        return found

    def predictions(self) -> pd.DataFrame:
        """Return one row an arm, seed and scored image."""
        parts = [
            self.about.assign(arm=arm, seed=seed, score=row)
            for arm, scores in self.record.scores.items()
            for seed, row in enumerate(scores)
        ]
        columns = ["arm", "seed", *self.about.columns, "score"]
        return pd.concat(parts, ignore_index=True)[columns]


def logits(scores: Scores) -> Scores:
    """Return log odds of scores in [0, 1], none beyond what double precision can tell from 0 and 1."""
    inside = np.clip(scores, 1e-12, 1 - 1e-12)
    return np.asarray(np.log(inside / (1 - inside)))
