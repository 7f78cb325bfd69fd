"""Leakage: the same patient or the same radiograph on both sides of a split, or in another set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from radassay.checks.patients import patients_of
from radassay.checks.same_radiograph import SIDE, Views, compare
from radassay.contracts.check import Inputs
from radassay.evidence.finding import Finding
from radassay.images.sample import Sample

COUNTED = "counted, not estimated"


class Part(NamedTuple):
    """One side of the split, or another set, made ready for comparison."""

    title: str
    sample: Sample
    views: Views


class Pair(NamedTuple):
    """Two images that show the same radiograph."""

    score: float
    first: str
    first_source: str
    second: str
    second_source: str


@dataclass(frozen=True)
class Leakage:
    """Compare every image with every image of the other sides and sets.

    Resized, cropped, recompressed and windowed copies are found; rotated and mirrored ones are not looked for. What
    makes two films the same is fine detail that lies in the same place, not likeness: films of one patient taken on
    other days do not match. Asked for by CLAIM 2024, item 20; see Roberts et al., Nat Mach Intell 2021;3:199 on
    duplicates across public COVID-19 sets.
    """

    size: int = 128
    """Side in pixels at which images are compared; smaller ones are compared at their own size, less surely."""
    threshold: float = 0.8
    """Correlation of fine detail from which two films are the same.

    On public sets, copies under another name, size or crop reach 0.81 and more, films of one patient on different
    days at most 0.51, and films of different patients at most 0.27.
    """
    threshold_small: float = 0.9
    """The same where either film was made with fewer than 128 rows or columns: with less detail more look alike."""
    named: int = 20
    """Pairs that a finding names."""
    mirrored: int = 300
    """Images held mirrored against all others, to learn how often films that cannot be the same match."""
    complete: bool = True
    """Whether repeats within a side, other sets and false matches are looked for too."""

    name: ClassVar[str] = "leakage"
    question: ClassVar[str] = "Is the same patient or the same radiograph on both sides of a split, or in another set?"
    reads: ClassVar[Literal["real", "synthetic"]] = "real"
    matched: ClassVar[bool] = False
    encoded: ClassVar[bool] = False
    watched: ClassVar[Mapping[str, str]] = {"shared_images": "higher"}
    meets: ClassVar[tuple[str, ...]] = ("shared-images",)

    def quick(self) -> Leakage:
        """Return the same check of the split alone."""
        return replace(self, complete=False)

    def measure(self, inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
        """Return counts of shared patients and of shared radiographs, with the pairs by name."""
        sides = {"training": inputs.training, "held-out": inputs.held_out, "test": inputs.sealed}
        parts = [_part(title, sample) for title, sample in sides.items() if sample is not None and len(sample)]
        findings = [self._patients(parts), self._shared(parts)]
        if self.complete:
            findings += [self._repeated(parts), *self._others(parts, inputs.others), self._false(parts)]
        return findings

    def _patients(self, parts: Sequence[Part]) -> Finding:
        known = [{*p.sample.table["patient"].to_numpy(dtype=str)} - {""} for p in parts]
        unknown = sum(int((p.sample.table["patient"].to_numpy(dtype=str) == "").sum()) for p in parts)
        if len(parts) < 2:
            return self._finding("shared_patients", parts, reason="there are no two sides of a split to compare")
        if not any(known):
            return self._finding("shared_patients", parts, reason="no patient is known, so none can be found again")
        codes = [{*p.sample.patients.tolist()} for p in parts]
        counts = {
            f"{a.title} and {b.title}": len(first & second)
            for (a, first), (b, second) in combinations(zip(parts, codes, strict=True), 2)
        }
        shared = {code for first, second in combinations(codes, 2) for code in first & second}
        caution = f"{COUNTED}; the patient of {unknown} images is not known" if unknown else COUNTED
        return self._count("shared_patients", len(shared), parts, unit="patients", reason=caution, counts=counts)

    def _shared(self, parts: Sequence[Part]) -> Finding:
        """Return the radiographs on more than one side of the split."""
        if len(parts) < 2:
            return self._finding("shared_images", parts, reason="there are no two sides of a split to compare")
        pairs: list[Pair] = []
        counts = {}
        for first, second in combinations(parts, 2):
            found = self._pairs(first, second)
            counts[f"{first.title} and {second.title}"] = len(found)
            pairs += found
        return self._named("shared_images", pairs, parts, counts=counts)

    def _repeated(self, parts: Sequence[Part]) -> Finding:
        """Return the radiographs that one side holds twice: they count double, but cross no border."""
        pairs: list[Pair] = []
        for part in parts:
            pairs += self._pairs(part, None)
        return self._named("repeated_images", pairs, parts)

    def _others(self, parts: Sequence[Part], others: Sequence[Sample]) -> Iterator[Finding]:
        """Yield the radiographs shared with all other sets, then with each."""
        named = [_part(other.name, other) for other in others if len(other)]
        if not named or not parts:
            yield self._finding("shared_with_others", parts, reason="no other set was given to compare with")
            return
        by_set = {o.title: [pair for part in parts for pair in self._pairs(part, o)] for o in named}
        every = [pair for pairs in by_set.values() for pair in pairs]
        counts = {title: len(pairs) for title, pairs in by_set.items()}
        yield self._named("shared_with_others", every, [*parts, *named], counts=counts)
        for other in named:
            yield self._named("shared_with_others", by_set[other.title], [*parts, other], slice=f"set={other.title}")

    def _false(self, parts: Sequence[Part]) -> Finding:
        """Return how often films match that cannot be the same, since one of them is mirrored."""
        compared = hits = 0
        best = 0.0
        for part in parts:
            rows = np.unique(np.linspace(0, len(part.views) - 1, min(len(part.views), self.mirrored)).astype(int))
            found = compare(part.views.take(rows).mirrored, part.views)
            compared += found.compared
            hits += len(found.above(self.threshold).pairs)
            best = max(best, float(found.scores.max(initial=0.0)))
        if not compared:
            return self._finding("false_matches", parts, reason="there are no images to compare")
        reason = f"{hits} of {compared:,} mirrored pairs matched; pairs share images, so no interval is valid"
        return self._finding(
            "false_matches",
            parts,
            value=hits / compared,
            unit="share of pairs",
            direction="lower is better",
            reason=reason,
            details={"best_score": best, "threshold": self.threshold, "compared": compared, "matched": hits},
        )

    def _pairs(self, first: Part, second: Part | None) -> list[Pair]:
        """Return the pairs that are the same radiograph, by likeness or because every pixel is the same."""
        other = first if second is None else second
        found = compare(first.views, None if second is None else second.views).above(self.threshold)
        small = _small(first.sample)[found.pairs[:, 0]] | _small(other.sample)[found.pairs[:, 1]]
        kept = found.scores >= np.where(small, self.threshold_small, self.threshold)
        likely = zip(found.pairs[kept], found.scores[kept], strict=True)
        scores = {(int(i), int(j)): round(float(s), 3) for (i, j), s in likely}
        scores |= dict.fromkeys(_identical(first, other, second is None), 1.0)
        a, b = first.sample, other.sample
        return [
            Pair(
                score,
                str(a.images[i]),
                f"{first.title}: {a.sources[i]}",
                str(b.images[j]),
                f"{other.title}: {b.sources[j]}",
            )
            for (i, j), score in scores.items()
        ]

    def _named(self, name: str, pairs: Sequence[Pair], parts: Sequence[Part], **fields: Any) -> Finding:
        """Return the number of pairs, the likeliest of them by name."""
        best = sorted(pairs, key=lambda p: (-p.score, p.first_source, p.second_source))[: self.named]
        details = {
            "pairs": [[p.first, p.second, p.score] for p in best],
            "sources": [[p.first_source, p.second_source] for p in best],
        }
        return self._count(name, len(pairs), parts, unit="pairs", details=details, **fields)

    def _count(self, name: str, value: int, parts: Sequence[Part], **fields: Any) -> Finding:
        details = {**fields.pop("details", {}), **({"counts": fields.pop("counts")} if "counts" in fields else {})}
        fields = {"reason": COUNTED, "direction": "lower is better", "details": details, **fields}
        return self._finding(name, parts, value=float(value), **fields)

    def _finding(self, name: str, parts: Sequence[Part], **fields: Any) -> Finding:
        return Finding(
            check=self.name,
            name=name,
            n_patients=sum(patients_of(p.sample) for p in parts),
            n_images=sum(len(p.sample) for p in parts),
            inputs=tuple(p.sample.fingerprint[:16] for p in parts),
            **fields,
        )


def _part(title: str, sample: Sample) -> Part:
    return Part(title, sample, Views.of(sample.pixels))


def _small(sample: Sample) -> NDArray[np.bool_]:
    """Return which pictures have fewer rows or columns than fine detail is compared at."""
    native = sample.table[["height", "width"]].min(axis=1).to_numpy(dtype=np.float64)
    return np.asarray((native < SIDE) | (sample.pixels.shape[1] < SIDE))


def _identical(first: Part, second: Part, same: bool) -> list[tuple[int, int]]:
    """Return the positions of images with the same id, each pair once."""
    rows: dict[str, list[int]] = {}
    for j, image in enumerate(second.sample.images.tolist()):
        rows.setdefault(image, []).append(j)
    return [
        (i, j) for i, image in enumerate(first.sample.images.tolist()) for j in rows.get(image, ()) if not same or i < j
    ]
