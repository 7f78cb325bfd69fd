"""Tables that describe images: read as text, with a mapping of their columns."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from pathlib import Path

import pandas as pd

from radassay.errors import InputError

MISSING = frozenset({"", "nan", "na", "n/a", "null", "unknown", "?", "<na>", "nat"})
"""What counts as no value, in any case of letters."""
NO_LABEL = MISSING | {"todo"}
"""What counts as no label; `todo` stands for "not yet read" in the COVID-19 Image Data Collection."""
LARGEST_TABLE = 2**29

_NAMES = {
    "image": ("filename", "file", "image", "imagepath", "filepath", "path", "imageindex", "imagename", "imageid"),
    "patient": ("patientid", "patient", "subjectid", "subject", "pid"),
    "study": ("studyid", "study", "studyinstanceuid", "visit"),
    "offset": ("offset",),
    "label": ("finding", "findinglabels", "label", "labels", "class", "diagnosis", "target"),
    "sex": ("sex", "gender", "patientsex", "patientgender"),
    "age": ("age", "patientage", "ageyears"),
    "view": ("view", "viewposition", "projection"),
    "modality": ("modality",),
    "site": ("site", "location", "hospital", "institution", "center", "centre"),
    "split": ("split", "subset", "partition"),
}


@dataclass(frozen=True)
class TableMapping:
    """Which column of a table says what.

    Roles left empty are told from the names of the columns, so that naming the label loses no patient; `-` says that
    the table has no such column.
    """

    image: str = ""
    """File name or path below the folder of the images, with or without its extension."""
    patient: str = ""
    """Identifier of the patient; a pseudonym is kept in its place."""
    study: str = ""
    """Identifier of the study or visit."""
    offset: str = ""
    """Days since some first day: with the patient it names the visit, where there is no study column."""
    label: str = ""
    """The class."""
    sex: str = ""
    """`F`, `M`, `female`, `male`; anything else is unknown."""
    age: str = ""
    """Age as text, such as `65`, `065Y`, `50+`."""
    view: str = ""
    """Such as `PA`."""
    modality: str = ""
    """Such as `X-ray`."""
    site: str = ""
    """Hospital or source."""
    split: str = ""
    """A published split: `train`, `val` or `validation`, `test`."""

    def completed(self, table: pd.DataFrame, stems: Collection[str]) -> TableMapping:
        """Return the mapping with its empty roles told from the names of the columns, and `-` taken out.

        Raises:
            InputError: a column named is not in the table, or none names the images.
        """
        own = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name)}
        told = TableMapping.detect(table, stems) if not self.image else TableMapping.by_name(table)
        whole = replace(told, **{role: "" if column == "-" else column for role, column in own.items()})
        whole.check(table)
        return whole

    @classmethod
    def by_name(cls, table: pd.DataFrame) -> TableMapping:
        """Return the roles that the names of the columns tell."""
        plain = {re.sub(r"[^a-z0-9]", "", str(c).lower()): str(c) for c in reversed(table.columns)}
        return cls(
            **{role: next((plain[name] for name in names if name in plain), "") for role, names in _NAMES.items()}
        )

    @classmethod
    def detect(cls, table: pd.DataFrame, stems: Collection[str]) -> TableMapping:
        """Return the mapping that the names of the columns suggest.

        Where no column has the name of an image column, it is the one whose values are most often the name of a
        file without extension (`stems`).

        Raises:
            InputError: no column names images.
        """
        found = cls.by_name(table)
        if found.image:
            return found
        known = set(stems)
        shares = {str(c): table[c].map(lambda v: v in known).mean() for c in table.columns}
        best = max(shares, key=lambda c: shares[c], default="")
        if not best or not shares[best] >= 0.5:
            raise InputError(
                "No column of the table names the images",
                got="columns " + ", ".join(map(str, table.columns[:30])),
                possible="Name it with a mapping, such as image = the column's name",
            )
        return replace(found, image=best)

    def check(self, table: pd.DataFrame) -> None:
        """Raise `InputError` unless every column named is in the table and one names the images."""
        named = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name)}
        absent = [f"{role} = {column}" for role, column in named.items() if column not in table.columns]
        if absent or "image" not in named:
            raise InputError(
                "The mapping does not fit the table",
                got=", ".join(absent) or "no image column",
                possible="Columns: " + ", ".join(map(str, table.columns)),
            )


def read_table(path: Path) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Read CSV (comma, semicolon or tab) or Parquet by content, all values as text, with notes on how.

    Text that is no UTF-8 is read as latin-1, which a note says.

    Raises:
        InputError: the file is no such table.
    """
    try:
        if path.stat().st_size > LARGEST_TABLE:
            raise InputError("The table is too large", got=f"{path.stat().st_size} bytes")
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"The table {path.name} cannot be read", got=error.strerror) from None
    notes: tuple[str, ...] = ()
    try:
        if content.startswith(b"PAR1"):
            table = pd.read_parquet(io.BytesIO(content))
            table = table.astype(object).where(table.notna(), "").astype(str)
            return table, notes
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("latin-1")
            notes = (f"{path.name} is not UTF-8; read as latin-1",)
        head = text[: text.find("\n") + 1 or len(text)]
        separator = max(",;\t", key=head.count)
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"The table {path.name} cannot be read ({type(error).__name__})") from None
    rows = [row for row in rows if row]
    if not rows or len(rows[0]) < 1 or "\0" in text[:4096]:
        raise InputError(f"The table {path.name} is empty or no table")
    width = len(rows[0])
    odd = sum(len(row) != width for row in rows)
    if odd:
        notes += (f"{odd} rows of {path.name} have more or fewer values than there are columns",)
    even = [(row + [""] * width)[:width] for row in rows[1:]]
    columns: list[str] = []
    for column in (c.strip() for c in rows[0]):
        columns.append(column if column not in columns else f"{column} ({len(columns) + 1})")
    return pd.DataFrame(even, columns=columns, dtype=object), notes


def value(text: object, missing: Collection[str] = MISSING) -> str:
    """Return a table's value without surrounding space, or an empty string where it says that there is none."""
    stripped = str(text).strip()
    return "" if stripped.lower() in missing else stripped


def sex(text: str) -> str:
    """Return `F`, `M` or an empty string."""
    return {"f": "F", "female": "F", "m": "M", "male": "M"}.get(text.lower(), "")


def split_name(text: str) -> str:
    """Return `train`, `validation`, `test` or an empty string."""
    names = {"training": "train", "val": "validation", "valid": "validation", "testing": "test"}
    lower = text.lower()
    lower = names.get(lower, lower)
    return lower if lower in ("train", "validation", "test") else ""
