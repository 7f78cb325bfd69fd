"""The trial on simulated chests, where the truth is known: it sees a gain where there is one, and only there.

What the long ones last found is written in docs/concepts/trial.md.
"""

import numpy as np
import pytest
from thumbnails import Logistic, made, world

from radassay.checklists.judge import judge
from radassay.checklists.rules import read_rules
from radassay.classifiers.small_cnn import SmallCNN
from radassay.stats.proportion import wilson
from radassay.trials.material import Sets
from radassay.trials.plan import TrialPlan
from radassay.trials.trial import run_trial

TRAINING, VALIDATION, TEST = 60, 60, 200
QUICK = TrialPlan(
    arms=("real", "real+classical", "real+synthetic"), doses=(1.0,), curve=(), subgroups=(), seeds=3, resamples=400
)


@pytest.fixture(scope="module")
def everybody():
    return world(1500)


def dealt(everybody, rng, reserve=0):
    """Return training, validation, test and held-out patients, and all others."""
    order = rng.permutation(len(everybody))
    ends = np.cumsum([TRAINING, VALIDATION, TEST, reserve])
    parts = [everybody.take(part) for part in np.split(order, ends)]
    named = zip(("training", "validation", "test", "reserve"), parts, strict=False)
    return {name: part.changed(name=name) for name, part in named}, parts[-1]


def memorised(given, rest, rng):
    """A generator that gives its training images back, with a little noise."""
    noise = rng.normal(0, 0.01, given["training"].pixels.shape).astype(np.float32)
    return made(given["training"], pixels=given["training"].pixels + noise)


def shuffled(given, rest, rng):
    """Pictures of fresh patients whose labels mean nothing."""
    some = rest.take(np.arange(TRAINING))
    return made(some, labels=rng.permutation(some.labels))


def duplicates(given, rest, rng):
    """Real images, each as often as its class has synthetic ones."""
    return made(given["training"].take(rng.integers(TRAINING, size=TRAINING)))


@pytest.mark.slow
@pytest.mark.parametrize("generator", [memorised, shuffled, duplicates], ids=lambda g: g.__name__)
def test_what_is_worth_nothing_beats_neither_the_best_control_nor_the_best_classical_arm(
    generator, everybody, tmp_path
):
    """Counted are what the rule judges, the gain over the best control, and that over the best classical arm.

    Beside them, the gain over `real+classical` alone is printed: where augmentation does harm, every arm without it
    beats that one, whatever else it learns from.
    """
    names = ("gain_over_controls", "gain_over_best_classical", "gain_over_classical")
    won = dict.fromkeys(names, 0)
    for trial in range(100):
        rng = np.random.default_rng([trial, 4])
        given, rest = dealt(everybody, rng)
        given.pop("reserve")
        synthetic = generator(given, rest, rng)
        outcome = run_trial(QUICK, Logistic(), Sets(**given, synthetic=synthetic), "disease", tmp_path / str(trial))
        found = {f.name: f for f in outcome.findings}
        won = {name: count + shown(found[name]) for name, count in won.items()}
    print(generator.__name__, "of 100:", {name: (count, wilson(count, 100)) for name, count in won.items()})
    assert won["gain_over_controls"] <= 5
    assert won["gain_over_best_classical"] <= 5


def shown(gain):
    """Return whether a gain's whole interval lies above zero."""
    return gain.low is not None and gain.low > 0


@pytest.mark.slow
def test_a_perfect_generator_is_worth_as_many_patients_as_it_makes(everybody, tmp_path):
    plan = TrialPlan(
        arms=("real", "real+classical", "real+synthetic", "real+held-out"),
        doses=(1.0,),
        curve=(0.5, 0.75),
        subgroups=(),
        seeds=10,
        resamples=400,
    )
    worth, held, gains = [], [], []
    for trial in range(20):
        rng = np.random.default_rng([trial, 2])
        given, rest = dealt(everybody, rng, reserve=2 * TRAINING)
        fresh = made(rest.take(np.arange(TRAINING * 10)))
        outcome = run_trial(plan, Logistic(), Sets(**given, synthetic=fresh), "disease", tmp_path / str(trial))
        found = {(f.name, f.slice): f for f in outcome.findings}
        told = found["exchange_patients", "all"].details
        low, high = (np.inf * s if v is None else v for v, s in ((told["low"], -1), (told["high"], 1)))
        held.append(low <= TRAINING <= high)
        value = found["exchange_patients", "all"].value
        worth.append({"above": np.inf, "below": -np.inf}.get(told["beyond"], value))
        gains.append(found["gain_over_controls", "all"].value)
    ratio = np.median(worth) / TRAINING
    print(
        "patients for each synthetic image, median:", ratio, "truth held in", sum(held), "of 20; gain", np.mean(gains)
    )
    assert np.mean(gains) > 0.01
    assert 0.5 < ratio < 2
    assert sum(held) >= 17


@pytest.mark.slow
def test_a_generator_that_harms_one_sex_is_caught(everybody, tmp_path):
    """Its pictures of women have the wrong label; the network learns to tell women from men, and fails the women."""
    rng = np.random.default_rng(3)
    given, rest = dealt(everybody, rng)
    given.pop("reserve")
    some = rest.take(np.arange(2 * TRAINING))
    other = np.where(some.labels == "disease", "healthy", "disease")
    harmful = made(some, labels=np.where(some.table["sex"] == "F", other, some.labels))
    plan = TrialPlan(
        arms=("real", "real+classical", "real+synthetic"),
        doses=(2.0,),
        dose=2.0,
        curve=(),
        subgroups=("sex",),
        seeds=4,
        steps=250,
        resamples=400,
    )
    classifier = SmallCNN(widths=(12, 24, 48), validations=5, precision="float32")
    outcome = run_trial(plan, classifier, Sets(**given, synthetic=harmful), "disease", tmp_path)
    found = {(f.name, f.slice): f for f in outcome.findings}
    women, men = (found["subgroup_gain", f"sex={sex}"] for sex in "FM")
    print("women", women.value, women.low, women.high, "men", men.value, men.low, men.high)
    assert women.high < 0
    assert women.value < men.value
    worst = found["worst_subgroup_gain", "all"]
    assert worst.details["subgroup"] == "sex=F" and worst.details["harm"] == "harm"
    verdicts = {v.rule: v.status for rung in judge(outcome.findings, read_rules("local")).rungs for v in rung.verdicts}
    assert verdicts["no-subgroup-harmed"] == "not met"
