"""Filled answer sheets, as spreadsheets save them, and what they say as answers like those of the page."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import pandas as pd

from radassay.errors import InputError, RefusedError
from radassay.reading.answers import COLUMNS
from radassay.reading.asked import Asked, ReaderList
from radassay.reading.sheet import CANNOT, FIXED, IDS, STRUCTURE, WHERE, columns, how

YES, NO = frozenset({"yes", "y", "x", "true", "1"}), frozenset({"", "no", "n", "false", "0"})
PLAUSIBLE = {"no": 1, "n": 1, "doubtful": 2, "yes": 3, "y": 3}


@dataclass(frozen=True)
class Wrong:
    """One cell that cannot be used."""

    file: str
    row: int
    """As the spreadsheet counts: the names of the columns are row 1."""
    column: str
    got: str
    possible: str

    def __str__(self) -> str:
        return f"{self.file}, row {self.row}, {self.column}: {self.got or 'empty'!r}; possible: {self.possible}"


Cells = list[tuple[str, str]]
"""Column and what would have been possible in it."""
Triple = tuple[int, int, int]
_APART = r"[^\d.+\-\u2212\u2013]+"
"""What parts the numbers of a place: no point, and nothing that could be a sign."""


@dataclass(frozen=True)
class Bounds:
    """Where places may lie; the rule is that of the page."""

    shape: Triple
    """Columns, rows and slices of every image."""
    holds: Callable[[Triple, Triple], bool]
    """Whether a place (column, row and slice, from 0) lies within an image of this shape."""

    def place(self, cell: str) -> Triple | None:
        """Return a place as it is kept, from a cell that counts slices from 1; None where it is none.

        Only a stack needs the slice. Decimals and signed numbers are no places.
        """
        numbers = re.fullmatch(rf"(\d{{1,6}}){_APART}(\d{{1,6}})(?:{_APART}(\d{{1,6}}))?", cell)
        if numbers is None or (numbers[3] is None and self.shape[2] > 1):
            return None
        found = int(numbers[1]), int(numbers[2]), int(numbers[3] or 1) - 1
        return found if self.holds(found, self.shape) else None

    @property
    def words(self) -> str:
        """Return what is possible."""
        columns, rows, slices = self.shape
        last = f", slice 1 to {slices}" if slices > 1 else ""
        return f"column 0 to {columns - 1}, row 0 to {rows - 1}{last}"


@dataclass(frozen=True)
class Count:
    """How far one sheet is filled."""

    file: str
    reader: str
    """Opaque id; empty where no row tells it."""
    filled: int
    rows: int
    """Items that this reader is asked, training included."""

    def __str__(self) -> str:
        whose = f" by reader {self.reader[:8]}" if self.reader else ""
        return f"{self.file}: {self.filled} of {self.rows} rows filled{whose}"


@dataclass(frozen=True)
class Filled:
    """What sheets say."""

    answers: pd.DataFrame
    """In the columns of the page's export, after the answers of the page."""
    counts: tuple[Count, ...]
    """One a sheet, in the order given."""


class _Bad(Exception):
    def __init__(self, cells: Cells) -> None:
        self.cells = cells


def read_sheets(
    sheets: Mapping[str, bytes], readers: Sequence[ReaderList], bounds: Bounds, page: pd.DataFrame | None = None
) -> Filled:
    """Return the answers of filled sheets, after those of the page if there are any, and how far each is filled.

    Rows may be missing, empty or in another order. What a reader said twice counts once. `at` is no time, since a sheet
    has none, but the place in the reader's order, so that answers of one reader sort as they were meant to be read.

    Args:
        sheets: content by name of the file, for messages; UTF-8, UTF-16 or Windows-1252; comma, semicolon or tab.
        readers: all readers of the study and what each is asked.
        bounds: where places may lie.
        page: answers that were given in the page, from `read_answers`.

    Raises:
        InputError: one or more cells cannot be used; all of them are named.
        RefusedError: a reader gave two different answers to an item.
    """
    known = {who.reader: who for who in readers}
    rows: list[dict[str, Any]] = []
    wrong: list[Wrong] = []
    counts: list[Count] = []
    for name, content in sheets.items():
        found, bad, whose = _one(name, content, known, bounds)
        rows += found
        wrong += bad
        counts.append(Count(name, whose, len(found), len(known[whose].asked) if whose else 0))
    if wrong:
        told = "".join(f"\n  {one}" for one in wrong)
        cells = "A cell of the sheets" if len(wrong) == 1 else f"{len(wrong)} cells of the sheets"
        raise InputError(f"{cells} cannot be used; correct what is named and run it again:{told}")
    before = pd.DataFrame(columns=list(COLUMNS), dtype=str) if page is None else page[list(COLUMNS)]
    new = pd.DataFrame(_new(rows, before), columns=list(COLUMNS))
    return Filled(pd.concat([before, new], ignore_index=True), tuple(counts))


def _new(rows: Sequence[dict[str, Any]], page: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows that say something new."""
    ordered = page.assign(version=pd.to_numeric(page["version"])).sort_values("version", kind="stable")
    said = {(str(r.reader), str(r.item)): json.loads(str(r.value)) for r in ordered.itertuples()}
    new, differing = [], []
    for row in rows:
        key, value = (row["reader"], row["item"]), json.loads(row["value"])
        if key not in said:
            new.append(row)
        elif said[key] != value:
            differing.append(f"{row['reader'][:8]} on item {row['item'][:8]}")
        said.setdefault(key, value)
    if differing:
        raise RefusedError(
            f"{len(differing)} items have two different answers of one reader",
            got=", ".join(differing),
            possible="Leave out the sheet that does not count; the answers of the page come first",
        )
    return new


def _table(content: bytes) -> list[list[str]]:
    """Return the cells of a CSV as a spreadsheet saves it; the first row names the columns."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp1252", errors="replace")
    head = text.split("\n", 1)
    if re.fullmatch(r"\"?sep=.\"?\s*", head[0]):
        text = head[-1]
    first = text.split("\n", 1)[0]
    mark = max(",;\t", key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    return [[cell.strip().lstrip("'") for cell in row] for row in rows]


def _one(
    name: str, content: bytes, known: Mapping[str, ReaderList], bounds: Bounds
) -> tuple[list[dict[str, Any]], list[Wrong], str]:
    """Return a sheet's answers, its wrong cells and whose it is."""
    try:
        table = _table(content)
    except (csv.Error, UnicodeError) as error:
        return [], [Wrong(name, 1, "file", str(error), "a CSV that `radassay reading export` wrote")], ""
    head = table[0] if table else []
    missing = [column for column in ("number", CANNOT, *IDS) if column not in head]
    if missing:
        lost = [Wrong(name, 1, column, "no such column", "the columns of the exported sheet") for column in missing]
        return [], lost, ""
    found: list[dict[str, Any]] = []
    wrong: list[Wrong] = []
    readers: dict[str, None] = {}
    for n, cells in enumerate(table[1:], start=2):
        row = dict(zip_longest(head, cells[: len(head)], fillvalue=""))
        if not any(row.values()):
            continue
        try:
            who, asked = _place(row, known)
            readers[who.reader] = None
            if len(readers) > 1:
                raise _Bad([("reader", "one reader in every sheet")])
            lacking = [c for c in columns((asked,)) if c not in head and c not in FIXED]
            if lacking:
                raise _Bad([(column, "the columns of the exported sheet") for column in lacking])
            value = answer(asked, row, bounds)
        except _Bad as bad:
            wrong += [Wrong(name, n, column, row.get(column, ""), possible) for column, possible in bad.cells]
            continue
        if value is not None:
            found.append(_exported(who, asked, value))
    return found, wrong, next(iter(readers), "")


def _exported(who: ReaderList, asked: Asked, value: dict[str, Any]) -> dict[str, Any]:
    return {
        "reader": who.reader,
        "block": asked.block,
        "item": asked.item,
        "version": "1",
        "at": f"place {asked.number:06d}",
        "answer_id": f"sheet-{who.reader}-{asked.number}",
        "value": json.dumps(value, sort_keys=True, ensure_ascii=False),
        "seen": "{}",
    }


def _place(row: Mapping[str, str], known: Mapping[str, ReaderList]) -> tuple[ReaderList, Asked]:
    """Return whose row it is and on which item."""
    who = known.get(row.get("reader", "").replace("-", "").lower())
    if who is None:
        raise _Bad([("reader", "the code of a reader of this study, as exported")])
    item = row.get("item", "").replace("-", "").lower()
    asked = next((one for one in who.asked if one.item == item), None)
    if asked is None:
        raise _Bad([("item", "the code of an item of this study, as exported")])
    # Sorting one column and not the others shifts answers to other items without a trace but this one.
    if _whole(row.get("number", ""), 1, len(who.asked)) != asked.number:
        raise _Bad([("number", f"{asked.number}, for this item; were single columns sorted?")])
    return who, asked


def answer(asked: Asked, row: Mapping[str, str], bounds: Bounds) -> dict[str, Any] | None:
    """Return what a row says as the page would keep it, or None if it is empty.

    Args:
        asked: the item.
        row: cells by column.
        bounds: where places may lie.
    """
    mine = [column for column in columns((asked,)) if column not in (*FIXED, *IDS, CANNOT)]
    filled = [column for column in mine if row.get(column, "")]
    said = row.get(CANNOT, "").lower()
    if said in YES:
        if filled:
            raise _Bad([(column, f"nothing, since {CANNOT} says yes") for column in filled])
        return {"cannot_judge": True, "reason": ""}
    bad = [] if said in NO else [(CANNOT, "yes, or nothing")]
    strange = [c for c, cell in row.items() if cell and c not in mine and _asks(c)]
    bad += [(column, f"nothing; this row asks for {how(asked)}") for column in strange]
    value: dict[str, Any] = {}
    if filled:
        value, more = (
            _plausibility(asked, row, bounds) if asked.kind == "plausibility" else _READ[asked.kind](asked, row)
        )
        bad += more
    if bad:
        raise _Bad(bad)
    return value or None


def _asks(column: str) -> bool:
    return column in ("level", "choice", "diagnosis", "certainty") or column.startswith((STRUCTURE, WHERE))


def _whole(cell: str, low: int, high: int) -> int | None:
    """Return a whole number in its range, also as `4.0` or `4,0`; None for anything else."""
    found = re.fullmatch(r"(\d{1,9})(?:[.,]0*)?", cell)
    return int(found[1]) if found and low <= int(found[1]) <= high else None


def _level(asked: Asked, cell: str) -> int | None:
    """Return a level given as its number or in its words."""
    named = {word.lower(): n + 1 for n, word in enumerate(asked.scale)}
    return named.get(cell.lower()) or _whole(cell, 1, len(asked.scale))


def _steps(asked: Asked) -> str:
    return f"1 to {len(asked.scale)} ({asked.scale[0]} to {asked.scale[-1]})"


def _realness(asked: Asked, row: Mapping[str, str]) -> tuple[dict[str, Any], Cells]:
    level = _level(asked, row["level"])
    return {"level": level}, [] if level else [("level", _steps(asked))]


def _choice(asked: Asked, row: Mapping[str, str]) -> tuple[dict[str, Any], Cells]:
    letter = row["choice"].upper()
    if len(letter) != 1 or letter not in asked.letters:
        return {}, [("choice", " or ".join(asked.letters))]
    return {"image": asked.images[asked.letters.index(letter)]}, []


def _diagnosis(asked: Asked, row: Mapping[str, str]) -> tuple[dict[str, Any], Cells]:
    named = {option.strip().lstrip("'").lower(): option for option in asked.options}
    option, certainty = named.get(row["diagnosis"].lower()), _level(asked, row["certainty"])
    bad = [] if option else [("diagnosis", " or ".join(asked.options))]
    bad += [] if certainty else [("certainty", _steps(asked))]
    return {"option": option, "certainty": certainty}, bad


def _plausibility(asked: Asked, row: Mapping[str, str], bounds: Bounds) -> tuple[dict[str, Any], Cells]:
    structures: dict[str, Any] = {}
    bad: Cells = []
    for structure in asked.options:
        cell, where = row[STRUCTURE + structure], row[WHERE + structure]
        level = PLAUSIBLE.get(cell.lower()) or _level(asked, cell)
        place = bounds.place(where)
        if level is None:
            bad.append((STRUCTURE + structure, "yes, doubtful or no"))
        if where and place is None:
            bad.append((WHERE + structure, bounds.words))
        structures[structure] = {"level": level, "place": place}
    return {"structures": structures}, bad


_READ = {"realness": _realness, "choice": _choice, "diagnosis": _diagnosis}
