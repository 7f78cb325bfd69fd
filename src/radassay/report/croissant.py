"""The card of one audited set as a Croissant file with responsible-AI fields, and the table of images it describes.

Formats: Croissant 1.1 (http://mlcommons.org/croissant/1.1) and its RAI vocabulary 1.0. The only digest given is that of
the table of images, which is made here; images are named by patterns, as the format asks for no digest of these.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from radassay.evidence import wording
from radassay.evidence.outcome import AuditJudgement
from radassay.evidence.run import Run
from radassay.report.card import Card, Row, read_card

IMAGES = "images.csv"
"""Name of the table of images, beside the Croissant file."""
CONFORMS = ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The context that the format prescribes."""
FIELDS = (
    ("image", "sc:Text", "path of the file below the folder of the set; #n names a slice or frame of it"),
    ("label", "sc:Text", "class as the set gives it; empty where unknown"),
    ("split", "sc:Text", "train, validation or test; empty where the set has none"),
    ("view", "sc:Text", "such as PA or AP; empty where unknown"),
    ("modality", "sc:Text", "such as X-ray or CT; empty where unknown"),
    ("sex", "sc:Text", "F or M; empty where unknown"),
    ("age", "sc:Float", "years, 90 for 90 and older; empty where unknown"),
)
MEDIA = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".bmp": "image/bmp",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".webp": "image/webp",
    ".dcm": "application/dicom",
    ".gz": "application/gzip",
}
MOST_PATTERNS = 20


def images_csv(run: Run, name: str) -> str:
    """Return the table of images of one set as CSV: no patient, no path of this machine, no age above 90."""
    rows = run.table("card_images")
    rows = rows[rows["set"] == name].rename(columns={"source": "image"}).sort_values("image", kind="stable")
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    columns = [field for field, _, _ in FIELDS]
    writer.writerow(columns)
    for row in rows[columns].to_dict("records"):
        age = row["age"]
        writer.writerow([*(row[column] for column in columns[:-1]), f"{age:.0f}" if age == age else ""])
    return buffer.getvalue()


def croissant(run: Run, name: str, judgement: AuditJudgement | None = None) -> str:
    """Return the Croissant file of one set; `images_csv` belongs beside it.

    Args:
        run: the sealed run of an audit.
        name: of the set.
        judgement: what the rules say of the run; failing rules become biases.

    Raises:
        InputError: the run holds no card of such a set.
    """
    card = read_card(run, name, judgement)
    table = images_csv(run, name)
    about = card.about
    given = {
        "url": about.get("url"),
        "license": about.get("licence", "unknown"),
        "citeAs": about.get("citation"),
        "version": about.get("version"),
        "datePublished": about.get("published"),
        "creator": {"@type": "sc:Organization", "name": about["creator"]} if "creator" in about else None,
    }
    told = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": card.title,
        "description": f"{about.get('description', 'Medical images.')} {card.summary}",
        "conformsTo": CONFORMS,
        **{key: value for key, value in given.items() if value},
        "distribution": [_table_file(table), *_image_files(run, name)],
        "recordSet": [_records()],
        **_responsible(card),
    }
    return json.dumps(told, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _table_file(table: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": IMAGES,
        "name": IMAGES,
        "description": "One row an image: path, label, split, view, modality, sex, age. Made by the audit.",
        "contentUrl": IMAGES,
        "contentSize": f"{len(table.encode())} B",
        "encodingFormat": "text/csv",
        "sha256": hashlib.sha256(table.encode()).hexdigest(),
    }


def _image_files(run: Run, name: str) -> Iterator[dict[str, Any]]:
    """Yield a set of files for each media type, by patterns below the folder of the set."""
    rows = run.table("card_images")
    paths = {PurePosixPath(str(source).partition("#")[0]) for source in rows[rows["set"] == name]["source"]}
    kinds: dict[str, set[PurePosixPath]] = {}
    for path in paths:
        kinds.setdefault(MEDIA.get(path.suffix.lower(), "application/octet-stream"), set()).add(path)
    for number, media in enumerate(sorted(kinds), start=1):
        near = sorted({(path.parent / f"*{path.suffix}").as_posix() for path in kinds[media]})
        wide = sorted({f"**/*{path.suffix}" for path in kinds[media]})
        yield {
            "@type": "cr:FileSet",
            "@id": f"image-files-{number}",
            "name": f"image files, {media}",
            "description": f"{len(kinds[media]):,} files below the folder of the set, which this file belongs into.",
            "encodingFormat": media,
            "includes": near if len(near) <= MOST_PATTERNS else wide,
        }


def _records() -> dict[str, Any]:
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"images/{field}",
            "name": field,
            "description": meaning,
            "dataType": kind,
            "source": {"fileObject": {"@id": IMAGES}, "extract": {"column": field}},
        }
        for field, kind, meaning in FIELDS
    ]
    about = "One record an image."
    return {"@type": "cr:RecordSet", "@id": "images", "name": "images", "description": about, "field": fields}


def _responsible(card: Card) -> dict[str, Any]:
    """Return the responsible-AI fields; what is unknown is said to be unknown."""

    def told(*ids: str) -> list[str]:
        return [_sentence(card.answer(i)) for i in ids]

    about = card.about
    lacking = [
        _sentence(row) for row in card.rows if row.id in ("patients", "age", "sex", "view", "modality", "labels")
    ]
    return {
        "rai:dataCollection": " ".join(told("origin", "one_origin", "inclusion", "exclusion", "period", "devices")),
        "rai:dataCollectionMissingData": " ".join(lacking),
        "rai:dataCollectionRawData": " ".join(told("native")),
        "rai:dataPreprocessingProtocol": [about.get("processing", "Unknown: nothing says so.")],
        "rai:dataAnnotationProtocol": told("labelled_by", "labelled_how", "labels_independent", "labels_alike"),
        "rai:dataBiases": list(_biases(card)),
        "rai:dataLimitations": list(_limitations(card)),
        "rai:dataUseCases": [about.get("intended_use", "Unknown: nothing says what the set was made for.")],
        "rai:personalSensitiveInformation": [
            about.get("personal_information", "Unknown: nothing says what could identify a person."),
            *told("age", "sex", "consent"),
        ],
    }


def _sentence(row: Row) -> str:
    return f"{row.question} {row.answer.capitalize()}: {row.evidence}"


def _biases(card: Card) -> Iterator[str]:
    for fault in card.faults:
        part = f" ({fault.part})" if fault.part else ""
        yield wording.sentence(f"{fault.failure}{part}: {fault.reason}")
    if not card.rules:
        yield "Unknown: the findings of the audit were not judged here."
    elif not card.faults:
        yield f"No rule of the audit failed; {len(card.unsettled)} questions stayed open and do not count as passed."


def _limitations(card: Card) -> Iterator[str]:
    if "limitations" in card.about:
        yield wording.sentence(card.about["limitations"])
    yield card.summary
    yield from (f"Unknown: {row.question}" for row in card.unknown)
    yield from (f"Not settled by the audit: {question}" for question in card.unsettled)
