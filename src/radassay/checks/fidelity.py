"""Fidelity: how far generated images lie from real images of patients that the generator never saw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from radassay.checks.agreement import agreement
from radassay.checks.patients import patients_of, unknown_patients
from radassay.checks.space import BY_HELD_OUT, BY_TRAINING, Array, draws, labels_of, lacking, spaces
from radassay.contracts.check import Inputs
from radassay.evidence.finding import Finding
from radassay.images.sample import Sample
from radassay.stats.conservative import conservative
from radassay.stats.frechet import Frechet, frechet
from radassay.stats.mmd import Kid, kid
from radassay.stats.resample import Interval, summed_interval
from radassay.stats.whitening import Whitening

Features = NDArray[np.float32]


@dataclass(frozen=True)
class Fidelity:
    """Kernel and Fréchet distance to held-out real images, and whether images show what their label says.

    Both distances are in the encoder's features, whitened by the training images (`stats/whitening.py`), so that
    their units are those of real variation. KID is unbiased at any number of images (Bińkowski 2018); the Fréchet
    distance is corrected for its bias (Chong & Forsyth 2020) and taken in the leading axes alone, because its
    covariances need twice as many images as axes. Zero is the same distribution; estimates scatter around it and may
    be negative. Their intervals count the patients compared and those that the space was learned from, by halves of
    these. The distances to the training images (`kid_training`, `frechet_training`, whitened by the held-out
    images, since neither side of a distance may whiten it) stand beside: much smaller ones point to memorisation.
    """

    frechet_dims: int = 32
    """Leading axes in which the Fréchet distance is taken; twice as many images are needed."""
    fewest: int = 30
    """Patients and generated images that a label needs to be measured alone."""
    intervals: bool = True
    """Whether intervals are computed."""

    name: ClassVar[str] = "fidelity"
    question: ClassVar[str] = "How close do the synthetic images lie to real images of other patients?"
    reads: ClassVar[Literal["real", "synthetic"]] = "synthetic"
    matched: ClassVar[bool] = True
    encoded: ClassVar[bool] = True
    watched: ClassVar[Mapping[str, str]] = {"kid": "higher", "frechet": "higher", "label_agreement": "lower"}
    meets: ClassVar[tuple[str, ...]] = ()

    def quick(self) -> Fidelity:
        """Return the same check without intervals."""
        return replace(self, intervals=False)

    def measure(self, inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
        """Return distances, overall and by label, and the agreement of images with their labels."""
        why = lacking(inputs)
        if why or inputs.synthetic is None:
            names = ("kid", "frechet", "kid_training", "frechet_training", "label_agreement", "label_accuracy")
            inputs_known = inputs.fingerprints(inputs.held_out, inputs.synthetic)
            return [Finding(check=self.name, name=name, reason=why, inputs=inputs_known) for name in names]
        synthetic = inputs.synthetic
        of_training = spaces(inputs, inputs.training, halves=self.intervals)
        real, made = inputs.features(inputs.held_out), inputs.features(synthetic)
        measure = partial(self._distances, inputs)
        findings = measure("", "all", of_training, inputs.held_out, real, synthetic, made)
        for label in labels_of(inputs, self.fewest):
            here, there = inputs.held_out.labels == label, synthetic.labels == label
            parts = (inputs.held_out.take(here), real[here], synthetic.take(there), made[there])
            findings += measure("", f"label={label}", of_training, *parts)
        of_held_out = spaces(inputs, inputs.held_out, halves=self.intervals)
        training = inputs.features(inputs.training)
        findings += measure("_training", "all", of_held_out, inputs.training, training, synthetic, made)
        spaced = [of_training[0](x) for x in (training, real, made)]
        return findings + self._labels(inputs, *spaced)

    def _distances(
        self,
        inputs: Inputs,
        suffix: str,
        part: str,
        whitenings: list[Whitening],
        real: Sample,
        real_features: Features,
        synthetic: Sample,
        made_features: Features,
    ) -> list[Finding]:
        """Return KID and the Fréchet distance of one pair of samples, in the first of the spaces."""
        units = (draws(real), draws(synthetic))
        pairs = [(white(real_features), white(made_features)) for white in whitenings]
        x, y = pairs[0]
        common: dict[str, Any] = {
            "check": self.name,
            "slice": part,
            "direction": "lower is better",
            "n_patients": patients_of(real),
            "n_images": len(real) + len(synthetic),
            "inputs": inputs.fingerprints(real, synthetic),
        }
        about = {
            "encoder": inputs.encoder,
            "space": BY_HELD_OUT if suffix else BY_TRAINING,
            "n_real": len(real),
            "n_synthetic": len(synthetic),
        }
        kernels = [kid(*pair, *units) for pair in pairs]
        kernel = kernels[0]
        findings = [
            Finding(
                name=f"kid{suffix}",
                value=kernel.value,
                details={**about, "standard_error": kernel.error},
                **self._limits(_interval(kernel, [other.value for other in kernels[1:]], real), real),
                **common,
            )
        ]
        dims = min(self.frechet_dims, x.shape[1])
        fewest = min(len(x), len(y))
        if fewest < 2 * dims:
            reason = f"{fewest} images are too few for covariances in {dims} dimensions (at least {2 * dims}); see KID"
            return [*findings, Finding(name=f"frechet{suffix}", reason=reason, **common)]
        cut = [(a[:, :dims], b[:, :dims]) for a, b in pairs]
        gauss = frechet(*cut[0], *units, level=0.95 if self.intervals else None)
        others = [frechet(*pair, *units, level=None).value for pair in cut[1:]]
        details = {**about, "dimensions": dims, "uncorrected": gauss.plain}
        if gauss.error is not None:
            details["standard_error"] = gauss.error
        limits = self._limits(
            _interval(gauss, others, real), real, "no valid interval: the covariances are not of full rank"
        )
        return [*findings, Finding(name=f"frechet{suffix}", value=gauss.value, details=details, **limits, **common)]

    def _limits(
        self, interval: Interval | None, real: Sample, otherwise: str = "no interval: too few patients"
    ) -> dict[str, Any]:
        if not self.intervals:
            return {"reason": "no interval in the quick form"}
        if interval is None:
            return {"reason": otherwise}
        return {
            "low": interval.low,
            "high": interval.high,
            "method": interval.method,
            "reason": unknown_patients(real),
        }

    def _labels(self, inputs: Inputs, training: Array, held_out: Array, made: Array) -> list[Finding]:
        """Return how often a classifier of real images sees the label that was asked for."""
        assert inputs.synthetic is not None
        findings = []
        targets: tuple[tuple[str, Sample, Array, Any], ...] = (
            ("label_agreement", inputs.synthetic, made, "synthetic images"),
            ("label_accuracy", inputs.held_out, held_out, "held-out real images"),
        )
        for name, sample, x, what in targets:
            common: dict[str, Any] = {
                "check": self.name,
                "name": name,
                "unit": "mean share of each label",
                "direction": "higher is better",
                "n_patients": patients_of(sample),
                "n_images": len(sample),
                "inputs": inputs.fingerprints(inputs.training, sample),
            }
            found = agreement(training, inputs.training, x, sample, intervals=self.intervals)
            if isinstance(found, str):
                findings.append(Finding(reason=found, **common))
                continue
            details: dict[str, Any] = {"encoder": inputs.encoder, "of": what, "by_label": found.by_label}
            findings.append(
                Finding(value=found.value, details=details, **self._limits(found.interval, inputs.training), **common)
            )
        return findings


def _interval(found: Kid | Frechet, others: list[float], real: Sample) -> Interval | None:
    """Return the interval over the patients compared and those that the space was learned from.

    Args:
        found: the distance in the space of all.
        others: the distance in the spaces of balanced halves; their variance is that of the whole (McCarthy 1969).
        real: the real images compared.
    """
    if found.interval is None or found.error is None or len(others) < 2:
        return None
    patients = len(np.unique(draws(real)))
    parts = [(found.error**2, patients - 1), (float(np.var(others, ddof=1)), len(others) - 1)]
    method = f"{found.interval.method}; balanced half-samples of those who set the space"
    summed = summed_interval(found.value, parts, method)
    if isinstance(found, Kid):
        return replace(summed, method=conservative(summed.method, "where nothing differs"))
    return summed
