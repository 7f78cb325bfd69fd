"""The page of an audit, from an invented sealed run: what it says, what it escapes, and that it asks for nothing."""

from __future__ import annotations

import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from radassay.checklists.audit import judge_audit
from radassay.checklists.rules import parse_rules
from radassay.evidence.finding import Finding
from radassay.evidence.run import Run
from radassay.report import audit_page, audit_render

RULES = b"""
name = "test"
version = "1"
[[rule]]
id = "shared"
question = "Is a radiograph in two sets?"
failure = "the same radiographs are in two sets"
rung = 2
finding = "same-radiograph.shared"
slice = "*"
compare = "value at most"
threshold = 0
why = "test"
advice = "keep one copy"
[[rule]]
id = "border"
question = "Can the label be read off the border?"
failure = "the label can be read off the border"
rung = 2
finding = "regions.auc_border"
slice = "*"
compare = "upper limit below"
threshold = 0.6
why = "test"
advice = "crop"
"""
NASTY = "<script>alert(1)</script>"


def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (8, 8), 90).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> audit_page.Page:
    run = Run.start(
        tmp_path_factory.mktemp("audit") / "run", {"name": "ours and theirs", "audit": {"names": ["ours", NASTY]}}
    )
    run.note(
        "sets", {name: {"name": name, "images": 1200, "patients": 0, "labels": {"": 3}} for name in ("ours", NASTY)}
    )
    run.note("captions", {"same-radiograph-pairs": f"pairs of {NASTY}"})
    regions = {"check": "regions", "name": "auc_border", "unit": "AUC", "method": "logit"}
    run.record(
        "probe",
        [
            Finding(
                check="same-radiograph", name="shared", slice="sets=ours+theirs", value=57.0, unit="pairs", reason="c"
            ),
            Finding(**regions, slice="set=ours, label=covid", value=0.94, low=0.91, high=0.96, n_patients=300),
            Finding(**regions, slice="set=ours, label=covid", value=0.66, role="limit", control="true effect"),
            Finding(**regions, slice=f"set={NASTY}", reason="no image has a label"),
        ],
        tables={
            "same_radiograph": pd.DataFrame(
                {"image_a": ["a/1.png", "a/2.png"], "image_b": ["b/9.png", "b/8.png"], "score": [0.97, 0.2]}
            ).assign(verified=[True, False])
        },
        pictures={"same-radiograph-pairs": png()},
    )
    run.seal()
    judgement = judge_audit(run.findings(), parse_rules(RULES))
    return audit_page.build(run, judgement, {"ours": "cards/01-ours/card.html"})


def test_each_fault_is_told_with_its_parts_and_what_to_do(page):
    assert [f.failure for f in page.faults] == [
        "The same radiographs are in two sets.",
        "The label can be read off the border.",
    ]
    assert page.faults[0].parts[0][0] == "ours and theirs"
    assert page.faults[1].parts[0][0] == "ours, label covid"
    assert page.faults[1].advice == "Crop."


def test_every_question_has_a_cell_for_every_set(page):
    lines = {line.rule: line for line in page.lines}
    assert lines["border"].cells == ("fails", "not run")
    assert lines["border"].whole == "fails"
    assert lines["shared"].cells == ("fails", "")


def test_the_limit_of_detection_stands_beside_its_measure(page):
    regions = next(s for s in page.sections if s.id == "regions")
    assert next((m.part, m.limit) for m in regions.measures) == ("ours, label covid", "0.660")
    assert regions.measures[0].outcome == "fails"


def test_only_verified_pairs_are_listed(page):
    same = next(s for s in page.sections if s.id == "same-radiograph")
    assert same.listed.total == 1
    assert same.listed.rows == (("a/1.png", "b/9.png", "0.970"),)


class Loaded(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.urls += [value for name, value in attrs if name in ("src", "href", "action", "data", "srcset")]


def test_the_page_loads_nothing_and_escapes_what_the_data_say(page):
    html = audit_render.to_html(page)
    seen = Loaded()
    seen.feed(html)
    assert "script" not in seen.tags
    assert all(re.match(r"data:image/png;base64,|#|cards/", url) for url in seen.urls)
    assert "&lt;script&gt;" in html


def test_the_terminal_is_told_the_answer_the_faults_and_the_counts(page):
    text = audit_render.to_text(page)
    assert "✗ The label can be read off the border." in text
    assert text.endswith("Questions, each by its worst outcome: 2 fails, 0 inconclusive, 0 not run, 0 passes")


def test_the_json_holds_every_finding_and_outcome(page):
    told = json.loads(audit_render.to_json(page))
    assert told["schema"] == "radassay-audit/1"
    assert len(told["findings"]) == 4
    assert {o["outcome"] for o in told["outcomes"]} == {"fails", "not run"}


def test_the_page_can_be_written_for_a_run_without_anything(tmp_path: Path):
    run = Run.start(tmp_path / "run", {"name": "nothing", "audit": {}})
    run.seal()
    page = audit_page.build(run, judge_audit([], parse_rules(RULES)), {})
    assert "No rule failed" in audit_render.to_html(page)
