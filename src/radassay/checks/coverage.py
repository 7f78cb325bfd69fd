"""Coverage: whether generated images show the variety of real patients, or only a part of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np

from radassay.checks.patients import patients_of, unknown_patients
from radassay.checks.space import BY_TRAINING, Array, draws, labels_of, lacking, whitened
from radassay.contracts.check import Inputs
from radassay.evidence.finding import Finding
from radassay.images.sample import Sample
from radassay.stats.balls import prdc
from radassay.stats.conservative import conservative

MEASURES = ("precision", "recall", "density", "coverage")


@dataclass(frozen=True)
class Coverage:
    """Precision, recall, density and coverage against held-out real images.

    Precision and recall: Kynkäänniemi et al. 2019; density and coverage, which a few outliers cannot raise: Naeem et
    al. 2020. All depend on the number of images and on k, so the interval is for samples of this size, and values
    are to be read against the real-against-real floor, never against those of another set.
    """

    k: int = 5
    """Neighbours that set the radius of an image's neighbourhood (Naeem 2020 advise 5)."""
    fewest: int = 30
    """Patients and generated images that a label needs to be measured alone."""
    intervals: bool = True
    """Whether intervals are computed."""

    name: ClassVar[str] = "coverage"
    question: ClassVar[str] = "Do the synthetic images show the variety of real patients, or only a part of it?"
    reads: ClassVar[Literal["real", "synthetic"]] = "synthetic"
    matched: ClassVar[bool] = True
    encoded: ClassVar[bool] = True
    watched: ClassVar[Mapping[str, str]] = dict.fromkeys(MEASURES, "lower")
    meets: ClassVar[tuple[str, ...]] = ()

    def quick(self) -> Coverage:
        """Return the same check without intervals."""
        return replace(self, intervals=False)

    def measure(self, inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
        """Return the four measures, overall and by label."""
        why = lacking(inputs, max(10, 2 * self.k))
        if why or inputs.synthetic is None:
            prints = inputs.fingerprints(inputs.held_out, inputs.synthetic)
            return [Finding(check=self.name, name=name, reason=why, inputs=prints) for name in MEASURES]
        synthetic = inputs.synthetic
        real, made = whitened(inputs, inputs.held_out, synthetic)
        findings = self._measures(inputs, "all", inputs.held_out, real, synthetic, made)
        for label in labels_of(inputs, max(self.fewest, 3 * self.k)):
            here, there = inputs.held_out.labels == label, synthetic.labels == label
            parts = (inputs.held_out.take(here), real[here], synthetic.take(there), made[there])
            findings += self._measures(inputs, f"label={label}", *parts)
        return findings

    def _measures(
        self, inputs: Inputs, part: str, real: Sample, x: Array, synthetic: Sample, y: Array
    ) -> list[Finding]:
        units = (draws(real), draws(synthetic)) if self.intervals else (None, None)
        measures = prdc(x, y, self.k, *units)
        findings = []
        for name in MEASURES:
            interval = measures[name].interval()
            fields: dict[str, Any] = {"reason": "no interval in the quick form"}
            if interval is not None:
                method = interval.method
                if (name, part) == ("coverage", "all"):
                    method = conservative(method, "where images are blurred")
                fields = {"low": interval.low, "high": interval.high, "method": method}
                fields["reason"] = unknown_patients(real)
            elif self.intervals:
                fields = {"reason": "no interval: too few patients"}
            findings.append(
                Finding(
                    check=self.name,
                    name=name,
                    value=measures[name].value,
                    slice=part,
                    direction="higher is better",
                    n_patients=patients_of(real),
                    n_images=len(real) + len(synthetic),
                    inputs=inputs.fingerprints(real, synthetic),
                    details={
                        "encoder": inputs.encoder,
                        "space": BY_TRAINING,
                        "k": self.k,
                        "n_real": len(real),
                        "n_synthetic": len(synthetic),
                    },
                    **fields,
                )
            )
        return findings
