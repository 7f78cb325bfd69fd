"""Oddities: images that are not what the set says they are, found from their pixels alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radassay.anatomy.kinds import KINDS, SURE, decide, shares
from radassay.contracts.probe import Answer, Subject
from radassay.contracts.progress import Progress, Report, silent
from radassay.evidence.finding import Finding
from radassay.probes.odd.findings import of_label, of_set
from radassay.probes.odd.look import Sight
from radassay.probes.odd.sensitivity import look_at, sensitivities
from radassay.probes.odd.sheets import sheets
from radassay.probes.odd.shown import WORDS, is_ct
from radassay.probes.odd.survey import BATCH, ODDITIES, Survey, survey
from radassay.probes.odd.told import contradicts, told_kind
from radassay.probes.odd.unlike import unlike

Images = NDArray[np.integer[Any]]
Sights = list[dict[str, Sight]]


@dataclass(frozen=True)
class Oddities:
    """Look at every picture for what does not belong, without labels or metadata.

    The kind of picture is seen by a network that learned from simulated chests alone; text, frames, grids and colour
    by what they do to pixels. Metadata are read only to be contradicted.
    """

    planted: int = 40
    """Images of a set into which each oddity is planted, to learn what share of them would have been found."""
    most: int = 4000
    """Images looked at; of more, a random part, whole patients."""
    sheet: int = 12
    """Pictures on a contact sheet."""

    name: ClassVar[str] = "oddities"
    question: ClassVar[str] = (
        "Which images are not what the set says: no radiograph, another view, altered, written on?"
    )

    def measure(self, subject: Subject, rng: np.random.Generator, report: Report = silent) -> Answer:
        """Return the share of each oddity in each set, how surely each would be found, and contact sheets."""
        images = _part(subject, self.most, rng)
        caution = f"a random part, {len(images)} of {len(subject)} images" if len(images) < len(subject) else ""
        surveys = list(_surveys(subject, images, report))
        table = _kinds(subject, images, surveys)
        sights = _with_others(table, surveys)
        findings: list[Finding] = []
        for name, rows in _rows(table):
            mine, held = [sights[r] for r in rows], shares(np.stack([surveys[r].kind for r in rows]))
            found = sensitivities(subject, images[rows], mine, held, self.planted, rng)
            findings += of_set(name, table.iloc[rows], mine, found, caution)
        findings += of_label(subject, images, sights, table["grey_as_colour"].to_numpy(dtype=bool), caution)
        odd = _odd(table, sights)
        pictures, captions = sheets(subject, odd, self.sheet)
        tables = {"odd_images": odd.drop(columns="image"), "kinds_seen": table.drop(columns=["image", "unit"])}
        return Answer(findings, tables, pictures, captions)


def _part(subject: Subject, most: int, rng: np.random.Generator) -> Images:
    """Return the images to look at, ascending: all, or random whole patients of as many."""
    if len(subject) <= most:
        return np.arange(len(subject))
    units = subject.table["unit"].to_numpy(dtype=str)
    _, cluster, size = np.unique(units, return_inverse=True, return_counts=True)
    order = rng.permutation(len(size))
    kept = order[: max(1, int(np.searchsorted(np.cumsum(size[order]), most, side="right")))]
    return np.flatnonzero(np.isin(cluster, kept))


def _surveys(subject: Subject, images: Images, report: Report) -> Iterator[Survey]:
    for start in range(0, len(images), BATCH):
        yield from survey([look_at(subject, int(i)) for i in images[start : start + BATCH]])
        report(Progress(min(start + BATCH, len(images)), len(images), "images"))


def _kinds(subject: Subject, images: Images, surveys: Sequence[Survey]) -> pd.DataFrame:
    """Return one row an image: what was told and what was seen of it, and what most of its set shows."""
    known = subject.table.iloc[images]
    told = [told_kind(v, m) for v, m in zip(known["view"], known["modality"], strict=True)]
    table = pd.DataFrame(
        {
            "image": images,
            "path": known["path"].to_numpy(),
            "set": known["set"].to_numpy(),
            "unit": known["unit"].to_numpy(),
            "view_told": known["view"].to_numpy(),
            "modality_told": known["modality"].to_numpy(),
            "told": told,
            "kind": "",
            "main": "",
            "sure": 0.0,
            "grey_as_colour": [s.grey_as_colour for s in surveys],
        }
    )
    for _, rows in _rows(table):
        seen = np.stack([surveys[r].kind for r in rows])
        held = shares(seen)
        kinds = decide(seen, held)
        table.loc[rows, "kind"], table.loc[rows, "main"] = kinds, KINDS[int(held[:-1].argmax())]
        table.loc[rows, "sure"] = seen[np.arange(len(rows)), [KINDS.index(k) for k in kinds]].round(4)
    table["contradicted"] = [
        contradicts(t, k) and p >= SURE for t, k, p in zip(told, table["kind"], table["sure"], strict=True)
    ]
    return table


def _rows(table: pd.DataFrame) -> list[tuple[str, Images]]:
    """Return the name of each set and its rows."""
    names = table["set"].to_numpy(dtype=str)
    return [(str(name), np.flatnonzero(names == name)) for name in dict.fromkeys(names.tolist())]


def _with_others(table: pd.DataFrame, surveys: Sequence[Survey]) -> Sights:
    """Return the sights of each image, with those that only show beside the rest of its set."""
    sights = [dict(s.sights) for s in surveys]
    for _, rows in _rows(table):
        far = unlike(np.stack([surveys[r].features for r in rows]))
        for row, sight in zip(rows, far, strict=True):
            kind, main, sure = (table[c].iloc[row] for c in ("kind", "main", "sure"))
            if kind == "none":
                told = Sight(float(sure), "shows neither a chest film nor a slice of a chest")
                sights[row] = {"no_radiograph": sights[row].get("no_radiograph", told)}
                continue
            sights[row]["unlike"] = sight
            if (doubt := float(surveys[row].kind[KINDS.index("none")])) >= SURE:
                sights[row]["doubtful"] = Sight(doubt, "no chest can be made out, or hardly: look at it")
            if kind != main:
                other = "other_modality" if is_ct(kind) != is_ct(main) else "other_view"
                sights[row][other] = Sight(
                    0.5 + float(sure) / 2, f"seen: {WORDS[kind]}; most of its set: {WORDS[main]}"
                )
    return sights


def _odd(table: pd.DataFrame, sights: Sights) -> pd.DataFrame:
    """Return one row an oddity that was seen, the oddest first."""
    seen = [(row, o, s) for row, mine in enumerate(sights) for o, s in mine.items() if s.seen]
    rows = table.iloc[[row for row, _, _ in seen]]
    odd = pd.DataFrame(
        {
            "image": rows["image"].to_numpy(),
            "path": rows["path"].to_numpy(),
            "set": rows["set"].to_numpy(),
            "oddity": [o for _, o, _ in seen],
            "score": [round(s.score, 4) for _, _, s in seen],
            "weight": [round(s.score * ODDITIES[o][1], 4) for _, o, s in seen],
            "reason": [s.reason for _, _, s in seen],
            "box": [s.box.text() if s.box else "" for _, _, s in seen],
            "view_told": rows["view_told"].to_numpy(),
            "modality_told": rows["modality_told"].to_numpy(),
            "kind_seen": rows["kind"].to_numpy(),
        }
    )
    return odd.sort_values(["weight", "path", "oddity"], ascending=[False, True, True], kind="stable").reset_index(
        drop=True
    )
