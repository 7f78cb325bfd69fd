"""What there is to import and what is told of it: a folder per class, or a table of images."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from radassay.errors import InputError
from radassay.images.import_report import Outcome
from radassay.images.masks import is_mask
from radassay.images.sniff import EXTENSIONS, sniff
from radassay.images.tables import NO_LABEL, TableMapping, read_table, sex, split_name, value
from radassay.images.walk import Found, walk

TABLES = ("metadata.csv", "metadata.tsv", "metadata.parquet", "labels.csv", "labels.parquet")
"""Tables that are used, the first of them, when the folder that holds them is imported."""
OUTSIDE = "the table leads outside the folder of the images"


@dataclass(frozen=True)
class Told:
    """What a source says of a file; empty where it says nothing. Identifiers are still raw."""

    patient: str = ""
    study: str = ""
    label: str = ""
    sex: str = ""
    age_text: str = ""
    view: str = ""
    modality: str = ""
    site: str = ""
    split: str = ""


@dataclass(frozen=True)
class Item:
    """A file to decode."""

    file: Found
    told: Told = Told()
    warnings: tuple[str, ...] = ()


@dataclass
class Listing:
    """All files of a source: those to decode, and what became of the others already."""

    items: list[Item] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def list_source(
    source: Path, root: Path | None = None, mapping: TableMapping | None = None, *, unnamed: bool = False
) -> Listing:
    """Return what a folder, a table or a single file of images holds.

    A folder with one of `TABLES` is read by it, any other one by its folders: the first below the root is the
    class (the second, where the first are called train, val and test).

    Args:
        source: folder, table (CSV, Parquet) or image file.
        root: folder of the images that a table names; by default the folder of the table.
        mapping: columns of the table; by default told from their names.
        unnamed: also take images that no row of the table names; nothing is known of them.

    Raises:
        InputError: there is no such source, or the table cannot be used.
    """
    if source.is_dir():
        found = list(walk(source))
        tables = [name for name in TABLES if (source / name).is_file()]
        if not tables and mapping is not None:
            raise InputError("A mapping was given, but the folder holds no table", possible="Give the table itself")
        if tables:
            table = source / tables[0]
            try:
                return list_table(table, found, mapping, unnamed=unnamed)
            except InputError as error:
                if mapping is not None:
                    raise
                listing = list_folders(found)
                listing.notes.append(f"{table.name} was not used: {error}")
                return listing
        return list_folders(found)
    if not source.is_file():
        raise InputError("There is nothing to import", got=source, possible="Give a folder, a table or an image file")
    with source.open("rb") as file:
        kind = sniff(file)
    if kind in ("text", "Parquet table") or mapping is not None:
        root = root or source.parent
        found = list(walk(root))
        return list_table(source, found, mapping, unnamed=unnamed)
    return Listing(items=[Item(Found(source.name, source, source.stat().st_size, source.stat().st_mtime_ns))])


def list_folders(found: Sequence[Found]) -> Listing:
    """Take the first folder below the root as the class; files in the root have none."""
    listing = Listing()
    parts = {f.source: f.source.split("/")[:-1] for f in found}
    tops = {p[0] for p in parts.values() if p}
    by_split = bool(tops) and all(split_name(top) for top in tops) and any(len(p) > 1 for p in parts.values())
    if by_split:
        listing.notes.append("the first folders name a split, the second ones the class")
    for file in found:
        if file.problem:
            listing.outcomes.append(Outcome(file.source, "rejected", file.problem))
            continue
        if is_mask(file.source):
            listing.outcomes.append(Outcome(file.source, "ignored", "an outline, not an image"))
            continue
        folders = parts[file.source]
        split = split_name(folders.pop(0)) if by_split and folders else ""
        listing.items.append(Item(file, Told(label=folders[0] if folders else "", split=split)))
    return listing


def list_table(path: Path, found: Sequence[Found], mapping: TableMapping | None, *, unnamed: bool = False) -> Listing:
    """Take from a table which files are images and what is known of them.

    Rows without a file and files without a row are outcomes with a reason.

    Raises:
        InputError: the table cannot be read, or the mapping does not fit it.
    """
    table, notes = read_table(path)
    files = _Files(found)
    mapping = (mapping or TableMapping()).completed(table, files.stems.keys())
    listing = Listing(notes=list(notes))
    by_name_of_patient = mapping.image == mapping.patient
    if by_name_of_patient:
        listing.notes.append("patients whose codes differ by a last letter only (as 7a and 7b) were taken for one")
    told: dict[str, list[Told]] = defaultdict(list)
    for row in table.to_dict("records"):
        name = value(row[mapping.image], missing=())
        here, problem = files.named(name, str(row.get("folder", "")))
        if problem:
            listing.outcomes.append(Outcome(name[:300] or "(empty)", "rejected", problem))
        for file in here:
            told[file.source].append(_told(row, mapping, by_name_of_patient))
    listing.notes += _not_understood(table, mapping)
    for file in found:
        if file.problem:
            listing.outcomes.append(Outcome(file.source, "rejected", file.problem))
        elif file.path.resolve() == path.resolve():
            listing.outcomes.append(Outcome(file.source, "ignored", "the table of this import"))
        elif is_mask(file.source) and file.source not in told:
            listing.outcomes.append(Outcome(file.source, "ignored", "an outline, not an image"))
        elif file.source not in told and unnamed:
            listing.items.append(Item(file, Told(), ("no row of the table names it",)))
        elif file.source not in told:
            listing.outcomes.append(Outcome(file.source, "ignored", "no row of the table names it"))
        else:
            rows = told[file.source]
            differ = any(other != rows[0] for other in rows)
            warned = (f"{len(rows)} rows of the table name it and differ; the first was taken",) if differ else ()
            listing.items.append(Item(file, rows[0], warned))
    return listing


def _told(row: Mapping[Hashable, object], mapping: TableMapping, by_name_of_patient: bool) -> Told:
    def of(role: str, missing: frozenset[str] | None = None) -> str:
        column = getattr(mapping, role)
        text = row[column] if column else ""
        return value(text) if missing is None else value(text, missing)

    patient = of("patient")
    if by_name_of_patient:
        patient = re.sub(r"(?<=\d)[a-z]$", "", patient)
    visit = of("study") or of("offset")
    return Told(
        patient=patient,
        study=f"{patient}/{visit}" if visit and (patient or mapping.study) else "",
        label=of("label", frozenset()),
        sex=sex(of("sex")),
        age_text=of("age"),
        view=of("view"),
        modality=of("modality"),
        site=of("site"),
        split=split_name(of("split")),
    )


def _not_understood(table: pd.DataFrame, mapping: TableMapping) -> list[str]:
    """Return a note for sexes and splits that are there but mean nothing to us."""
    notes = []
    for column, understood in ((mapping.sex, sex), (mapping.split, split_name)):
        if column:
            odd = {text for text in map(value, table[column]) if text and not understood(text)}
            if odd:
                notes.append(f"column {column}: not understood and left empty: {', '.join(sorted(odd)[:5])[:100]}")
    return notes


class _Files:
    """Files by every way in which a table may name them."""

    def __init__(self, found: Sequence[Found]) -> None:
        self.paths: dict[str, list[Found]] = defaultdict(list)
        self.names: dict[str, list[Found]] = defaultdict(list)
        self.stems: dict[str, list[Found]] = defaultdict(list)
        self.bare: dict[str, list[Found]] = defaultdict(list)
        self.folders: dict[str, list[Found]] = defaultdict(list)
        for file in found:
            name = posixpath.basename(file.source)
            self.paths[file.source].append(file)
            self.names[name].append(file)
            self.stems[_stem(name)].append(file)
            self.bare[_stem(file.source)].append(file)
            folder = posixpath.dirname(file.source)
            while folder:
                self.folders[folder].append(file)
                folder = posixpath.dirname(folder)

    def named(self, name: str, folder: str) -> tuple[list[Found], str]:
        """Return the file (or the files of the folder) that a table calls so, or why there is none."""
        if not name:
            return [], "a row of the table names no file"
        wanted = posixpath.normpath(name.replace("\\", "/"))
        if wanted.startswith(("/", "../")) or wanted in ("..", ".") or re.match(r"[A-Za-z]:", wanted):
            return [], OUTSIDE
        bases = ["", "images/", *([posixpath.normpath(folder) + "/"] if folder.strip() else [])]
        for index in (self.paths, self.bare):
            for base in bases:
                if base + wanted in index:
                    return self._one(index[base + wanted])
        for index in (self.names, self.stems):
            last = posixpath.basename(wanted)
            ends = [f for f in index.get(last, []) if _ends(f.source, wanted)]
            if ends:
                return self._one(ends)
        if wanted in self.folders:
            return self.folders[wanted], ""
        return [], "the table names it, but there is no such file"

    @staticmethod
    def _one(files: list[Found]) -> tuple[list[Found], str]:
        if len(files) == 1:
            return files, ""
        return [], f"the table names it, but {len(files)} files are called so"


def _ends(source: str, wanted: str) -> bool:
    return ("/" + source).endswith("/" + wanted) or ("/" + _stem(source)).endswith("/" + wanted)


def _stem(name: str) -> str:
    """Return a name without its extension, if it is one of an image format."""
    for extension in sorted(EXTENSIONS, key=len, reverse=True):
        if name.lower().endswith(extension):
            return name[: -len(extension)]
    return name


def known_label(text: str) -> str:
    """Return the class, or an empty string where the source has none yet."""
    return value(text, NO_LABEL)
