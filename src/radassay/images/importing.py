"""The import: files into an image set, with a report that names every one of them."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from radassay.errors import InputError, SettingsError, StorageError
from radassay.evidence.run import storage, write_atomic
from radassay.images.age import age_years
from radassay.images.decoding import Decoded, decode
from radassay.images.frame import Limits
from radassay.images.imageset import ImageSet
from radassay.images.import_report import ImportReport, Outcome
from radassay.images.journal import Journal
from radassay.images.pseudonym import pseudonym
from radassay.images.sniff import promised
from radassay.images.sources import TABLES, Item, Listing, Told, known_label, list_source
from radassay.images.store import PixelStore
from radassay.images.tables import TableMapping
from radassay.images.volumes import settle, with_gaps

FORM = 1
"""Raised when the same files would give another set, so that a finished import is done again."""
ORIGINS = ("acquired", "generated", "transformed")
Row = dict[str, Any]


def _quiet(done: int, total: int, note: str) -> None:
    """Ignore progress."""


def import_images(
    source: Path,
    folder: Path,
    *,
    name: str = "",
    origin: str = "acquired",
    mapping: TableMapping | None = None,
    root: Path | None = None,
    labels: Mapping[str, str] | None = None,
    patient_key: str = "",
    limits: Limits | None = None,
    unnamed: bool = False,
    processes: int | None = None,
    report: Callable[[int, int, str], None] = _quiet,
) -> tuple[ImageSet, ImportReport]:
    """Import images into a folder and return the set and what became of every file.

    One broken file stops nothing. Killed and called again it carries on and ends in the same set; a finished import
    of unchanged files returns at once. The set depends neither on the order of files nor on `processes`.

    Args:
        source: a folder per class, a folder with a table (`metadata.csv`), a table, or a single file.
        folder: where the set is written, outside of the source.
        name: of the set; by default that of the source.
        origin: `acquired`, `generated` or `transformed`.
        mapping: columns of the table; by default told from their names.
        root: folder of the images that a table names; by default the folder of the table.
        labels: class by pattern of the class as the source wrote it, such as `{"*COVID-19*": "COVID-19"}`; the first
            that matches counts, others stay as written, and images without a label (`todo`, empty) stay without.
        patient_key: key of the pseudonyms. Without one they are consistent pseudonyms, not anonymity.
        limits: what one file may ask of the machine.
        unnamed: also take images that no row of the table names; nothing is known of them.
        processes: how many decode at once; by default as many as there are cores, fewer for few files.
        report: called with files done, files in all and a note.

    Raises:
        InputError: there is no such source, its table cannot be used, or no image was accepted.
        StorageError: the folder cannot be written, or another import works in it.
    """
    if origin not in ORIGINS:
        raise SettingsError("No such origin", got=origin, possible="Origins: " + ", ".join(ORIGINS))
    source, folder = Path(source), Path(folder)
    if source.is_dir() and folder.resolve().is_relative_to(source.resolve()):
        raise InputError("The set would be written into the folder it is made from", got=folder)
    limits = limits or Limits()
    name = name or (source.parent if source.name in TABLES else source).resolve().name
    listing = list_source(source, root, mapping, unnamed=unnamed)
    settings = [FORM, name, origin, dict(labels or {}), patient_key, asdict(limits), unnamed]
    key = _digest([settings, _described(listing)])
    with _locked(folder):
        if _finished(folder, key):
            report(len(listing.items), len(listing.items), "already imported")
            return ImageSet.open(folder), ImportReport.open(folder)
        with storage(folder):
            (folder / "import.json").unlink(missing_ok=True)
        journal = Journal(folder / "import.work.jsonl", _digest(settings))
        decoded = _decode(listing.items, folder, limits, processes, journal, patient_key, report)
        rows, outcomes = _rows(listing.items, decoded, origin, patient_key, labels or {})
        told = ImportReport.of(name, [*listing.outcomes, *outcomes], [*listing.notes, *_notes(rows)])
        with storage(folder):
            told.save(folder)
        if not rows:
            raise InputError(
                "No image was accepted", got=told.summary(), possible=f"{folder / 'import.txt'} names every file"
            )
        images = ImageSet.of(name, rows, PixelStore(folder / "pixels"))
        images.save(folder)
        with storage(folder):
            write_atomic(folder / "import.json", (json.dumps({"key": key}) + "\n").encode())
            journal.close(delete=True)
        return images, told


def _decode(
    items: list[Item],
    folder: Path,
    limits: Limits,
    processes: int | None,
    journal: Journal,
    patient_key: str,
    report: Callable[[int, int, str], None],
) -> list[Decoded]:
    """Decode what the journal of an earlier, killed import does not hold yet."""
    out: list[Decoded | None] = [journal.earlier(i, item) for i, item in enumerate(items)]
    missing = [i for i, known in enumerate(out) if known is None]
    done, rejected = len(items) - len(missing), sum(1 for known in out if known and known.rejected)
    for result in decode([items[i].file.path for i in missing], folder / "pixels", limits, processes):
        index = missing[result.index]
        rows = tuple(_without_identifiers(row, items[index], patient_key) for row in result.rows)
        known = Decoded(index, rows, result.rejected)
        journal.add(items[index], known)
        out[index] = known
        done, rejected = done + 1, rejected + bool(result.rejected)
        report(done, len(items), f"{rejected} rejected" if rejected else "")
    return [known for known in out if known is not None]


def _without_identifiers(row: Row, item: Item, key: str) -> Row:
    """Replace what the file says of patient, study and volume by pseudonyms, before anything is written."""
    volume, warnings = row["volume"], list(row["warnings"])
    if volume and row["format"] != "dicom":
        volume = f"{item.file.source}|{volume}"
    elif volume.startswith("|"):
        volume = f"{item.file.source.rpartition('/')[0]}{volume}"
        warnings.append("no series in the file: the slices of its folder are taken for one volume")
    return {
        **row,
        "patient": pseudonym(row["patient"], key),
        "study": pseudonym(row["study"], key, "s"),
        "volume": pseudonym(volume, key, "s"),
        "warnings": warnings,
    }


def _rows(
    items: list[Item], decoded: list[Decoded], origin: str, key: str, labels: Mapping[str, str]
) -> tuple[list[Row], list[Outcome]]:
    """Return the rows of the set and what became of each file."""
    rows: list[Row] = []
    outcomes: list[Outcome] = []
    owners: list[int] = []
    for item, result in zip(items, decoded, strict=True):
        for frame in result.rows:
            rows.append(_row(frame, item, origin, key, labels))
            owners.append(result.index)
    slices = [i for i, row in enumerate(rows) if row["volume"]]
    for i, (position, warning) in zip(slices, settle([rows[i] for i in slices]), strict=True):
        rows[i]["position_mm"] = position
        rows[i]["study"] = rows[i]["volume"]
        rows[i]["warnings"] += [warning] if warning else []
    warned: dict[int, dict[str, None]] = defaultdict(dict)
    for row, owner in zip(rows, owners, strict=True):
        warned[owner].update(dict.fromkeys(row["warnings"]))
        row["warning"] = "; ".join(row.pop("warnings"))
        del row["volume"], row["positions"]
    for item, result in zip(items, decoded, strict=True):
        outcomes.append(_outcome(item, result, list(warned[result.index])))
    return rows, outcomes


def _outcome(item: Item, result: Decoded, warnings: list[str]) -> Outcome:
    source = item.file.source
    if result.rejected:
        beside = result.rejected.startswith("no picture but") and not promised(source)
        return Outcome(source, "ignored" if beside else "rejected", result.rejected)
    if not result.rows:
        return Outcome(source, "rejected", "it holds no picture")
    if warnings:
        more = [f"and {len(warnings) - 5} other warnings"] if len(warnings) > 5 else []
        return Outcome(source, "accepted with a warning", "; ".join(warnings[:5] + more), len(result.rows))
    return Outcome(source, "accepted", "", len(result.rows))


def _row(frame: Row, item: Item, origin: str, key: str, labels: Mapping[str, str]) -> Row:
    """Return one row: what the table tells counts before what the file tells."""
    told: Told = item.told
    label_source = told.label or frame["label"]
    age_text = told.age_text or frame["age_text"]
    source = item.file.source
    keep = ("image", "format", "unit", "low", "high", "bits", "height", "width", "channels", "spacing_mm")
    return {
        **{column: frame[column] for column in keep},
        "source": source if frame["index"] is None else f"{source}#{frame['index']}",
        "origin": origin,
        "patient": pseudonym(told.patient, key) or frame["patient"],
        "study": pseudonym(told.study, key, "s") or frame["study"],
        "label": _label(label_source, labels),
        "label_source": label_source,
        "sex": told.sex or frame["sex"],
        "age_text": age_text,
        "age_years": age_years(age_text),
        "view": told.view or frame["view"],
        "modality": told.modality or frame["modality"],
        "site": told.site or frame["site"],
        "split": told.split or frame["split"],
        "position_mm": float("nan"),
        "volume": frame["volume"],
        "positions": frame["positions"],
        "warnings": [*item.warnings, *frame["warnings"]],
    }


def _label(label_source: str, labels: Mapping[str, str]) -> str:
    """Return the class by the first pattern that matches; a pattern never gives a class to what has none yet."""
    label = known_label(label_source)
    if not label:
        return labels.get(label_source, "")
    return next((to for pattern, to in labels.items() if fnmatchcase(label_source, pattern)), label)


def _notes(rows: list[Row]) -> list[str]:
    """Return what a reader of the report must know of the set as a whole."""
    notes = []
    nameless = sum(not row["patient"] for row in rows)
    if nameless:
        notes.append(f"{nameless} of {len(rows)} images name no patient; each of them counts as a unit of its own")
    unlabelled = sum(not row["label"] for row in rows)
    if unlabelled:
        notes.append(f"{unlabelled} of {len(rows)} images have no label")
    gaps = with_gaps(rows)
    if gaps:
        notes.append(f"{gaps} volumes have slices at uneven distances; some may be missing")
    copies = len(rows) - len({row["image"] for row in rows})
    if copies:
        notes.append(f"{copies} images have the very pixels of another one")
    return notes


def _described(listing: Listing) -> list[Any]:
    """Return all that the set depends on, as JSON values; files by size and time of change."""
    items = [
        [i.file.source, i.file.size, i.file.changed_ns, list(vars(i.told).values()), i.warnings] for i in listing.items
    ]
    others = sorted([o.path, o.status, o.reason] for o in listing.outcomes)
    return [sorted(items, key=lambda item: str(item[0])), others, listing.notes]


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()


def _finished(folder: Path, key: str) -> bool:
    try:
        known = json.loads((folder / "import.json").read_text())["key"]
    except (OSError, ValueError, KeyError):
        return False
    return bool(known == key and (folder / "set.json").exists() and (folder / "pixels").is_dir())


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with storage(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = open(folder / ".lock", "w")  # noqa: SIM115 - closed below
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StorageError(f"Another import works in {folder}", possible="Wait for it or end it") from None
        yield
    finally:
        lock.close()
