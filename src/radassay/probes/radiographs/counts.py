"""Counts of radiographs that are there more than once, as findings."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radassay.contracts.probe import Subject
from radassay.evidence.finding import Finding
from radassay.probes.radiographs.pairs import contradicting

CHECK = "same-radiograph"
COUNTED = "counted, not estimated"
NAMED = 20
"""Pairs that a finding names."""


@dataclass(frozen=True)
class Seen:
    """How surely a pair of the same radiograph is found on these images."""

    share: float
    """Lower limit of the share of planted copies found."""
    source: str
    """Where that is from, in words."""

    @property
    def pairs(self) -> float | None:
        """Return how many pairs there must be for one to be found with 95 % probability; None where none ever is."""
        if self.share <= 0:
            return None
        return max(1, math.ceil(math.log(0.05) / math.log(1 - min(self.share, 0.95))))


@dataclass(frozen=True)
class Counts:
    """The findings that count pairs."""

    subject: Subject
    pairs: pd.DataFrame
    """From `pair_table`."""
    seen: Mapping[str, Seen]
    """By set, and `all`."""

    def findings(self) -> Iterator[Finding]:
        """Yield the counts within each set, then between each two sets, then of groups."""
        sure = self.pairs["verified"].to_numpy()
        sets = {side: self.pairs[f"set_{side}"].to_numpy(dtype=str) for side in ("a", "b")}
        against = contradicting(self.pairs, self.subject.positive)
        for images in self.subject.sets:
            of_set = sure & (sets["a"] == images.name) & (sets["b"] == images.name)
            yield from self._within(images.name, of_set, against)
        for first, second in combinations([images.name for images in self.subject.sets], 2):
            names = (first, second)
            between = sure & (sets["a"] == first) & (sets["b"] == second)
            between |= sure & (sets["a"] == second) & (sets["b"] == first)
            where = f"sets={first}+{second}"
            yield from self._count("shared", where, between, names)
            if self.subject.positive:
                yield from self._count("contradicting_labels", where, between & against, names)

    def _within(self, name: str, of_set: NDArray[np.bool_], against: NDArray[np.bool_]) -> Iterator[Finding]:
        where, names, pairs = f"set={name}", (name,), self.pairs
        table = self._table(names)
        yield from self._count("repeated", where, of_set, names)
        if (table["label"] != "").any():
            yield from self._count("contradicting_labels", where, of_set & against, names)
        else:
            yield self._not_run("contradicting_labels", where, names, "no image of this set has a label")
        yield from self._splits(name, of_set)
        if table["patient"].replace("", None).nunique() > 1:
            yield from self._count("two_patients", where, of_set & (pairs["same_patient"] == "no").to_numpy(), names)
        else:
            reason = "this set does not tell patients apart"
            yield self._not_run("two_patients", where, names, reason)
        yield self._apart(name)

    def _splits(self, name: str, of_set: NDArray[np.bool_]) -> Iterator[Finding]:
        """Yield what lies on two sides of the split that the set came with."""
        where, names, table = f"set={name}", (name,), self._table((name,))
        if table["split"].replace("", None).nunique() < 2:
            reason = "this set does not say which images are for training and which for testing"
            for measure in ("across_splits", "patients_across_splits"):
                yield self._not_run(measure, where, names, reason)
            return
        a, b = (self.pairs[f"split_{side}"].to_numpy(dtype=str) for side in ("a", "b"))
        yield from self._count("across_splits", where, of_set & (a != b) & (a != "") & (b != ""), names)
        known = table[(table["patient"] != "") & (table["split"] != "")]
        if known.empty:
            yield self._not_run("patients_across_splits", where, names, "no patient of this set is known")
            return
        sides = known.groupby("patient")["split"].nunique()
        unknown = int((table["patient"] == "").sum())
        caution = f"; the patient of {unknown} images is not known" if unknown else ""
        shared = known["patient"].isin(sides.index[sides > 1])
        fields: dict[str, Any] = {"slice": where, "unit": "patients", "direction": "lower is better"}
        yield self._finding(
            "patients_across_splits",
            names,
            value=float((sides > 1).sum()),
            reason=COUNTED + caution,
            details={"images": int(shared.sum()), "sources": known.loc[shared, "path"].head(NAMED).tolist()},
            **fields,
        )
        yield self._finding(
            "patients_across_splits",
            names,
            value=1.0,
            role="limit",
            control="true effect",
            method="every patient that the table names is counted",
            **fields,
        )

    def _apart(self, name: str) -> Finding:
        """Return how many pairs of images of one patient are different radiographs."""
        where, names = f"set={name}", (name,)
        table = self._table(names)
        sizes = table.loc[table["patient"] != "", "patient"].value_counts().to_numpy(dtype=float)
        every = int((sizes * (sizes - 1) / 2).sum())
        if not every:
            return self._not_run("same_patient_apart", where, names, "no patient of this set is known by two images")
        of_patient = (self.pairs["set_a"] == name) & (self.pairs["same_patient"] == "yes")
        joined = int((of_patient & self.pairs["verified"]).sum())
        nearest = self.pairs[of_patient & ~self.pairs["verified"]].head(1)
        details: dict[str, Any] = {"pairs of one patient": every, "same radiograph": joined}
        if len(nearest):
            details |= {"most alike": nearest[["image_a", "image_b", "score"]].iloc[0].tolist()}
        return self._finding(
            "same_patient_apart",
            names,
            value=float(every - joined),
            slice=where,
            unit="pairs",
            reason=f"{COUNTED}: of {every:,} pairs of images of one patient, {joined:,} are one radiograph",
            details=details,
        )

    def _count(self, measure: str, where: str, chosen: NDArray[np.bool_], names: tuple[str, ...]) -> Iterator[Finding]:
        """Yield the number of pairs, the surest by name, and how many must be there for one to be found."""
        pairs = self.pairs[chosen]
        fields: dict[str, Any] = {"slice": where, "unit": "pairs", "direction": "lower is better"}
        told = _told(pairs)
        ids = self.subject.table["image"].to_numpy(dtype=str)
        best = pairs.head(NAMED)
        yield self._finding(
            measure,
            names,
            value=float(len(pairs)),
            reason=f"{COUNTED}{': ' if told else ''}{told}",
            details={
                "pairs": [
                    [ids[a], ids[b], round(float(s), 4)]
                    for a, b, s in best[["a", "b", "score"]].itertuples(index=False, name=None)
                ],
                "sources": best[["image_a", "image_b"]].to_numpy(dtype=str).tolist(),
                "images": len(np.unique(pairs[["a", "b"]].to_numpy())),
                "groups": int(pairs["group"].nunique()),
                "counts": {column: pairs[column].value_counts().to_dict() for column in ("relation", "same_patient")},
            },
            **fields,
        )
        seen = min((self.seen[name] for name in names), key=lambda s: s.share)
        yield self._finding(
            measure,
            names,
            value=seen.pairs,
            reason="" if seen.pairs else f"no planted copy was found among {seen.source}",
            role="limit",
            control="true effect",
            method=f"pairs of which one is found with 95 % probability where {100 * seen.share:.0f} % of copies are, "
            f"the lower limit among {seen.source}",
            **fields,
        )

    def _not_run(self, measure: str, where: str, names: tuple[str, ...], reason: str) -> Finding:
        return self._finding(measure, names, slice=where, reason=reason)

    def _finding(self, measure: str, names: tuple[str, ...], **fields: Any) -> Finding:
        table = self._table(names)
        prints = tuple(self._prints[name] for name in names)
        fields = {"n_images": len(table), "n_patients": int(table["unit"].nunique()), "inputs": prints, **fields}
        return Finding(check=CHECK, name=measure, **fields)

    @cached_property
    def _prints(self) -> dict[str, str]:
        return {images.name: images.fingerprint[:16] for images in self.subject.sets}

    def _table(self, names: tuple[str, ...]) -> pd.DataFrame:
        table = self.subject.table
        return table[table["set"].isin(names)]


def _told(pairs: pd.DataFrame) -> str:
    """Return what else is known of the pairs: their patients, and what was done to the picture."""
    parts = [
        ("of one patient", pairs["same_patient"] == "yes"),
        ("given to two patients", pairs["same_patient"] == "no"),
        ("of unknown patients", pairs["same_patient"] == "unknown"),
        ("with the very same pixels", pairs["relation"] == "identical pixels"),
        ("mirrored", pairs["mirrored"]),
        ("inverted", pairs["inverted"]),
    ]
    return ", ".join(f"{int(hit.sum()):,} {words}" for words, hit in parts if hit.any())
