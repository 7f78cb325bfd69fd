"""Splits by patient, stratified by label, and the sealed test set whose every use is recorded."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from radassay.errors import InputError, RefusedError, SettingsError
from radassay.evidence.run import append_durably, storage
from radassay.images.imageset import ImageSet

SPLITS = ("train", "validation", "test")
LEDGER = "test-uses.jsonl"
_ATTEMPTS = 200


def split(
    images: ImageSet,
    *,
    fractions: tuple[float, float, float] = (0.6, 0.2, 0.2),
    seed: int,
    published: bool = False,
) -> ImageSet:
    """Return the set with its `split` column filled: train, validation, test; no patient and no
    picture on two sides.

    Patients (images, where no patient is known) are drawn, stratified by label; a patient with several labels counts
    under the rarest of them. The result depends on patients, labels and seed, not on the order of rows.

    Args:
        images: a set of acquired images.
        fractions: shares of train, validation and test; a share of 0 leaves a split empty.
        seed: of the draw.
        published: keep the `split` that the source gave, and check it.

    Raises:
        InputError: a label has fewer patients than there are splits, so that one would miss it; or the published
            split is incomplete or puts a patient on two sides.
        SettingsError: the fractions are no shares of one.
    """
    if published:
        return _checked(images)
    if len(fractions) != 3 or min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-6 or fractions[0] == 0:
        raise SettingsError("Fractions must be three shares that add up to 1", got=fractions)
    if len(images) == 0:
        raise InputError("There are no images to split")
    units = _parties(images)
    strata = _strata(images, units)
    wanted = [i for i, share in enumerate(fractions) if share > 0]
    for label, patients in strata.items():
        if label and len(patients) < len(wanted):
            raise InputError(
                f"Label {label!r} has too few patients to be in every split",
                got=f"{len(patients)} patients, {len(wanted)} splits",
                possible="Merge it with another label, leave it out, or set the share of a split to 0",
            )
    sides = _draw(images, units, strata, fractions, wanted, seed)
    return images.with_columns(split=[SPLITS[sides[unit]] for unit in units])


def _parties(images: ImageSet) -> list[str]:
    """Return the party of each image: its patient, joined with every patient who has one of the same pictures.

    A public set may hold one picture under two patients; on two sides of a split it would be a leak.
    """
    codes, units = pd.factorize(images.units)
    pictures = pd.factorize(images.table["image"])[0]
    shape = (len(units), int(pictures.max()) + 1)
    shows = coo_array((np.ones(len(codes), dtype=int), (codes, pictures)), shape=shape)
    party = connected_components(shows @ shows.T, directed=False)[1]
    first = pd.Series(units.astype(str)).groupby(party).min()
    return [str(first[party[code]]) for code in codes]


def _strata(images: ImageSet, units: Sequence[str]) -> dict[str, list[str]]:
    """Return the sorted patients of each label, every patient under the rarest of its labels; rarest first."""
    labels_of: dict[str, set[str]] = defaultdict(set)
    for unit, label in zip(units, images.table["label"], strict=True):
        labels_of[unit].add(str(label))
    frequency: dict[str, int] = defaultdict(int)
    for labels in labels_of.values():
        for label in labels:
            frequency[label] += 1
    strata: dict[str, list[str]] = defaultdict(list)
    for unit in sorted(labels_of):
        strata[min(labels_of[unit], key=lambda label: (frequency[label], label))].append(unit)
    return dict(sorted(strata.items(), key=lambda item: (frequency[item[0]], item[0])))


def _draw(
    images: ImageSet,
    units: Sequence[str],
    strata: Mapping[str, list[str]],
    fractions: tuple[float, float, float],
    wanted: list[int],
    seed: int,
) -> dict[str, int]:
    """Return the split of each patient; drawn again while a label that could be everywhere misses a split."""
    rng = np.random.default_rng(seed)
    members: dict[str, set[str]] = defaultdict(set)
    for unit, label in zip(units, images.table["label"], strict=True):
        if label:
            members[str(label)].add(unit)
    missed = ""
    for _ in range(_ATTEMPTS):
        sides: dict[str, int] = {}
        for patients in strata.values():
            order = rng.permutation(len(patients))
            edges = np.cumsum(_counts(len(patients), fractions, wanted))
            for rank, position in enumerate(order):
                sides[patients[position]] = int(np.searchsorted(edges, rank, side="right"))
        missed = next((la for la in sorted(members) if {sides[u] for u in members[la]} < set(wanted)), "")
        if not missed:
            return sides
    raise InputError(
        f"Label {missed!r} cannot be in every split",
        got=f"{len(members[missed])} patients, most of them under rarer labels",
        possible="Merge it with another label or leave it out",
    )


def _counts(n: int, fractions: tuple[float, float, float], wanted: list[int]) -> list[int]:
    """Return how many of n patients go to each split: largest remainders, at least one where a split is wanted."""
    exact = np.asarray(fractions) * n
    counts = np.floor(exact + 1e-9).astype(int)
    for i in np.argsort(-(exact - counts), kind="stable")[: n - counts.sum()]:
        counts[i] += 1
    for i in wanted:
        if counts[i] == 0 and counts.max() > 1:
            counts[int(counts.argmax())] -= 1
            counts[i] += 1
    return [int(c) for c in counts]


def _checked(images: ImageSet) -> ImageSet:
    table = images.table
    odd = sorted(set(table["split"]) - set(SPLITS))
    if odd or len(images) == 0:
        raise InputError(
            "The set has no complete published split",
            got=", ".join(repr(o) for o in odd[:5]) or "no images",
            possible="Name the column with a mapping, or split with a seed",
        )
    sides = table.assign(unit=images.units).groupby("unit")["split"].nunique()
    shared = int((sides > 1).sum())
    if shared:
        raise InputError(
            "The published split puts patients on two sides",
            got=f"{shared} of {len(sides)} patients",
            possible="Split with a seed instead; the leakage check names the images",
        )
    return images


@dataclass(frozen=True)
class TestUses:
    """How often a sealed test set was opened."""

    __test__ = False  # no test case, whatever its name makes a collector believe

    openings: int
    """All openings, also repeated ones."""
    distinct: int
    """Different pairs of purpose and study: a study run again, or resumed after a kill, counts once."""
    purposes: tuple[tuple[str, int], ...]
    """Purposes with their number of distinct uses, sorted by name."""


def open_test(images: ImageSet, ledger: Path, *, purpose: str, study: str) -> ImageSet:
    """Record a use of the test images, then return them.

    Args:
        images: a set that is split.
        ledger: folder that holds `test-uses.jsonl`, which is only ever appended to.
        purpose: what for, such as `downstream trial`.
        study: what tells studies apart, such as the SHA-256 of the study file.

    Raises:
        RefusedError: a test image is not acquired, so that the result would say nothing of patients.
        InputError: there are no test images.
        StorageError: the use cannot be recorded; then the images stay closed.
    """
    test = images.where(split="test")
    if len(test) == 0:
        raise InputError("The set has no test images", possible="Split it first")
    made = test.table[test.table["origin"] != "acquired"]
    if len(made):
        named = ", ".join(f"{row.source} ({row.origin})" for row in made.head(3).itertuples())
        raise RefusedError(
            f"{len(made)} of {len(test)} test images are not acquired from patients",
            got=named,
            possible="Test on acquired images only",
        )
    entry = {
        "purpose": purpose,
        "study": hashlib.sha256(study.encode()).hexdigest(),
        "test_set": test.fingerprint,
        "images": len(test),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    with storage(ledger):
        ledger.mkdir(parents=True, exist_ok=True)
        path = ledger / LEDGER
        if path.exists() and not path.read_bytes().endswith(b"\n") and path.stat().st_size:
            append_durably(path, [""])  # ends the line that a kill has torn
        append_durably(path, [json.dumps(entry)])
    return test


def test_uses(ledger: Path, test: ImageSet | None = None) -> TestUses:  # noqa: PT028 - no test case
    """Return how often test images were opened, of all sets in the ledger or of one set (the test rows of it)."""
    path = ledger / LEDGER
    entries = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            entries.append(json.loads(line))
        except ValueError:
            continue  # torn by a kill, before the images were given out
    if test is not None:
        mark = test.where(split="test").fingerprint
        entries = [e for e in entries if e["test_set"] == mark]
    distinct = {(e["purpose"], e["study"]) for e in entries}
    purposes = sorted({purpose for purpose, _ in distinct})
    counted = tuple((p, sum(1 for purpose, _ in distinct if purpose == p)) for p in purposes)
    return TestUses(len(entries), len(distinct), counted)


test_uses.__test__ = False  # type: ignore[attr-defined]
