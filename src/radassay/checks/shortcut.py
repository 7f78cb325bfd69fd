"""Shortcut: the disease can be told from what has nothing to do with the disease."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from radassay.anatomy.features import from_pixels
from radassay.checks.patients import patients_of, unknown_patients
from radassay.contracts.check import Inputs
from radassay.evidence.finding import Finding
from radassay.images import file_facts
from radassay.images.sample import Sample
from radassay.stats.association import association
from radassay.stats.conservative import conservative
from radassay.stats.crossvalidated import Question

INDEPENDENT = "where hospital and label are independent"
WIDE = {
    "auc_shape": "where the shape tells the label",
    "auc_aspect": "where the proportions tell the label",
    "auc_site": INDEPENDENT,
}
"""Areas whose limits are wider than those of a 95 % interval, and where that was counted."""
FEW_VALUES = ("auc_file", "auc_site")
"""Areas from indicators alone."""


@dataclass(frozen=True)
class Shortcut:
    """Predict the disease from the border, from what lies outside the lungs, from shape, histogram and file type.

    Each is a ridge-regularised linear discriminant with the same fixed penalty, trained and scored on different
    patients (cross-validation); a network can do all this and more. Sources: Maguolo & Nanni, Inf Fusion 2021;76:1
    (lungs blacked out); DeGrave et al., Nat Mach Intell 2021;3:610; Zech et al., PLoS Med 2018;15:e1002683 (source).
    """

    folds: int = 5
    """Parts of the patients; each is scored by a model of the others."""
    penalty: float = 1e-3
    """Ridge penalty as a share of the features' total variance."""
    repeats: int = 5
    """Times the patients are dealt out into parts anew; areas are means over these."""
    permutations: int = 100
    """Times the labels are shuffled over patients, for the null and for what training adds to the intervals."""
    fewest: int = 10
    """Patients that each class needs."""
    intervals: bool = True
    """Whether intervals are computed."""

    name: ClassVar[str] = "shortcut"
    question: ClassVar[str] = "Can the disease be told from the picture's border, shape or file instead of the lungs?"
    reads: ClassVar[Literal["real", "synthetic"]] = "real"
    matched: ClassVar[bool] = False
    encoded: ClassVar[bool] = False
    watched: ClassVar[Mapping[str, str]] = {"auc_border": "higher", "auc_lungs_out": "higher"}
    meets: ClassVar[tuple[str, ...]] = ("corner-marker-real",)

    def quick(self) -> Shortcut:
        """Return the same check without intervals, of what is watched alone."""
        return replace(self, intervals=False)

    def measure(self, inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
        """Return one AUC a kind of shortcut, their null, and how site and label go together."""
        real = inputs.training.joined(inputs.held_out, "real")
        if not self.intervals:
            features = {name: values for name, values in from_pixels(real.pixels).items() if name in self.watched}
            return self._predict(real, inputs.positive, rng, "all", features)
        findings = self._predict(real, inputs.positive, rng, "all", {**from_pixels(real.pixels), **from_file(real)})
        findings += self._site(real, inputs.positive, rng)
        if inputs.synthetic is not None:
            made = inputs.synthetic
            findings += self._predict(made, inputs.positive, rng, "synthetic", from_pixels(made.pixels))
        return findings

    def _predict(
        self,
        sample: Sample,
        positive: str,
        rng: np.random.Generator,
        part: str,
        features: Mapping[str, NDArray[np.float64] | str],
    ) -> list[Finding]:
        """Return the AUC of the label from each set of features, and the null of the border's."""
        targets = sample.labels == positive
        refusal = self._refusal(sample, targets, f"label {positive!r}")
        names = [*features, "auc_null"] if self.intervals else [*features]
        if refusal:
            return [self._finding(sample, name, part, reason=refusal) for name in names]
        question = self._question(sample, targets, rng)
        findings = []
        for name, values in features.items():
            if isinstance(values, str):
                findings.append(self._finding(sample, name, part, reason=values))
            else:
                findings.append(self._area(sample, name, part, values, question))
        if not self.intervals:
            return findings
        border = features["auc_border"]
        assert not isinstance(border, str)
        return [*findings, self._null(sample, part, border, question)]

    def _question(self, sample: Sample, targets: NDArray[np.bool_], rng: np.random.Generator) -> Question:
        shuffles = self.permutations if self.intervals else 0
        settings = {"folds": self.folds, "repeats": self.repeats, "permutations": shuffles}
        return Question.ask(targets, sample.patients, rng, **settings, penalty=self.penalty)

    def _refusal(self, sample: Sample, targets: NDArray[np.bool_], what: str) -> str:
        """Return why nothing can be predicted, or nothing."""
        if not np.isfinite(sample.pixels).all():
            return "some pixels are not finite numbers"
        with_it, without = (len(np.unique(sample.patients[rows])) for rows in (targets, ~targets))
        if min(with_it, without) < self.fewest:
            return f"too few patients: {with_it} with and {without} without {what}; {self.fewest} of each are needed"
        return ""

    def _area(
        self,
        sample: Sample,
        name: str,
        part: str,
        values: NDArray[np.float64],
        question: Question,
        **details: Any,
    ) -> Finding:
        scores = question.scores(values)
        note = {"chance": 0.5, "features": values.shape[1], **details}
        if not self.intervals:
            value = question.estimate(scores[:, :, :1]).value
            return self._finding(sample, name, part, value=value, reason="no interval was asked for", details=note)
        found = question.estimate(scores, few_values=name in FEW_VALUES).area()
        method = f"{found.method}; {self.repeats} x {self.folds}-fold cross-validation over patients"
        method = conservative(method, WIDE[name]) if name in WIDE else method
        limits = {"value": found.value, "low": found.low, "high": found.high, "method": method}
        return self._finding(sample, name, part, reason=unknown_patients(sample), details=note, **limits)

    def _null(self, sample: Sample, part: str, border: NDArray[np.float64], question: Question) -> Finding:
        """Return the mean AUC from the border of labels shuffled over patients, and its range."""
        areas = question.estimate(question.scores(border)).null
        limits: dict[str, Any] = {"reason": "no interval was asked for"}
        if self.intervals:
            low, high = (float(q) for q in np.quantile(areas, [0.025, 0.975]))
            method = f"range of 95 % of {self.permutations} permutations of the labels over patients, no confidence"
            limits = {"low": min(low, float(np.mean(areas))), "high": max(high, float(np.mean(areas)))}
            limits |= {"method": method + " interval", "reason": unknown_patients(sample)}
        return self._finding(sample, "auc_null", part, value=float(np.mean(areas)), details={"chance": 0.5}, **limits)

    def _site(self, real: Sample, positive: str, rng: np.random.Generator) -> list[Finding]:
        """Return how site and label go together, and whether negatives alone betray their site."""
        names = ("association_site_label", "auc_site", "auc_site_negatives")
        sites = real.table["site"].to_numpy(dtype=str)
        known = sites != ""
        if known.mean() < 0.5 or len(np.unique(sites[known])) < 2:
            reason = f"the site is known of {known.mean():.0%} of the images, {len(np.unique(sites[known]))} sites"
            return [self._finding(real, name, "all", reason=reason) for name in names]
        some, codes = real.take(known), sites[known]
        targets = some.labels == positive
        refusal = self._refusal(some, targets, f"label {positive!r}")
        if refusal:
            return [self._finding(some, name, "all", reason=refusal) for name in names]
        question = self._question(some, targets, rng)
        hot = (codes[:, None] == np.unique(codes)[None, :]).astype(np.float64)
        counts = {str(s): int((codes == s).sum()) for s in np.unique(codes)} if hot.shape[1] <= 20 else {}
        return [
            self._association(some, targets, codes, counts),
            self._area(some, "auc_site", "all", hot, question),
            self._negatives(some.take(~targets), codes[~targets], rng),
        ]

    def _association(
        self,
        some: Sample,
        targets: NDArray[np.bool_],
        codes: NDArray[np.str_],
        counts: dict[str, int],
    ) -> Finding:
        found = association(codes, targets.astype(str), some.patients)
        limits: dict[str, Any] = {"reason": "no interval was asked for"}
        if self.intervals:
            method = conservative(found.method, INDEPENDENT)
            limits = {"low": found.low, "high": found.high, "method": method, "reason": unknown_patients(some)}
        about = {"counts": counts}
        name = "association_site_label"
        return self._finding(some, name, "all", value=found.value, unit="Cramér's V", details=about, **limits)

    def _negatives(self, negatives: Sample, codes: NDArray[np.str_], rng: np.random.Generator) -> Finding:
        """Return the AUC of the largest site against the others from the full thumbnail, without any disease."""
        sites, counts = np.unique(codes, return_counts=True)
        largest = str(sites[np.argmax(counts)]) if len(sites) else ""
        targets = codes == largest
        refusal = self._refusal(negatives, targets, f"site {largest!r} among the negatives")
        if refusal:
            return self._finding(negatives, "auc_site_negatives", "label=negative", reason=refusal)
        question = self._question(negatives, targets, rng)
        full = from_pixels(negatives.pixels)["auc_full"]
        return self._area(negatives, "auc_site_negatives", "label=negative", full, question, site=largest)

    def _finding(self, sample: Sample, name: str, part: str, **fields: Any) -> Finding:
        fields = {"unit": "AUC", "direction": "lower is better", **fields}
        return Finding(
            check=self.name,
            name=name,
            slice=part,
            n_patients=patients_of(sample),
            n_images=len(sample),
            inputs=(sample.fingerprint[:16],),
            **fields,
        )


def from_file(sample: Sample) -> dict[str, NDArray[np.float64] | str]:
    """Return features of the file alone by the name of their finding, each (n, d), or the reason why there are none."""
    form = file_facts.shape(sample.table)
    size, aspect = (form, form) if isinstance(form, str) else form
    return {"auc_shape": size, "auc_aspect": aspect, "auc_file": file_facts.kind(sample.table)}
