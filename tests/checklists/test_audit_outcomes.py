"""The judge of an audit: four outcomes, each on the confidence limit, for every part of the images."""

import pytest

from radassay.checklists.audit import judge_audit
from radassay.checklists.rules import parse_rules, read_rules
from radassay.evidence.finding import Finding
from radassay.evidence.outcome import sets_of

RULES = b"""
name = "test"
version = "1"
[[rule]]
id = "border"
question = "Can the label be read off the border?"
failure = "the label can be read off the border"
rung = 2
finding = "regions.auc_border"
slice = "*"
compare = "upper limit below"
threshold = 0.6
requires_limit = { control = "true effect", at_most = 0.75 }
why = "test"
advice = "crop"
[[rule]]
id = "shared"
question = "Is a radiograph shared?"
failure = "radiographs are shared"
rung = 2
finding = "same.shared"
slice = "*"
compare = "value at most"
threshold = 0
why = "test"
advice = "remove"
"""


def border(part, value, low, high, limit=0.7):
    common = {"check": "regions", "name": "auc_border", "slice": part}
    measured = Finding(**common, value=value, low=low, high=high)
    return [measured, Finding(**common, value=limit, role="limit", control="true effect", unit="AUC")]


def judged(*findings):
    flat = [f for group in findings for f in (group if isinstance(group, list) else [group])]
    return judge_audit(flat, parse_rules(RULES))


def outcomes(judgement):
    return {(o.rule, o.slice): o.outcome for o in judgement.outcomes}


def test_the_whole_interval_decides():
    found = outcomes(
        judged(
            border("set=a", 0.52, 0.45, 0.58),
            border("set=b", 0.9, 0.8, 0.95),
            border("set=c", 0.55, 0.4, 0.7),
        )
    )
    assert found["border", "set=a"] == "passes"
    assert found["border", "set=b"] == "fails"
    assert found["border", "set=c"] == "inconclusive"


def test_a_pass_needs_that_an_effect_would_have_been_seen():
    judgement = judged(border("set=a", 0.5, 0.45, 0.55, limit=0.9))
    assert outcomes(judgement)["border", "set=a"] == "inconclusive"
    assert "could not have seen" in judgement.outcomes[0].reason
    alone = judged(border("set=a", 0.5, 0.45, 0.55)[:1])
    assert outcomes(alone)["border", "set=a"] == "not run"


def test_what_was_not_measured_is_not_run_and_never_passes():
    judgement = judged(Finding(check="regions", name="auc_border", slice="set=a", reason="no image has a label"))
    assert outcomes(judgement) == {("border", "set=a"): "not run", ("shared", "all"): "not run"}
    assert "no image has a label" in judgement.outcomes[0].reason
    assert judgement.answer.startswith("Nothing could be settled")


def test_a_broken_probe_is_told_where_its_rules_are():
    broken = Finding(check="same", name="measured", reason="the probe failed: ValueError: no")
    told = {o.rule: o.reason for o in judged(broken).outcomes}
    assert "ValueError" in told["shared"]


def test_the_answer_names_the_faults_and_the_sets_in_the_order_of_the_rules():
    shared = Finding(check="same", name="shared", slice="sets=a+b", value=3.0, unit="pairs", reason="counted")
    judgement = judged(shared, border("set=b", 0.9, 0.8, 0.95))
    assert judgement.answer == (
        "2 faults found: the label can be read off the border (b); radiographs are shared (a, b)."
    )
    assert judgement.count("fails") == 2


def test_the_answer_says_what_stayed_open():
    judgement = judged(border("set=a", 0.52, 0.45, 0.58))
    assert "nothing was found wrong in 1 question. 1 question could not be asked of them." in judgement.answer


def test_rules_of_probes_that_nobody_asked_are_left_out():
    findings = border("set=a", 0.52, 0.45, 0.58)
    judgement = judge_audit(findings, parse_rules(RULES), ["regions"])
    assert {o.rule for o in judgement.outcomes} == {"border"}
    assert judgement.answer == "Of what was looked for, nothing was found wrong in 1 question."


@pytest.mark.parametrize(
    ("part", "names"),
    [("all", ()), ("set=a", ("a",)), ("set=a, label=x", ("a",)), ("sets=a+b", ("a", "b"))],
)
def test_a_slice_names_its_sets(part, names):
    assert sets_of(part) == names


def test_the_built_in_rules_of_an_audit_can_be_read_and_ask_for_registered_probes():
    from radassay import registry

    rules = read_rules("audit")
    assert {rule.finding.split(".")[0] for rule in rules.rules} <= {*registry.names("probes")}
    assert all(rule.slice == "*" or rule.slice == "all" for rule in rules.rules)
