"""Privacy: chance where nothing was learnt of anybody, and alarm where training images come out again."""

import numpy as np
import pytest
from drawn_images import by_name, copied, drawn, fresh, of, pictures, repainted

from radassay.checks.privacy import Privacy


def measured(inputs, quick=True):
    check = Privacy().quick() if quick else Privacy()
    return by_name(check.measure(inputs, np.random.default_rng(0)))


def test_fresh_images_tell_nothing_of_membership():
    areas = [measured(fresh(seed, 100, 60, 140))["membership_auc"].value for seed in range(20)]
    assert np.mean(areas) == pytest.approx(0.5, abs=0.035)


def test_membership_is_told_from_copies():
    found = measured(copied(fresh(1), 0.5), quick=False)
    area, sure = found["membership_auc"], found["membership_tpr_at_1_fpr"]
    assert 0.65 < area.low < area.value < area.high < 0.85
    assert sure.value == pytest.approx(0.5, abs=0.08)
    assert sure.low <= sure.value <= sure.high
    for training, made, _ in area.details["pairs"]:
        assert training.removeprefix("training") == made.removeprefix("made")


def test_too_few_held_out_patients_are_said_with_what_they_can_show():
    sure = measured(copied(fresh(2, 120, 60), 0.5))["membership_tpr_at_1_fpr"]
    assert sure.value is None
    assert "60 held-out patients" in sure.reason
    assert "1.6 %" in sure.reason
    assert sure.details["tpr_at_lowest_fpr"] == pytest.approx(0.5, abs=0.1)
    assert sure.details["false_positive_rate"] == pytest.approx(1 / 61)


def test_a_held_out_patient_among_the_training_patients_is_said():
    inputs = fresh(3, 100)
    held = inputs.held_out
    patients = np.concatenate([inputs.training.patients[:5], held.patients[5:]])
    area = measured(inputs.but(held_out=held.changed(name="held", patients=patients)), quick=False)["membership_auc"]
    assert "5 patients are both" in area.reason


def with_visits(seed, remembered):
    """Inputs where patients have three alike images each; some generated images lie among those of one patient."""
    rng = np.random.default_rng(seed)
    people = pictures(rng, np.full(100, "normal"))
    visits = np.clip(np.repeat(people, 3, axis=0) + 0.02 * pictures(rng, np.full(300, "normal")), 0, 1)
    made = drawn("made", 100, rng)
    pixels = made.pixels.copy()
    pixels[:remembered] = visits.reshape(100, 3, *visits.shape[1:]).mean(axis=1)[:remembered]
    training = of("training", visits.astype(np.float32), np.full(300, "normal"), each=3)
    return repainted(fresh(seed, 100).but(training=training, synthetic=made), pixels)


def test_a_remembered_patient_is_found_again_and_a_stranger_is_not():
    stranger = measured(with_visits(4, 0), quick=False)["reidentification_excess"]
    known = measured(with_visits(4, 60), quick=False)["reidentification_excess"]
    assert stranger.low == 0.0
    assert known.value == pytest.approx(0.6, abs=0.1)
    assert 0.4 < known.low < 0.6 < known.high


def test_patients_of_one_image_cannot_be_found_again():
    found = measured(fresh(5, 60))["reidentification_excess"]
    assert found.value is None
    assert "more than one image" in found.reason


def test_the_likelihood_gap_falls_with_copies():
    inputs = fresh(6)
    clean, copies = (measured(i, quick=False)["likelihood_gap"] for i in (inputs, copied(inputs, 0.3)))
    assert copies.high < clean.low
    assert clean.low <= clean.value <= clean.high
