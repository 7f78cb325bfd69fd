"""Plausibility: whether generated chest films show two lungs on their sides, a heart, ribs, in ordinary proportions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from radassay.anatomy.chest import PROPERTIES, measure_chests
from radassay.anatomy.kinds import KINDS, prepare, see
from radassay.anatomy.remembered import Remembered
from radassay.checks.ordinary import Ordinary
from radassay.checks.patients import patients_of, unknown_patients
from radassay.checks.sides import Sides
from radassay.checks.space import draws, lacking
from radassay.contracts.check import Inputs
from radassay.evidence.finding import Finding
from radassay.images.sample import Sample
from radassay.stats.conservative import conservative
from radassay.stats.proportion import share, share_difference
from radassay.stats.resample import bootstrap_rows, deal_groups, jackknife_interval

FEWEST = 20
"""Images and patients of each part that are needed."""
FOLDS = 5
"""Parts of the training patients that set each other's range."""
SHOWN = 12
"""Examples kept."""
WRONG = {
    "outline": ("lungs without clear outline, or not two", ""),
    "lung_area": ("small lungs", "large lungs"),
    "balance": ("left lung of the picture too small", "right lung of the picture too small"),
    "apart": ("lungs too near to each other", "lungs too far apart"),
    "level": ("right lung of the picture too high", "left lung of the picture too high"),
    "middle": ("chest too far left", "chest too far right"),
    "ctr": ("narrow heart, or none", "wide heart"),
    "heart_side": ("heart to the left of the picture", "heart far to the right of the picture"),
    "rib_match": ("ribs of both sides do not match", ""),
    "rib_strength": ("faint ribs", "coarse stripes"),
}
"""What a low and a high value of each property is called; without a word where such a value is no fault."""
LOW_ALONE = np.array([not WRONG[name][1] for name in PROPERTIES])
NAMES = (
    "implausible_share",
    "implausible_share_real",
    "implausible_excess",
    "lung_area_difference",
    "ctr_difference",
    "mirrored_share",
)
_chests = Remembered(measure_chests)
_frontal = Remembered(lambda pixels: see(np.stack([prepare(p) for p in pixels])).kind.astype(float), 2_000)


@dataclass(frozen=True)
class Plausibility:
    """Anatomy of frontal chest films, by cheap measures and against the user's own real images.

    Lungs are outlined by a network that learned from simulated chests alone; heart and ribs are found from brightness
    (`anatomy/chest.py`, which states how well). Ten measures are taken of each film: number and outline of the lungs,
    area, balance, distance and level of both, middle of the chest, cardiothoracic ratio, side of the heart, agreement
    and strength of ribs. A film is implausible where any lies outside the range of 99 % of the real training films,
    all measures together (`checks/ordinary.py`); of held-out real films about 1 % should be. `implausible_share` and
    `implausible_share_real` are the shares of generated and of held-out films, `implausible_excess` their difference.

    `lung_area_difference`, `ctr_difference`: generated less held-out mean, in standard deviations of the real films.
    `mirrored_share`: share of generated films that show left and right exchanged. A linear discriminant learns from the
    training films what left and right look like; the share on the wrong side is corrected for that among held-out
    films (Rogan & Gladen 1978), so that it scatters around zero where none is mirrored, also below.

    Implausible films are outliers, not mistakes of anatomy for certain, and nobody counted ribs: look at the examples.
    What a radiologist sees beyond lungs, heart and rib stripes is not looked at. CT is not measured here; for values
    in HU see the check `appearance`.
    """

    most: int = 2_000
    """Films of each part that are measured, spread evenly over it."""
    draws: int = 100
    """Bootstrap draws of the training patients, for what the estimated range adds to the intervals."""
    intervals: bool = True
    """Whether intervals are computed."""

    name: ClassVar[str] = "plausibility"
    question: ClassVar[str] = "Do the synthetic chest films show lungs, heart and ribs as real ones do?"
    reads: ClassVar[Literal["real", "synthetic"]] = "synthetic"
    matched: ClassVar[bool] = True
    encoded: ClassVar[bool] = False
    watched: ClassVar[Mapping[str, str]] = {"implausible_share": "higher", "mirrored_share": "higher"}
    meets: ClassVar[tuple[str, ...]] = ()

    def quick(self) -> Plausibility:
        """Return the same check without intervals, on at most 60 films a part but all training films."""
        return replace(self, intervals=False, most=min(self.most, 60))

    def measure(self, inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
        """Return shares, differences and examples, or why these are no frontal chest films."""
        why = lacking(inputs, FEWEST, encoded=False) or other_kind(inputs)
        if why or inputs.synthetic is None:
            prints = inputs.fingerprints(inputs.held_out, inputs.synthetic)
            return [Finding(check=self.name, name=name, reason=why, inputs=prints) for name in NAMES]
        training = spread_over(inputs.training, 2_000)
        real, made = (spread_over(part, self.most) for part in (inputs.held_out, inputs.synthetic))
        usual, x, y = (_chests(part.pixels) for part in (training, real, made))
        findings = self._shares(inputs, (training, usual), (real, x), (made, y), rng)
        for name, column in (("lung_area_difference", "lung_area"), ("ctr_difference", "ctr")):
            findings.append(self._difference(inputs, name, PROPERTIES.index(column), (real, x), (made, y)))
        return [*findings, self._mirrored(inputs, training, real, made)]

    def _shares(
        self,
        inputs: Inputs,
        training: tuple[Sample, NDArray[np.float64]],
        real: tuple[Sample, NDArray[np.float64]],
        made: tuple[Sample, NDArray[np.float64]],
        rng: np.random.Generator,
    ) -> list[Finding]:
        """Return the shares of implausible films and their difference."""
        fold = deal_groups(draws(training[0]), FOLDS)
        ordinary = Ordinary.fit(training[1], LOW_ALONE, fold)
        sides = {"synthetic": made, "real": real}
        hits = {side: ordinary.outside(measures) for side, (_, measures) in sides.items()}
        extra = dict.fromkeys(("synthetic", "real", "excess"), 0.0)
        if self.intervals:
            moved = []
            for rows in bootstrap_rows(draws(training[0]), self.draws, rng):
                other = Ordinary.fit(training[1][rows], LOW_ALONE, fold[rows])
                moved.append([other.outside(measures).mean() for _, measures in sides.values()])
            drawn = np.array(moved)
            variances = [drawn[:, 0].var(ddof=1), drawn[:, 1].var(ddof=1), (drawn[:, 0] - drawn[:, 1]).var(ddof=1)]
            extra = dict(zip(extra, map(float, variances), strict=True))
        about = {"expected_among_real": ordinary.expected, "limits": limits_of(ordinary)}
        findings = []
        for name, side in (("implausible_share", "synthetic"), ("implausible_share_real", "real")):
            sample, measures = sides[side]
            found = share(hits[side], draws(sample), other_variance=extra[side])
            details = {**about, "examples": examples(sample, measures, ordinary), **counts(measures, ordinary)}
            findings.append(self._finding(inputs, name, found.value, found, "share of films", details))
        hit = np.concatenate([hits["synthetic"], hits["real"]])
        first = np.arange(len(hit)) < len(made[0])
        units = np.concatenate([draws(made[0]), draws(real[0])])
        found = share_difference(hit, first, units, other_variance=extra["excess"])
        found = found._replace(method=conservative(found.method, "where few are implausible"))
        return [*findings, self._finding(inputs, "implausible_excess", found.value, found, "share of films", {})]

    def _difference(
        self,
        inputs: Inputs,
        name: str,
        column: int,
        real: tuple[Sample, NDArray[np.float64]],
        made: tuple[Sample, NDArray[np.float64]],
    ) -> Finding:
        """Return the standardised difference of the means of one measure."""
        known = [np.isfinite(measures[:, column]) for _, measures in (real, made)]
        values = [measures[rows, column] for (_, measures), rows in zip((real, made), known, strict=True)]
        units = [draws(sample)[rows] for (sample, _), rows in zip((real, made), known, strict=True)]
        fewest = min(len(np.unique(u)) for u in units)
        if fewest < FEWEST or values[0].std() < 1e-6:
            reason = (
                f"it can be taken in films of {fewest} patients only" if fewest < FEWEST else "real films are alike"
            )
            return self._finding(inputs, name, None, None, "", {}, reason)
        value = standardised(*values)
        interval = None
        if self.intervals:
            groups = [deal_groups(u) for u in units]
            without_real = [standardised(values[0][groups[0] != g], values[1]) for g in np.unique(groups[0])]
            without_made = [standardised(values[0], values[1][groups[1] != g]) for g in np.unique(groups[1])]
            interval = jackknife_interval(value, without_real, without_made)
        deciles = {
            side: np.round(np.quantile(v, np.linspace(0.1, 0.9, 9)), 4).tolist()
            for side, v in zip(("real", "synthetic"), values, strict=True)
        }
        details = {**deciles, "not_measurable": [int((~rows).sum()) for rows in known]}
        return self._finding(inputs, name, value, interval, "standard deviations of real films", details)

    def _mirrored(self, inputs: Inputs, training: Sample, real: Sample, made: Sample) -> Finding:
        """Return the share of generated films that are mirrored."""
        sides = Sides.learn(training.pixels)
        wrong = [sides.mirrored(part.pixels) for part in (made, real)]
        usual = 1 - 2 * float(wrong[1].mean())
        details = {"wrong_side_synthetic": float(wrong[0].mean()), "wrong_side_real": float(wrong[1].mean())}
        if usual < 0.2:
            reason = "left and right cannot be told in these real films"
            return self._finding(inputs, "mirrored_share", None, None, "", details, reason)
        first = np.arange(len(made) + len(real)) < len(made)
        units = np.concatenate([draws(made), draws(real)])
        found = share_difference(np.concatenate(wrong), first, units)
        value, low, high = (float(np.clip(v / usual, -1.0, 1.0)) for v in found[:3])
        scaled = found._replace(
            low=low,
            high=high,
            method=conservative(f"{found.method}; after Rogan & Gladen 1978", "where few are mirrored"),
        )
        return self._finding(inputs, "mirrored_share", value, scaled, "share of films", details)

    def _finding(
        self,
        inputs: Inputs,
        name: str,
        value: float | None,
        interval: Any,
        unit: str,
        details: Mapping[str, Any],
        reason: str = "",
    ) -> Finding:
        """Return one finding; `interval` has low, high and method."""
        assert inputs.synthetic is not None
        limits: dict[str, Any] = {"reason": reason or "no interval in the quick form"}
        if value is not None and self.intervals:
            limits = {"low": interval.low, "high": interval.high, "reason": unknown_patients(inputs.held_out)}
            limits["method"] = f"{interval.method}; for samples of this size"
        return Finding(
            check=self.name,
            name=name,
            value=value,
            unit=unit,
            direction=DIRECTIONS.get(name, "lower is better"),
            n_patients=patients_of(inputs.held_out),
            n_images=len(inputs.held_out) + len(inputs.synthetic),
            inputs=inputs.fingerprints(inputs.held_out, inputs.synthetic),
            details=details,
            **limits,
        )


DIRECTIONS: dict[str, Any] = {
    "implausible_share_real": "neither",
    "lung_area_difference": "near zero is better",
    "ctr_difference": "near zero is better",
}


def standardised(real: NDArray[np.float64], made: NDArray[np.float64]) -> float:
    """Return the difference of means over the standard deviation of the real values."""
    return float((made.mean() - real.mean()) / real.std(ddof=1))


def spread_over(sample: Sample, most: int) -> Sample:
    """Return at most so many images, spread evenly over the sample."""
    return sample if len(sample) <= most else sample.take(np.linspace(0, len(sample) - 1, most).astype(int))


def other_kind(inputs: Inputs) -> str:
    """Return what the real images are where they are no frontal chest films, or nothing.

    The table says so; where it names neither modality nor view of most images, the pictures are looked at.
    """
    real = inputs.training
    table = real.table
    modality, view = (
        table[column].to_numpy(dtype=str) if column in table else np.full(len(real), "")
        for column in ("modality", "view")
    )
    slices = (modality == "CT") | np.isin(view, ("Axial", "Coronal", "Sagittal"))
    lateral = np.isin(view, ("L", "LL", "RL", "Lateral", "LATERAL"))
    for rows, what in ((slices, "CT slices; values in HU are looked at by `appearance`"), (lateral, "lateral films")):
        if rows.mean() > 0.5:
            return f"anatomy is measured on frontal chest films alone, and most real images are {what}"
    if ((modality != "") | (view != "")).mean() > 0.5:
        return ""
    kinds = np.array(KINDS)[_frontal(spread_over(real, 60).pixels).argmax(axis=1)]
    names, counts_ = np.unique(kinds, return_counts=True)
    most = str(names[counts_.argmax()])
    if most == "frontal":
        return ""
    told = "no radiographs" if most == "none" else f"{most} pictures"
    return f"anatomy is measured on frontal chest films alone, and most real images look like {told}"


def limits_of(ordinary: Ordinary) -> dict[str, list[float | None]]:
    """Return the range of each property, [low, high], None where there is no limit."""
    return {
        name: [float(f"{a:.4g}"), float(f"{b:.4g}") if np.isfinite(b) else None]
        for name, a, b in zip(PROPERTIES, *ordinary.ends, strict=True)
    }


def examples(sample: Sample, measures: NDArray[np.float64], ordinary: Ordinary) -> list[list[str]]:
    """Return the farthest implausible films, [image id, what is wrong]."""
    away = ordinary.distances(measures)
    farthest = np.abs(away).max(axis=1)
    order = [row for row in np.argsort(-farthest, kind="stable")[:SHOWN] if farthest[row] > ordinary.limit]
    out = []
    for row in order:
        worst = np.argsort(-np.abs(away[row]), kind="stable")[:2]
        why = [
            WRONG[PROPERTIES[column]][int(away[row, column] > 0)]
            for column in worst
            if abs(away[row, column]) > ordinary.limit
        ]
        out.append([str(sample.images[row]), "; ".join(why)])
    return out


def counts(measures: NDArray[np.float64], ordinary: Ordinary) -> dict[str, Any]:
    """Return how many films are outside by each property."""
    outside = np.abs(ordinary.distances(measures)) > ordinary.limit
    return {"outside_by": {name: int(n) for name, n in zip(PROPERTIES, outside.sum(axis=0), strict=True) if n}}
