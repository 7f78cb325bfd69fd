"""The folder of a coordinator's studies: what lies there, how far each was read, who may read.

::

    STUDIES/
      desk.json           the port of every study, so that links stay as they were sent
      <study>/plan.json   written by planning; only its hash, its time and its numbers are taken from it
      <study>/served/     see ``radassay.web.served``
      <study>/reads.db    the book of the study, once a link was made
      <study>/key/        never opened here

Addresses name a study by an opaque id, so that nothing that a page sends ever becomes a path.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radassay.errors import InputError, RadassayError, StorageError
from radassay.web.book import Book
from radassay.web.coordination import progress
from radassay.web.served import ServedFolder

DATABASE = "reads.db"
PORTS = "desk.json"


@dataclass(frozen=True)
class Planned:
    """What a coordinator may know of a plan: not the seed, and nothing of the key."""

    hash: str
    at: str
    readers: int
    pilot: bool
    questions: tuple[str, ...]


class Shelved:
    """One study of the folder.

    Args:
        folder: of the study.
        enough: readers below which a study is a pilot.

    Raises:
        InputError: it cannot be read.
        RefusedError: something lies where readers' servers look that should not.
    """

    def __init__(self, folder: Path, enough: int) -> None:
        self.folder, self.name = folder, folder.name
        self.plan, wanted = _planned(folder, enough)
        self.served = ServedFolder.open(folder / "served")
        if self.served.fingerprint != wanted:
            raise InputError("What is served was changed after it was planned", possible="Make the study anew")
        self._book: Book | None = None
        self._opening = threading.Lock()

    @property
    def database(self) -> Path:
        """Return where its book lies."""
        return self.folder / DATABASE

    def book(self, *, new: bool = False) -> Book | None:
        """Return its book; None if no link was made yet, unless a new one is asked for."""
        with self._opening:
            if self._book is None and (new or self.database.exists()):
                self._book = Book(str(self.database), self.served.fingerprint)
            return self._book

    def opened(self) -> Book:
        """Return its book, begun if there is none."""
        book = self.book(new=True)
        assert book is not None
        return book

    def close(self) -> None:
        """Give the book back."""
        if self._book is not None:
            self._book.close()

    def tell(self) -> dict[str, Any]:
        """Return the plan's numbers, the progress of its readers and where the study stands."""
        study, book = self.served.study, self.book()
        rows = progress(study, book) if book else []
        paused = bool(book and book.paused())
        return {
            "title": study.title,
            "name": self.name,
            "hash": self.plan.hash,
            "at": self.plan.at,
            "pilot": self.plan.pilot,
            "questions": self.plan.questions,
            "planned_readers": self.plan.readers,
            "items": sum(len(block.training) + len(block.items) for block in study.blocks),
            "readers": rows,
            "paused": paused,
            "state": _state(rows, paused=paused),
        }


class Shelf:
    """All studies of a folder.

    Args:
        folder: made if it is not there.
        enough: readers below which a study is a pilot.

    Raises:
        StorageError: the folder cannot be made.
    """

    def __init__(self, folder: Path, enough: int) -> None:
        self.folder, self._enough = Path(folder), enough
        self._known: dict[str, Shelved] = {}
        self._lock = threading.Lock()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError("The folder of the studies cannot be made", got=error) from None

    def names(self) -> dict[str, str]:
        """Return the names of the folders that hold a planned study, by opaque id."""
        names = sorted(path.parent.name for path in self.folder.glob("*/plan.json"))
        return {hashlib.sha256(name.encode()).hexdigest()[:16]: name for name in names}

    def find(self, study: str) -> Shelved:
        """Return a study by its opaque id.

        Raises:
            KeyError: there is none.
            RadassayError: it cannot be read.
        """
        name = self.names()[study]
        with self._lock:
            if name not in self._known:
                self._known[name] = Shelved(self.folder / name, self._enough)
            return self._known[name]

    def tell(self) -> list[dict[str, Any]]:
        """Return all studies, the newest first; one that cannot be read says why."""
        told = []
        for study, name in self.names().items():
            try:
                told.append({"study": study, **self.find(study).tell()})
            except RadassayError as error:
                words = " ".join(part for part in (error.what.rstrip(".") + ".", error.possible) if part)
                told.append({"study": study, "title": name, "name": name, "state": "unreadable", "problem": words})
        return sorted(told, key=lambda one: one.get("at", ""), reverse=True)

    def new_folder(self, title: str) -> Path:
        """Return the path of a folder that is not there, named after a title in plain letters and digits."""
        plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
        stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-") or "study"
        names = (stem if n == 1 else f"{stem}-{n}" for n in range(1, 10_000))
        return next(path for path in (self.folder / name for name in names) if not path.exists())

    def close(self) -> None:
        """Give all books back."""
        for one in self._known.values():
            one.close()


def _planned(folder: Path, enough: int) -> tuple[Planned, str]:
    try:
        told = json.loads((folder / "plan.json").read_bytes())
        plan = told["plan"]
        readers = int(plan["readers"])
        questions = tuple(str(question) for question in plan["questions"])
        return Planned(str(told["hash"]), str(told["at"]), readers, readers < enough, questions), str(told["served"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError("The plan cannot be read", got=type(error).__name__, possible="Make the study anew") from None


def _state(rows: list[dict[str, Any]], *, paused: bool) -> str:
    """Return planned, reading, paused or done: done once all who have not withdrawn have answered everything."""
    if not rows:
        return "planned"
    staying = [row for row in rows if not row["withdrawn"]]
    if staying and all(row["answered"] == row["total"] for row in staying):
        return "done"
    return "paused" if paused else "reading"
