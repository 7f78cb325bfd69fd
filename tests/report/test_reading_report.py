"""The report of a reader study: pictures hold the numbers of the findings, words say no more than the plan allows."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "reading"))
from reading_sets import answers, cohort, two_sets

from radassay.checklists.judge import judge
from radassay.checklists.rules import read_rules
from radassay.evidence.finding import Finding
from radassay.evidence.run import Run
from radassay.reading.analyse import analyse, record
from radassay.reading.pack import Pack, pack
from radassay.reading.plan import ReadingPlan, power_of
from radassay.report import reading_opening, reading_pictures
from radassay.report.build import Report, build
from radassay.report.interval_rows import Row
from radassay.report.reading_cases import CANNOT, NONE, RIGHT, WRONG, Matrix, cases
from radassay.report.reading_clicks import Clicked, Clicks, Structure
from radassay.report.reading_intervals import Intervals
from radassay.report.reading_page import ReadingPage
from radassay.report.reading_words import part
from radassay.report.render import to_html, to_json

SVG = "{http://www.w3.org/2000/svg}"
ALL = ("diagnosis", "choice", "plausibility", "realness")
PLAN = ReadingPlan(
    questions=ALL, positive="disease", cases=12, readers=7, catch=2, training=0, repeats=0.2, runs=20,
    structures=("ribs", "heart"),
)  # fmt: skip
ACT = {"who": "A. Smith", "at": "2026-03-02T10:15:00+00:00", "why": "final analysis", "answers": "1" * 64}

Change = Callable[[pd.DataFrame, Pack], pd.DataFrame]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Report]:
    """Return a function from a plan, readers and a change of their answers to the report."""
    folder = tmp_path_factory.mktemp("studies")
    chests = two_sets(cohort(folder / "chests", 220))

    def report(plan: ReadingPlan, change: Change | None = None, acts: tuple[Any, ...] = (ACT,), **truth: Any) -> Report:
        packed = pack(plan, *chests)
        given = answers(packed.study, packed.key, np.random.default_rng(2), **truth)
        given = change(given, packed) if change else given
        analysed = analyse(packed.plan, packed.key, given)
        out = folder / f"run-{len([*folder.iterdir()])}"
        before = power_of(packed.plan, 2)
        notes = {"unblinding": list(acts)}
        run = record(out, packed.plan, analysed, served="0" * 64, answers="1" * 64, before=before, notes=notes)
        return build(run, judge(run.findings(), read_rules("local")))

    return report


@pytest.fixture(scope="module")
def whole(made: Callable[..., Report]) -> Report:
    return made(PLAN, seen=1.0)


@pytest.fixture(scope="module")
def page(whole: Report) -> ReadingPage:
    assert whole.reading_page is not None
    return whole.reading_page


def one(report: Report, name: str, part: str = "all") -> Finding:
    return next(f for f in report.findings if (f.name, f.slice) == (name, part))


def drawn(picture: str) -> ElementTree.Element:
    return ElementTree.fromstring(picture)


def of(tree: ElementTree.Element, style: str) -> list[ElementTree.Element]:
    return [e for e in tree.iter() if e.get("class") == style and e.tag in (f"{SVG}path", f"{SVG}circle")]


def ends(path: ElementTree.Element) -> np.ndarray:
    numbers = [float(n) for n in re.findall(r"-?[\d.]+", str(path.get("d")))]
    return np.array(numbers).reshape(-1, 2)


def words(tree: ElementTree.Element) -> list[str]:
    return [str(t.text) for t in tree.iter(f"{SVG}text")]


def on_screen(html: str) -> str:
    """Return the answer above and the part on the reader study."""
    return (
        html[html.index('class="answer"') : html.index('id="ladder"')]
        + html[html.index('id="reading"') : html.index('id="missing"')]
    )


def test_every_curve_goes_through_its_operating_points(whole: Report, page: ReadingPage) -> None:
    roc = page.rocs[0]
    tree = drawn(reading_pictures.roc_plot(roc))
    diagonal = ends(of(tree, "dash-line")[0])
    (x0, y0), (x1, y1) = diagonal  # (0, 0) and (1, 1)
    lines = [ends(p) for p in of(tree, "reader") if len(ends(p)) > 2]
    assert len(lines) == 7
    for n, line in enumerate(lines, start=1):
        rates = (line - [x0, y0]) / [x1 - x0, y1 - y0]
        assert rates == pytest.approx(np.array(one(whole, "auc_reader", f"reader=R0{n}").details["curve"]), abs=1e-4)
    mean = (ends(of(tree, "mean")[0]) - [x0, y0]) / [x1 - x0, y1 - y0]
    assert mean == pytest.approx(np.array(one(whole, "auc_readers").details["curve"]), abs=1e-4)
    assert np.trapezoid(mean[:, 1], mean[:, 0]) == pytest.approx(one(whole, "auc_readers").value, abs=1e-3)
    assert f"mean, AUC {one(whole, 'auc_readers').value:.3f}" in words(tree)
    assert {r.id for r in page.rocs} == {"roc", "roc-real", "roc-synthetic"}


def test_intervals_and_margin_lie_where_the_findings_put_them(whole: Report, page: ReadingPage) -> None:
    assert page.areas is not None
    tree = drawn(reading_pictures.intervals_plot(page.areas))
    found = [one(whole, "auc_reader", f"reader=R0{n}") for n in range(1, 8)]
    dots = [float(str(c.get("cx"))) for c in of(tree, "dot")]
    scale = np.polyfit(dots, [f.value for f in found], 1)
    assert np.polyval(scale, dots) == pytest.approx([f.value for f in found], abs=1e-3)
    bars = [ends(p)[:, 0] for p in of(tree, "bar")[::3]]
    assert np.polyval(scale, np.array(bars)) == pytest.approx(np.array([[f.low, f.high] for f in found]), abs=1e-3)
    overall = one(whole, "auc_readers")
    inner = np.polyval(scale, ends(of(tree, "inner")[0])[:, 0])
    assert inner == pytest.approx(overall.details["interval_90"], abs=1e-3)
    band = np.polyval(scale, ends(of(tree, "real-band")[0])[:, 0])
    assert [band.min(), band.max()] == pytest.approx([0.4, 0.6], abs=1e-3)
    assert f"{overall.value:.3f} ({overall.low:.3f}–{overall.high:.3f})" in words(tree)


@pytest.mark.parametrize("low", [-0.46, -0.9, -0.04, 0.0])
def test_numbers_below_an_axis_do_not_touch(low: float) -> None:
    row = Row("ribs", low / 2, low, 0.03, "told")
    for name in ("plausible", "criterion"):
        tree = drawn(reading_pictures.intervals_plot(Intervals(name, "Title", "axis", (row,), "", 0.0)))
        told = [t for t in tree.iter(f"{SVG}text") if t.get("text-anchor") == "middle" and not t.get("class")]
        assert len(told) >= 2
        places = [(float(str(t.get("x"))), 6.5 * len(str(t.text))) for t in told]
        gaps = [b[0] - a[0] - (a[1] + b[1]) / 2 for a, b in pairwise(places)]
        assert min(gaps) > 0, [t.text for t in told]


def test_the_matrix_counts_what_the_findings_count(whole: Report, page: ReadingPage) -> None:
    assert page.cases is not None
    for count, name in ((page.cases.n_right, "n_all_right"), (page.cases.n_wrong, "n_all_wrong")):
        assert count == one(whole, name).value
    assert sum(m.all_right for m in page.cases.matrices) == page.cases.n_right
    assert [len(m.cases) for m in page.cases.matrices] == [24, 24]
    for matrix in page.cases.matrices:
        columns = ["".join(letters) for letters in zip(*matrix.rows, strict=True)]
        wrong = [c.count(WRONG) for c in columns]
        assert wrong == sorted(wrong)
        tree = drawn(reading_pictures.matrix_plot(matrix))
        step = (reading_pictures.WIDTH - 36) / len(matrix.cases)
        for style, letter in (("real-band", RIGHT), ("dot", WRONG)):
            widths = [float(w) for p in of(tree, style) for w in re.findall(r"h([\d.]+)", str(p.get("d")))]
            assert sum(widths) / step == pytest.approx(sum(row.count(letter) for row in matrix.rows), abs=0.1)
        assert f"all right: {matrix.all_right}" in words(tree)
    for c in page.cases.right:
        assert (c.real, c.synthetic) == ((7, 0) if c.arm == "real" else (0, 7))


def test_a_case_that_somebody_could_not_judge_is_not_unanimous() -> None:
    def row(reader: str, item: str, **fields: Any) -> dict[str, Any]:
        known = {"block": "realness", "role": "case", "arm": "real", "label": "a", "right": 1.0, "score": 1.0}
        return {"reader": reader, "item": item, "cannot_judge": False, **known, **fields}

    found = cases(
        [
            row("R01", "x"), row("R02", "x"),
            row("R01", "a"), row("R02", "a", cannot_judge=True, right=float("nan")),
            row("R01", "z"),
            row("R01", "w", right=0.0), row("R02", "w", right=0.0),
            row("R01", "again", role="repeat"), row("R09", "x"),
        ],
        ["R01", "R02"],
    )  # fmt: skip
    assert found is not None
    (matrix,) = found.matrices
    assert matrix.cases == ("x", "a", "z", "w")
    assert matrix.rows == (RIGHT + RIGHT + RIGHT + WRONG, RIGHT + CANNOT + NONE + WRONG)
    assert (found.n_right, found.n_wrong) == (1, 1)


def test_clicks_are_drawn_where_they_were_and_shades_follow_the_scale() -> None:
    points = Clicked("real", 2, 1, 2, 40, ((0.25, 0.5), (1.0, 1.0)), ())
    tiles = Clicked("synthetic", 90, 6, 20, 100, (), ((8.0, 3.0), (0.3, 0.0)))
    structure = Structure("clicks-1", "ribs", (tiles, points))
    tree = drawn(reading_pictures.clicks_plot(structure, Clicks((structure,), 8.0, ())))
    assert len(of(tree, "heat-5")) == len(of(tree, "heat-4")) == len(of(tree, "heat-1")) == 1
    assert not of(tree, "heat-2")
    assert [(p.get("d") or "").split("h")[0] for p in of(tree, "heat-5")] == ["M0 24"]
    middles = [ends(p).mean(axis=0) for p in of(tree, "trial-dot")]
    assert middles == [pytest.approx([198 + 178 / 4, 24 + 178 / 2]), pytest.approx([198 + 178, 24 + 178])]
    assert {"synthetic: 90 clicks", "real: 2 clicks", "6 readers, 100 readings", "1 reader, 40 readings"} <= {
        *words(tree)
    }
    assert tiles.where == "71 % about the upper left of the image"


def test_the_clicks_of_the_page_are_those_of_the_findings(whole: Report, page: ReadingPage) -> None:
    assert page.clicks is not None
    for structure in page.clicks.structures:
        for arm in structure.arms:
            found = one(whole, "n_clicks", f"structure={structure.name}, arm={arm.arm}")
            assert arm.clicks == found.value
            assert len(arm.points) == (0 if arm.heat else arm.clicks)


def test_all_other_numbers_come_from_their_findings(whole: Report, page: ReadingPage) -> None:
    assert page.choices is not None
    assert page.diagnoses is not None
    assert page.plausible is not None
    assert page.learning is not None
    assert page.choices.rows[-1].value == one(whole, "choice_correct").value
    assert page.diagnoses.rows[-1].value == one(whole, "auc_diagnosis", "arm=synthetic").value
    assert [r.value for r in page.plausible.rows] == [
        one(whole, "plausible_difference", f"structure={s}").value for s in ("ribs", "heart")
    ]
    assert [r.value for r in page.agreement[0].rows] == [
        one(whole, n).value for n in ("fleiss_kappa", "gwet_ac1", "krippendorff_alpha", "intra_reader_kappa")
    ]
    assert [p.rows[-1].value for p in page.detections] == [one(whole, n).value for n in ("d_prime", "criterion")]
    assert [list(p) for p in page.learning.points] == one(whole, "learning_difference").details["points"]
    assert f"{one(whole, 'n_all_wrong').value:.0f} of 48 cases wrong" in page.by_chance[1]
    assert len(page.by_arm) == 7


def pictures(page: ReadingPage) -> Iterator[str]:
    yield from (reading_pictures.roc_plot(r) for r in page.rocs)
    some = (page.areas, page.choices, page.diagnoses, page.plausible, page.times, *page.agreement, *page.detections)
    yield from (reading_pictures.intervals_plot(p) for p in some if p)
    yield from (reading_pictures.matrix_plot(m) for m in (page.cases.matrices if page.cases else ()))
    yield from (reading_pictures.learning_plot(p) for p in (page.learning,) if p)
    if page.clicks:
        yield from (reading_pictures.clicks_plot(s, page.clicks) for s in page.clicks.structures)
        yield reading_pictures.clicks_scale(page.clicks)


def test_every_picture_tells_its_content_in_words_and_fits_a_phone(page: ReadingPage) -> None:
    ids = set()
    for picture in pictures(page):
        tree = drawn(picture)
        assert tree.get("role") == "img"
        assert tree.findtext(f"{SVG}title")
        assert re.search(r"\d", str(tree.findtext(f"{SVG}desc")))
        width = float(str(tree.get("viewBox")).split()[2])
        assert width == reading_pictures.WIDTH <= 390
        for text in tree.iter(f"{SVG}text"):
            # 6.6 px a letter is about what letters of 12 px take; a hand of room either side
            length, at = 6.6 * len(str(text.text)), float(str(text.get("x")))
            start = {"start": at, "middle": at - length / 2, "end": at - length}[str(text.get("text-anchor"))]
            assert start > -12, text.text
            assert start + length < width + 12, text.text
        ids.add(str(tree.get("aria-labelledby")))
    assert len(ids) == len([*pictures(page)])


def test_the_page_stays_small_and_holds_no_image(whole: Report) -> None:
    html = to_html(whole)
    assert len(html.encode()) < 1_000_000
    shown = on_screen(html)
    assert "<img" not in shown
    assert "data:" not in shown
    assert "All 7 planned readers answered enough to count." in shown
    assert to_json(whole) == to_json(whole)
    assert '"reading_page"' in to_json(whole)


def test_fifty_readers_of_six_hundred_cases_fit() -> None:
    rng = np.random.default_rng(1)
    rows = tuple("".join(rng.choice([RIGHT, WRONG], 300)) for _ in range(50))
    matrix = Matrix("real", tuple(f"R{n:02d}" for n in range(50)), tuple(map(str, range(300))), rows, 0, 0)
    assert 2 * len(reading_pictures.matrix_plot(matrix)) < 700_000


def readers(told: str, value: float, low: float = 0.45, high: float = 0.55) -> list[Finding]:
    details = {"told": told, "margin": 0.1, "interval_90": [low + 0.005, high - 0.005], "readers": 8}
    n = Finding(check="reading", name="n_readers", value=8.0, details={"by_question": {"realness": 8}})
    return [n, Finding(check="reading", name="auc_readers", value=value, low=low, high=high, details=details)]


def test_cannot_be_told_apart_is_said_only_where_the_test_says_so() -> None:
    cannot = reading_opening.lead(readers("cannot be told apart within the margin", 0.5), {})
    assert "could not tell synthetic from real images apart, within the margin" in cannot
    assert "90 % interval 0.455–0.545" in cannot
    others = {
        ("unclear", 0.55, 0.42, 0.68): "It stays open",
        ("told apart", 0.8, 0.7, 0.9): "Readers told synthetic from real",
        ("told apart", 0.2, 0.1, 0.3): "wrong way round",
        ("told apart, by less than the margin", 0.54, 0.51, 0.57): "better than guessing",
        ("told apart, by less than the margin", 0.46, 0.43, 0.49): "worse than guessing",
    }
    for (told, value, low, high), said in others.items():
        sentence = reading_opening.lead(readers(told, value, low, high), {})
        assert said in sentence
        assert "could not tell" not in sentence
        assert f"{value:.3f}" in sentence


def test_who_opened_the_key_is_told_and_an_early_opening_warned_of(
    made: Callable[..., Report], page: ReadingPage
) -> None:
    assert page.unblinded == ("The key was opened once: A. Smith, 2026-03-02 10:15 UTC (final analysis).",)
    early = {**ACT, "who": "B. Jones", "answers": "2" * 64, "why": "a look"}
    plan = ReadingPlan(cases=6, readers=2, training=0, catch=0, runs=20)
    found = made(plan, acts=(early, ACT)).reading_page
    assert found is not None
    assert "2 times: B. Jones" in found.unblinded[0]
    assert "not those analysed here" in found.unblinded[1]
    nobody = made(plan, acts=())
    assert "does not say who opened the key" in on_screen(to_html(nobody))


def test_power_and_pilot_are_told(made: Callable[..., Report], page: ReadingPage) -> None:
    assert "7 readers, 24 real and 24 synthetic images" in page.power
    found = made(ReadingPlan(cases=6, readers=3, training=0, runs=20)).reading_page
    assert found is not None
    assert found.cautions[0].startswith("This is a pilot: 3 readers.")
    assert found.lead.endswith("A pilot of 3 readers: 6 are needed.")
    assert any("thumbnails" in c for c in found.cautions)
    assert not any("pilot" in c for c in page.cautions)


def test_one_reader_is_shown_and_nothing_said_of_others(made: Callable[..., Report]) -> None:
    report = made(ReadingPlan(cases=10, readers=1, training=0, runs=20), seen=1.5)
    found = report.reading_page
    assert found is not None
    assert found.lead.startswith("One reader took part, whose AUC")
    assert f"{one(report, 'auc_reader', 'reader=R01').value:.3f}" in found.lead
    assert found.cases is None
    assert found.rocs[0].mean is None
    html = on_screen(to_html(report))
    assert "R01" in html
    assert "could not tell" not in html


@pytest.mark.parametrize("question", ALL)
def test_a_study_of_one_question(made: Callable[..., Report], question: str) -> None:
    report = made(replace(PLAN, questions=(question,), cases=8))
    found = report.reading_page
    assert found is not None
    asked = {
        "realness": found.areas,
        "choice": found.choices,
        "diagnosis": found.diagnoses,
        "plausibility": found.clicks,
    }
    assert [name for name, picture in asked.items() if picture] == [question]
    assert "of its questions" not in found.lead
    assert "Reader study" in on_screen(to_html(report))


@pytest.mark.parametrize("question", ALL)
def test_a_question_without_answers_is_told_as_not_measured(made: Callable[..., Report], question: str) -> None:
    def silent(given: pd.DataFrame, packed: Pack) -> pd.DataFrame:
        return given[given["block"] != question]

    report = made(replace(PLAN, cases=6), silent)
    assert report.reading_page is not None
    assert report.reading_page.missing
    html = on_screen(to_html(report))
    assert "0 readers" in html
    assert "not measured" in html


def test_structures_without_a_place_still_have_their_shares(made: Callable[..., Report]) -> None:
    def unplaced(given: pd.DataFrame, packed: Pack) -> pd.DataFrame:
        return given.assign(value=given["value"].str.replace("[4, 5, 0]", "null", regex=False))

    report = made(replace(PLAN, questions=("plausibility",), cases=6), unplaced)
    found = report.reading_page
    assert found is not None
    assert found.plausible is not None
    assert found.clicks is not None
    assert [arm.clicks for s in found.clicks.structures for arm in s.arms] == [0, 0, 0, 0]
    assert "no clicks" in on_screen(to_html(report))


def test_a_reader_study_alone_has_key_numbers_of_its_own(whole: Report) -> None:
    assert [k.title for k in whole.key_numbers][:2] == ["Telling synthetic from real (AUC, 0.5 is guessing)", "Readers"]
    assert all(k.value != "not measured" for k in whole.key_numbers)
    # The AUC bears the verdict of the rule that reads it in margins.
    assert whole.key_numbers[0].status in ("met", "not met", "unclear")
    assert [s.id for s in whole.sections] == []


def test_an_older_run_without_curves_and_chance_still_has_a_page(tmp_path: Path) -> None:
    run = Run.start(tmp_path / "old", {"name": "old", "reading": {"readers": 8}}, {})
    run.record("reading", readers("unclear", 0.55, 0.42, 0.68))
    run.seal()
    report = build(run, judge(run.findings(), read_rules("local")))
    assert report.reading_page is not None
    assert report.reading_page.rocs == ()
    assert "It stays open" in on_screen(to_html(report))


def test_parts_are_words() -> None:
    def said(slice_: str) -> str:
        return part(Finding(check="reading", name="x", value=1.0, slice=slice_))

    assert said("reader=R01, arm=real") == "reader R01, real images"
    assert said("question=choice, arm=both") == "which one is real"
    assert said("structure=ribs, left, arm=synthetic") == "ribs, left, synthetic images"
    assert said("all") == ""
