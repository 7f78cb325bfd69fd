"""The answers of a reader study as the page exports them, and what they are once the key is open."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radassay.errors import InputError
from radassay.reading.key import REAL, SYNTHETIC, Key, KeyItem
from radassay.reading.plan import ReadingPlan

Floats = NDArray[np.float64]
COLUMNS = ("reader", "block", "item", "version", "at", "answer_id", "value", "seen")
"""Columns of the export; `value` and `seen` are JSON, a changed answer is a further row of a higher version."""
DONE = 0.8
"""Share of the cases of a question that a reader must have answered to count."""
LEVELS = 6
SMALL = 256
"""Side in pixels below which a radiologist judges a thumbnail."""
TISSUE = (-1000.0, 500.0)
"""Hounsfield units from air to bone; a scale that ends within was cut off."""


def read_answers(content: bytes) -> pd.DataFrame:
    """Return the answers of a CSV export.

    Raises:
        InputError: columns are missing, or there is no answer.
    """
    try:
        table = pd.read_csv(BytesIO(content), dtype=str, keep_default_na=False)
    except ValueError as error:
        raise InputError("The answers cannot be read", got=error, possible="The CSV that the study exports") from None
    missing = [column for column in COLUMNS if column not in table]
    if missing or table.empty:
        raise InputError("These are no answers", got=", ".join(missing) or "no row", possible=", ".join(COLUMNS))
    return table


def unblinded(answers: pd.DataFrame, key: Key) -> pd.DataFrame:
    """Return a row a reader and item, the newest version, with what the item was; readers get codes R01, R02, ...

    `order` counts a reader's answers of a question by the time of the first version. `right` is 1 or 0, or NaN where
    nothing is right or wrong. `score` grows with belief that the image is synthetic (realness, 1 to 6) or shows the
    chosen class (diagnosis, certainty 1 to 5). `seconds` is the time on the item over all its versions, NaN where none
    was logged.

    Raises:
        InputError: an answer to an item that the key does not hold, or one that cannot be read.
    """
    items = {item.id: item for item in key.items}
    strange = sorted(set(answers["item"]) - set(items))
    if strange:
        raise InputError("The answers are to items that the key does not hold", got=", ".join(strange[:3]))
    table = answers.assign(version=pd.to_numeric(answers["version"]))
    first: dict[Any, Any] = table.groupby(["reader", "item"])["at"].min().to_dict()
    spent: dict[Any, Any] = (
        table.assign(seconds=table["seen"].map(_seconds))
        .groupby(["reader", "item"])["seconds"]
        .sum(min_count=1)
        .to_dict()
    )
    newest = table.sort_values("version", kind="stable").groupby(["reader", "item"], sort=True).tail(1)
    names = sorted(set(newest["reader"]))
    codes = {name: f"R{n + 1:0{max(2, len(str(len(names))))}d}" for n, name in enumerate(names)}
    rows = []
    for row in newest.itertuples():
        told = _row(items[str(row.item)], key, str(row.value))
        known = {"first": first[(row.reader, row.item)], "at": row.at, "seconds": spent[(row.reader, row.item)]}
        rows.append({"reader": codes[row.reader], **known, **told})
    out = pd.DataFrame(rows).sort_values(["block", "reader", "first", "item"], kind="stable", ignore_index=True)
    out.insert(1, "order", out.groupby(["block", "reader"]).cumcount())
    return out.drop(columns="first")


def _seconds(text: str) -> float:
    """Return the time that the page was visible, or NaN where `seen` does not tell it."""
    try:
        spent = float(json.loads(text)["seconds"])
    except (ValueError, KeyError, TypeError):
        return math.nan
    return spent if 0 < spent < math.inf else math.nan


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _row(item: KeyItem, key: Key, text: str) -> dict[str, Any]:
    images = key.by_image
    shown = images[key.real_of(item) if item.block == "choice" else item.images[0]]
    try:
        value = json.loads(text)
        told = {"cannot_judge": True} if value.get("cannot_judge") else _value(item, key, value)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"The answer to item {item.id} cannot be read", got=error) from None
    return {
        "block": item.block,
        "item": item.id,
        "role": item.role,
        "repeats": item.repeats,
        "label": item.label,
        "arm": "both" if item.block == "choice" else shown.arm,
        "patient": shown.patient,
        "image": shown.image,
        "cannot_judge": False,
        "score": np.nan,
        "right": np.nan,
        "chosen": "",
        "structures": "",
        **told,
    }


def _value(item: KeyItem, key: Key, value: dict[str, Any]) -> dict[str, Any]:
    if item.block == "realness":
        score = LEVELS + 1 - int(value["level"])
        said_synthetic = score > LEVELS / 2
        return {"score": float(score), "right": float(said_synthetic == (key.arm(item) == SYNTHETIC))}
    if item.block == "choice":
        chosen = key.by_image[value["image"]]
        return {"right": float(chosen.arm == REAL), "chosen": chosen.image}
    if item.block == "diagnosis":
        option = str(value["option"])
        return {"score": float(value["certainty"]), "right": float(option == item.label), "chosen": option}
    return {"structures": json.dumps(value["structures"], sort_keys=True)}


@dataclass(frozen=True)
class Dropped:
    """Cases that count in no result over readers, since not every reader judged them.

    The Obuchowski-Rockette analysis needs every reader on every case. Agreement between readers does without.
    """

    cases: int
    arms: dict[str, int]
    """How many of either arm."""
    cannot: int
    """Answers to them that say "cannot judge"."""
    missing: int
    """Answers to them that were not given."""

    def __str__(self) -> str:
        arms = " and ".join(f"{n} {arm}" for arm, n in sorted(self.arms.items()) if arm != "both")
        why = [f"{_times(self.cannot)} somebody could not judge"] if self.cannot else []
        why += [f"{self.missing} answer{' was' if self.missing == 1 else 's were'} not given"] if self.missing else []
        cases = f"{self.cases} case{'' if self.cases == 1 else 's'} left out{f' ({arms})' if arms else ''}"
        return f"{cases} that not every reader judged, which the analysis over readers needs: {', '.join(why)}"


@dataclass(frozen=True)
class Read:
    """The answers to the cases of one question by the readers who did most of it."""

    rows: pd.DataFrame
    """All roles, readers who count."""
    readers: tuple[str, ...]
    left_out: tuple[str, ...]
    """Readers who began and answered too little."""

    @classmethod
    def of(cls, table: pd.DataFrame, key: Key, question: str) -> Read:
        """Return one question's answers from those of `unblinded`."""
        mine = table[table["block"] == question]
        cases = sum(item.block == question and item.role == "case" for item in key.items)
        done = mine[mine["role"] == "case"].groupby("reader").size()
        readers = tuple(sorted(str(name) for name in done.index if done[name] >= DONE * cases))
        left_out = tuple(sorted(set(mine["reader"]) - set(readers)))
        return cls(mine[mine["reader"].isin(readers)], readers, left_out)

    def cases(self, **wanted: str) -> tuple[pd.DataFrame, list[str]]:
        """Return one row a case with what it was, and the ids, by item; such as `cases(arm="real")`."""
        rows = self.rows[self.rows["role"] == "case"]
        for column, value in wanted.items():
            rows = rows[rows[column] == value]
        facts = rows.drop_duplicates("item").set_index("item").sort_index()
        return facts, [str(name) for name in facts.index]

    def dropped(self, items: Sequence[str], whole: NDArray[np.bool_]) -> Dropped:
        """Return what is left out of some cases.

        Args:
            items: ids of the cases.
            whole: (items,) whether every reader judged them.
        """
        lost = {item for item, kept in zip(items, whole, strict=True) if not kept}
        rows = self.rows[self.rows["item"].isin(lost)]
        arms = rows.drop_duplicates("item")["arm"].value_counts()
        cannot = int(rows["cannot_judge"].astype(bool).sum())
        missing = len(lost) * len(self.readers) - len(rows)
        return Dropped(len(lost), {str(arm): int(n) for arm, n in arms.items()}, cannot, missing)

    def matrix(self, column: str, items: Sequence[str]) -> Floats:
        """Return a column as (readers, items), NaN where an answer is missing or the reader could not judge."""
        wide = self.rows.pivot(index="reader", columns="item", values=column)
        return np.asarray(wide.reindex(index=list(self.readers), columns=list(items)), dtype=np.float64)


def cautions(plan: ReadingPlan, readers: int, dropped: Dropped | None = None, left_out: Sequence[str] = ()) -> str:
    """Return what weakens a result: a pilot, an accepted leak, missing answers."""
    told = []
    if readers < 6:
        told.append(f"a pilot: {readers} readers, where 6 are needed")
    if plan.override:
        told.append(f"images could be told apart by how they were stored, accepted because: {plan.override}")
    told += shown_cautions(plan)
    if dropped is not None and dropped.cases:
        told.append(str(dropped))
    if left_out:
        told.append(f"{len(left_out)} readers left out who answered less than {DONE:.0%}")
    return "; ".join(told)


def shown_cautions(plan: ReadingPlan) -> list[str]:
    """Return what weakens every result because of how images were shown: thumbnails, a scale that was cut off.

    Of a plan whose side and Hounsfield units were not settled nothing is told.
    """
    told = [f"shown at {plan.size} px: radiologists judge thumbnails"] if 0 < plan.size < SMALL else []
    if plan.hu and (plan.hu[0] > TISSUE[0] or plan.hu[1] < TISSUE[1]):
        told.append(f"values outside {plan.hu[0]:g} to {plan.hu[1]:g} HU were cut off in both arms")
    return told
