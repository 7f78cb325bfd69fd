"""Memorisation: generated images too close to a training image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from radassay.anatomy.regions import thumbnails
from radassay.checks.patients import unknown_patients
from radassay.checks.space import BY_TRAINING, Array, draws, lacking, whitened
from radassay.contracts import Inputs
from radassay.evidence.finding import Finding
from radassay.images.sample import Sample
from radassay.stats.copies import Nearness, excess, nearness
from radassay.stats.resample import bootstrap_rows, codes, percentile_interval

NAMES = ("copy_share", "copy_excess_p", "nearest_ratio", "authenticity")
DIRECTIONS: dict[str, Any] = {
    "copy_share": "lower is better",
    "copy_excess_p": "higher is better",
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
    """

    side: int = 32
    """Side of the thumbnails in pixels."""
    shown: int = 8
    """Most suspicious pairs that are named."""
    resamples: int = 500
    """Bootstrap samples of patients for `nearest_ratio` and `authenticity`."""
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
        near = _Near.of(inputs, inputs.synthetic, self.side)
        return [*self._copies(inputs, inputs.synthetic, near), *self._customary(inputs, inputs.synthetic, near, rng)]

    def _copies(self, inputs: Inputs, synthetic: Sample, near: _Near) -> list[Finding]:
        """Return the share of copies and the probability of such an excess by chance."""
        real = near.held_out_score[_one_a_patient(inputs.held_out)]
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
                "method": "inversion of the exact rank test, one image per held-out patient",
                "reason": unknown_patients(inputs.held_out),
            }
        n = {"n_patients": len(real), "n_images": len(synthetic) + len(real)}
        share = self._finding(inputs, "copy_share", found.share, "share of synthetic images", details, **n, **fields)
        why = "a probability has no interval"
        test = {"test": "negative hypergeometric rank test, Bonferroni over ranks", "rank": found.order}
        return [share, self._finding(inputs, "copy_excess_p", found.p, "", test, reason=why, **n)]

    def _customary(self, inputs: Inputs, synthetic: Sample, near: _Near, rng: np.random.Generator) -> list[Finding]:
        """Return the ratio of median nearest distances, and authenticity (Alaa 2022, section 4.3)."""
        made, real, among = near.features["synthetic"], near.features["held_out"], near.features["training"]
        authentic = (made.distance > among.distance[made.row]).astype(float)
        authentic_real = (real.distance > among.distance[real.row]).astype(float)
        middle = float(np.median(real.distance))
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
                spread["authenticity"].append(float(authentic[here].mean()))
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
            if self.intervals:
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


@dataclass(frozen=True)
class _Near:
    """How near held-out and generated images lie to the training images, in both spaces."""

    features: dict[str, Nearness]
    held_out_score: Array
    """(m,) scatter units below the typical closeness of training images; the nearer of both spaces."""
    synthetic_score: Array
    synthetic_row: NDArray[np.intp]
    """(n,) training image of the space that decided."""

    @classmethod
    def of(cls, inputs: Inputs, synthetic: Sample, side: int) -> _Near:
        samples = {"training": inputs.training, "held_out": inputs.held_out, "synthetic": synthetic}
        rows = dict(zip(samples, whitened(inputs, *samples.values()), strict=True))
        pictures = _contrasts(side, *(sample.pixels for sample in samples.values()))
        spaces = [
            _nearness(rows, inputs.training),
            _nearness(dict(zip(samples, pictures, strict=True)), inputs.training),
        ]
        held_out = np.stack([_standard(space, "held_out") for space in spaces])
        made = np.stack([_standard(space, "synthetic") for space in spaces])
        decided = np.argmin(made, axis=0)
        nearest = np.stack([space["synthetic"].row for space in spaces])
        each = np.arange(len(synthetic))
        return cls(spaces[0], held_out.min(axis=0), made.min(axis=0), nearest[decided, each])


def _nearness(rows: Mapping[str, Array], training: Sample) -> dict[str, Nearness]:
    patient = codes(training.patients)
    near = {name: nearness(rows[name], rows["training"], patient) for name in ("held_out", "synthetic")}
    return {**near, "training": nearness(rows["training"], rows["training"], patient, patient)}


def _standard(near: Mapping[str, Nearness], name: str) -> Array:
    """Return closeness in units of its scatter among training images, about their median."""
    reference = near["training"].closeness
    middle = float(np.median(reference))
    scatter = float(np.median(np.abs(reference - middle)))
    return np.asarray((near[name].closeness - middle) / max(scatter, 1e-9))


def _contrasts(side: int, *pixels: NDArray[np.float32]) -> list[Array]:
    """Return thumbnails less their mean, of norm 1, less the mean of the first sample, of norm 1 again.

    The squared distance of two rows is then 2 - 2 r, with r the correlation of what sets each image apart.
    """
    rows = [_unit(thumbnails(p, side).reshape(len(p), side * side)) for p in pixels]
    mean = rows[0].mean(axis=0)
    return [_unit(row - mean) for row in rows]


def _unit(rows: Array) -> Array:
    rows = rows - rows.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(norm, 1e-9))


def _one_a_patient(sample: Sample) -> NDArray[np.intp]:
    """Return the row of one image of each patient: that of the smallest image id, which is as good as random."""
    order = np.lexsort((sample.images, sample.patients))
    return np.asarray(order[np.unique(sample.patients[order], return_index=True)[1]], dtype=np.intp)


def _pairs(training: Sample, synthetic: Sample, near: _Near, shown: int) -> list[list[Any]]:
    """Return [generated image, training image, correlation of their pixels] of the most suspicious pairs."""
    pairs = []
    for row in np.argsort(near.synthetic_score, kind="stable")[:shown].tolist():
        partner = int(near.synthetic_row[row])
        flat = [_unit(p.reshape(1, -1).astype(float)) for p in (synthetic.pixels[row], training.pixels[partner])]
        correlation = float(np.sum(flat[0] * flat[1]))
        pairs.append([str(synthetic.images[row]), str(training.images[partner]), round(correlation, 4)])
    return pairs
