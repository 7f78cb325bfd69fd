"""The report of a trial: pictures hold the numbers of the findings, and what is missing is told in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from conftest import ABOUT, PLAN, measured, realistic
from trial_samples_told import AREAS, SIZES, differences, endpoints, exchange, gain, trial

from radassay.checklists.judge import judge
from radassay.checklists.rules import read_rules
from radassay.evidence import wording
from radassay.evidence.amendment import Amend
from radassay.evidence.finding import Finding
from radassay.evidence.run import Run
from radassay.report import terms, trial_pictures, trial_words
from radassay.report.build import Report, build
from radassay.report.calibration import calibrations
from radassay.report.exchange import Worth, worth
from radassay.report.gains import Gains, gains
from radassay.report.render import to_html, to_json
from radassay.report.trial_tables import comparisons, places

SVG = "{http://www.w3.org/2000/svg}"
CLASSICAL, MIXED = "real+classical", "real+synthetic"


def told(findings: Iterable[Finding]) -> Worth:
    found = worth([*findings])
    assert found is not None
    return found


def drawn(picture: str) -> ElementTree.Element:
    return ElementTree.fromstring(picture)


def of(tree: ElementTree.Element, tag: str, style: str) -> list[ElementTree.Element]:
    return [e for e in tree.iter(SVG + tag) if e.get("class") == style]


def ends(path: ElementTree.Element) -> list[tuple[float, float]]:
    numbers = [float(n) for n in re.findall(r"-?[\d.]+", str(path.get("d")))]
    return [*zip(numbers[::2], numbers[1::2], strict=True)]


def hover(element: ElementTree.Element) -> str:
    return str(element.findtext(SVG + "title"))


@pytest.fixture(scope="module")
def curve() -> ElementTree.Element:
    found = told([exchange()])
    assert found.main is not None
    return drawn(trial_pictures.exchange_curve(found.main, found.answer))


@pytest.fixture(scope="module")
def scales(curve: ElementTree.Element) -> tuple[Callable[[float], float], Callable[[float], float]]:
    """Return patients and AUC of a place in the picture, from the measured points, which are known."""
    points = of(curve, "circle", "dot")[: len(SIZES)]
    across = np.polyfit([float(p.get("cx", "")) for p in points], SIZES, 1)
    up = np.polyfit([float(p.get("cy", "")) for p in points], [np.mean(a) for a in AREAS], 1)
    return lambda x: float(np.polyval(across, x)), lambda y: float(np.polyval(up, y))


def test_the_measured_points_lie_where_they_belong(curve: ElementTree.Element, scales: Any) -> None:
    patients, area = scales
    points = of(curve, "circle", "dot")[: len(SIZES)]
    for point, size, areas in zip(points, SIZES, AREAS, strict=True):
        assert hover(point) == f"{size} real patients: AUC {np.mean(areas):.3f}"
        assert patients(float(point.get("cx", ""))) == pytest.approx(size, abs=0.1)
        assert area(float(point.get("cy", ""))) == pytest.approx(np.mean(areas), abs=2e-4)
    assert len(of(curve, "circle", "faint-dot")) == 15 + 1  # and one in the legend


def test_curve_level_and_meeting_are_those_of_the_finding(curve: ElementTree.Element, scales: Any) -> None:
    patients, area = scales
    details = exchange().details
    line = next(p for p in of(curve, "path", "real") if len(ends(p)) > 2)
    assert [area(y) for _, y in ends(line)] == pytest.approx(details["curve"][1], abs=2e-4)
    level = of(curve, "path", "trial")[0]
    assert [area(y) for _, y in ends(level)] == pytest.approx([0.829, 0.829], abs=2e-4)
    edges = [ends(p) for p in of(curve, "path", "trial-edge")]
    assert [area(e[0][1]) for e in edges[:2]] == pytest.approx([0.869, 0.789], abs=2e-4)
    (ring,) = of(curve, "circle", "ring")
    assert patients(float(ring.get("cx", ""))) == pytest.approx(120 + 17.3, abs=0.1)
    base = of(curve, "path", "mark-line")[0]
    assert [patients(x) for x, _ in ends(base)] == pytest.approx([120, 120], abs=0.1)


def test_the_interval_is_open_where_the_curve_ends(curve: ElementTree.Element, scales: Any) -> None:
    patients, _ = scales
    bar, left, right, *arrow = (ends(p) for p in of(curve, "path", "trial-bar"))
    assert [patients(x) for x, _ in bar] == pytest.approx([124.2, 150], abs=0.1)
    assert len(left) == 2  # a stroke
    assert len(right) == 3  # an arrow
    assert patients(arrow[0][0][0]) == pytest.approx(120, abs=0.1)
    assert 130 < patients(arrow[0][1][0]) < 137.3
    words = [t.text for t in curve.iter(SVG + "text")]
    assert "worth in real patients: +17 (+4 to ≥ +30)" in words
    assert "this study: 120 patients" in words
    assert "Real + synthetic × 1, with its band" in words


def test_every_picture_tells_its_content_in_words() -> None:
    found, by_dose = told(trial()), gains(trial())
    assert found.main is not None
    assert by_dose is not None
    pictures = [
        trial_pictures.exchange_curve(found.main, found.answer),
        trial_pictures.exchange_rows(found),
        trial_pictures.gain_rows(by_dose),
        *(trial_pictures.calibration_plot(c, k) for k, c in enumerate(calibrations(trial()))),
    ]
    for picture in pictures:
        tree = drawn(picture)
        named = [e.get("id") for e in (tree.find(SVG + "title"), tree.find(SVG + "desc")) if e is not None and e.text]
        assert tree.get("role") == "img"
        assert str(tree.get("aria-labelledby")).split() == named
    assert found.answer in str(drawn(pictures[0]).findtext(SVG + "desc"))


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        ({}, "were worth about 17 further real patients (95 % interval +4 to +30 or more). The whole interval lies"),
        ({"value": 1.2, "low": -3.0, "high": 9.0}, "about 1 further real patient (95 % interval −3 to +9)"),
        (
            {"value": 0.2, "low": -3.0, "high": 9.0},
            "worth no further real patients (95 % interval −3 to +9). The inter",
        ),
        ({"value": -30.0, "low": -50.0, "high": -8.0}, "only as well as with about 30 real patients fewer"),
        ({"value": -30.0, "low": -50.0, "high": -8.0}, "they did harm."),
        ({"value": None, "low": 12.0, "beyond": "above"}, "worth more than 30 further real patients, which is beyond"),
        ({"value": None, "low": None, "high": -40.0, "beyond": "below"}, "worse than with 80 real patients fewer"),
        ({"value": 3.0, "low": None}, "cannot say what the synthetic images were worth in real patients: the inte"),
        (
            {"value": None, "low": None, "high": -14.0, "beyond": "above"},
            "in real patients: estimate and interval contradict each other",
        ),
    ],
)
def test_the_answer_is_a_sentence(rate: dict[str, Any], words: str) -> None:
    assert words in told([exchange(**rate)]).answer


def test_a_rate_that_was_not_measured_says_why(report_of: Callable[..., Report]) -> None:
    why = "the plan has no learning curve of three sizes or more"
    report = report_of([measured("trial", "exchange_patients", None, unit="patients", reason=why)])
    found = report.trial_page.worth
    assert found is not None
    assert found.main is None
    assert found.answer == f"What they were worth in real patients was not measured: {why}."
    page = to_html(report)
    assert found.answer in page
    assert "<svg" not in page
    assert any(why in reason for _, reason in report.not_measured)


def test_a_rate_beyond_the_curve_counts_as_measured(report_of: Callable[..., Report]) -> None:
    report = report_of([exchange(value=None, low=12.0, beyond="above")])
    assert not any("real patients" in what for what, _ in report.not_measured if "Trial" in what)
    assert report.trial.rows[0].value == "beyond the curve"


def test_doses_ascend_and_the_held_out_patients_are_held_against_their_number() -> None:
    found = told(trial())
    assert [row.dose for row in found.rows[:-1]] == [0.25, 1.0, 2.0]
    assert found.rows[-1].slice == "held-out patients"
    assert "30 real patients kept aside" in found.check
    assert found.check.endswith("The interval holds the true number.")
    missed = told([exchange("held-out patients", 1.0, 5.0, -4.0, 20.0)])
    assert missed.check.endswith("The interval misses the true number.")
    assert told([exchange("held-out patients", 1.0, 5.0, None, None)]).check.endswith("so neither does the check.")
    tree = drawn(trial_pictures.exchange_rows(found))
    words = [t.text for t in tree.iter(SVG + "text")]
    assert "30 held-out real patients" in words
    assert "cannot be told (estimate < −80)" in words
    assert "> +30 (+12 to ≥ +30)" in words
    assert hover(of(tree, "circle", "ring")[0]) == "the true number: +30"


def gained(findings: list[Finding]) -> Gains:
    found = gains(findings)
    assert found is not None
    return found


def test_the_gain_by_dose_has_its_lines() -> None:
    found = gained(trial())
    assert [g.label for g in found.doses] == [f"Real + synthetic × {d}" for d in ("0.25", "1", "2")]
    assert (found.margin, found.harm) == (0.03, 0.015)
    tree = drawn(trial_pictures.gain_rows(found))
    markers = of(tree, "path", "trial-dot")
    zero, dotted, dashed = (ends(of(tree, "path", style)[0])[0][0] for style in ("zero", "mark-line", "dash-line"))
    scale = np.polyfit([zero, dotted], [0.0, 0.03], 1)
    assert np.polyval(scale, dashed) == pytest.approx(-0.015, abs=2e-4)
    places = [np.mean([ends(m)[1][0], ends(m)[3][0]]) for m in markers]
    assert np.polyval(scale, places) == pytest.approx([f.value for f in by_dose()], abs=3e-4)
    bars = [ends(p) for p in of(tree, "path", "trial-bar") if len(ends(p)) == 2 and ends(p)[0][1] == ends(p)[1][1]]
    assert [np.polyval(scale, b[0][0]) for b in bars] == pytest.approx([f.low for f in by_dose()], abs=3e-4)


def by_dose() -> list[Finding]:
    found = [f for f in differences() if f.name == "gain_over_controls"]
    return sorted(found, key=lambda f: f.details["dose"])


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("gain_of_held_out_patients", 0.03, "this trial can see a gain of that size"),
        ("gain_of_held_out_patients", 0.01, "this trial could not see a gain of that size"),
        ("change_of_shuffled_labels", -0.10, "Shuffled labels must not help, and showed no gain"),
        ("change_of_shuffled_labels", 0.10, "no gain of this trial may be believed"),
    ],
)
def test_the_controls_of_the_trial_are_read_aloud(name: str, value: float, words: str) -> None:
    assert any(words in said for said in gained([gain(name, value, 0.02)]).told)


def test_a_control_that_nobody_ran_is_told() -> None:
    why = "no patients were held out for it"
    found = gained([measured("trial", "gain_of_held_out_patients", None, reason=why)])
    assert found.told == (f"Held-out real patients: not measured, since {why}.",)
    assert "not measured" in [t.text for t in drawn(trial_pictures.gain_rows(found)).iter(SVG + "text")]


def test_calibration_points_lie_where_they_belong() -> None:
    found = calibrations(trial())
    assert [c.arm for c in found] == [
        "Real images only", "Real + classical augmentation", "Real + synthetic × 1", "Synthetic only",
    ]  # fmt: skip
    assert found[0].slope == "0.87 (0.47 to 1.27)"
    assert found[0].intercept == "−0.12 (−0.42 to 0.18)"
    tree = drawn(trial_pictures.calibration_plot(found[0], 1))
    (x0, y0), (x1, y1) = ends(of(tree, "path", "dash-line")[0])
    for point, group in zip(of(tree, "circle", "dot"), found[0].groups, strict=True):
        assert (float(point.get("cx", "")) - x0) / (x1 - x0) == pytest.approx(group.probability, abs=1e-3)
        assert (float(point.get("cy", "")) - y0) / (y1 - y0) == pytest.approx(group.observed, abs=1e-3)


def test_calibration_without_a_value_says_why() -> None:
    why = "the classes are separated, so that it has no value"
    (found,) = calibrations([measured("trial", "calibration_slope_real", None, reason=why)])
    assert found.slope == f"not measured: {why}"
    assert found.intercept == "not measured"


def test_arms_are_named_and_ordered(report_of: Callable[..., Report]) -> None:
    forest = report_of(trial()).forest
    assert forest is not None
    assert [row.label for row in forest.arms] == [
        "Real images only",
        "Real + classical augmentation",
        "Real + as many duplicates",
        "Real, both classes equally often",
        "Real + synthetic × 0.25",
        "Real + synthetic × 1",
        "Real + synthetic × 2",
        "Synthetic only",
        "Real + synthetic, labels shuffled",
        "Real + held-out real patients",
    ]
    assert all(row.label.startswith("Gain over") for row in forest.differences)


def test_the_forest_follows_the_endpoint_of_the_plan(report_of: Callable[..., Report]) -> None:
    forest = report_of(trial(), plan={**PLAN, "trial": {"endpoint": "brier"}}).forest
    assert forest is not None
    assert forest.endpoint == "Brier score"
    assert {row.value for row in forest.arms} == {0.17}


def test_no_raw_name_is_shown(report_of: Callable[..., Report]) -> None:
    page = re.sub(r"<[^>]*>", " ", to_html(report_of(trial(), plan={}, notes={})))
    for name in {f.name for f in trial() if "_" in f.name}:
        assert name not in page
    assert "real+synthetic" not in page


@pytest.mark.parametrize("finding", trial(), ids=lambda f: f"{f.name} {f.slice}")
def test_every_finding_of_a_trial_has_a_label(finding: Finding) -> None:
    label = trial_words.label(finding)
    assert "_" not in label
    assert trial_words.split(finding.name)[1] or finding.name in {*trial_words.OTHERS, *wording.LABELS}


def test_comparisons_stand_in_order_with_both_limits_and_all_that_is_said() -> None:
    rows = comparisons(trial())
    assert [r.label for r in rows[:4]] == [
        "Gain over real images only", "Gain over classical augmentation", "Gain over duplicates",
        "Gain over classes equally often",
    ]  # fmt: skip
    doses = [r for r in rows if r.label == "Gain over the best control"]
    assert [r.part for r in doses] == [f"{d} synthetic per real image" for d in ("0.25", "1", "2")]
    assert [r.p for r in doses] == ["0.05", "0.2", "0.4"]
    assert (doses[1].interval, doses[1].delong) == ("−0.013 to +0.027", "−0.011 to +0.029")
    assert doses[1].harm == "Unclear: told so."
    shuffled = next(r for r in rows if "shuffled" in r.label)
    assert shuffled.harm == "Harm: told so."


def test_hospitals_and_parts_have_their_worst_last() -> None:
    rows = places(trial())
    assert [r.where for r in rows] == [
        "North", "South", "the one that gains least (South)",
        "sex: F", "age: 65 up", "site: B", "the part that gains least (age: 65 up)",
    ]  # fmt: skip
    by_name = {r.where: r for r in rows}
    assert by_name["age: 65 up"].harm == "Says nothing: too few patients."
    assert by_name["site: B"].value == "not measured"
    assert by_name["site: B"].harm == "Fewer than 5 patients of one class."
    assert by_name["sex: F"].patients == "44"
    one = [f for f in trial() if f.slice != "site=South"]
    assert [r.where for r in places(one)][:2] == ["North", "sex: F"]


def test_many_parts_without_a_value_take_one_row(report_of: Callable[..., Report]) -> None:
    why = "fewer than 5 patients of a class"
    silent = [measured("trial", "subgroup_gain", None, slice=f"site={k}", reason=why) for k in range(40)]
    known = measured("trial", "subgroup_gain", 0.02, 0.03, slice="sex=F", details={"harm": "unclear", "patients": 44})
    rows = places([*silent, known])
    assert [r.where for r in rows] == [
        "sex: F", "40 parts: site: 0; site: 1; site: 2; site: 3; site: 4; site: 5; and 34 more",
    ]  # fmt: skip
    assert rows[1].harm == "Fewer than 5 patients of a class."
    what = next(what for what, reason in report_of([*silent, known]).not_measured if reason == why)
    assert what.endswith(
        "in a part of the patients (site: 0; site: 1; site: 2; site: 3; site: 4; site: 5; and 34 more)"
    )


def test_endpoints_stand_by_arm(report_of: Callable[..., Report]) -> None:
    table = report_of(endpoints()).trial_page.endpoints
    assert table is not None
    assert table.arms == (
        "Real images only", "Real + classical augmentation", "Real + synthetic × 1", "Synthetic only",
    )  # fmt: skip
    lines = {line.endpoint: line for line in table.lines}
    assert lines["Sensitivity"].cells[0].value == "44.0 %"
    assert lines["Sensitivity"].note == "at 90 % specificity on validation images"
    assert lines["Calibration slope"].cells[0].interval == "0.47 to 1.27"


def test_any_part_of_a_trial_can_be_told(report_of: Callable[..., Report]) -> None:
    whole = trial()
    for kept in (whole[::2], whole[1::2], whole[::5], [replace(f, details={}) for f in whole]):
        page = to_html(report_of(kept))
        assert page.count("<svg") == page.count("</svg>")


def test_the_terms_are_in_order_and_told_once() -> None:
    names = [term for term, _ in terms.GLOSSARY]
    assert names == sorted(names, key=str.casefold)
    assert len(names) == len(set(names))
    assert {"Exchange rate", "Learning curve", "Held-out real patients", "Holm"} <= set(names)


def test_all_of_it_is_whole_html_and_json(report_of: Callable[..., Report]) -> None:
    report = report_of(trial())
    page = to_html(report)
    assert page.count("<svg") == 1 + 1 + 1 + 4
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert "The whole interval lies above zero" in page
    assert '<p class="caution-note">The generator was trained once.</p>' in page
    assert '"trial_page"' in to_json(report)
    assert page == to_html(report_of(trial()))


def test_a_trial_of_an_older_run_is_drawn_as_before(whole: Report) -> None:
    assert not whole.trial_page.is_told
    page = to_html(whole)
    assert "Trial: what was measured" in page
    assert "<svg" not in page
    assert whole.forest is not None
    assert len(whole.forest.arms) == 5


def test_a_hostile_arm_is_text() -> None:
    bad = "</title><script>alert(1)</script>"
    found = told([exchange()])
    assert found.main is not None
    assert "<script>" not in trial_pictures.exchange_curve(found.main, bad)
    odd = gained([replace(gain("gain_over_controls", 0.1, 0.05, dose=1.0), unit=bad),
                  replace(gain("gain_over_controls", 0.1, 0.05, "dose=2", dose=2.0), unit=bad)])  # fmt: skip
    assert "<script>" not in trial_pictures.gain_rows(odd)


def test_changes_of_the_plan_are_shown(tmp_path: Path, whole: Report) -> None:
    plan = {**PLAN, "trial": {"margin": 0.02, "harm": 0.02}}
    run = Run.start(tmp_path / "run", plan, ABOUT)
    run.record("materials", realistic())
    del run
    changed = {**plan, "trial": {"margin": 0.05, "harm": 0.02}}
    run = Run.start(tmp_path / "run", changed, amend=Amend("the clinic asks for more", ("trial",)))
    run.seal()
    report = build(run, judge(run.findings(), read_rules()))
    (told_so,) = report.amendments
    assert told_so.changes == (("trial.margin", "0.02", "0.05"),)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", told_so.at)
    assert (told_so.reason, told_so.after) == ("the clinic asks for more", "materials")
    page = to_html(report)
    assert "The plan was changed after it was written down, 1 time." in page
    assert "trial.margin" in page
    assert "Plan, fixed before any image was read" not in page
    assert "None: the plan is as it was written down" in to_html(whole)
