"""The import report: what became of every file, with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from radassay.evidence.run import storage, write_atomic, write_table

Status = Literal["accepted", "accepted with a warning", "rejected", "ignored"]
STATUSES: tuple[Status, ...] = ("accepted", "accepted with a warning", "rejected", "ignored")


@dataclass(frozen=True)
class Outcome:
    """What became of one file, or of one row of the table that has no file."""

    path: str
    """Path below the imported folder; for a row without file, what the table calls it."""
    status: Status
    reason: str = ""
    images: int = 0
    """Rows of the image set made of it."""


@dataclass(frozen=True)
class ImportReport:
    """One row a file, none left out.

    Columns of `table`: `path`, `status` (one of `STATUSES`), `reason`, `images`.
    """

    name: str
    table: pd.DataFrame
    notes: tuple[str, ...] = ()
    """What holds for the whole import, such as the encoding of the table."""

    @classmethod
    def of(cls, name: str, outcomes: Sequence[Outcome], notes: Sequence[str] = ()) -> ImportReport:
        """Return the report of these outcomes, sorted by path."""
        rows = sorted((o.path, o.status, o.reason, o.images) for o in outcomes)
        table = pd.DataFrame(rows, columns=["path", "status", "reason", "images"])
        return cls(name, table.astype({"path": str, "status": str, "reason": str, "images": int}), tuple(notes))

    @classmethod
    def open(cls, folder: Path) -> ImportReport:
        """Return the report that `save` wrote."""
        table = pd.read_parquet(folder / "import.parquet")
        notes = (folder / "import-notes.txt").read_text(encoding="utf-8").splitlines()
        return cls(notes[0] if notes else "", table, tuple(notes[1:]))

    def save(self, folder: Path) -> None:
        """Write `import.parquet` (all rows), `import-notes.txt`, and `import.txt` to be read by people."""
        with storage(folder):
            write_table(folder / "import.parquet", self.table)
            write_atomic(folder / "import-notes.txt", ("\n".join([self.name, *self.notes]) + "\n").encode())
            lines = [self.summary(), "", *self.lines()]
            write_atomic(folder / "import.txt", ("\n".join(lines) + "\n").encode())

    @property
    def counts(self) -> dict[str, int]:
        """Return the number of files by status, all statuses named."""
        found = self.table["status"].value_counts()
        return {status: int(found.get(status, 0)) for status in STATUSES}

    @property
    def reasons(self) -> dict[str, dict[str, int]]:
        """Return, by status, how often each reason was given; most frequent first."""
        told = self.table[self.table["reason"] != ""]
        return {
            str(status): {str(k): int(v) for k, v in part["reason"].value_counts().items()}
            for status, part in told.groupby("status")
        }

    def summary(self) -> str:
        """Return counts, reasons and notes in a few lines."""
        counts = self.counts
        images = int(self.table["images"].sum())
        lines = [f"{self.name}: {len(self.table)} files, {images} images"]
        reasons = self.reasons
        for status in STATUSES:
            if counts[status]:
                lines.append(f"  {status}: {counts[status]}")
                given = list(reasons.get(status, {}).items())
                lines += [f"    {count} x {reason}" for reason, count in given[:8]]
                lines += [f"    and {len(given) - 8} other reasons"] if len(given) > 8 else []
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)

    def lines(self) -> list[str]:
        """Return a line for every file that was not simply accepted; control characters are shown escaped."""
        told = self.table[self.table["status"] != "accepted"]
        return [f"{row.status}: {_plain(str(row.path))}: {row.reason}" for row in told.itertuples()]


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
