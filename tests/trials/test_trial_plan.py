"""The plan: what is fixed before, and what it could show."""

import pytest

from radassay.errors import SettingsError
from radassay.stats.power_of_gain import power_of_gain
from radassay.trials.arms import KINDS, made
from radassay.trials.plan import TrialPlan, power


def test_the_hash_names_the_plan():
    assert TrialPlan().hash == TrialPlan().hash
    changes = ({}, {"seeds": 6}, {"arms": ("real",)}, {"margin": 0.03}, {"seed": 1}, {"external": ("B",)})
    assert len({TrialPlan(**c).hash for c in changes}) == len(changes)


def test_what_only_judges_leaves_the_trainings_as_they_are():
    same = ({}, {"seeds": 6}, {"margin": 0.03}, {"endpoint": "brier"}, {"arms": ("real",)}, {"doses": (1.0,)})
    assert len({TrialPlan(**c).recipe for c in same}) == 1
    assert len({TrialPlan(**c).recipe for c in ({}, {"steps": 7}, {"seed": 1}, {"dose": 2.0})}) == 4


@pytest.mark.parametrize(
    "settings",
    [
        {"arms": ()},
        {"arms": ("synthetic",)},
        {"arms": ("real", "real")},
        {"arms": ("real", "imaginary")},
        {"seeds": 0},
        {"steps": 0},
        {"dose": 3.0},
        {"doses": (0.0, 1.0)},
        {"doses": (1.0, float("nan"))},
        {"doses": ()},
        {"curve": (1.0,)},
        {"endpoint": "accuracy"},
        {"endpoint": "calibration_slope"},
        {"subgroups": ("hair",)},
        {"specificity": 1.0},
        {"act_at": 0.0},
        {"margin": -0.1},
        {"resamples": 10},
        {"level": 1.0},
        {"seed": -1},
    ],
)
def test_a_plan_that_cannot_work_is_refused(settings):
    with pytest.raises(SettingsError):
        TrialPlan(**settings)


def test_an_unknown_arm_is_answered_with_those_there_are():
    with pytest.raises(SettingsError, match=r"real\+duplicates"):
        TrialPlan(arms=("real", "imaginary"))


def test_every_arm_has_a_name_and_a_file_of_its_own():
    arms = made(tuple(KINDS), (4.0, 0.25, 1.0), 1.0, (10, 30))
    assert [a.dose for a in arms if a.extra == "synthetic" and a.real] == [0.25, 1.0, 4.0]
    assert len({a.name for a in arms}) == len({a.slug for a in arms}) == len(arms) == 7 + 3 + 2
    assert {"real+synthetic", "real+synthetic x0.25", "real n=10"} < {a.name for a in arms}


def test_the_power_statement_is_what_it_says():
    plan = TrialPlan(seeds=4)
    finding = power(plan, 50, 60)
    assert power_of_gain(finding.value, 50, 60, 4, plan.assumed) == pytest.approx(0.8, abs=1e-3)
    assert finding.low is None and "guide" in finding.reason
    assert finding.details["plan"] == plan.hash


def test_more_patients_and_seeds_show_smaller_gains():
    values = [power(TrialPlan(seeds=seeds), n, n).value for n, seeds in ((20, 2), (20, 5), (80, 5), (500, 20))]
    assert values == sorted(values, reverse=True)


def test_a_trial_too_small_for_its_margin_says_so():
    assert "is below it" in power(TrialPlan(margin=0.02), 20, 20).reason
    assert "is below it" not in power(TrialPlan(margin=0.1), 2000, 2000).reason


def test_one_class_has_no_power():
    finding = power(TrialPlan(), 0, 20)
    assert finding.value is None and "one class" in finding.reason
