"""What is told of a set beside its images: `card.toml`, unread columns of its table, other files."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from radassay.errors import InputError
from radassay.images.sources import TABLES
from radassay.images.tables import read_table, value

FILE = "card.toml"
LARGEST = 2**20
KEYS: Mapping[str, str] = {
    "title": "full name of the set",
    "description": "what it is, in a sentence or two",
    "url": "where it is published",
    "citation": "how to cite it",
    "version": "such as 1.0.0",
    "published": "date of publication, such as 2020-03-25",
    "creator": "who put it together",
    "licence": "under which terms it may be used, best as a URL",
    "origin": "hospitals, papers or collections that the images come from",
    "one_origin": "whether all classes come from the same places",
    "period": "when the images were made",
    "inclusion": "which patients and images were taken in",
    "exclusion": "which were left out",
    "patients": "how patients are told apart",
    "visits": "how several images of one patient are told apart",
    "labelled_by": "who gave the labels",
    "labelled_how": "by what the labels were given, such as RT-PCR or a radiologist's reading",
    "labels_independent": "whether the labels were given without looking at the images",
    "labels_alike": "whether all classes were labelled in the same way",
    "devices": "machines and detectors",
    "processing": "what was done to the images before they were published",
    "splits": "how training, validation and test images were separated",
    "overlaps": "sets that it shares images or patients with",
    "consent": "consent of the patients or decision of an ethics committee",
    "personal_information": "what could identify a person",
    "intended_use": "what it was made for",
    "limitations": "what it should not be used for",
}
"""Keys of `card.toml`, all optional, with text as values; a text that begins with yes, partly or no answers so."""

_COLUMNS = {
    "licence": re.compile(r"licen[cs]e|rights"),
    "reference": re.compile(r"url|doi|reference|citation|source"),
    "date": re.compile(r"date|.*date|year"),
    "test": re.compile(r".*(pcr|biopsy|culture|histolog|serolog).*"),
    "device": re.compile(r"manufacturer.*|scanner|device|machine|detector"),
}


@dataclass(frozen=True)
class Told:
    """What is told of one set beside its images."""

    card: Mapping[str, str] = field(default_factory=dict)
    """Texts of `card.toml` by key."""
    problem: str = ""
    """What could not be used of `card.toml`."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Columns of the table by role, in words: `license: 632 of 950 rows, 12 kinds`."""
    files: tuple[str, ...] = ()
    """Names of files that look like a licence, a description or a split; seen, not read."""

    @classmethod
    def of(cls, root: Path) -> Told:
        """Return what the folder of a set tells; nothing where there is no such folder."""
        if not root.is_dir():
            return cls()
        card, problem = read_card(root / FILE)
        return cls(card, problem, _columns(root), _files(root))


def read_card(path: Path) -> tuple[dict[str, str], str]:
    """Return the texts of a `card.toml` and what could not be used of it; nothing of either where there is none."""
    if not path.is_file():
        return {}, ""
    try:
        if path.stat().st_size > LARGEST:
            return {}, f"{FILE} is larger than {LARGEST} bytes and was not read"
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return {}, f"{FILE} was not used: {error}"
    texts = {key: _words(found[key]) for key in KEYS if key in found}
    odd = sorted(set(found) - set(KEYS)) + [key for key, text in texts.items() if text is None]
    problem = f"{FILE}: not understood: {', '.join(odd)}; possible keys: {', '.join(KEYS)}" if odd else ""
    return {key: text for key, text in texts.items() if text}, problem


def _words(given: object) -> str | None:
    if isinstance(given, list) and all(isinstance(item, str) for item in given):
        return ", ".join(given).strip()
    if isinstance(given, dict | list):
        return None
    return " ".join(str(given).split())


def _columns(root: Path) -> dict[str, str]:
    name = next((name for name in TABLES if (root / name).is_file()), "")
    if not name:
        return {}
    try:
        table, _ = read_table(root / name)
    except InputError:
        return {}
    found: dict[str, list[str]] = {}
    for column in table.columns:
        plain = re.sub(r"[\s-]+", "_", str(column).strip().lower())
        for role, pattern in _COLUMNS.items():
            if pattern.fullmatch(plain):
                told = _filled(table[column])
                if told:
                    found.setdefault(role, []).append(f"{column} in {told}")
    return {role: f"{name}: {', '.join(told)}" for role, told in found.items()}


def _filled(column: pd.Series) -> str:
    known = [text for text in map(value, column) if text]
    return f"{len(known):,} of {len(column):,} rows ({len(set(known)):,} different)" if known else ""


def _files(root: Path) -> tuple[str, ...]:
    names = sorted(p.name for p in root.iterdir() if p.is_file() and not p.name.startswith("."))
    wanted = re.compile(r"(licen[cs]e|copying|readme|(train|val|valid|test)[a-z0-9_-]*\.(txt|csv|tsv|json)).*", re.I)
    return tuple(name for name in names if wanted.fullmatch(name))[:20]
