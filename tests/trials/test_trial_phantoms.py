"""The trial on simulated chests, where the truth is known: it sees a gain where there is one, and only there."""

import numpy as np
import pandas as pd
import pytest

from radassay.classifiers.small_cnn import SmallCNN
from radassay.images.phantom import Cohort
from radassay.images.sample import Sample
from radassay.trials.plan import TrialPlan
from radassay.trials.record import run_trial

PLAN = TrialPlan(arms=("real", "real+duplicates", "real+synthetic"), seeds=4, steps=200, ratio=6.0, resamples=500)


def chests(name, first, patients, origin="acquired"):
    """Return one 64 px X-ray each of `patients` simulated patients, numbered from `first`."""
    pictures = list(
        Cohort(images_per_patient=1, size=64, seed=5, extent=(0.1, 0.3)).pictures(range(first, first + patients))
    )
    labels = np.array([p.patient.label for p in pictures])
    units = np.array([p.patient.code for p in pictures])
    images = np.array([f"{p.patient.code:0<64}" for p in pictures])
    pixels = np.stack([p.grey() for p in pictures]).astype(np.float32)
    table = pd.DataFrame({"image": images, "origin": origin, "patient": units, "label": labels})
    return Sample(name, pixels, labels, units, images, images, table)


@pytest.fixture(scope="module")
def real():
    return chests("validation", 0, 80), chests("test", 80, 400), chests("training", 480, 60)


@pytest.fixture(scope="module")
def fresh():
    """A perfect generator: 360 further patients from the true distribution."""
    return chests("synthetic", 1000, 360, origin="generated")


def headline(real, synthetic, folder):
    validation, test, training = real
    _, findings = run_trial(PLAN, SmallCNN(), training, validation, test, synthetic, "disease", folder, workers=2)
    return next(f for f in findings if f.name == "gain_over_controls")


@pytest.mark.slow
def test_a_perfect_generator_gains(real, fresh, tmp_path):
    gain = headline(real, fresh, tmp_path)
    assert gain.low > 0
    assert gain.value > PLAN.margin


@pytest.mark.slow
def test_shuffled_labels_do_not_gain(real, fresh, tmp_path):
    shuffled = np.random.default_rng(0).permutation(fresh.labels)
    gain = headline(real, fresh.changed(name="shuffled", labels=shuffled), tmp_path)
    assert gain.low <= 0
    assert gain.value < PLAN.margin
