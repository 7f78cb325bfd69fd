"""The plan refuses what cannot be used, is hashed whole, and tells its power before it starts."""

import hashlib
import json
from dataclasses import asdict, replace

import pytest

from radassay.errors import SettingsError
from radassay.reading.plan import ReadingPlan, power_of


@pytest.mark.parametrize(
    "wrong",
    [
        {"repeats": 0.05},
        {"questions": ("taste",)},
        {"questions": ()},
        {"questions": ("diagnosis",)},
        {"alternatives": 3},
        {"margin": 0.0},
        {"readers": 0},
        {"questions": ("plausibility",), "structures": ("ribs", "ribs")},
    ],
)
def test_a_setting_out_of_range_is_refused(wrong):
    with pytest.raises(SettingsError):
        ReadingPlan(**wrong)


def test_every_field_counts_in_the_hash():
    plan = ReadingPlan()
    for change in ({"margin": 0.11}, {"consent": "Other."}, {"override": "a reason"}, {"seed": 2}):
        assert replace(plan, **change).hash != plan.hash


def test_a_diagnosis_comes_before_any_suspicion():
    plan = ReadingPlan(questions=("realness", "diagnosis"), positive="disease")
    assert plan.ordered == ("diagnosis", "realness")


def test_below_six_readers_the_power_is_that_of_a_pilot_and_grows_with_readers():
    few, many = (power_of(ReadingPlan(readers=n, cases=100, runs=60), 1) for n in (2, 10))
    assert all("pilot" in f.reason for f in few) and not any("pilot" in f.reason for f in many)
    assert few[0].name == "power_equivalence" and few[0].value < many[0].value
    assert few[2].value > many[2].value


def test_one_reader_has_no_power_over_readers():
    assert all(f.value is None and "one reader" in f.reason for f in power_of(ReadingPlan(readers=1), 2))


def test_a_plan_from_before_modalities_keeps_its_hash():
    fields = asdict(ReadingPlan(cases=20))
    del fields["modality"]
    assert ReadingPlan(cases=20).hash == hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
    named = ReadingPlan(cases=20, modality="CT")
    assert named.hash != ReadingPlan(cases=20).hash and named.draw == ReadingPlan(cases=20).draw
