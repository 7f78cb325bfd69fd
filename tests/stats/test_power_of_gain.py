"""The gain that a trial can show, promised before and checked by simulation."""

import numpy as np
import pytest
from scipy.stats import norm
from simulated_arms import arms

from radassay.stats.contributions import contributions
from radassay.stats.power_of_gain import Assumptions, detectable_gain, gain_error, power_of_gain

CONTRAST = np.array([[-1.0, 1.0]])


def test_the_detectable_gain_has_the_power_it_promises_and_shrinks_with_patients_and_trainings():
    assumed = Assumptions(0.8, 0.6, 0.5, 0.03)
    gain = detectable_gain(100, 100, 5, assumed)
    assert power_of_gain(gain, 100, 100, 5, assumed) == pytest.approx(0.8, abs=1e-6)
    assert detectable_gain(400, 400, 5, assumed) < gain
    assert detectable_gain(100, 100, 50, assumed) < gain
    assert detectable_gain(3, 3, 5, assumed) == pytest.approx(0.2)


def test_nobody_to_test_is_refused():
    with pytest.raises(ValueError, match="both classes"):
        gain_error(0, 5, 3, Assumptions())


def test_the_earlier_trial_teaches_what_it_is_made_of():
    scores, labels, units = arms(np.random.default_rng(1), 400, 12, 0.0, start=0.3)
    found = Assumptions.learned(scores, labels, units)
    truth = norm.cdf(1.2 / np.sqrt(2))
    assert found.auc == pytest.approx(truth, abs=0.06)
    assert found.same_arm == pytest.approx(found.other_arm, abs=0.05)
    assert found.training_sd == pytest.approx(0.3 * norm.pdf(1.2 / np.sqrt(2)), rel=0.4)
    with pytest.raises(ValueError, match="two arms"):
        Assumptions.learned(scores[:1], labels, units)


def known(patients, start, distances):
    """Return what is true of the simulated scores of two arms whose classes lie so far apart."""
    rng = np.random.default_rng(7)
    gap = distances[1] - distances[0]
    found = [Assumptions.learned(*arms(rng, patients, 6, gap, start=start)) for _ in range(60)]
    means = [float(np.mean([getattr(a, name) for a in found])) for name in ("same_arm", "other_arm")]
    slopes = norm.pdf(np.array(distances) / np.sqrt(2)) / np.sqrt(2)
    return Assumptions(float(norm.cdf(distances[0] / np.sqrt(2))), *means, start * float(np.hypot(*slopes)))


@pytest.mark.slow
@pytest.mark.parametrize(("patients", "trainings", "start"), [(120, 6, 0.05), (200, 6, 0.25), (400, 12, 0.1)])
def test_the_promised_share_of_simulated_trials_shows_the_gain(patients, trainings, start):
    distance = 0.0
    for _ in range(3):  # how far the trainings spread depends on the area, so on the gain that is looked for
        assumed = known(patients, start, (1.2, 1.2 + distance))
        gain = detectable_gain(patients // 2, patients // 2, trainings, assumed)
        distance = float(np.sqrt(2) * (norm.ppf(assumed.auc + gain) - norm.ppf(assumed.auc)))
    rng, shown = np.random.default_rng(8), 0
    for _ in range(400):
        parts = contributions(*arms(rng, patients, trainings, distance, start=start))
        shown += parts.mean[1] - parts.mean[0] > parts.reach(CONTRAST)[0]
    assert 0.74 <= shown / 400 <= 0.86
