"""The plain report: numbers as written, equivalent doses, JSON and the terminal's lines."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from conftest import everything, measured, realistic
from hypothesis import given
from hypothesis import strategies as st

from radassay.evidence import wording
from radassay.evidence.curve import Curve, curves
from radassay.evidence.finding import Finding
from radassay.report import planted, tables
from radassay.report.build import Report
from radassay.report.render import to_json, to_text


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (0.94, "auc", "0.940"),
        (0.012345, "plain", "0.0123"),
        (1234.5, "plain", "1.23e+03"),
        (3.808, "plain", "3.81"),
        (0.0, "plain", "0"),
        (-0.0008, "plain", "−0.000800"),
        (0.0123, "share", "1.2 %"),
        (0.005, "difference", "+0.005"),
        (-0.006, "difference", "−0.006"),
        (0.0, "difference", "0"),
        (1102.0, "count", "1,102"),
    ],
)
def test_numbers_are_written_alike(value: float, kind: wording.Kind, text: str) -> None:
    assert wording.number(value, kind) == text


@given(st.floats(-1e12, 1e12), st.sampled_from(["auc", "difference", "share", "count", "plain"]))
def test_any_number_can_be_written(value: float, kind: wording.Kind) -> None:
    assert "-" not in wording.number(value, kind).replace("e-", "e")


def test_intervals_with_a_minus_are_spelt_out() -> None:
    assert wording.interval(measured("s", "auc_border", 0.94, low=0.919, high=0.958)) == "0.919–0.958"
    assert wording.interval(measured("t", "gain_over_real", 0.0, 0.02)) == "−0.020 to +0.020"
    assert wording.interval(measured("f", "kid", 0.0, 0.02)) == "−0.0200 to 0.0200"
    assert wording.interval(measured("m", "copy_share", 0.01, 0.01)) == "0.0–2.0 %"
    assert wording.interval(measured("m", "copy_share", 0.01)) == ""


@given(st.floats(0.1, 5), st.floats(-5, 5).filter(lambda s: abs(s) > 0.01), st.floats(0, 1))
def test_the_equivalent_dose_is_found_back(largest: float, slope: float, part: float) -> None:
    doses = tuple(largest * k / 4 for k in range(5))
    curve = Curve("blur", doses, tuple(1 + slope * d for d in doses))
    dose = part * largest
    value = curve.value_at(dose)
    assert value is not None
    found = curve.dose_at(value)
    assert found is None or found == pytest.approx(dose, abs=1e-6)
    assert curve.value_at(largest * 1.01) is None
    assert curve.dose_at(1 + 2 * slope * largest) is None


def test_a_curve_starts_at_the_blanks() -> None:
    found = curves(realistic(), "fidelity.kid")
    assert {c.control for c in found} == {"copies", "collapse", "blur", "shuffled-labels", "corner-marker"}
    assert all(c.doses[0] == 0 and c.values[0] == pytest.approx(0.0002) for c in found)


def test_the_equivalent_dose_says_when_it_is_past_what_was_planted() -> None:
    def blur(kid: float) -> str:
        return next(
            d.equivalent
            for d in planted.detected("fidelity", realistic(kid=kid))
            if (d.measure, d.control) == ("KID", "blur")
        )

    assert blur(0.0003) == "none: within the floor"
    assert blur(0.0252) == "1 pixels"
    assert blur(0.5) == "more than 2 pixels"
    assert blur(0.005) == "less than could be seen"


def test_what_was_not_seen_has_no_equivalent_dose() -> None:
    rows = [d for d in planted.detected("fidelity", realistic()) if d.measure == "KID"]
    unseen = [d for d in rows if d.limit.startswith("not seen")]
    assert {d.control for d in unseen} == {"copies", "shuffled labels"}
    assert all(d.equivalent == "" for d in unseen)


def test_a_measure_that_no_control_could_measure_takes_one_line() -> None:
    why = "not measured: 0 blanks, 3 are needed"
    limits = [
        measured("fidelity", "frechet", None, reason=why, role="limit", control=control)
        for control in ("blur", "copies")
    ]
    (line,) = planted.detected("fidelity", limits)
    assert (line.control, line.limit, line.caution) == ("all planted defects", "not measured", why)


def test_a_verdict_stands_beside_the_number_it_judges_and_not_beside_its_controls(whole: Report) -> None:
    shortcut = next(s for s in whole.sections if s.id == "shortcut")
    by_label = {(r.label, r.part): r.status for r in shortcut.rows}
    assert by_label["AUC from the border alone", ""] == "not met"
    assert by_label["AUC from the border alone", "synthetic"] == "not met"
    assert by_label["AUC from the shape of the picture file", ""] == "met"
    assert by_label["AUC from the whole image", ""] == ""


def test_json_holds_every_finding_and_verdict(whole: Report) -> None:
    told = json.loads(to_json(whole))
    assert told["schema"] == "radassay-report/1"
    assert len(told["findings"]) == len(realistic())
    assert [Finding.from_json(json.dumps({k: v for k, v in f.items() if k != "id"})) for f in told["findings"]] == list(
        whole.findings
    )
    assert told["reached"] == 1
    assert [r["status"] for r in told["rungs"]][:3] == ["met", "met", "not met"]
    assert all(len(p["sha256"]) == 64 for p in told["grids"])


def test_every_picture_is_shown_once(whole: Report) -> None:
    shown = [p.name for p in (*whole.grids, *whole.data_pictures, *whole.trial.pictures)]
    shown += [p.name for s in whole.sections for p in s.pictures]
    assert sorted(shown) == sorted(everything())


def test_every_measurement_has_a_row(whole: Report) -> None:
    rows = sum(len(s.rows) for s in (*whole.sections, whole.trial)) + len(whole.data_rows)
    assert rows == sum(f.role == "measurement" for f in whole.findings)


def test_the_seal_is_told(whole: Report) -> None:
    assert dict(whole.seal).keys() >= {"findings.jsonl", "run.json", "seal.json", "pictures/grid-real.png"}


def test_the_last_line_names_the_rung(whole: Report, report_of: Callable[..., Report]) -> None:
    text = to_text(whole)
    assert text.splitlines()[-1] == "Verdict: L1, close to real images by metrics"
    assert whole.answer in text
    assert "no-border-shortcut: AUC 0.940" in text
    assert to_text(report_of([])).splitlines()[-1] == "Verdict: no rung reached"


@given(st.sets(st.integers(0, len(realistic()) - 1)))
def test_any_part_of_the_evidence_makes_a_report(kept: set[int]) -> None:
    findings = [f for place, f in enumerate(realistic()) if place in kept]
    for check in {f.check for f in findings}:
        planted.plots(check, findings)
        planted.detected(check, findings)
        tables.rows([f for f in findings if f.check == check], findings, {})
    tables.forest(findings)
