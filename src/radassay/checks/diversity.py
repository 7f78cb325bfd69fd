"""Diversity: how many different images there are among the generated ones, beside equally many real ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np

from radassay.checks.patients import patients_of, unknown_patients
from radassay.checks.space import BY_TRAINING, Array, draws, labels_of, lacking, spaces
from radassay.contracts.check import Inputs
from radassay.evidence.finding import Finding
from radassay.images.sample import Sample
from radassay.stats.conservative import conservative
from radassay.stats.resample import Interval, deal_groups, jackknife_interval, summed_interval
from radassay.stats.spread import mean_pairwise_distance
from radassay.stats.vendi import log_ratio_parts, log_vendi_moves, vendi

Side = tuple[Sample, list[Array]]
"""Images, and their features in the space of the training images and in those of halves of these."""

METHOD = "first-order influence of one image a patient, balanced half-samples of the training patients"
SMALLEST = 1e-6
"""Mean distance, or length of a row, below which features are alike."""


@dataclass(frozen=True)
class Diversity:
    """Effective number of different images and distance between images of one label, relative to real images.

    `vendi_ratio`: Vendi score (Friedman & Dieng 2023) of generated over that of held-out real images. The score grows
    with the number of images and falls where a patient has several, so equally many images enter, one a patient:
    rows chosen by a hash of the patients. 1 is the variety of real images. Its interval is that of first order, which
    needs half again as many images as axes, and counts the training patients, who set the axes; the jackknife over
    patients proved up to 1.6 times too wide.
    `within_class_distance_ratio`: mean distance between two images of one label (of different patients), generated
    over real. Of all labels together each counts by its share among the held-out images: one label that collapsed is
    seen in its own line first.

    Both look at variety alone: noise on the images adds variety, and images of nothing at all may have it.
    """

    fewest: int = 30
    """Patients and generated images that a label needs to be measured alone."""
    axes: int = 32
    """Leading axes of real variation that are looked at; in more, images of any kind are nearly orthogonal."""
    intervals: bool = True
    """Whether intervals are computed."""

    name: ClassVar[str] = "diversity"
    question: ClassVar[str] = "Do the synthetic images of one label differ from each other as much as real ones do?"
    reads: ClassVar[Literal["real", "synthetic"]] = "synthetic"
    matched: ClassVar[bool] = True
    encoded: ClassVar[bool] = True
    watched: ClassVar[Mapping[str, str]] = {"vendi_ratio": "lower", "within_class_distance_ratio": "lower"}
    meets: ClassVar[tuple[str, ...]] = ()

    def quick(self) -> Diversity:
        """Return the same check without intervals."""
        return replace(self, intervals=False)

    def measure(self, inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
        """Return both ratios, overall and by label."""
        why = lacking(inputs)
        if why or inputs.synthetic is None:
            prints = inputs.fingerprints(inputs.held_out, inputs.synthetic)
            return [Finding(check=self.name, name=name, reason=why, inputs=prints) for name in self.watched]
        real, made = inputs.held_out, inputs.synthetic
        of_training = spaces(inputs, inputs.training, halves=self.intervals)
        x, y = ([space(inputs.features(part))[:, : self.axes] for space in of_training] for part in (real, made))
        whole = (real, x), (made, y)
        findings = [self._vendi(inputs, "all", *whole), self._within(inputs, "all", *whole)]
        for label in labels_of(inputs, self.fewest):
            here, there = real.labels == label, made.labels == label
            sides = (real.take(here), [a[here] for a in x]), (made.take(there), [b[there] for b in y])
            findings.append(self._vendi(inputs, f"label={label}", *sides))
            findings.append(self._within(inputs, f"label={label}", *sides))
        return findings

    def _vendi(self, inputs: Inputs, part: str, real: Side, made: Side) -> Finding:
        """Return the ratio of Vendi scores of equally many images."""
        first = [one_each(draws(sample)) for sample, _ in (real, made)]
        n = min(len(rows) for rows in first)
        # directions from the centre of the real training images; a row at that very centre has none
        sides = [[x[rows[:n]] for x in spaced] for (_, spaced), rows in zip((real, made), first, strict=True)]
        if min(np.linalg.norm(x, axis=1).min() for spaced in sides for x in spaced) < SMALLEST:
            return self._finding(inputs, part, "vendi_ratio", "images have no features beyond the mean", real, made)
        scores = [vendi(spaced[0]) for spaced in sides]
        interval: Interval | str = f"{n} images are too few for an interval in {self.axes} axes"
        if self.intervals and n >= 1.5 * self.axes:
            moves = [[log_vendi_moves(x) for x in spaced] for spaced in sides]
            found = summed_interval(float(np.log(scores[1] / scores[0])), log_ratio_parts(*moves), METHOD)
            method = found.method if part == "all" else conservative(found.method, "where nothing differs")
            interval = Interval(float(np.exp(found.low)), float(np.exp(found.high)), method)
        about = {"vendi_real": scores[0], "vendi_synthetic": scores[1], "n_each": n}
        return self._finding(inputs, part, "vendi_ratio", scores, real, made, interval, about)

    def _within(self, inputs: Inputs, part: str, real: Side, made: Side) -> Finding:
        """Return the ratio of mean distances between images of one label."""
        name = "within_class_distance_ratio"
        labels, shares = np.unique(real[0].labels, return_counts=True)
        groups = [deal_groups(draws(sample)) for sample, _ in (real, made)]
        means = np.zeros(2)
        left_out = [np.zeros(int(group.max()) + 1) for group in groups]
        weight, used = 0.0, []
        for label, share in zip(labels.tolist(), shares.tolist(), strict=True):
            rows = [sample.labels == label for sample, _ in (real, made)]
            units = [draws(sample)[row] for (sample, _), row in zip((real, made), rows, strict=True)]
            if min(len(np.unique(u)) for u in units) < 10:
                continue
            found = [
                self._spread(x[0][row], unit, group[row], len(left))
                for (_, x), row, unit, group, left in zip((real, made), rows, units, groups, left_out, strict=True)
            ]
            if any(one is None for one in found):
                continue
            for side, one in enumerate(found):
                assert one is not None
                means[side] += share * one[0]
                left_out[side] += share * one[1]
            weight += share
            used.append(label)
        if not used:
            reason = "no label has 10 patients among both real and generated images"
            return self._finding(inputs, part, name, reason, real, made)
        if means[0] / weight < SMALLEST:
            return self._finding(inputs, part, name, "the real images of a label are all alike", real, made)
        about = {"real": means[0] / weight, "synthetic": means[1] / weight, "labels": used}
        interval = ratio_interval(means.tolist(), left_out) or "the generated images are all alike"
        return self._finding(inputs, part, name, (means / weight).tolist(), real, made, interval, about)

    def _spread(self, x: Array, units: Any, groups: Any, count: int) -> tuple[float, Array] | None:
        """Return the mean distance within a label, and without each of the sample's groups; None if that is nothing."""
        there, own = np.unique(groups, return_inverse=True)
        try:
            found = mean_pairwise_distance(x, units, own)
        except ValueError:
            return None
        without = np.full(count, found.value)
        without[there] = found.without
        return found.value, without

    def _finding(
        self,
        inputs: Inputs,
        part: str,
        name: str,
        found: list[float] | str,
        real: Side,
        made: Side,
        interval: Interval | str = "",
        details: Mapping[str, Any] | None = None,
    ) -> Finding:
        """Return generated over real, (real, generated), or the reason why there is no ratio."""
        common: dict[str, Any] = {
            "check": self.name,
            "name": name,
            "slice": part,
            "direction": "higher is better",
            "n_patients": patients_of(real[0]),
            "n_images": len(real[0]) + len(made[0]),
            "inputs": inputs.fingerprints(real[0], made[0]),
        }
        if isinstance(found, str):
            return Finding(reason=found, **common)
        value = found[1] / found[0]
        about = {"encoder": inputs.encoder, "space": f"{BY_TRAINING}; the leading {self.axes}", **(details or {})}
        limits: dict[str, Any] = {"reason": "no interval in the quick form"}
        if self.intervals:
            limits = {"reason": f"no valid interval: {interval}"}
            if not isinstance(interval, str):
                limits = {
                    "low": interval.low,
                    "high": interval.high,
                    "method": f"{interval.method}, log scale; for samples of this size",
                    "reason": unknown_patients(real[0]),
                }
        return Finding(value=value, details=about, **limits, **common)


def one_each(units: np.ndarray[Any, np.dtype[np.str_]]) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Return one row of each unit, (m,), in an order that a hash of the units sets."""
    first = np.unique(units, return_index=True)[1]
    order = deal_groups(units[first], len(first))
    return np.asarray(first[np.argsort(order, kind="stable")])


def ratio_interval(found: list[float], left_out: list[Array]) -> Interval | None:
    """Return the interval of the second over the first value by the jackknife of both logarithms; None at zero."""
    if min(found) < SMALLEST or any(left.min() < SMALLEST for left in left_out):
        return None
    value = float(np.log(found[1] / found[0]))
    interval = jackknife_interval(value, *(np.log(left) for left in left_out))
    return Interval(float(np.exp(interval.low)), float(np.exp(interval.high)), interval.method)
