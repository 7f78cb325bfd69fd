"""The card's exports: what they say follows from the run, HTML is safe and accessible, Croissant is valid."""

import csv
import hashlib
import io
import json
import logging
import re
from itertools import pairwise

import mlcroissant
import pandas as pd
import pytest
from test_html import HOSTILE, Page

from radassay.errors import InputError
from radassay.evidence.finding import Finding
from radassay.evidence.outcome import AuditJudgement, Outcome
from radassay.evidence.run import Run
from radassay.report.card import card_html, card_json, read_card
from radassay.report.croissant import CONTEXT, FIELDS, IMAGES, croissant, images_csv

ROWS = [
    ("Origin", "origin", True, "origin", "unknown", "nothing says so"),
    ("Origin", "one_origin", False, "one_origin", "no", "0 of 24 images come from places of another class"),
    ("Origin", "inclusion", False, "inclusion", "unknown", "nothing says so"),
    ("Origin", "exclusion", False, "exclusion", "unknown", "nothing says so"),
    ("Origin", "period", False, "period", "partly", "metadata.csv: date in 3 of 24 rows"),
    ("Patients", "patients", True, "patients", "yes", "patient known for 24 of 24 images, 20 patients"),
    ("Patients", "age", False, "", "partly", "age known for 12 of 24 images"),
    ("Patients", "sex", False, "", "unknown", "sex unknown for 24 of 24 images"),
    ("Labels", "labels", False, "", "yes", "label known for 24 of 24 images"),
    ("Labels", "labelled_by", True, "labelled_by", "unknown", "nothing says so"),
    ("Labels", "labelled_how", True, "labelled_how", "partly", "metadata.csv: RT_PCR in 3 of 24 rows"),
    ("Labels", "labels_independent", False, "labels_independent", "unknown", "nothing says so"),
    ("Labels", "labels_alike", False, "labels_alike", "unknown", "nothing says so"),
    ("Images", "view", False, "", "yes", "view known for 24 of 24 images (PA)"),
    ("Images", "modality", False, "", "yes", "modality known for 24 of 24 images (X-ray)"),
    ("Images", "devices", False, "devices", "unknown", "nothing says so"),
    ("Images", "native", False, "processing", "no", "0 of 24 images have more than 8 bits"),
    ("Rights", "licence", False, "licence", "unknown", "nothing says so"),
    ("Rights", "consent", False, "consent", "unknown", "nothing says so"),
]
UNKNOWN = sum(row[4] == "unknown" for row in ROWS)
RATING = {"Origin": "high concern", "Patients": "unclear", "Labels": "unclear", "Images": "high concern"}
RATING |= {"Rights": "unclear"}
COMPLETE = {
    "title": "The Lyon chest set",
    "description": "Radiographs of two hospitals.",
    "url": "https://example.org/lyon",
    "citation": "Doe et al. 2020",
    "version": "1.2.0",
    "published": "2020-03-25",
    "creator": "Lyon group",
    "licence": "https://creativecommons.org/licenses/by/4.0/",
    "intended_use": "Teaching",
    "limitations": "Adults alone",
}


def images(name):
    stems = [f"ill/{i:02d}.png" for i in range(12)] + [f"well/{i:02d}.JPG" for i in range(11)] + ["scan.dcm#3"]
    return pd.DataFrame(
        {
            "set": name,
            "source": stems,
            "label": ["ill"] * 12 + ["well"] * 12,
            "split": "",
            "view": "PA",
            "modality": "X-ray",
            "sex": "",
            "age": [40.0] * 12 + [float("nan")] * 12,
        }
    )


def sealed(folder, *names, about=None, text=""):
    """A sealed audit with a card of every set; `text` is put wherever words of others may stand."""
    rows, told, listed, findings = [], [], [], []
    for name in names:
        rows += [
            {"set": name, "domain": d, "id": i, "question": f"Is {i} known?", "essential": e, "key": k, "answer": a}
            | {"evidence": evidence + text}
            for d, i, e, k, a, evidence in ROWS
        ]
        told += [{"set": name, "key": key, "text": words + text} for key, words in (about or {}).items()]
        listed.append(images(name))
        base = {"check": "card", "slice": f"set={name}", "unit": "questions", "n_images": 24}
        details = {"questions": len(ROWS), "rating": RATING, "unknown": []}
        findings += [
            Finding(name="unknown_questions", value=UNKNOWN, reason="counted; a caution", details=details, **base),
            Finding(
                name="unknown_essentials",
                value=2,
                details={"unknown": ["where the images come from", "how the labels were given"]},
                **base,
            ),
        ]
    run = Run.start(folder, {"name": "cards"})
    tables = {"card": pd.DataFrame(rows), "card_images": pd.concat(listed)}
    if told:
        tables["card_about"] = pd.DataFrame(told)
    run.record("probe card", findings, tables)
    noted = {"images": 24, "patients": 20, "labels": {"ill": 12, f"well{text}": 12}, "fingerprint": "ab" * 32}
    run.note("sets", {name: {"name": name, **noted} for name in names})
    run.seal()
    return Run.open_sealed(folder)


def judged(*parts, word="fails", failure="the border betrays the label", text=""):
    outcomes = [
        Outcome(
            rule=f"rule-{part}",
            question=f"Is {part} alright?",
            slice=part,
            outcome=word,
            reason=f"AUC 0.941 in {part}.{text}",
            probe="regions",
            failure=failure + text,
            advice="crop it",
        )
        for part in parts
    ]
    return AuditJudgement(rules="audit 1.0 (SHA-256 ab)", outcomes=tuple(outcomes), answer="")


@pytest.fixture
def run(tmp_path):
    return sealed(tmp_path / "run", "a", "b")


def test_the_card_counts_what_is_unknown_and_names_the_essentials(run):
    card = read_card(run, "a")
    assert len(card.unknown) == UNKNOWN
    assert card.summary.startswith(f"{UNKNOWN} of {len(ROWS)} questions about this set cannot be answered.")
    assert "Nobody knows where the images come from or how the labels were given." in card.summary
    assert [d.rating for d in card.domains] == list(RATING.values())
    assert card.caution == "a caution"


def test_a_fault_belongs_to_the_sets_that_its_part_names(run):
    judgement = judged("set=a, label=ill", "sets=a+b", "all", "set=b")
    assert [f.part for f in read_card(run, "a", judgement).faults] == ["ill", "with a and b", "all sets together"]
    assert [f.part for f in read_card(run, "b", judgement).faults] == ["with a and b", "all sets together", ""]
    assert read_card(run, "a", judged("set=a", word="inconclusive")).unsettled == ("Is set=a alright?",)


def test_a_set_that_is_not_there_is_refused_with_those_that_are(run):
    with pytest.raises(InputError, match="Sets: a, b"):
        card_html(run, "c")


def test_json_holds_all_and_is_the_same_again(run):
    told = json.loads(card_json(run, "a", judged("set=a")))
    assert told["unknown"]["count"] == UNKNOWN
    assert told["faults"][0]["failure"] == "the border betrays the label"
    assert sum(len(domain["rows"]) for domain in told["domains"]) == len(ROWS)
    assert card_json(run, "a") == card_json(run, "a")
    assert card_html(run, "a") == card_html(run, "a")


def test_the_page_is_whole_accessible_and_loads_nothing(tmp_path):
    page = Page(card_html(sealed(tmp_path / "run", "a", about=COMPLETE), "a", judged("set=a")))
    assert not page.broken and not page.depth
    assert page.of("html")[0]["lang"] == "en"
    assert not {"script", "link", "iframe", "img"} & {tag for tag, _ in page.tags}
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    assert len(page.of("caption")) == len(page.of("table"))
    assert all(th.get("scope") in ("col", "row") for th in page.of("th"))
    for word in ("unknown", "high concern", "The border betrays the label.", "The Lyon chest set", "Adults alone"):
        assert word in page.words
    assert "prefers-color-scheme: dark" in page.content


def test_words_of_others_are_never_markup(tmp_path):
    run = sealed(tmp_path / "run", "a", about=COMPLETE, text=HOSTILE)
    content = card_html(run, "a", judged("set=a", text=HOSTILE))
    assert "<script" not in content and "<img" not in content
    assert "{{ 7 * 7 }}" in content
    json.loads(croissant(run, "a", judged("set=a", text=HOSTILE)))


@pytest.mark.parametrize(("ink", "paper"), [("#a9b2bd", "#14181d"), ("#ff8f85", "#14181d"), ("#e5b94e", "#14181d")])
def test_words_stand_out_in_the_dark(run, ink, paper):
    assert ink in card_html(run, "a")
    light, dark = (luminance(colour) for colour in (ink, paper))
    assert (light + 0.05) / (dark + 0.05) >= 4.5  # WCAG 2.2, 1.4.3


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def loaded(folder, run, name, judgement=None):
    """The export as the library for the format reads it, from a folder with its table of images."""
    folder.mkdir()
    (folder / "croissant.json").write_text(croissant(run, name, judgement))
    (folder / IMAGES).write_text(images_csv(run, name))
    return mlcroissant.Dataset(jsonld=folder / "croissant.json")


def test_the_library_validates_it_and_reads_every_image(tmp_path, run, caplog):
    with caplog.at_level(logging.WARNING):
        dataset = loaded(tmp_path / "export", run, "a", judged("set=a"))
    assert not dataset.metadata.ctx.issues.errors
    lacking = " ".join(dataset.metadata.ctx.issues.warnings)
    assert set(re.findall(r'/(\w+)" is recommended', lacking)) == {"citeAs", "datePublished", "version"}
    records = list(dataset.records("images"))
    assert len(records) == 24
    assert records[0].keys() == {f"images/{field}" for field, _, _ in FIELDS}
    assert records[0]["images/label"] == b"ill"
    assert records[0]["images/age"] == 40.0


def test_a_complete_card_leaves_no_warning(tmp_path):
    run = sealed(tmp_path / "run", "a", about=COMPLETE)
    dataset = loaded(tmp_path / "export", run, "a", judged("set=a"))
    assert not dataset.metadata.ctx.issues.errors
    assert not dataset.metadata.ctx.issues.warnings
    assert dataset.metadata.license == [COMPLETE["licence"]]
    assert dataset.metadata.data_use_cases == ["Teaching"]
    assert "Adults alone." in dataset.metadata.data_limitations


def test_faults_are_biases_and_unknowns_limitations(tmp_path, run):
    told = json.loads(croissant(run, "a", judged("set=a, label=ill")))
    assert told["rai:dataBiases"] == ["The border betrays the label (ill): AUC 0.941 in set=a, label=ill."]
    assert "Unknown: Is origin known?" in told["rai:dataLimitations"]
    assert told["license"] == "unknown"
    assert "Age known for 12 of 24 images." in told["rai:dataCollectionMissingData"]
    assert told["rai:dataUseCases"] == ["Unknown: nothing says what the set was made for."]
    assert json.loads(croissant(run, "a"))["rai:dataBiases"][0].startswith("Unknown")
    clean = json.loads(croissant(run, "a", judged("set=a", word="passes")))
    assert clean["rai:dataBiases"][0].startswith("No rule of the audit failed")


def test_the_context_is_the_one_that_the_format_prescribes():
    from mlcroissant._src.core.context import Context
    from mlcroissant._src.core.rdf import make_context

    assert make_context(Context(conforms_to="http://mlcommons.org/croissant/1.1")) == CONTEXT


def test_digest_and_size_are_those_of_the_table_and_patterns_name_the_files(run):
    told = json.loads(croissant(run, "a"))
    table, *files = told["distribution"]
    content = images_csv(run, "a").encode()
    assert table["sha256"] == hashlib.sha256(content).hexdigest()
    assert table["contentSize"] == f"{len(content)} B"
    assert {f["encodingFormat"]: f["includes"] for f in files} == {
        "image/png": ["ill/*.png"],
        "image/jpeg": ["well/*.JPG"],
        "application/dicom": ["*.dcm"],
    }
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert len(rows) == 24
    assert [row["image"] for row in rows] == sorted(row["image"] for row in rows)


def test_no_path_of_this_machine_is_in_any_export(tmp_path, run):
    everything = card_html(run, "a") + card_json(run, "a") + croissant(run, "a") + images_csv(run, "a")
    assert str(tmp_path) not in everything
    assert "/tmp/" not in everything
