"""The analysis: right numbers, paired intervals, and a headline that forgives nothing."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from trial_samples import MeanDifference, sample, samples

from radassay.errors import InputError
from radassay.trials.analyse import analyse
from radassay.trials.plan import ARMS, TrialPlan
from radassay.trials.record import run_trial

ALL = TrialPlan(arms=tuple(ARMS), seeds=3, resamples=300)


def predictions(strength, plan=ALL, n=60, per_patient=2, seed=0):
    """Return predictions in which each arm separates the classes by its own strength."""
    rng = np.random.default_rng(seed)
    label = np.repeat(np.arange(n) % 3 == 0, per_patient)
    patient = np.repeat([f"p{i}" for i in range(n)], per_patient)
    person = np.repeat(rng.normal(size=n), per_patient)
    image = np.array([f"{i:064d}" for i in range(len(label))])
    rows = []
    for arm in plan.arms:
        for s in range(plan.seeds):
            score = strength[arm] * label + person + 0.3 * rng.normal(size=len(label))
            rows.append(
                pd.DataFrame(
                    {"arm": arm, "seed": s, "patient": patient, "image": image, "label": label, "score": score}
                )
            )
    return pd.concat(rows, ignore_index=True)


STRENGTH = {
    "real": 1.0,
    "real+classical": 1.6,
    "real+duplicates": 0.9,
    "real+synthetic": 2.4,
    "real+synthetic+classical": 2.6,
    "synthetic": 0.3,
}


def named(table, plan=ALL):
    return {f.name: f for f in analyse(table, plan)}


def test_areas_and_differences_are_those_of_scikit_learn():
    table = predictions(STRENGTH)
    found = named(table)
    area = {
        key: roc_auc_score(rows["label"], rows["score"]) for key, rows in table.groupby(["arm", "seed"], sort=False)
    }
    mean = {arm: np.mean([area[arm, s] for s in range(3)]) for arm in ALL.arms}
    for name, arm in (
        ("auc_real", "real"),
        ("auc_synthetic_only", "synthetic"),
        ("auc_real_synthetic", "real+synthetic"),
    ):
        assert found[name].value == pytest.approx(mean[arm], abs=1e-12)
        assert found[name].details["seeds"] == pytest.approx([area[arm, s] for s in range(3)])
        assert found[name].low < found[name].value < found[name].high
    for name, control in (("real", "real"), ("classical", "real+classical"), ("duplicates", "real+duplicates")):
        assert found[f"gain_over_{name}"].value == pytest.approx(mean["real+synthetic"] - mean[control], abs=1e-12)
    assert found["gain_on_top_of_classical"].value == pytest.approx(
        mean["real+synthetic+classical"] - mean["real+classical"], abs=1e-12
    )
    assert found["change_synthetic_only"].value == pytest.approx(mean["synthetic"] - mean["real"], abs=1e-12)
    assert (found["auc_real"].n_patients, found["auc_real"].n_images) == (60, 120)


def test_the_headline_is_the_smallest_gain_and_below_each_of_them():
    found = named(predictions(STRENGTH))
    headline = found["gain_over_controls"]
    parts = [found[f"gain_over_{c}"] for c in ("real", "classical", "duplicates")]
    assert headline.value == min(p.value for p in parts)
    assert headline.low <= min(p.low for p in parts)
    assert headline.high <= min(p.high for p in parts)
    assert headline.details["best_control"] == "real+classical"
    assert headline.low > 0


def test_pairing_makes_the_difference_sharper_than_its_parts():
    found = named(predictions(STRENGTH))
    width = {n: found[n].high - found[n].low for n in ("auc_real", "auc_real_synthetic", "gain_over_real")}
    assert width["gain_over_real"] < 0.8 * np.hypot(width["auc_real"], width["auc_real_synthetic"])


def test_copies_of_images_do_not_sharpen_the_interval():
    """Five images of one patient that say the same are one patient's worth of evidence."""
    few = predictions(STRENGTH, per_patient=1)
    many = pd.concat([few.assign(image=few["image"] + str(k)) for k in range(5)])
    narrow, wide = (named(t)["auc_real"] for t in (many, few))
    assert narrow.high - narrow.low == pytest.approx(wide.high - wide.low, rel=1e-9)


@given(st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_the_order_of_rows_does_not_matter(seed):
    plan = TrialPlan(seeds=2, resamples=100)
    table = predictions(STRENGTH, plan, n=12)
    shuffled = table.sample(frac=1, random_state=seed)
    assert [f.to_json() for f in analyse(table, plan)] == [f.to_json() for f in analyse(shuffled, plan)]


def test_perfect_arms_have_an_interval_but_no_difference_to_show():
    found = named(predictions(dict.fromkeys(ARMS, 100.0)))
    assert found["auc_real"].value == 1.0
    assert found["auc_real"].low < 1.0
    assert "score interval" in found["auc_real"].method
    gain = found["gain_over_real"]
    assert (gain.value, gain.low) == (0.0, None)
    assert "cannot show" in gain.reason


def test_unknown_patients_and_a_single_seed_are_cautions():
    plan = TrialPlan(seeds=1, resamples=100)
    table = predictions(STRENGTH, plan)
    table["patient"] = "image:" + table["image"]
    reason = named(table, plan)["gain_over_real"].reason
    assert "names no patient" in reason and "one seed" in reason
    assert named(predictions(STRENGTH))["gain_over_real"].reason == ""


def test_a_class_of_one_patient_has_a_value_and_no_interval():
    table = predictions(STRENGTH)
    table["label"] = table["patient"] == "p4"
    finding = named(table)["auc_real"]
    assert finding.value is not None and finding.low is None
    assert "single patient" in finding.reason


def test_a_missing_training_is_told():
    table = predictions(STRENGTH)
    table = table[~((table["arm"] == "real+classical") & (table["seed"] == 1))]
    found = named(table)
    assert "1 of 3 trainings" in found["gain_over_controls"].reason
    assert found["gain_over_real"].value is not None


def test_a_plan_without_the_synthetic_arm_has_no_headline():
    plan = TrialPlan(arms=("real", "real+classical"), seeds=2, resamples=100)
    found = named(predictions(STRENGTH, plan), plan)
    assert "no arm real+synthetic" in found["gain_over_controls"].reason
    assert found["change_real_classical"].value is not None


def test_without_predictions_everything_is_unmeasured():
    found = analyse(predictions(STRENGTH).iloc[:0], ALL)
    assert found and all(f.value is None and f.reason for f in found)


def test_other_images_in_an_arm_are_refused():
    table = predictions(STRENGTH)
    table.loc[0, "image"] = "f" * 64
    with pytest.raises(InputError, match="same images"):
        analyse(table, ALL)
    with pytest.raises(InputError, match="score"):
        analyse(table.drop(columns="score"), ALL)


def headline(folder, synthetic):
    plan = TrialPlan(arms=("real", "real+duplicates", "real+synthetic"), seeds=3, steps=1, resamples=300)
    test = sample("test", 200, 3)
    _, findings = run_trial(plan, MeanDifference(), *samples(test=test, synthetic=synthetic), "covid", folder)
    return next(f for f in findings if f.name == "gain_over_controls")


def test_a_perfect_generator_gains_and_shuffled_labels_do_not(tmp_path):
    assert headline(tmp_path / "perfect", sample("synthetic", 60, 4)).low > 0
    assert headline(tmp_path / "shuffled", sample("synthetic", 60, 4, shuffled=True)).high < 0.02
