"""Distances of means: the Wasserstein distance they stand for, their zero and their interval."""

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from radassay.stats.mean_distance import Means, mean_distance


def units(n, each=1):
    return np.array([f"p{i // each}" for i in range(n)])


def test_of_distribution_functions_it_is_the_wasserstein_distance():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 20, (30, 50)), rng.integers(5, 30, (40, 50))

    def functions(values):
        return np.stack([(values <= level).mean(axis=1) for level in range(32)], axis=1)

    found = mean_distance(Means.of(functions(x), units(30)), Means.of(functions(y), units(40)), np.ones(32))
    assert found.plain == pytest.approx(wasserstein_distance(x.ravel(), y.ravel()), rel=1e-6)
    assert found.value < found.plain
    assert found.interval is None


def two(seed, shift=0.0, n=80, each=1):
    rng = np.random.default_rng(seed)

    def drawn(patients):
        persons = rng.normal(size=(patients, 12)).cumsum(axis=1)
        return persons.repeat(each, axis=0) + 0.1 * rng.normal(size=(patients * each, 12))

    x, y = drawn(n), drawn(n) + shift
    sides = [Means.of(rows, units(len(rows), each)) for rows in (x, y)]
    return mean_distance(*sides, np.full(12, 1 / 12), np.random.default_rng(0))


@pytest.mark.parametrize("each", [1, 3])
def test_two_samples_of_one_population_lie_at_zero(each):
    found = [two(seed, each=each) for seed in range(150)]
    values, errors = np.array([f.value for f in found]), np.array([f.error for f in found])
    assert abs(values.mean()) < 3 * values.std() / 150**0.5 + 0.02
    assert errors.mean() == pytest.approx(values.std(), rel=0.35)
    assert np.mean([f.interval.low <= 0 <= f.interval.high for f in found]) > 0.9


def test_a_clear_difference_is_held_by_its_interval():
    found = [two(seed, shift=2.0) for seed in range(150)]
    middle = np.mean([f.value for f in found])
    assert middle == pytest.approx(2.0, abs=0.4)
    assert 0.88 < np.mean([f.interval.low <= middle <= f.interval.high for f in found]) <= 1


def test_what_the_units_were_estimated_from_widens_the_interval():
    rng = np.random.default_rng(0)
    sides = [Means.of(rng.normal(m, 1, (60, 4)), units(60)) for m in (0, 1)]
    weights = np.ones(4)
    others = [weights * factor for factor in np.linspace(0.9, 1.1, 20)]
    plain = mean_distance(*sides, weights, np.random.default_rng(0))
    wider = mean_distance(*sides, weights, np.random.default_rng(0), other_weights=others)
    assert wider.value == plain.value
    assert wider.error > plain.error


def test_variance_is_over_patients_and_many_patients_are_grouped():
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(50, 3))
    tripled = Means.of(rows.repeat(3, axis=0), units(150, 3))
    assert tripled.variance == pytest.approx(Means.of(rows, units(50)).variance, rel=1e-4)
    assert tripled.variance == pytest.approx(rows.var(axis=0, ddof=1) / 50, rel=1e-4)
    many = rng.normal(size=(3000, 3))
    grouped = Means.of(many, units(3000))
    assert len(grouped.moves) == 400
    assert grouped.variance == pytest.approx(many.var(axis=0, ddof=1) / 3000, rel=0.3)


def test_one_patient_is_refused():
    with pytest.raises(ValueError, match="two patients"):
        Means.of(np.zeros((3, 2)), np.array(["a", "a", "a"]))
