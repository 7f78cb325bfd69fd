"""Memorisation: generated images too close to a training image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np

from radassay.checks.closeness import Near, one_a_patient, unit_rows
from radassay.checks.patients import unknown_patients
from radassay.checks.space import BY_TRAINING, draws, lacking
from radassay.checks.verified_copies import verified_copies
from radassay.contracts.check import Inputs
from radassay.evidence.finding import Finding
from radassay.images.sample import Sample
from radassay.stats.conservative import conservative
from radassay.stats.copies import excess
from radassay.stats.resample import bootstrap_rows, percentile_interval

NAMES = ("copy_share", "copy_excess_p", "verified_copies", "nearest_ratio", "authenticity")
DIRECTIONS: dict[str, Any] = {
    "copy_share": "lower is better",
    "copy_excess_p": "higher is better",
    "verified_copies": "lower is better",
    "nearest_ratio": "neither",
    "authenticity": "higher is better",
}


@dataclass(frozen=True)
class Memorisation:
    """Generated images against held-out real ones: who lies nearer to the training images.

    How near an image lies is measured twice, in the encoder's features and on thumbnails, and each time against its
    next nearest training patients, so that a blurred image, near to all, is no copy. Each measure is put in units of
    its scatter among the training images themselves (own patient left out), and the nearer of the two counts: a copy
    in features and a copy in pixels both count. A generator that copies nothing gives images exchangeable with those
    of new patients, so the number of generated images below the k-th nearest held-out one has a known law whatever
    the images (`stats/copies.py`). One image of each held-out patient is used, since images of a patient are alike.

    Being near is not yet being the same picture. `verified_copies` counts the images that show a training image by
    geometry, whether it was shifted, cropped, mirrored or put into another window (`checks/verified_copies.py`). The
    quick form leaves it out, since it costs seconds.
    """

    side: int = 32
    """Side of the thumbnails in pixels."""
    shown: int = 8
    """Most suspicious pairs that are named."""
    resamples: int = 500
    """Bootstrap samples of patients for `nearest_ratio`."""
    geometry: bool = True
    """Whether copies are verified by geometry, which costs most of the time."""
    intervals: bool = True
    """Whether intervals are computed."""

    name: ClassVar[str] = "memorisation"
    question: ClassVar[str] = "Are synthetic images copies of training patients?"
    reads: ClassVar[Literal["real", "synthetic"]] = "synthetic"
    matched: ClassVar[bool] = False
    encoded: ClassVar[bool] = True
    watched: ClassVar[Mapping[str, str]] = {"copy_share": "higher"}
    meets: ClassVar[tuple[str, ...]] = ()

    def quick(self) -> Memorisation:
        """Return the same check without intervals."""
        return replace(self, intervals=False)

    def measure(self, inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
        """Return the share of copies, its probability by chance, and two customary measures."""
        why = lacking(inputs)
        if why or inputs.synthetic is None:
            prints = inputs.fingerprints(inputs.training, inputs.held_out, inputs.synthetic)
            return [Finding(check=self.name, name=name, reason=why, inputs=prints) for name in NAMES]
        near = Near.of(inputs, inputs.synthetic, self.side)
        findings = [
            *self._copies(inputs, inputs.synthetic, near),
            *self._customary(inputs, inputs.synthetic, near, rng),
        ]
        verified = self.intervals and self.geometry
        return [*findings, self._verified(inputs, inputs.synthetic, near, rng)] if verified else findings

    def _verified(self, inputs: Inputs, synthetic: Sample, near: Near, rng: np.random.Generator) -> Finding:
        """Return the share of generated images that are a training image by geometry, with the pairs."""
        found = verified_copies(inputs, synthetic, near, self.side, rng)
        ids, partners = synthetic.images, inputs.training.images
        details = {
            "pairs": [[str(ids[i]), str(partners[j]), round(score, 3)] for i, j, score in found.pairs[: self.shown]],
            "found": len(found.pairs),
            "looked_at": found.looked_at,
            "at_random": found.at_random,
            "threshold": found.threshold,
            "highest_held_out": found.highest_held_out,
            "encoder": inputs.encoder,
        }
        return self._finding(
            inputs,
            "verified_copies",
            found.interval.value,
            "share of synthetic images",
            details,
            low=found.interval.low,
            high=found.interval.high,
            method=conservative(f"{found.interval.method}; for this training set", "where images were copied"),
            n_patients=len(np.unique(draws(synthetic))),
            n_images=len(synthetic),
        )

    def _copies(self, inputs: Inputs, synthetic: Sample, near: Near) -> list[Finding]:
        """Return the share of copies and the probability of such an excess by chance."""
        real = near.held_out_score[one_a_patient(inputs.held_out)]
        found = excess(real, near.synthetic_score, 0.95 if self.intervals else None)
        details = {
            "pairs": _pairs(inputs.training, synthetic, near, self.shown),
            "found": found.found,
            "expected": found.expected,
            "threshold": found.threshold,
            "rank": found.order,
            "n_held_out": len(real),
            "n_training": len(inputs.training),
            "encoder": inputs.encoder,
            "space": BY_TRAINING,
        }
        fields: dict[str, Any] = {"reason": "no interval in the quick form"}
        if self.intervals:
            fields = {
                "low": found.low,
                "high": found.high,
                "method": conservative("inversion of the exact rank test, one image per held-out patient"),
                "reason": unknown_patients(inputs.held_out),
            }
        n = {"n_patients": len(real), "n_images": len(synthetic) + len(real)}
        share = self._finding(inputs, "copy_share", found.share, "share of synthetic images", details, **n, **fields)
        why = "a probability has no interval"
        test = {"test": "negative hypergeometric rank test, Bonferroni over ranks", "rank": found.order}
        return [share, self._finding(inputs, "copy_excess_p", found.p, "", test, reason=why, **n)]

    def _customary(self, inputs: Inputs, synthetic: Sample, near: Near, rng: np.random.Generator) -> list[Finding]:
        """Return the ratio of median nearest distances, and authenticity (Alaa 2022, section 4.3)."""
        made, real, among = near.features["synthetic"], near.features["held_out"], near.features["training"]
        authentic = (made.distance > among.distance[made.row]).astype(float)
        authentic_real = (real.distance > among.distance[real.row]).astype(float)
        middle = float(np.median(real.distance))
        n = {"n_patients": len(np.unique(inputs.held_out.patients)), "n_images": len(synthetic) + len(inputs.held_out)}
        values: dict[str, float] = {"authenticity": float(authentic.mean())}
        if middle > 0:
            values["nearest_ratio"] = float(np.median(made.distance)) / middle
        spread: dict[str, list[float]] = {name: [] for name in values}
        if self.intervals:
            ours = bootstrap_rows(draws(synthetic), self.resamples, rng)
            theirs = bootstrap_rows(draws(inputs.held_out), self.resamples, rng)
            for here, there in zip(ours, theirs, strict=True):
                if middle > 0:
                    base = max(float(np.median(real.distance[there])), 1e-12 * middle)
                    spread["nearest_ratio"].append(float(np.median(made.distance[here])) / base)
        findings = []
        for name, unit in (("nearest_ratio", "ratio"), ("authenticity", "share of synthetic images")):
            if name not in values:
                why = "half of the held-out images are in the training images"
                findings.append(Finding(check=self.name, name=name, reason=why, inputs=self._prints(inputs)))
                continue
            fields: dict[str, Any] = {"reason": "no interval in the quick form"}
            if self.intervals and name == "authenticity":
                # Over patients of fixed training images it held the truth in 85 of 100 draws of all images.
                fields = {
                    "reason": "no valid interval: distances among the training images, which decide, vary as well"
                }
            elif self.intervals:
                low, high = percentile_interval(spread[name])
                method = f"bootstrap over patients, {self.resamples} resamples, training images fixed"
                fields = {"low": low, "high": high, "method": method, "reason": unknown_patients(inputs.held_out)}
            details: dict[str, Any] = {"encoder": inputs.encoder, "space": BY_TRAINING}
            if name == "authenticity":
                details["held_out"] = float(authentic_real.mean())
            findings.append(self._finding(inputs, name, values[name], unit, details, **n, **fields))
        return findings

    def _prints(self, inputs: Inputs) -> tuple[str, ...]:
        return inputs.fingerprints(inputs.training, inputs.held_out, inputs.synthetic)

    def _finding(
        self, inputs: Inputs, name: str, value: float, unit: str, details: Mapping[str, Any], **fields: Any
    ) -> Finding:
        return Finding(
            check=self.name,
            name=name,
            value=value,
            unit=unit,
            direction=DIRECTIONS[name],
            details=details,
            inputs=self._prints(inputs),
            **fields,
        )


def _pairs(training: Sample, synthetic: Sample, near: Near, shown: int) -> list[list[Any]]:
    """Return [generated image, training image, correlation of their pixels] of the most suspicious pairs."""
    pairs = []
    for row in np.argsort(near.synthetic_score, kind="stable")[:shown].tolist():
        partner = int(near.synthetic_row[row])
        flat = [unit_rows(p.reshape(1, -1).astype(float)) for p in (synthetic.pixels[row], training.pixels[partner])]
        correlation = float(np.sum(flat[0] * flat[1]))
        pairs.append([str(synthetic.images[row]), str(training.images[partner]), round(correlation, 4)])
    return pairs
