"""The answer sheet of a reader who uses a viewer of their own: one CSV, a row an item, cells to fill."""

from __future__ import annotations

import csv
import io
from typing import Literal

from radassay.reading.asked import Asked, ReaderList

Separator = Literal["comma", "semicolon"]
FIXED = ("number", "question", "how")
IDS = ("item", "reader")
CANNOT, STRUCTURE, WHERE = "cannot_judge", "structure: ", "where: "
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def columns(asked: tuple[Asked, ...]) -> list[str]:
    """Return the columns that these items need, in order."""
    kinds = {one.kind for one in asked}
    needed = ["level"] if "realness" in kinds else []
    needed += ["choice"] if "choice" in kinds else []
    needed += ["diagnosis", "certainty"] if "diagnosis" in kinds else []
    structures = dict.fromkeys(s for one in asked if one.kind == "plausibility" for s in one.options)
    needed += [prefix + structure for structure in structures for prefix in (STRUCTURE, WHERE)]
    return [*FIXED, *needed, CANNOT, *IDS]


def how(asked: Asked) -> str:
    """Return which cells of a row are filled with what, in words."""
    if asked.kind == "choice":
        return f"choice: {', '.join(asked.letters[:-1])} or {asked.letters[-1]}"
    steps = ", ".join(f"{n + 1} {word}" for n, word in enumerate(asked.scale))
    if asked.kind == "realness":
        return f"level: {steps}"
    if asked.kind == "diagnosis":
        return f"diagnosis: {' or '.join(asked.options)}; certainty: {steps}"
    return (
        "each structure: yes (plausible), doubtful or no; where (may stay empty): column and row of the fault, from 0 "
        "at the upper left, and in a stack the slice, from 1"
    )


def sheet(who: ReaderList, separator: Separator = "comma") -> bytes:
    """Return the empty sheet of a reader as UTF-8 with the mark by which Excel knows it.

    No cell begins a formula, and the ids are grouped, so that no spreadsheet takes one for a number.

    Args:
        who: the reader and what is asked.
        separator: `semicolon` for spreadsheets of countries that write 0,5.
    """
    names = columns(who.asked)
    out = io.StringIO()
    rows = csv.writer(out, delimiter={"comma": ",", "semicolon": ";"}[separator], lineterminator="\r\n")
    rows.writerow(names)
    for asked in who.asked:
        question = f"Training. {asked.question}" if asked.feedback is not None else asked.question
        known = {"number": str(asked.number), "question": question, "how": how(asked)}
        known |= {"item": grouped(asked.item), "reader": grouped(who.reader)}
        rows.writerow([inert(known.get(name, "")) for name in names])
    return out.getvalue().encode("utf-8-sig")


def grouped(name: str) -> str:
    """Return an opaque id in groups of four digits, which no spreadsheet takes for a number or a date."""
    return "-".join(name[n : n + 4] for n in range(0, len(name), 4))


def inert(text: str) -> str:
    """Return a text that no spreadsheet runs as a formula (OWASP, CSV injection)."""
    return f"'{text}" if text.startswith(_FORMULA) else text
