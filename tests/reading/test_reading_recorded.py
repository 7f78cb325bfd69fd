"""What the report draws of a reader study is recorded right: curves, unanimous cases, places, times."""

import json
from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from reading_sets import answers

from radassay.reading.analyse import analyse
from radassay.reading.clicks import FEWEST_CLICKS, TILES, heat
from radassay.reading.curves import average, operating_points
from radassay.reading.pack import pack
from radassay.reading.plan import ReadingPlan
from radassay.reading.unanimous import by_chance, extremes
from radassay.stats.auc import auc

LEVELS = hnp.arrays(np.int64, st.integers(2, 40), elements=st.integers(1, 6))


def area(curve):
    return float(np.trapezoid(curve[:, 1], curve[:, 0]))


@given(LEVELS, st.data())
def test_a_curve_never_falls_and_lies_over_the_area_of_its_reader(levels, data):
    positive = data.draw(hnp.arrays(bool, len(levels)).filter(lambda p: p.any() and not p.all()))
    curve = operating_points(levels.astype(float), positive)
    assert curve[0].tolist() == [0, 0]
    assert curve[-1].tolist() == [1, 1]
    assert (np.diff(curve, axis=0) >= 0).all()
    assert len(curve) == len(np.unique(levels)) + 1
    assert area(curve) == pytest.approx(auc(levels.astype(float), positive))


@given(st.lists(st.integers(0, 2**32), min_size=1, max_size=6))
def test_the_mean_curve_never_falls_and_has_the_mean_area(seeds):
    positive = np.arange(20) < 9
    rows = [np.random.default_rng(s).integers(1, 7, 20).astype(float) for s in seeds]
    mean = average([operating_points(row, positive) for row in rows])
    assert mean[0] == pytest.approx([0, 0])
    assert mean[-1] == pytest.approx([1, 1])
    assert (np.diff(mean, axis=0) >= -1e-9).all()
    assert area(mean) == pytest.approx(np.mean([auc(row, positive) for row in rows]))


def test_the_mean_of_one_curve_is_that_curve():
    curve = operating_points(np.array([1.0, 2, 2, 3, 6]), np.array([False, False, True, True, True]))
    assert average([curve]) == pytest.approx(curve)


@pytest.mark.parametrize("hits", [(2, 3), (1, 2, 4), (0, 5), (5, 5, 3), (4,)])
def test_unanimity_by_chance_is_that_of_all_ways_to_deal_the_hits(hits):
    cases = 5
    ways = [
        len(set.intersection(*map(set, dealt))) for dealt in product(*(combinations(range(cases), n) for n in hits))
    ]
    found = by_chance(hits, cases)
    assert found == pytest.approx(np.bincount(ways, minlength=cases + 1) / len(ways))
    assert found @ np.arange(cases + 1) == pytest.approx(cases * np.prod(np.array(hits) / cases))


def facts(cases):
    arms = ["real", "synthetic"]
    rows = [{"arm": arms[n % 2], "image": f"i{n}", "patient": f"p{n}"} for n in range(cases)]
    return pd.DataFrame(rows)


def unanimous(right):
    return {f.name: f for f in extremes(right, facts(right.shape[1]), "")}


def test_readers_who_err_on_their_own_are_unanimous_as_often_as_chance_says():
    rng, outside = np.random.default_rng(1), 0
    for _ in range(200):
        found = unanimous(rng.random((4, 100)) < 0.6)
        expected = found["n_all_wrong_by_chance"]
        assert found["n_all_wrong"].value == expected.details["found"]
        outside += not expected.low <= found["n_all_wrong"].value <= expected.high
    assert outside <= 20  # at most 5 % by construction, since counts are whole; 20 has a chance below 0.2 %


def test_hard_cases_are_more_often_unanimous_than_chance():
    rng = np.random.default_rng(1)
    found = unanimous((rng.standard_normal(100) + 0.5 * rng.standard_normal((6, 100))) < 0)
    for name in ("n_all_right", "n_all_wrong"):
        assert found[name].value > found[f"{name}_by_chance"].high
        assert found[f"{name}_by_chance"].details["p_as_many"] < 0.001
    assert unanimous(rng.random((1, 100)) < 0.5)["n_all_wrong_by_chance"].value is None


def test_a_map_loses_no_click_and_is_highest_where_they_are():
    at = np.array([[0.72, 0.31]] * 9 + [[0.0, 1.0]])
    found = heat(at)
    assert found.shape == (TILES, TILES)
    assert found.sum() == pytest.approx(10)
    assert np.unravel_index(found.argmax(), found.shape) == (6, 14)
    assert found[-1, 0] > 0


PLAN = ReadingPlan(questions=("plausibility", "realness"), cases=8, readers=4, training=0, structures=("ribs", "heart"))


@pytest.fixture(scope="module")
def read(chests):
    packed = pack(PLAN, *chests)
    return packed, answers(packed.study, packed.key, np.random.default_rng(1), seen=1.0)


def of(packed, given, name, part="all"):
    return next(f for f in analyse(packed.plan, packed.key, given).findings if (f.name, f.slice) == (name, part))


def test_clicks_of_cases_are_points_or_a_map_and_repeats_do_not_count(read):
    packed, given = read
    analysed = analyse(packed.plan, packed.key, given)
    table = analysed.places[(analysed.places["structure"] == "ribs") & (analysed.places["arm"] == "synthetic")]
    cases = table[table["role"] == "case"]
    found = of(packed, given, "n_clicks", "structure=ribs, arm=synthetic")
    assert found.value == cases["column"].notna().sum() < table["column"].notna().sum()
    assert found.details["readings"] == len(cases) == 4 * 16
    assert found.details["faults"] == (cases["level"] < 3).sum()
    spot = [round(4.5 / packed.plan.size, 4), round(5.5 / packed.plan.size, 4)]
    assert found.value < FEWEST_CLICKS
    assert found.details["points"] == [spot] * int(found.value)
    everywhere = given.copy()
    faulty = {"structures": {s: {"level": 1, "place": [4, 5, 0]} for s in PLAN.structures}}
    everywhere["value"] = [
        json.dumps(faulty) if b == "plausibility" else v for b, v in given[["block", "value"]].values
    ]
    whole = of(packed, everywhere, "n_clicks", "structure=heart, arm=real")
    assert whole.value == 64
    assert np.sum(whole.details["heat"]) == pytest.approx(100, abs=0.01)
    assert whole.details["most_by_one"] == 16
    unsettled = analyse(replace(packed.plan, size=0), packed.key, given)
    assert all(f.value is None and "side" in f.reason for f in unsettled.findings if f.name == "n_clicks")


def test_times_are_added_over_versions_and_compared_by_arm(read):
    packed, given = read
    arm = {i.id: packed.key.arm(i) for i in packed.key.items}
    rng = np.random.default_rng(3)
    timed = given.copy()
    spent = [np.exp(rng.normal(2.0 + 0.4 * (arm[i] == "synthetic"), 0.3)) for i in timed["item"]]
    timed["seen"] = [json.dumps({"seconds": s}) for s in spent]
    part = "question=realness"
    once = of(packed, timed, "reading_time_ratio", part)
    assert once.low < np.exp(0.4) < once.high
    assert once.low > 1
    real, synthetic = (of(packed, timed, "reading_time", f"{part}, arm={a}").value for a in ("real", "synthetic"))
    assert synthetic / real == pytest.approx(once.value)
    again = pd.concat([timed, timed.assign(version=2)])
    assert of(packed, again, "reading_time", f"{part}, arm=real").value == pytest.approx(2 * real)
    assert "no times" in of(packed, given, "reading_time_ratio", part).reason
    assert analyse(packed.plan, packed.key, given).answers["seconds"].isna().all()


def test_single_readers_lie_beside_what_is_told_of_all(read, chests):
    packed, given = read
    found = analyse(packed.plan, packed.key, given).findings
    single = [f for f in found if f.name == "auc_reader"]
    whole = next(f for f in found if f.name == "auc_readers")
    assert area(np.array(whole.details["curve"])) == pytest.approx(whole.value)
    assert [area(np.array(f.details["curve"])) for f in single] == pytest.approx([f.value for f in single])
    learning = next(f for f in found if f.name == "learning_difference")
    points = np.array(learning.details["points"])
    assert points[:, 0].tolist() == [0, 1, 2, 3, 4]
    assert (points[:, 2] <= points[:, 1]).all()
    assert (points[:, 1] <= points[:, 3]).all()
    plan = ReadingPlan(questions=("choice", "diagnosis"), positive="disease", cases=8, readers=5, training=0)
    other = pack(plan, *chests)
    found = analyse(
        other.plan, other.key, answers(other.study, other.key, np.random.default_rng(1), seen=2.0, diagnosing=2.0)
    ).findings
    values = {name: [f.value for f in found if f.name == name] for name in ("choice_reader", "auc_diagnosis_reader")}
    assert len(values["choice_reader"]) == 5
    assert np.mean(values["choice_reader"]) == pytest.approx(of_all(found, "choice_correct", "all").value)
    for n, arm in enumerate(("synthetic", "real")):
        mine = values["auc_diagnosis_reader"][5 * n : 5 * n + 5]
        assert np.mean(mine) == pytest.approx(of_all(found, "auc_diagnosis", f"arm={arm}").value)


def of_all(found, name, part):
    return next(f for f in found if f.name == name and f.slice == part)


@pytest.mark.parametrize("question", ["realness", "choice", "diagnosis", "plausibility"])
def test_a_question_that_nobody_answered_says_so(chests, question):
    both = ("realness", "choice", "diagnosis", "plausibility")
    packed = pack(ReadingPlan(questions=both, positive="disease", cases=4, readers=3, training=0), *chests)
    given = answers(packed.study, packed.key, np.random.default_rng(1))
    found = analyse(packed.plan, packed.key, given[given["block"] != question]).findings
    name = {"realness": "auc_readers", "choice": "choice_correct", "diagnosis": "diagnosis_difference"}.get(question)
    silent = [f for f in found if f.name == (name or "plausible_difference")]
    assert silent
    assert all(f.value is None and f.reason for f in silent)
