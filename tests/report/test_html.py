"""Laws of the page: self-contained, escaped, accessible, the same bytes for the same run."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from conftest import NOTES, PLAN, everything, measured, realistic

from radassay.report.build import Report
from radassay.report.render import to_html

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> & {{ 7 * 7 }} javascript:x"


@dataclass
class Page(HTMLParser):
    """Tags, attributes and text of a page."""

    content: str
    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    depth: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    VOID = ("meta", "img", "br", "link", "input", "hr")

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {k: v or "" for k, v in attrs}))
        if tag not in self.VOID:
            self.depth.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.depth or self.depth.pop() != tag:
            self.broken.append(tag)

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def of(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def words(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.text))


@pytest.fixture(scope="module")
def html(whole: Report) -> str:
    return to_html(whole)


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_the_page_loads_nothing(page: Page, html: str) -> None:
    for tag, attributes in page.tags:
        assert tag not in ("script", "link", "iframe", "object", "embed", "base", "form", "audio", "video")
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in ("src", "srcset", "href", "data", "poster", "action"):
                assert value.startswith(("data:image/", "#")), value[:80]
    styles = html[html.index("<style>") : html.index("</style>")]
    assert "url(" not in styles
    assert "@import" not in styles
    assert re.search(r"Content-Security-Policy\" content=\"default-src 'none'", html)


def test_the_figures_are_plain_svg(page: Page) -> None:
    figures = [i["src"] for i in page.of("img") if i["src"].startswith("data:image/svg+xml;base64,")]
    assert len(figures) > 10
    for source in figures:
        tree = ElementTree.fromstring(base64.b64decode(source.partition(",")[2]))
        for element in tree.iter():
            assert not element.tag.endswith(("script", "foreignObject", "image"))
            for name, value in element.attrib.items():
                assert not (name.endswith("href") and not value.startswith("#"))
        assert b"<dc:date>" not in base64.b64decode(source.partition(",")[2])


def test_elements_are_closed_in_order(page: Page) -> None:
    assert page.broken == []
    assert page.depth == []


def test_headings_step_down_one_level_at_a_time(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_everything_has_a_name(page: Page) -> None:
    assert all(i.get("alt", "").strip() for i in page.of("img"))
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert {a["aria-labelledby"] for _, a in page.tags if "aria-labelledby" in a} <= set(ids)
    assert page.of("html")[0]["lang"] == "en"
    assert len(page.of("caption")) == len(page.of("table"))
    assert all(th.get("scope") in ("row", "col") for th in page.of("th"))


def test_the_page_is_read_top_down(page: Page) -> None:
    order = ["No clinical value shown", "How far the evidence reaches", "Key numbers", "What was not measured"]
    order += ["The images", "Checks", "Trial in diagnosis", "The data", "Provenance", "Terms"]
    places = [page.words.index(part) for part in order]
    assert places == sorted(places)


def test_every_verdict_question_and_status_is_written(whole: Report, page: Page) -> None:
    for rung in whole.rungs:
        assert rung.name.capitalize() in page.words
    for verdict in (v for rung in whole.rungs[1:] for v in rung.verdicts):
        assert verdict.question in page.words
        assert verdict.reason in page.words


def test_what_was_not_measured_is_listed(whole: Report, page: Page) -> None:
    listed = page.words[page.words.index("What was not measured") : page.words.index("The images")]
    assert "blinded study" in listed
    assert "the site is known of 0% of the images" in listed
    assert "the patient of no image is known" in listed
    assert "intervals may be too narrow" in listed


def test_the_number_that_decides_is_told_with_interval_floor_and_limit(page: Page) -> None:
    for part in ("0.940", "0.919–0.958", "0.440–0.560", "from 25 % of positive real images", "not seen up to 20 %"):
        assert part in page.words


def test_the_measured_distance_is_told_as_a_dose_of_blur(page: Page) -> None:
    assert "planted blur: seen from 0.3 pixels; these images read like 0.472 pixels" in page.words


def test_hostile_names_are_text(report_of: Callable[..., Report]) -> None:
    findings = [
        *realistic(),
        measured(HOSTILE, HOSTILE, 0.5, 0.1, slice=HOSTILE, reason=HOSTILE, unit=HOSTILE),
        measured("zz", "aa", None, reason=HOSTILE),
        measured("zz", "bb", 1.0, details={"pairs": [[HOSTILE, HOSTILE, HOSTILE]], "sources": [[HOSTILE, HOSTILE]]}),
    ]
    sets = {HOSTILE: {"name": HOSTILE, "labels": {HOSTILE: 3}, "import": {HOSTILE: 1}, "splits": {HOSTILE: {}}}}
    notes = {
        "captions": {"grid-real": HOSTILE},
        "sets": sets,
        "test_uses": [{"study": HOSTILE}],
        "seconds": {HOSTILE: 1},
    }
    report = report_of(
        findings, plan={"name": HOSTILE, "question": HOSTILE, HOSTILE: HOSTILE}, notes=notes, pictures=everything()
    )
    page = Page(to_html(report))
    assert not page.of("script")
    assert all(i["src"].startswith("data:image/") for i in page.of("img"))
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert HOSTILE in page.text
    assert page.broken == []
    assert page.depth == []


AWKWARD: dict[str, dict[str, Any]] = {
    "nothing": {"findings": [], "plan": {}, "notes": {}},
    "one finding": {"findings": [measured("fidelity", "kid", 0.1)], "plan": {}, "notes": {}},
    "a check that broke": {"findings": [measured("fidelity", "measured", None, reason="the check failed")]},
    "notes of other shapes": {
        "findings": realistic(),
        "notes": {"captions": [], "sets": {"real": 3, "x": {"splits": 4, "labels": []}}, "test_uses": 2, "seconds": []},
    },
    "only controls": {"findings": [f for f in realistic() if f.role != "measurement"]},
    "no controls": {"findings": [f for f in realistic() if f.role == "measurement"]},
    "planted without limits": {"findings": [f for f in realistic() if f.role != "limit"]},
    "controls that measured nothing": {
        "findings": [
            f
            if f.role == "measurement"
            else measured(
                f.check, f.name, None, reason="not measured: 0 blanks", role=f.role, control=f.control, dose=f.dose
            )
            for f in realistic()
        ]
    },
}


@pytest.mark.parametrize("name", AWKWARD)
def test_what_is_absent_is_told_not_raised(name: str, report_of: Callable[..., Report]) -> None:
    page = Page(to_html(report_of(**{"plan": PLAN, "notes": NOTES, **AWKWARD[name]})))
    assert "not measured" in page.words
    assert "No clinical value shown" in page.words
    assert page.broken == []


def test_the_page_is_small(html: str) -> None:
    assert len(html.encode()) < 5_000_000


def test_the_same_run_gives_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    program = (
        "import hashlib, sys, pathlib; sys.path.insert(0, sys.argv[1]); import conftest as c;"
        "from radassay.checklists.judge import judge; from radassay.checklists.rules import read_rules;"
        "from radassay.report.build import build; from radassay.report.render import to_html, to_json;"
        "run = c.sealed_run(pathlib.Path(sys.argv[2]), c.realistic(), pictures=c.everything());"
        "r = build(run, judge(run.findings(), read_rules()));"
        "print(hashlib.sha256((to_html(r) + to_json(r)).encode()).hexdigest())"
    )
    digests = []
    for seed in ("1", "2"):
        (tmp_path / seed).mkdir()
        (tmp_path / seed / "matplotlibrc").write_text("lines.linewidth: 9\n" if seed == "2" else "")
        done = subprocess.run(
            [sys.executable, "-c", program, str(Path(__file__).parent), str(tmp_path / seed / "run")],
            env={**os.environ, "PYTHONHASHSEED": seed, "MATPLOTLIBRC": str(tmp_path / seed / "matplotlibrc")},
            capture_output=True,
            text=True,
            check=True,
        )
        digests.append(done.stdout.strip())
    assert digests[0] == digests[1]


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(
    ("ink", "paper"),
    [
        *((ink, "#ffffff") for ink in ("ink", "soft", "met", "bad", "open", "none", "accent")),
        ("met", "#e4f2e9"),
        ("bad", "#fbeae8"),
        ("open", "#fdf4dc"),
        ("soft", "#f5f6f7"),
    ],
)
def test_text_stands_out_from_its_ground(ink: str, paper: str, html: str) -> None:
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", html))
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert paper == "#ffffff" or paper in html
    assert contrast(colours[ink], paper) >= 4.5
