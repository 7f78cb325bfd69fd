"""The runs and image sets that a coordinator may choose from: those in the folders given at the start, by opaque id."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radassay.errors import InputError


@dataclass(frozen=True)
class Source:
    """One run or image set."""

    id: str
    name: str
    path: Path
    run: bool
    """Whether it is a finished run, which holds both arms."""

    def tell(self) -> dict[str, Any]:
        """Return what the page may say of it: names and numbers, no path."""
        about: dict[str, Any] = {"source": self.id, "name": self.name, "run": self.run}
        if not self.run:
            return about | _counts(self.path)
        sets = self.path / "work" / "sets"
        arms = {"real": _counts(sets / "real"), "synthetic": _counts(sets / "synthetic")}
        shared = set(arms["real"]["classes"]) & set(arms["synthetic"]["classes"])
        return about | {"classes": {k: n for k, n in arms["real"]["classes"].items() if k in shared}, **arms}


def sources(folders: Sequence[Path]) -> list[Source]:
    """Return the runs and image sets among the folders and directly in them, by name.

    A run counts once it is sealed and its synthetic images are there. Names that occur twice are told by their folder.
    """
    found: dict[Path, bool] = {}
    for folder in folders:
        children = sorted(child for child in folder.iterdir() if child.is_dir()) if folder.is_dir() else []
        for path in (folder, *children):
            if (path / "seal.json").is_file() and (path / "work" / "sets" / "synthetic" / "set.json").is_file():
                found[path.resolve()] = True
            elif (path / "set.json").is_file() and (path / "images.parquet").is_file():
                found[path.resolve()] = False
    often = Counter(path.name for path in found)
    return sorted(
        (
            Source(
                hashlib.sha256(str(path).encode()).hexdigest()[:16],
                path.name if often[path.name] == 1 else f"{path.parent.name}/{path.name}",
                path,
                run,
            )
            for path, run in found.items()
        ),
        key=lambda source: source.name,
    )


def source_of(folders: Sequence[Path], name: object) -> Source:
    """Return a source by its opaque id.

    Raises:
        InputError: there is none.
    """
    for source in sources(folders):
        if source.id == name:
            return source
    raise InputError("The image set or run is not there", possible="Choose one of the list, or load the page again")


def _counts(folder: Path) -> dict[str, Any]:
    """Return numbers of images by class, split and origin, from the table alone."""
    import pandas as pd

    try:
        table = pd.read_parquet(folder / "images.parquet", columns=["label", "split", "origin"])
        name = str(json.loads((folder / "set.json").read_text(encoding="utf-8"))["name"])
    except (OSError, ValueError, KeyError) as error:
        return {"set": "", "images": 0, "classes": {}, "splits": [], "origins": [], "problem": type(error).__name__}
    classes = {str(label): int(n) for label, n in sorted(table["label"].value_counts().items())}
    splits, origins = (sorted({str(v) for v in table[c]} - {""}) for c in ("split", "origin"))
    return {"set": name, "images": len(table), "classes": classes, "splits": splits, "origins": origins}
