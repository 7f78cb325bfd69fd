"""Arms differ in the source of their extra images alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trial_samples import sample, samples

from radassay.errors import InputError
from radassay.trials.arms import prepare
from radassay.trials.plan import ARMS, TrialPlan


@given(st.floats(0.05, 8.0), st.integers(1, 30), st.integers(1, 80), st.booleans(), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_duplicates_match_the_synthetic_images_in_number_and_class(ratio, real, made, shuffled, seed):
    training = sample("training", real + 1, 1, per_patient=1)
    synthetic = sample("synthetic", made, 4, per_patient=1, shuffled=shuffled)
    data = prepare(TrialPlan(ratio=ratio, seed=seed), *samples(training=training, synthetic=synthetic), "covid")
    mixed, duplicates = data.of("real+synthetic"), data.of("real+duplicates")
    assert len(mixed[0]) == len(duplicates[0])
    np.testing.assert_array_equal(np.sort(mixed[1]), np.sort(duplicates[1]))
    assert len(data.extra) == min(max(1, round(ratio * len(training))), len(synthetic))
    for value in (True, False):
        uses = np.bincount(data.repeats, minlength=len(training))[data.real_targets == value]
        assert np.ptp(uses) <= 1


def test_every_arm_holds_what_it_says():
    training, validation, test, synthetic = samples()
    data = prepare(TrialPlan(), training, validation, test, synthetic, "covid")
    real, made = ({p.tobytes() for p in s.pixels} for s in (training, synthetic))
    holds = {arm: {p.tobytes() for p in data.of(arm)[0]} for arm in ARMS}
    assert holds["real"] == holds["real+classical"] == holds["real+duplicates"] == real
    assert holds["synthetic"] < made
    assert holds["real+synthetic"] == holds["real+synthetic+classical"] == real | holds["synthetic"]
    assert {arm for arm in ARMS if data.of(arm)[2]} == {"real+classical", "real+synthetic+classical"}
    for arm in ARMS:
        pixels, targets, _ = data.of(arm)
        truth = {s.pixels[i].tobytes(): s.labels[i] == "covid" for s in (training, synthetic) for i in range(len(s))}
        assert [truth[p.tobytes()] for p in pixels] == targets.tolist()


def test_a_synthetic_class_without_real_images_is_refused():
    training = sample("training", 20, 1)
    with pytest.raises(InputError, match="lack a class"):
        prepare(TrialPlan(), *samples(training=training.take(training.labels == "other")), "covid")


def test_empty_sets_and_other_sizes_are_refused():
    small = sample("test", 4, 3)
    with pytest.raises(InputError, match="no images"):
        prepare(TrialPlan(), *samples(test=small.take([])), "covid")
    with pytest.raises(InputError, match="differ in size"):
        prepare(TrialPlan(), *samples(test=small.changed(name="t", pixels=small.pixels[:, :4, :4])), "covid")
