"""Simulated readers whose truth is known come out as what they are, and the rules judge them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from reading_sets import answers

from radassay.checklists.judge import judge
from radassay.checklists.rules import read_rules
from radassay.errors import InputError
from radassay.reading.analyse import analyse, record
from radassay.reading.answers import read_answers
from radassay.reading.pack import pack
from radassay.reading.plan import ReadingPlan

PLAN = ReadingPlan(cases=20, readers=8, catch=4, training=2, repeats=0.2)


def by_name(analysed, part="all"):
    return {f.name: f for f in analysed.findings if f.slice == part}


def told(plan, packed, seed=1, **truth):
    return analyse(plan, packed.key, answers(packed.study, packed.key, np.random.default_rng(seed), **truth))


@pytest.fixture(scope="module")
def packed(chests):
    return pack(PLAN, *chests)


def test_readers_who_guess_and_readers_who_see(packed):
    guess, see = told(PLAN, packed), told(PLAN, packed, seen=2.0)
    area = by_name(guess)["auc_readers"]
    assert area.low < 0.5 < area.high and area.details["readers"] == 8 and area.n_images == 80
    assert by_name(guess)["d_prime"].low < 0 < by_name(guess)["d_prime"].high
    area = by_name(see)["auc_readers"]
    assert area.low > 0.75 and area.details["told"] == "told apart" and "ruled out" in see.statement
    assert by_name(see)["d_prime"].low > 1 and by_name(see)["equivalence_p"].value > 0.9
    readers = [f for f in see.findings if f.name == "auc_reader"]
    assert [f.slice for f in readers] == [f"reader=R{n:02d}" for n in range(1, 9)]
    assert np.mean([f.value for f in readers]) == pytest.approx(area.value)
    assert by_name(see)["n_all_right"].value > by_name(guess)["n_all_right"].value


def test_readers_who_call_everything_real_have_no_sensitivity_and_a_criterion(packed):
    given = answers(packed.study, packed.key, np.random.default_rng(1))
    given["value"] = '{"level": 6}'
    found = analyse(PLAN, packed.key, given)
    assert by_name(found)["auc_readers"].value == 0.5 and by_name(found, "reader=R01")["d_prime_reader"].value == 0
    assert by_name(found, "reader=R01")["criterion_reader"].low > 1
    # 40 + 40 cases that nobody told apart are too few to show a margin of 0.1.
    assert by_rule(found)["readers-cannot-tell"] == by_name(found)["auc_readers"].details["told"] == "unclear"
    assert by_name(found)["catch_share"].value == 0


def test_repeats_catch_trials_and_training_count_in_nothing_else(packed):
    given = answers(packed.study, packed.key, np.random.default_rng(1))
    whole, roles = analyse(PLAN, packed.key, given), {i.id: i.role for i in packed.key.items}
    cases = analyse(PLAN, packed.key, given[given["item"].map(roles) == "case"])
    assert by_name(whole)["auc_readers"].value == by_name(cases)["auc_readers"].value
    assert "intra_reader_kappa" in by_name(whole) and by_name(cases)["catch_share"].value is None


def test_a_careless_reader_is_found_by_the_catch_trials(packed):
    found = told(PLAN, packed, careless=(2,))
    assert by_name(found, "reader=R01")["catch_share"].value == 1
    assert by_name(found, "reader=R03")["catch_share"].value < 1


def test_readers_agree_with_themselves_more_than_with_others(packed):
    found = by_name(told(PLAN, packed))
    assert 0 < found["krippendorff_alpha"].value < 0.5
    same = answers(packed.study, packed.key, np.random.default_rng(1))
    original = {i.id: i.repeats for i in packed.key.items if i.repeats}
    value = {(r.reader, r.item): r.value for r in same.itertuples()}
    same["value"] = [value[r.reader, original.get(r.item, r.item)] for r in same.itertuples()]
    assert by_name(analyse(PLAN, packed.key, same))["intra_reader_kappa"].value == 1


def test_the_newest_version_counts_and_rows_may_come_in_any_order(packed):
    given = answers(packed.study, packed.key, np.random.default_rng(1))
    older = given.assign(value='{"level": 1}')
    newer = given.assign(version=2, at="2026-02-01T00:00:00+00:00")
    both = analyse(PLAN, packed.key, pd.concat([newer, older]).sample(frac=1, random_state=1))
    assert [f.to_json() for f in both.findings] == [f.to_json() for f in analyse(PLAN, packed.key, given).findings]


def test_missing_answers_are_left_out_and_told_and_a_reader_who_stops_does_not_count(packed):
    cases = [i.id for i in packed.key.items if i.role == "case"]
    found = told(PLAN, packed, missing={(0, cases[0]), (3, cases[1])})
    area = by_name(found)["auc_readers"]
    assert area.n_images == 78 and "2 cases left out" in area.reason
    assert "2 times somebody could not judge" in area.reason and "not given" not in area.reason
    given = answers(packed.study, packed.key, np.random.default_rng(1), missing={(0, cases[0]), (1, cases[0])})
    reader = sorted(set(given["reader"]))[2]
    area = by_name(analyse(PLAN, packed.key, given[(given["reader"] != reader) | (given["item"] != cases[3])]))
    arms = [packed.key.arm(item) for item in packed.key.items if item.id in (cases[0], cases[3])]
    dropped = {"cases": 2, "arms": {arm: arms.count(arm) for arm in arms}, "cannot": 2, "missing": 1}
    assert area["auc_readers"].details["dropped"] == dropped
    assert "2 times somebody could not judge, 1 answer was not given" in area["auc_readers"].reason
    # Agreement keeps every answer that there is.
    assert area["krippendorff_alpha"].n_images == 80
    given = answers(packed.study, packed.key, np.random.default_rng(1))
    last = sorted(set(given["reader"]))[-1]
    stopped = analyse(PLAN, packed.key, given[(given["reader"] != last) | (given.groupby("reader").cumcount() < 30)])
    assert by_name(stopped)["n_readers"].value == 7
    assert by_name(stopped)["n_readers"].details["left_out"] == {"realness": ["R08"]}


def test_few_readers_are_a_pilot_and_one_is_no_study(chests):
    plan = replace(PLAN, readers=3)
    found = told(plan, pack(plan, *chests))
    assert "pilot" in by_name(found)["auc_readers"].reason and "pilot" in found.statement.lower()
    plan = replace(PLAN, readers=1)
    assert by_name(told(plan, pack(plan, *chests)))["auc_readers"].value is None


def test_an_accepted_leak_is_told_with_the_result(chests):
    plan = replace(PLAN, override="both from one archive")
    assert "both from one archive" in by_name(told(plan, pack(plan, *chests)))["auc_readers"].reason


def test_the_other_questions(chests):
    plan = ReadingPlan(
        questions=("choice", "diagnosis", "plausibility"), positive="disease", cases=8, readers=6, training=0
    )
    packed = pack(plan, *chests)
    found = told(plan, packed, seen=2.5, diagnosing=3.0)
    assert by_name(found)["choice_correct"].low > 0.7 and by_name(found)["choice_auc"].low > 0.7
    assert by_name(found, "arm=real")["auc_diagnosis"].low > 0.8
    difference = by_name(found)["diagnosis_difference"]
    assert difference.low < 0 < difference.high and difference.n_images == 32
    ribs = by_name(found, "structure=ribs")["plausible_difference"]
    assert ribs.high < 0
    clicked = found.places.dropna(subset=["column"])
    assert (clicked["level"] == 1).all() and set(clicked["column"]) == {4.0}


def test_readers_diagnose_synthetic_images_worse_is_seen(chests):
    plan = ReadingPlan(questions=("diagnosis",), positive="disease", cases=20, readers=8, training=0)
    packed = pack(plan, *chests)
    given = answers(packed.study, packed.key, np.random.default_rng(1), diagnosing=4.0)
    blind = answers(packed.study, packed.key, np.random.default_rng(2), diagnosing=0.0)
    arm = {i.id: packed.key.arm(i) for i in packed.key.items}
    given["value"] = given["value"].where(given["item"].map(arm) == "real", blind["value"])
    assert by_name(analyse(plan, packed.key, given))["diagnosis_difference"].high < -0.2


def test_answers_to_another_study_are_refused(packed, chests):
    other = pack(replace(PLAN, seed=9), *chests)
    with pytest.raises(InputError, match="key does not hold"):
        analyse(PLAN, packed.key, answers(other.study, other.key, np.random.default_rng(0)))
    with pytest.raises(InputError, match="no answers"):
        read_answers(b"a,b\n1,2\n")
    given = answers(packed.study, packed.key, np.random.default_rng(0)).assign(value="{}")
    with pytest.raises(InputError, match="cannot be read"):
        analyse(PLAN, packed.key, given)


def by_rule(analysed):
    return {v.rule: v.status for rung in judge(analysed.findings, read_rules("local")).rungs for v in rung.verdicts}


RULED = {
    "cannot be told apart within the margin": "met",
    "told apart, by less than the margin": "met",
    "unclear": "unclear",
}


@pytest.mark.parametrize("margin", [0.03, 0.08, 0.1, 0.2, 0.4])
@pytest.mark.parametrize("seen", [0.0, 0.4, 0.8, 2.0])
def test_the_rule_says_what_the_study_says_whatever_the_margin_of_its_plan(packed, margin, seen):
    plan = replace(PLAN, margin=margin)
    found = analyse(plan, packed.key, answers(packed.study, packed.key, np.random.default_rng(1), seen=seen))
    area, distance = by_name(found)["auc_readers"], by_name(found)["distance_in_margins"]
    assert distance.level == 0.9
    assert [0.5 + margin * end for end in (distance.low, distance.high)] == pytest.approx(area.details["interval_90"])
    ruled, told = by_rule(found), area.details["told"]
    if told == "told apart":
        outside = abs(distance.value) > 1 and min(abs(distance.low), abs(distance.high)) >= 1
        assert ruled["readers-cannot-tell"] == ("not met" if outside else "unclear")
    else:
        assert ruled["readers-cannot-tell"] == RULED[told]
    assert ruled["margin-narrow"] == ("met" if margin <= 0.1 else "not met")
    p = by_name(found)["equivalence_p"].value
    assert (p < 0.05) == (ruled["readers-cannot-tell"] == "met")


def test_the_simulated_studies_of_the_margins_show_all_four_outcomes(packed):
    seen = set()
    for margin, strength in ((0.2, 0.0), (0.4, 0.8), (0.1, 2.0), (0.03, 0.0)):
        given = answers(packed.study, packed.key, np.random.default_rng(1), seen=strength)
        seen.add(by_name(analyse(replace(PLAN, margin=margin), packed.key, given))["auc_readers"].details["told"])
    assert seen == {*RULED, "told apart"}


def test_the_rules_judge_the_run(packed, tmp_path):
    given = answers(packed.study, packed.key, np.random.default_rng(1), seen=2.0)
    found = analyse(PLAN, packed.key, read_answers(given.to_csv(index=False).encode()))
    run = record(tmp_path / "run", PLAN, found, served="0" * 64, answers="1" * 64, notes={"unblinded": "A. Smith"})
    assert run.sealed and set(run.table("answers")["reader"]) == {f"R{n:02d}" for n in range(1, 9)}
    told_of = judge(run.findings(), read_rules("local"))
    status = {v.rule: v.status for rung in told_of.rungs for v in rung.verdicts}
    assert status["enough-readers"] == "met"
    assert "not met" in {s for r, s in status.items() if "reader" in r or "radiologist" in r}
