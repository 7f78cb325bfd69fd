"""The two-sample test: can a trained model tell generated images from real ones?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np

from radassay.checks.patients import patients_of, unknown_patients
from radassay.checks.space import BY_TRAINING, draws, lacking, whitened
from radassay.contracts.check import Inputs
from radassay.evidence.finding import Finding
from radassay.stats.crossvalidated import Estimate, Question


@dataclass(frozen=True)
class TwoSample:
    """Classifier two-sample test (Lopez-Paz & Oquab 2017): the area of a linear discriminant, scored out of fold.

    The discriminant learns to tell generated from held-out real images in the encoder's features, whitened by the
    training images; folds are dealt by patient, and only images of the same fold are compared. The AUC replaces the
    accuracy of the paper, so that the numbers on either side need not be equal. Its interval counts the patients and
    the training. The p-value is that of shuffling real and generated over units; no fewer than one in
    `1 + permutations`.

    An AUC of 0.5 does not mean that the images are real: a linear model in these features, learned from so few images,
    cannot tell them apart. A network with more images, other features or a radiologist may. Copies of real images
    score 0.5 as well. Below 0.5 is chance, or near-repeats of one image in several folds on the wrong side.
    """

    folds: int = 5
    """Parts that the patients are dealt into."""
    repeats: int = 3
    """Times that they are dealt anew; the areas are averaged."""
    permutations: int = 199
    """Shufflings behind the p-value and the interval."""
    penalty: float = 1e-2
    """Ridge penalty as a share of the features' total variance."""
    intervals: bool = True
    """Whether the interval and the p-value are computed."""

    name: ClassVar[str] = "two-sample"
    question: ClassVar[str] = "Can a model learn to tell the synthetic images from real ones?"
    reads: ClassVar[Literal["real", "synthetic"]] = "synthetic"
    matched: ClassVar[bool] = True
    encoded: ClassVar[bool] = True
    watched: ClassVar[Mapping[str, str]] = {"auc_two_sample": "higher"}
    meets: ClassVar[tuple[str, ...]] = ()

    def quick(self) -> TwoSample:
        """Return the same check without interval and p-value."""
        return replace(self, intervals=False)

    def measure(self, inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
        """Return the area and, with intervals, the p-value."""
        names = ("auc_two_sample", "two_sample_p")
        why = lacking(inputs, 4 * self.folds)
        if why or inputs.synthetic is None:
            prints = inputs.fingerprints(inputs.held_out, inputs.synthetic)
            return [Finding(check=self.name, name=name, reason=why, inputs=prints) for name in names]
        real, made = inputs.held_out, inputs.synthetic
        x, y = whitened(inputs, real, made)
        features = np.concatenate([x, y])
        common: dict[str, Any] = {
            "check": self.name,
            "direction": "lower is better",
            "n_patients": patients_of(real),
            "n_images": len(real) + len(made),
            "inputs": inputs.fingerprints(real, made),
        }
        if features.std(axis=0).max() < 1e-6:
            return [Finding(name=name, reason="all images have the same features", **common) for name in names]
        found = self._asked(features, np.concatenate([draws(real), draws(made)]), len(real), rng)
        about = {
            "encoder": inputs.encoder,
            "space": BY_TRAINING,
            "n_real": len(real),
            "n_synthetic": len(made),
        }
        limits: dict[str, Any] = {"reason": "no interval in the quick form"}
        if self.intervals:
            area = found.area()
            method = f"{area.method}; for samples of this size"
            limits = {"low": area.low, "high": area.high, "method": method, "reason": unknown_patients(real)}
        findings = [Finding(name=names[0], value=found.value, details=about, **limits, **common)]
        if self.intervals:
            above = int(np.sum(found.null >= found.value - 1e-12))
            findings.append(
                Finding(
                    name=names[1],
                    value=(1 + above) / (1 + len(found.null)),
                    reason="no valid interval: a p-value is itself a statement about chance",
                    details={**about, "permutations": len(found.null)},
                    **(common | {"direction": "higher is better"}),
                )
            )
        return findings

    def _asked(self, features: Any, units: Any, real: int, rng: np.random.Generator) -> Estimate:
        """Return the area of telling generated images, the rows from `real` on, with its permutations if any."""
        shuffles = self.permutations if self.intervals else 0
        question = Question.ask(
            np.arange(len(features)) >= real,
            units,
            rng,
            folds=self.folds,
            repeats=self.repeats,
            permutations=shuffles,
            penalty=self.penalty,
        )
        return question.estimate(question.scores(features))
