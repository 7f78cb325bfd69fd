"""The plan: what is fixed before, and what it could show."""

import pytest

from radassay.errors import SettingsError
from radassay.stats.paired import hanley_mcneil_variance
from radassay.trials.plan import ARMS, TrialPlan, detectable_gain, slug


def test_the_hash_names_the_plan():
    assert TrialPlan().hash == TrialPlan().hash
    hashes = {TrialPlan(**c).hash for c in ({}, {"seeds": 6}, {"arms": ("real",)}, {"margin": 0.03}, {"seed": 1})}
    assert len(hashes) == 5


@pytest.mark.parametrize(
    "settings",
    [
        {"arms": ()},
        {"arms": ("synthetic",)},
        {"arms": ("real", "real")},
        {"arms": ("real", "imaginary")},
        {"seeds": 0},
        {"steps": 0},
        {"ratio": 0.0},
        {"ratio": float("nan")},
        {"endpoint": "accuracy"},
        {"margin": -0.1},
        {"resamples": 10},
        {"level": 1.0},
        {"seed": -1},
        {"assumed_correlation": 1.0},
    ],
)
def test_a_plan_that_cannot_work_is_refused(settings):
    with pytest.raises(SettingsError):
        TrialPlan(**settings)


def test_an_unknown_arm_is_answered_with_those_there_are():
    with pytest.raises(SettingsError, match=r"real\+duplicates"):
        TrialPlan(arms=("real", "imaginary"))


def test_every_arm_and_seed_is_trained_once_and_has_its_own_name():
    plan = TrialPlan(arms=tuple(ARMS), seeds=3)
    assert len(set(plan.trainings)) == len(plan.trainings) == 18
    assert len({slug(arm) for arm in ARMS}) == len(ARMS)


def test_power_by_hand():
    finding = detectable_gain(TrialPlan(seeds=4, assumed_seed_sd=0.02, assumed_correlation=0.5), 50, 50)
    expected = (1.959964 + 0.841621) * (hanley_mcneil_variance(0.85, 50, 50) + 2 * 0.02**2 / 4) ** 0.5
    assert finding.value == pytest.approx(expected, rel=1e-5)
    assert finding.low is None and "guide" in finding.reason


def test_more_patients_and_seeds_show_smaller_gains():
    values = [
        detectable_gain(TrialPlan(seeds=seeds), n, n).value for n, seeds in ((20, 2), (20, 5), (80, 5), (500, 20))
    ]
    assert values == sorted(values, reverse=True)


def test_a_trial_too_small_for_its_margin_says_so():
    assert "is below it" in detectable_gain(TrialPlan(margin=0.02), 20, 20).reason
    assert "is below it" not in detectable_gain(TrialPlan(margin=0.1), 2000, 2000).reason


def test_one_class_has_no_power():
    finding = detectable_gain(TrialPlan(), 0, 20)
    assert finding.value is None and "one class" in finding.reason
