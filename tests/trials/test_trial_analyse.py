"""The analysis: right numbers, paired intervals, and a headline that forgives nothing."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score
from trial_samples import MeanDifference, sample, sets

from radassay.stats.multiplicity import holm
from radassay.stats.noninferiority import Outcome
from radassay.trials.analyse import analyse
from radassay.trials.arms import KINDS, made
from radassay.trials.observed import Trial
from radassay.trials.plan import TrialPlan
from radassay.trials.record import Record
from radassay.trials.trial import run_trial

PLAN = TrialPlan(doses=(0.5, 1.0), curve=(0.35, 0.6), seeds=3, resamples=300, external=("B",))
SIZES = (14, 24, 44, 48)
STRENGTH = {
    "real": 1.0,
    "real+classical": 1.6,
    "real+duplicates": 0.9,
    "real+reweighting": 1.1,
    "real+synthetic": 2.4,
    "real+synthetic x0.5": 1.7,
    "synthetic": 0.3,
    "real+shuffled": 0.8,
    "real+held-out": 2.0,
    **{f"real n={n}": s for n, s in zip(SIZES, (0.8, 1.2, 1.9, 2.0), strict=True)},
}
N = 60


def about(n=N, per_patient=2, seed=0):
    """Return what is known of the scored images: validation, test, another hospital, synthetic ones."""
    rng = np.random.default_rng(seed)
    parts = []
    for fold, site in (("validation", "A"), ("test", "A"), ("external B", "B"), ("synthetic", "made")):
        rows = n * per_patient
        people = np.repeat(np.arange(n), per_patient)
        parts.append(
            pd.DataFrame(
                {
                    "fold": fold,
                    "image": [f"{fold} {i:03d}" for i in range(rows)],
                    "patient": [f"{fold} p{i}" for i in people],
                    "site": site,
                    "sex": np.where(people % 2 == 0, "F", "M"),
                    "age": "",
                    "view": np.where(rng.random(rows) < 0.5, "PA", ""),
                    "label": people % 3 == 0,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def trial(strength=STRENGTH, plan=PLAN, known=None, seed=0, change=lambda arm, scores: scores):
    """Return a trial in which each arm separates the classes by its own strength."""
    known = about() if known is None else known
    rng = np.random.default_rng(seed)
    person = pd.Series(rng.normal(size=known["patient"].nunique()), index=known["patient"].unique())
    shared = person[known["patient"]].to_numpy()
    arms = made(plan.arms, plan.doses, plan.dose, SIZES if plan.curve else ())
    scores = {}
    for arm in arms:
        noise = rng.normal(size=(plan.seeds, len(known)))
        raw = strength[arm.name] * known["label"].to_numpy() + shared + 0.3 * noise
        scores[arm.name] = change(arm.name, 1 / (1 + np.exp(-raw)))
    return Trial(plan, arms, Record(scores, augmented=True), known, patients=40, reserve=8)


def named(**changes):
    return {(f.name, f.slice): f for f in analyse(trial(**changes))}


@pytest.fixture(scope="module")
def found():
    return named()


def areas(of, fold="test"):
    """Return the mean area of each arm by scikit-learn."""
    rows = of.predictions()
    rows = rows[rows["fold"] == fold]
    by = {k: roc_auc_score(g["label"], g["score"]) for k, g in rows.groupby(["arm", "seed"], sort=False)}
    return {arm: np.mean([v for (a, _), v in by.items() if a == arm]) for arm in {a for a, _ in by}}


def test_areas_and_differences_are_those_of_scikit_learn(found):
    mean = areas(trial())
    for name, arm in (("real", "real"), ("synthetic_only", "synthetic"), ("real_synthetic", "real+synthetic")):
        area = found[f"auc_{name}", "all"]
        assert area.value == pytest.approx(mean[arm], abs=1e-12)
        assert area.low < area.value < area.high
    for control in ("real", "classical", "duplicates", "reweighting"):
        arm = "real" if control == "real" else f"real+{control}"
        gain = found[f"gain_over_{control}", "all"]
        assert gain.value == pytest.approx(mean["real+synthetic"] - mean[arm], abs=1e-12)
    assert found["change_synthetic_only", "all"].value == pytest.approx(mean["synthetic"] - mean["real"], abs=1e-12)
    assert (found["auc_real", "all"].n_patients, found["auc_real", "all"].n_images) == (60, 120)
    assert not any(name.startswith("auc_real_n_") for name, _ in found)


def test_the_headline_is_the_smallest_gain_and_below_each_of_them(found):
    headline = found["gain_over_controls", "all"]
    parts = [found[f"gain_over_{c}", "all"] for c in ("real", "classical", "duplicates", "reweighting")]
    assert headline.value == min(p.value for p in parts)
    assert headline.low <= min(p.low for p in parts)
    assert headline.high <= min(p.high for p in parts)
    assert headline.details["best_control"] == "real+classical"
    assert headline.low > 0
    assert Outcome.NO_HARM.value in headline.details["harm"]


def test_every_dose_has_its_gain_and_holm_pays_for_looking_at_all(found):
    both = [found["gain_over_controls", part].details for part in ("dose=0.5", "all")]
    assert [d["p_of_all_doses"] for d in both] == pytest.approx(holm([d["p"] for d in both]).tolist())
    assert both[0]["arm"] == "real+synthetic x0.5"


def test_delong_stands_beside_the_bootstrap(found):
    gain = found["gain_over_real", "all"]
    low, high = gain.details["delong"]
    assert low < gain.value < high
    assert 0.4 < (high - low) / (gain.high - gain.low) < 2.5


def test_what_must_not_help_does_not_and_what_must_does(found):
    assert found["change_of_shuffled_labels", "all"].high < 0
    assert found["gain_of_held_out_patients", "all"].low > 0


def test_pairing_makes_the_difference_sharper_than_its_parts(found):
    names = ("auc_real", "auc_real_synthetic", "gain_over_real")
    width = {n: found[n, "all"].high - found[n, "all"].low for n in names}
    assert width["gain_over_real"] < 0.8 * np.hypot(width["auc_real"], width["auc_real_synthetic"])


def test_copies_of_images_do_not_sharpen_the_interval():
    """Five images of one patient that say the same are one patient's worth of evidence."""
    once = about(per_patient=1)
    few = trial(known=once)
    many = Trial(
        few.plan,
        few.arms,
        Record({a: np.tile(s, 5) for a, s in few.record.scores.items()}, augmented=True),
        pd.concat([once.assign(image=once["image"] + str(k)) for k in range(5)], ignore_index=True),
        40,
        8,
    )
    narrow, wide = (next(f for f in analyse(t) if f.name == "auc_real") for t in (many, few))
    assert narrow.high - narrow.low == pytest.approx(wide.high - wide.low, rel=1e-9)


def test_the_smallest_gain_of_all_hospitals_is_told(found):
    one, all_ = found["gain_external", "site=B"], found["gain_external", "all"]
    mean = areas(trial(), "external B")
    controls = ("real", "real+classical", "real+duplicates", "real+reweighting")
    assert one.value == pytest.approx(mean["real+synthetic"] - max(mean[c] for c in controls), abs=1e-12)
    assert (all_.value, all_.low, all_.high) == (one.value, one.low, one.high)
    assert all_.details["worst"] == "site=B"


def test_without_another_hospital_that_is_said():
    plan = TrialPlan(doses=(1.0, 0.5), seeds=3, resamples=100)
    gain = named(plan=plan)["gain_external", "all"]
    assert gain.value is None and "no set of another hospital" in gain.reason


def test_harm_to_one_sex_is_seen():
    def harmful(arm, scores):
        if arm != "real+synthetic":
            return scores
        women = (about()["sex"] == "F").to_numpy()
        return np.where(women, np.random.default_rng(5).random(scores.shape), scores)

    hurt = named(change=harmful)
    assert hurt["subgroup_gain", "sex=F"].high < 0 < hurt["subgroup_gain", "sex=M"].low
    worst = hurt["worst_subgroup_gain", "all"]
    assert worst.details["subgroup"] == "sex=F" and worst.details["harm"] == "harm"
    assert worst.low <= worst.value == hurt["subgroup_gain", "sex=F"].value


def test_subgroups_that_nobody_knows_are_not_measured(found):
    parts = {part for name, part in found if name == "subgroup_gain"}
    assert parts == {"sex=F", "sex=M"}  # one site, no age, and a view that is known of one kind only
    alone = about().assign(sex="")
    worst = named(known=alone)["worst_subgroup_gain", "all"]
    assert worst.value is None and "told apart" in worst.reason


def test_further_endpoints_are_those_of_scikit_learn(found):
    rows = trial().predictions()
    rows = rows[(rows["fold"] == "test") & (rows["arm"] == "real+synthetic")]
    wanted = np.mean([average_precision_score(g["label"], g["score"]) for _, g in rows.groupby("seed")])
    assert found["auprc_real_synthetic", "all"].value == pytest.approx(wanted, abs=1e-12)
    slope = found["calibration_slope_real_synthetic", "all"]
    assert slope.low < slope.value < slope.high
    assert sum(point[4] for point in slope.details["points"]) == 120
    assert 0 < found["sensitivity_real_synthetic", "all"].value < 1


def test_another_endpoint_turns_the_gain_so_that_more_is_better():
    plan = TrialPlan(doses=(0.5, 1.0), seeds=3, resamples=100, endpoint="brier", external=("B",))
    found = named(plan=plan)
    assert found["brier_real_synthetic", "all"].value < found["brier_real", "all"].value
    assert found["gain_over_real", "all"].value > 0
    assert "delong" not in found["gain_over_real", "all"].details
    assert found["auc_real", "all"].value is not None


def test_the_exchange_rate_finds_the_place_on_the_curve():
    strength = {**STRENGTH, "real+classical": 1.6, "real+synthetic": 1.9}
    worth = named(strength=strength)["exchange_patients", "all"]
    assert worth.details["sizes"] == [14, 24, 40, 44, 48]
    low, high = worth.details["low"], worth.details["high"]
    assert (low is None or low < 4) and (high is None or high > 4)
    assert worth.details["statement"]
    assert worth.details["base"] == 40


def test_no_curve_no_exchange_rate():
    plan = TrialPlan(doses=(0.5, 1.0), curve=(), seeds=3, resamples=100, external=("B",))
    worth = named(plan=plan)["exchange_patients", "all"]
    assert worth.value is None and "learning curve" in worth.reason


def test_perfect_arms_have_an_interval_but_no_difference_to_show():
    found = named(strength=dict.fromkeys(STRENGTH, 30.0))
    assert found["auc_real", "all"].value == 1.0
    assert found["auc_real", "all"].low < 1.0
    assert "score interval" in found["auc_real", "all"].method
    gain = found["gain_over_real", "all"]
    assert (gain.value, gain.low) == (0.0, None)
    assert "cannot show" in gain.reason


def test_unknown_patients_and_a_single_seed_are_cautions(found):
    plan = TrialPlan(doses=(0.5, 1.0), seeds=1, resamples=100, external=("B",))
    known = about()
    known["patient"] = "image:" + known["image"]
    reason = named(known=known, plan=plan)["gain_over_real", "all"].reason
    assert "names no patient" in reason and "one seed" in reason
    assert found["gain_over_real", "all"].reason == ""


def test_a_class_of_one_patient_has_a_value_and_no_interval():
    known = about()
    known.loc[known["fold"] == "test", "label"] = known["patient"] == "test p4"
    area = named(known=known)["auc_real", "all"]
    assert area.value is not None and area.low is None
    assert "single patient" in area.reason


def test_an_arm_that_diverged_takes_its_comparisons_with_it_and_no_more():
    def broken(arm, scores):
        return np.full_like(scores, np.nan) if arm == "real+classical" else scores

    found = named(change=broken)
    assert "diverged" in found["gain_over_controls", "all"].reason
    assert "diverged" in found["exchange_patients", "all"].reason
    assert found["gain_over_real", "all"].value is not None


def test_a_plan_without_the_synthetic_arm_has_no_headline():
    plan = TrialPlan(arms=("real", "real+classical"), curve=(), seeds=2, resamples=100)
    found = named(plan=plan)
    assert "gain_over_controls" not in {name for name, _ in found}
    assert found["change_real_classical", "all"].value is not None


def test_every_kind_of_arm_is_measured(found):
    slugs = {a.slug for a in made(tuple(KINDS), PLAN.doses, PLAN.dose, ())}
    assert {f"auc_{slug}" for slug in slugs} <= {name for name, _ in found}


def headline(folder, synthetic):
    plan = TrialPlan(
        arms=("real", "real+duplicates", "real+synthetic"), doses=(1.0,), curve=(), seeds=10, steps=1, resamples=300
    )
    given = sets(test=sample("test", 200, 3), synthetic=synthetic, reserve=None)
    findings = run_trial(plan, MeanDifference(), given, "covid", folder).findings
    return next(f for f in findings if f.name == "gain_over_controls")


def test_a_perfect_generator_gains_and_shuffled_labels_do_not(tmp_path):
    assert headline(tmp_path / "perfect", sample("synthetic", 60, 4)).low > 0
    assert headline(tmp_path / "shuffled", sample("synthetic", 60, 4, shuffled=True)).high < 0.02
