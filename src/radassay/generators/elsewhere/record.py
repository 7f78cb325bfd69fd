"""What is known of a model made elsewhere, kept beside what it was given."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from radassay.errors import InputError
from radassay.evidence.run import storage, write_atomic

RECORD = "elsewhere.json"
UNKNOWN = "unknown"
BLOCK = 1 << 20


@dataclass(frozen=True)
class Origin:
    """A model made elsewhere, as far as anybody said."""

    model: str
    """Its name or folder."""
    version: str = UNKNOWN
    licence: str = UNKNOWN
    trained_on: str = UNKNOWN
    """Images that it had seen before it came here."""
    trained_here: bool = False
    """Whether it learnt from the training images of this study."""
    files: dict[str, str] = field(default_factory=dict)
    """SHA-256 of each file that decides what it draws, by path."""
    note: str = ""

    @property
    def unknown(self) -> list[str]:
        """Return what nobody said."""
        told = {"version": self.version, "licence": self.licence, "trained_on": self.trained_on}
        return [name for name, value in told.items() if value == UNKNOWN] + ([] if self.files else ["files"])


@dataclass(frozen=True)
class Record:
    """What the folder of a generator made elsewhere holds; its presence says that `fit` has ended."""

    origin: Origin
    labels: dict[str, str]
    """Class of the model by label of the training images."""
    size: int
    """Side in pixels that is asked of it."""
    native: str
    """Height x width of what it draws, before that is resized."""
    repeats: bool
    """Whether the same call drew the same images twice."""

    def write(self, folder: Path) -> None:
        """Write it, so that a kill leaves all of it or nothing."""
        told = {**asdict(self), "unknown": self.origin.unknown, "leaks": self.leaks}
        with storage(folder):
            write_atomic(folder / RECORD, (json.dumps(told, indent=1, sort_keys=True) + "\n").encode())

    @property
    def leaks(self) -> str:
        """Return what can be said of images that the model may have seen."""
        if self.origin.trained_here and self.origin.trained_on == "nothing else":
            return "it learnt from the training images of this study and, by its maker's word, from nothing else"
        return (
            f"it had seen: {self.origin.trained_on}. Whether images or patients of this study are among them was not "
            "checked and cannot be excluded"
        )

    @classmethod
    def read(cls, folder: Path) -> Record:
        """Return the record of a folder.

        Raises:
            InputError: the folder holds no finished training.
        """
        try:
            told = json.loads((folder / RECORD).read_text(encoding="utf-8"))
            names = ("labels", "size", "native", "repeats")
            return cls(Origin(**told["origin"]), **{name: told[name] for name in names})
        except (OSError, ValueError, KeyError, TypeError):
            raise InputError(
                f"{folder} holds no finished training", possible="Call `fit` with this folder first"
            ) from None


def sums(paths: Iterable[Path], root: Path) -> dict[str, str]:
    """Return the SHA-256 of files by their path below a root.

    Raises:
        InputError: one of them cannot be read.
    """
    found = {}
    for path in sorted(paths):
        try:
            with open(path, "rb") as file:
                found[path.relative_to(root).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise InputError(f"Cannot read {path}", got=error.strerror) from None
    return found


def refuse_changed(known: dict[str, str], now: dict[str, str], model: str) -> None:
    """Refuse a model of which a file is not the one that `fit` saw.

    Raises:
        InputError: a file was changed, added or removed.
    """
    changed = sorted(name for name in known.keys() | now.keys() if known.get(name) != now.get(name))
    if changed:
        raise InputError(
            f"{model} is not what it was when this folder was made",
            got=f"changed: {', '.join(changed[:3])} ({len(changed)} files)",
            possible="Put the files back, or call `fit` with another folder",
        )


def refuse_other(found: dict[str, str], expected: dict[str, str]) -> None:
    """Refuse a model of which a file has not the SHA-256 that it should have.

    Raises:
        InputError: a file has another, or is not there.
    """
    for name, value in expected.items():
        if found.get(name) != value.strip().lower():
            raise InputError(
                f"{name} should have the SHA-256 {value}",
                got=found.get(name, "no such file"),
                possible="Files: " + ", ".join(sorted(found)[:20]),
            )


def front_matter(readme: Path) -> dict[str, str]:
    """Return what the first lines of a model card say (`name: value` between two lines `---`)."""
    try:
        text = readme.read_text(encoding="utf-8", errors="replace")[:65536]
    except OSError:
        return {}
    head = re.match(r"---\s*\n(.*?)\n---", text, re.S)
    lines: list[Any] = re.findall(r"^(\w+):[ \t]*(\S.*)$", head[1] if head else "", re.M)
    return {name: value.strip().strip("\"'") for name, value in lines}
