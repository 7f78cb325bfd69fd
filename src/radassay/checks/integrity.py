"""Integrity: are these pictures what they are said to be, and fit to learn from?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from radassay.checks.patients import patients_of, unknown_patients
from radassay.contracts.check import Inputs
from radassay.evidence.finding import Finding
from radassay.images.sample import Sample
from radassay.stats.proportion import share

Hits = NDArray[np.bool_]


@dataclass(frozen=True)
class Integrity:
    """Count what is missing, empty, repeated, too small, squashed or mixed among the real images.

    What is asked follows CLAIM 2024, items 7, 12 and 36, and PROBAST, questions 1.1 and 2.1.
    """

    flat: float = 0.01
    """Standard deviation of grey values, of 1, below which a picture is empty."""
    squashed: float = 0.1
    """Share by which the native sides may differ before the square picture counts as distorted."""
    intervals: bool = True
    """Whether intervals are computed."""

    name: ClassVar[str] = "integrity"
    question: ClassVar[str] = "Are these pictures what they are said to be, and is it known whose they are?"
    reads: ClassVar[Literal["real", "synthetic"]] = "real"
    matched: ClassVar[bool] = False
    encoded: ClassVar[bool] = False
    watched: ClassVar[Mapping[str, str]] = {}
    meets: ClassVar[tuple[str, ...]] = ()

    def quick(self) -> Integrity:
        """Return the same check without intervals."""
        return replace(self, intervals=False)

    def measure(self, inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
        """Return shares of the training and held-out images, and the size of the smallest class."""
        real = inputs.training.joined(inputs.held_out, "real")
        if not len(real):
            reason = "there are no real images"
            return [self._finding(real, name, reason=reason) for name in ("patients_known", "smallest_class")]
        return [
            self._patients(real),
            self._share(real, "empty", *empty(real, self.flat)),
            self._share(real, "duplicates", *repeated(real)),
            self._smaller(real),
            self._distorted(real),
            self._share(real, "colour", *colour(real)),
            self._smallest(real, inputs.positive),
            *(self._mixed(real, column) for column in ("modality", "view")),
            *(self._missing(real, column) for column in ("label", "site", "sex", "age_years")),
        ]

    def _patients(self, real: Sample) -> Finding:
        known = real.table["patient"].to_numpy(dtype=str) != ""
        caution = unknown_patients(real)
        counts = {"known": int(known.sum()), "images": len(real), "patients": patients_of(real)}
        return self._finding(
            real,
            "patients_known",
            value=float(known.mean()),
            direction="higher is better",
            unit="share of images",
            reason=caution or "counted, not estimated",
            details={"counts": counts},
        )

    def _share(self, real: Sample, name: str, hit: Hits, note: str = "") -> Finding:
        details: dict[str, Any] = {"counts": {"images": len(real), "hit": int(hit.sum())}}
        if hit.any():
            details["sources"] = [str(s) for s in real.sources[hit][:20]]
        fields: dict[str, Any] = {"value": float(hit.mean()), "reason": "no interval was asked for"}
        if self.intervals:
            found = share(hit, real.patients)
            fields = {"value": found.value, "low": found.low, "high": found.high, "method": found.method}
            fields["reason"] = "; ".join(filter(None, (note, unknown_patients(real))))
        return self._finding(real, name, direction="lower is better", unit="share of images", details=details, **fields)

    def _smaller(self, real: Sample) -> Finding:
        """Return the share of images whose shorter side had to be enlarged."""
        shorter = real.table[["height", "width"]].min(axis=1, skipna=False).to_numpy(dtype=np.float64)
        if np.isnan(shorter).any():
            return self._finding(real, "enlarged", reason="the native size is not known of every image")
        return self._share(real, "enlarged", shorter < real.pixels.shape[1])

    def _distorted(self, real: Sample) -> Finding:
        """Return the share of images that being made square distorts."""
        height, width = (real.table[c].to_numpy(dtype=np.float64) for c in ("height", "width"))
        if np.isnan(height + width).any() or (np.minimum(height, width) <= 0).any():
            return self._finding(real, "not_square", reason="the native size is not known of every image")
        note = "squashing such a picture to a square changes its proportions"
        return self._share(real, "not_square", np.maximum(height / width, width / height) > 1 + self.squashed, note)

    def _smallest(self, real: Sample, positive: str) -> Finding:
        counts = {str(label): patients_of(real.take(real.labels == label)) for label in np.unique(real.labels)}
        if positive and positive not in counts:
            counts[positive] = 0
        reason = "counted, not estimated" if len(counts) > 1 else "there is one class only; counted, not estimated"
        images = {str(label): int((real.labels == label).sum()) for label in np.unique(real.labels)}
        return self._finding(
            real,
            "smallest_class",
            value=float(min(counts.values())),
            unit="patients",
            direction="higher is better",
            reason="; ".join(filter(None, (reason, unknown_patients(real)))),
            details={"counts": counts, "images": images},
        )

    def _mixed(self, real: Sample, column: str) -> Finding:
        """Return the share of images that are not of the commonest modality or view."""
        values = real.table[column].to_numpy(dtype=str)
        known = values != ""
        if not known.any():
            return self._finding(real, f"mixed_{column}", reason=f"the {column} is not known of any image")
        kinds, counts = np.unique(values[known], return_counts=True)
        some = real.take(known)
        found = self._share(some, f"mixed_{column}", values[known] != kinds[np.argmax(counts)])
        kept = {k: v for k, v in found.details.items() if k != "counts"}
        return replace(found, details={**kept, "counts": {str(k): int(c) for k, c in zip(kinds, counts, strict=True)}})

    def _missing(self, real: Sample, column: str) -> Finding:
        values = real.table[column]
        absent = values.isna().to_numpy() if column == "age_years" else values.to_numpy(dtype=str) == ""
        found = self._share(real, f"missing_{column.removesuffix('_years')}", absent)
        return replace(found, details={"counts": found.details["counts"]})

    def _finding(self, sample: Sample, name: str, **fields: Any) -> Finding:
        return Finding(
            check=self.name,
            name=name,
            n_patients=patients_of(sample),
            n_images=len(sample),
            inputs=(sample.fingerprint[:16],),
            **fields,
        )


def empty(sample: Sample, flat: float) -> tuple[Hits, str]:
    """Return which pictures hold next to nothing, or values that are no numbers."""
    finite = np.isfinite(sample.pixels).all(axis=(1, 2))
    spread = np.nan_to_num(sample.pixels, posinf=0, neginf=0).std(axis=(1, 2))
    return ~finite | (spread < flat), "" if finite.all() else f"{int((~finite).sum())} hold values that are no numbers"


def repeated(sample: Sample) -> tuple[Hits, str]:
    """Return which images are pixel for pixel the same as an earlier one."""
    first = np.unique(sample.images, return_index=True)[1]
    hit = np.ones(len(sample), dtype=bool)
    hit[first] = False
    return hit, ""


def colour(sample: Sample) -> tuple[Hits, str]:
    """Return which images were stored in colour."""
    return np.asarray(sample.table["channels"].to_numpy(dtype=np.float64) == 3), ""
