"""The judge: verdicts on the confidence limit, and the ladder's laws."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radassay.checklists.judge import judge
from radassay.checklists.ladder import CLINICAL_VALUE_FROM, answer, reached, rungs
from radassay.checklists.rules import Number, OfFloor, OfPlanted, Rule, RuleSet, Sensitivity, Within, read_rules
from radassay.evidence.finding import Finding
from radassay.evidence.verdict import Judgement, Status, Verdict

GOLDEN = Path(__file__).parent / "golden"


def rule(**fields: Any) -> Rule:
    base: dict[str, Any] = {
        "id": "r",
        "question": "Is it?",
        "failure": "it is",
        "rung": 0,
        "finding": "shortcut.auc_border",
        "slice": "all",
        "compare": "upper limit below",
        "threshold": Number(0.65),
        "sensitivity": None,
        "why": "convention",
        "advice": "do this",
    }
    return Rule(**{**base, **fields})


def finding(value: float | None = 0.5, low: float | None = None, high: float | None = None, **fields: Any) -> Finding:
    base: dict[str, Any] = {"check": "shortcut", "name": "auc_border", "unit": "AUC"}
    return Finding(**{**base, "value": value, "low": low, "high": high, **fields})


def status(one: Rule, *findings: Finding) -> Status:
    return judge(findings, RuleSet("t", "1", "0" * 64, (one,))).rungs[one.rung].verdicts[0].status


def reason(one: Rule, *findings: Finding) -> str:
    return judge(findings, RuleSet("t", "1", "0" * 64, (one,))).rungs[one.rung].verdicts[0].reason


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [
        (0.52, 0.45, 0.60, "met"),
        (0.62, 0.55, 0.70, "unclear"),
        (0.70, 0.60, 0.80, "unclear"),
        (0.94, 0.92, 0.96, "not met"),
        (0.60, 0.55, 0.65, "unclear"),  # the limit must be below the threshold, not on it
        (0.70, 0.65, 0.75, "not met"),
    ],
)
def test_an_upper_limit_decides(value: float, low: float, high: float, expected: str) -> None:
    assert status(rule(), finding(value, low, high)) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.01, 0.05, "met"), (-0.01, 0.05, "unclear"), (0.0, 0.05, "unclear"), (-0.05, 0.0, "not met")],
)
def test_a_lower_limit_decides(low: float, high: float, expected: str) -> None:
    gain = rule(compare="lower limit above", threshold=Number(0.0))
    assert status(gain, finding((low + high) / 2, low, high)) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.45, 0.55, "met"),
        (0.35, 0.55, "unclear"),
        (0.30, 0.70, "unclear"),
        (0.61, 0.70, "not met"),
        (0.2, 0.4, "not met"),
    ],
)
def test_equivalence_needs_the_whole_interval_inside(low: float, high: float, expected: str) -> None:
    equal = rule(compare="interval within", threshold=Within(0.4, 0.6))
    assert status(equal, finding((low + high) / 2, low, high)) == expected


def test_counts_are_judged_by_value() -> None:
    none_shared = rule(compare="value at most", threshold=Number(0.0))
    assert status(none_shared, finding(0.0)) == "met"
    assert status(none_shared, finding(1.0)) == "not met"
    enough = rule(compare="value at least", threshold=Number(6.0))
    assert status(enough, finding(6.0)) == "met"
    assert status(enough, finding(5.0)) == "not met"


def test_what_is_absent_or_has_no_value_is_not_measured() -> None:
    assert status(rule()) == "not measured"
    assert status(rule(), finding(None, reason="too few patients")) == "not measured"
    assert "too few patients" in reason(rule(), finding(None, reason="too few patients"))
    assert status(rule(slice="synthetic"), finding(0.5, 0.4, 0.6)) == "not measured"
    assert status(rule(), finding(0.5, 0.4, 0.6, role="floor")) == "not measured"
    assert status(rule(compare="measured", threshold=None), finding()) == "met"


def test_a_value_without_an_interval_is_unclear() -> None:
    assert status(rule(), finding(0.5)) == "unclear"
    assert status(rule(), finding(0.99)) == "unclear"


def test_the_worst_of_several_findings_stands() -> None:
    good, bad = finding(0.5, 0.45, 0.55, inputs=("a",)), finding(0.9, 0.8, 0.95, inputs=("b",))
    assert status(rule(), good, bad) == status(rule(), bad, good) == "not met"


def test_the_reason_holds_number_interval_and_threshold() -> None:
    text = reason(rule(), finding(0.94, 0.92, 0.96))
    for part in ("0.940", "0.920–0.960", "0.650"):
        assert part in text


@pytest.mark.parametrize(
    ("low", "high", "expected"), [(0.7, 0.8, "unclear"), (0.5, 0.65, "met"), (0.55, 0.7, "met"), (None, None, "met")]
)
def test_a_verdict_that_a_second_encoder_turns_round_is_unclear(low, high, expected) -> None:
    one = rule(compare="upper limit below", threshold=Number(0.65))
    second = finding(0.6 if low is None else (low + high) / 2, low, high, slice="encoder=other")
    assert status(one, finding(0.5, 0.4, 0.6), second) == expected
    if expected == "unclear":
        assert "with the encoder other it is not met" in reason(one, finding(0.5, 0.4, 0.6), second)


def floor(mean: float = 0.001, low: float = 0.0, high: float = 0.002) -> Finding:
    return kid(mean, low, high, role="floor")


def kid(value: float, low: float | None = None, high: float | None = None, **fields: Any) -> Finding:
    return finding(value, low, high, check="fidelity", name="kid", unit="", **fields)


def planted(dose: float, value: float) -> Finding:
    return kid(value, role="planted", control="blur", dose=dose, details={"dose_unit": "pixels (sigma)"})


BLUR = rule(finding="fidelity.kid", threshold=OfPlanted("blur", 2.0))


def test_a_planted_dose_can_be_the_threshold() -> None:
    doses = [floor(), planted(1.0, 0.02), planted(3.0, 0.06)]
    assert status(BLUR, kid(0.03, 0.02, 0.039), *doses) == "met"
    assert status(BLUR, kid(0.03, 0.02, 0.041), *doses) == "unclear"
    assert status(BLUR, kid(0.05, 0.045, 0.06), *doses) == "not met"
    assert "blur" in reason(BLUR, kid(0.03, 0.02, 0.039), *doses)
    assert "2 pixels" in reason(BLUR, kid(0.03, 0.02, 0.039), *doses)


def test_a_planted_threshold_needs_a_dose_that_was_tried_and_stands_out_from_the_floor() -> None:
    measured = kid(0.0001, -0.001, 0.0005)
    assert status(BLUR, measured, floor()) == "not measured"
    assert status(BLUR, measured, floor(), planted(1.0, 0.02)) == "not measured"
    assert status(BLUR, measured, planted(1.0, 0.02), planted(3.0, 0.06)) == "not measured"
    blind = [floor(), planted(1.0, 0.0015), planted(3.0, 0.0018)]
    assert status(BLUR, measured, *blind) == "unclear"
    assert "cannot be told from real" in reason(BLUR, measured, *blind)


def test_a_threshold_of_the_floor() -> None:
    near = rule(finding="fidelity.kid", threshold=OfFloor(2.0, 0.001))
    assert status(near, kid(0.003, 0.002, 0.0049), floor()) == "met"
    assert status(near, kid(0.007, 0.0051, 0.009), floor()) == "not met"
    assert status(near, kid(0.003, 0.002, 0.004)) == "not measured"


COPIES = rule(finding="memorisation.copy_share", threshold=Number(0.05), sensitivity=Sensitivity("copies", 0.1), rung=2)


def copies(value: float | None, role: str = "measurement", **fields: Any) -> Finding:
    base = {"check": "memorisation", "name": "copy_share", "unit": "share of synthetic images"}
    return finding(value, **{**base, "role": role, **fields})


def test_silence_counts_only_where_the_check_was_shown_to_see() -> None:
    none = copies(0.0, low=0.0, high=0.02)
    assert status(COPIES, none, copies(0.05, "limit", control="copies")) == "met"
    assert status(COPIES, none, copies(0.2, "limit", control="copies")) == "unclear"
    assert "could not have seen copies below 20 %" in reason(COPIES, none, copies(0.2, "limit", control="copies"))
    unseen = copies(None, "limit", control="copies", reason="not seen at any dose up to 0.2")
    assert status(COPIES, none, unseen) == "unclear"
    assert status(COPIES, none) == "not measured"
    assert status(COPIES, none, copies(0.05, "limit", control="collapse")) == "not measured"


def test_a_failure_needs_no_limit_of_detection() -> None:
    assert status(COPIES, copies(0.3, low=0.25, high=0.35)) == "not met"


# ---- the ladder


def verdict(level: int, status: Status) -> Verdict:
    return Verdict(rule=f"r{level}", question="Is it?", rung=level, status=status, reason=f"AUC 0.94, {level}; x.")


STATUS = st.sampled_from(["met", "not met", "unclear", "not measured", "not applicable"])


@given(st.lists(st.tuples(st.integers(0, 6), STATUS), max_size=14))
def test_a_rung_stands_on_all_below_it(given_verdicts: list[tuple[int, Status]]) -> None:
    verdicts = [verdict(level, status) for level, status in given_verdicts]
    ladder = rungs(verdicts)
    top = reached(ladder)
    assert all(ladder[level].status == "met" for level in range(top + 1))
    assert top == 6 or ladder[top + 1].status != "met"
    for rung in ladder:
        assert (rung.status == "met") == (
            any(v.status == "met" for v in rung.verdicts)
            and all(v.status in ("met", "not applicable") for v in rung.verdicts)
        )
    sentence = answer(ladder, {f"r{i}": rule(id=f"r{i}", rung=i) for i in range(7)}, top)
    assert sentence.startswith("Clinical value shown") == (top >= CLINICAL_VALUE_FROM)
    assert sentence.endswith(".")
    assert sentence.count(". ") == 0


@given(st.integers(0, 6), STATUS)
def test_a_worse_verdict_never_raises_the_rung(level: int, worse: Status) -> None:
    all_met = [verdict(i, "met") for i in range(7)]
    top = reached(rungs([*all_met, verdict(level, worse)]))
    assert top == (6 if worse in ("met", "not applicable") else level - 1)


# ---- a whole run


def golden() -> list[Finding]:
    return [Finding.from_json(line) for line in (GOLDEN / "findings.jsonl").read_text("utf-8").splitlines()]


def without(findings: list[Finding], key: str, slice: str = "all") -> list[Finding]:
    return [f for f in findings if not (f.key == key and f.slice == slice and f.role == "measurement")]


def with_value(findings: list[Finding], key: str, value: float, low: float, high: float) -> list[Finding]:
    return [
        replace(f, value=value, low=low, high=high) if f.key == key and f.role == "measurement" else f for f in findings
    ]


def of(findings: list[Finding]) -> Judgement:
    return judge(findings, read_rules())


def test_the_golden_run_is_judged_as_before() -> None:
    judged = asdict(of(golden()))
    del judged["rules"]  # the digest of the rule file changes with every comment in it
    assert json.loads(json.dumps(judged)) == json.loads((GOLDEN / "judgement.json").read_text("utf-8"))


def test_judging_is_pure() -> None:
    findings = golden()
    before = [f.to_json() for f in findings]
    assert of(findings) == of(findings)
    assert [f.to_json() for f in findings] == before


def test_a_border_shortcut_refuses_everything_above_l1_with_its_number() -> None:
    judgement = of(golden())
    assert judgement.reached == 1
    assert judgement.answer.startswith(
        "No clinical value shown: the label can be read off the image border alone (AUC "
    )
    assert "0.940" in judgement.answer
    assert "0.919–0.958" in judgement.answer
    assert "nothing above L1 can be claimed" in judgement.answer
    assert "hospitals" in judgement.next_step


def test_without_shortcuts_l2_is_reached_and_no_clinical_value_is_claimed() -> None:
    findings = golden()
    for name in ("auc_border", "auc_lungs_out", "auc_site"):
        findings = with_value(findings, f"shortcut.{name}", 0.51, 0.46, 0.57)
    judgement = of(findings)
    assert judgement.reached == 2
    assert judgement.answer.startswith("No clinical value shown: it was not measured whether radiologists can tell")


def test_a_shortcut_is_told_first_even_where_the_images_are_not_close() -> None:
    judgement = of(with_value(golden(), "fidelity.kid", 0.09, 0.08, 0.1))
    assert judgement.reached == 0
    first, second = judgement.answer.split("; nor is L1 reached, since ")
    assert first.startswith("No clinical value shown: the label can be read off the image border alone (AUC 0.940")
    assert first.endswith("so nothing above L1 can be claimed")
    assert "blurred" in second
    assert "KID 0.0900" in second


def test_nothing_at_all_reaches_no_rung() -> None:
    judgement = of([])
    assert judgement.reached == -1
    assert judgement.answer.startswith(
        "No clinical value shown: it was not measured whether synthetic images are missing"
    )
    assert {rung.status for rung in judgement.rungs} == {"not measured"}


def test_unknown_patients_keep_a_run_below_l2() -> None:
    findings = golden()
    for name in ("auc_border", "auc_lungs_out", "auc_site"):
        findings = with_value(findings, f"shortcut.{name}", 0.51, 0.46, 0.57)
    unknown = Finding(check="leakage", name="shared_patients", reason="the patient of no image is known")
    judgement = of([*without(findings, "leakage.shared_patients"), unknown])
    assert judgement.reached == 1
    assert "not measured whether the same patients are in training and in testing" in judgement.answer


def test_every_rung_can_be_reached() -> None:
    findings = golden()
    for name in ("auc_border", "auc_lungs_out", "auc_site"):
        findings = with_value(findings, f"shortcut.{name}", 0.51, 0.46, 0.57)
    for key in ("trial.gain_over_controls", "trial.gain_over_real"):
        findings = with_value(findings, key, 0.04, 0.02, 0.06)
    findings = [*without(findings, "leakage.shared_with_others")]
    extra = [
        ("reading", "distance_in_margins", 0.0, -0.5, 0.5),
        ("reading", "margin", 0.1, None, None),
        ("reading", "n_readers", 7.0, None, None),
        ("trial", "gain_external", 0.03, 0.01, 0.05),
        ("trial", "worst_subgroup_gain", 0.0, -0.03, 0.03),
        ("leakage", "shared_with_others", 0.0, None, None),
        ("reading", "diagnosis_difference", 0.0, -0.02, 0.02),
        ("prospective", "use", 1.0, None, None),
    ]
    tops = []
    for check, name, value, low, high in extra:
        findings.append(Finding(check=check, name=name, value=value, low=low, high=high))
        tops.append(of(findings).reached)
    assert tops == [2, 2, 3, 3, 3, 4, 5, 6]
    assert of(findings).answer.startswith("Clinical value shown up to L6")
