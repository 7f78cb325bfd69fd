"""Mean distances between images, whole and without groups."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from radassay.stats.spread import mean_pairwise_distance


def test_it_is_the_mean_of_all_pairs_and_of_all_that_are_left():
    x = np.random.default_rng(0).normal(size=(700, 5))
    units, groups = np.arange(700).astype(str), np.arange(700) % 7
    found = mean_pairwise_distance(x, units, groups)
    assert found.value == pytest.approx(pdist(x).mean())
    assert found.without == pytest.approx([pdist(x[groups != g]).mean() for g in range(7)])


def test_pairs_of_one_patient_do_not_count():
    x = np.repeat(np.random.default_rng(1).normal(size=(30, 4)), 2, axis=0)
    units = np.repeat(np.arange(30).astype(str), 2)
    found = mean_pairwise_distance(x, units, np.repeat(np.arange(30) % 5, 2))
    assert found.value == pytest.approx(pdist(x[::2]).mean())


def test_too_few_patients_are_refused():
    with pytest.raises(ValueError, match="two patients"):
        mean_pairwise_distance(np.zeros((4, 2)), np.array(["a", "a", "b", "b"]), np.array([0, 0, 1, 1]))
