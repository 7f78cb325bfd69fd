"""Laws of the Fréchet distance, the kernel distance and the manifold measures."""

import numpy as np
import pytest

from radassay.stats import gram
from radassay.stats.balls import Measure, prdc, splits
from radassay.stats.frechet import frechet, frechet_distance
from radassay.stats.manifold import neighbours
from radassay.stats.mmd import kid


def units(n, prefix="u"):
    return np.array([f"{prefix}{i}" for i in range(n)])


def normal(rng, n, d=8, mean=0.0):
    return rng.normal(size=(n, d)) * np.linspace(2, 0.3, d) + mean


def test_frechet_knows_the_distance_of_two_normals_and_is_symmetric():
    rng = np.random.default_rng(0)
    x, y = normal(rng, 40_000), normal(rng, 40_000, mean=0.5)
    assert frechet_distance(x, y) == pytest.approx(8 * 0.25, rel=0.03)
    assert frechet_distance(x[:500], y[:300]) == pytest.approx(frechet_distance(y[:300], x[:500]), rel=1e-9)
    assert frechet_distance(x[:500], x[:500]) == pytest.approx(0, abs=1e-9)


def test_frechet_stands_rank_deficiency_and_far_features():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 50)), rng.normal(size=(30, 50))
    assert np.isfinite(frechet_distance(x, y))
    x, y = normal(rng, 300), normal(rng, 300)
    near, far = frechet(x, y, units(300), units(300)), frechet(x + 1e5, y + 1e5, units(300), units(300))
    assert far.value == pytest.approx(near.value, rel=1e-4, abs=1e-4)


def kernel_mean(d, x_mean, y_mean):
    """E (x·y/d + 1)³ of two independent normals of `normal`, from the moments of quadratic forms."""
    s, nu, mu = np.linspace(2, 0.3, d) ** 2, np.full(d, x_mean), np.full(d, y_mean)
    a, second = nu @ mu, np.sum((s + nu**2) * (s + mu**2)) + np.sum(np.outer(nu * mu, nu * mu)) - np.sum((nu * mu) ** 2)
    cube = a**3 + 3 * a * np.sum(s * mu**2) + 3 * (a * (np.sum(s**2) + np.sum(s * nu**2)) + 2 * np.sum(s**2 * mu * nu))
    return 1 + 3 * a / d + 3 * second / d**2 + cube / d**3


@pytest.mark.parametrize("shift", [0.0, 0.2])
def test_corrected_frechet_and_kid_are_centred_and_cover(shift):
    """The plain distance is far off at this n; the corrected one is not, and intervals hold the truth."""
    rng, d, n = np.random.default_rng(1), 16, 120
    values, plains, kids, fd_hits, kid_hits = [], [], [], 0, 0
    kid_truth = kernel_mean(d, 0, 0) + kernel_mean(d, shift, shift) - 2 * kernel_mean(d, 0, shift)
    for _ in range(100):
        x, y = normal(rng, n, d), normal(rng, n, d, shift)
        fd, distance = frechet(x, y, units(n), units(n)), kid(x, y, units(n), units(n))
        values.append(fd.value)
        plains.append(fd.plain)
        kids.append(distance.value)
        fd_hits += fd.interval.low <= d * shift**2 <= fd.interval.high
        kid_hits += distance.interval.low <= kid_truth <= distance.interval.high
    assert np.mean(plains) > d * shift**2 + 0.3
    assert abs(np.mean(values) - d * shift**2) < 4 * np.std(values) / 10
    assert abs(np.mean(kids) - kid_truth) < 4 * np.std(kids) / 10
    assert fd_hits >= 90
    assert kid_hits >= 88


def clustered(rng, n_patients, each, d=8):
    patient = normal(rng, n_patients, d)
    x = np.repeat(patient, each, axis=0) + 0.2 * rng.normal(size=(n_patients * each, d))
    return x, np.repeat(units(n_patients), each)


def test_several_images_a_patient_do_not_feign_a_difference():
    rng, kids, naive, fd_hits, kid_hits = np.random.default_rng(2), [], [], 0, 0
    for _ in range(60):
        (x, ux), (y, uy) = clustered(rng, 40, 5), clustered(rng, 40, 5)
        distance = kid(x, y, ux, uy)
        fd = frechet(x, y, ux, uy)
        kids.append(distance.value)
        naive.append(kid(x, y, units(200), units(200)).value)
        kid_hits += distance.interval.low <= 0 <= distance.interval.high
        fd_hits += fd.interval.low <= 0 <= fd.interval.high
    assert abs(np.mean(kids)) < 3 * np.std(kids) / 60**0.5
    assert np.mean(naive) > 5 * np.std(naive) / 60**0.5
    assert kid_hits >= 53
    assert fd_hits >= 53


@pytest.mark.parametrize("each", [1, 2])
def test_some_patients_tell_the_standard_error_of_all(each, monkeypatch):
    monkeypatch.setattr("radassay.stats.frechet.FEW_DIMENSIONS", 4)
    rng, found = np.random.default_rng(5), []
    (x, ux), (y, uy) = clustered(rng, 1500, each), clustered(rng, 1200, each)
    for enough in (10**6, 600):
        monkeypatch.setattr("radassay.stats.frechet.ENOUGH", enough)
        found.append(frechet(x, 1.1 * y + 0.1, ux, uy))
    whole, some = found
    assert some.value == pytest.approx(whole.value, abs=0.02 * whole.error)
    assert 0 < abs(some.error / whole.error - 1) < 0.08  # 600 patients: about 1 / sqrt(2 * 600)


def test_kid_refuses_a_single_patient():
    x = np.zeros((5, 3))
    with pytest.raises(ValueError, match="two patients"):
        kid(x, x, np.array(["a"] * 5), units(5))


def test_values_of_halves_are_those_of_the_smaller_samples():
    rng = np.random.default_rng(3)
    x, ux = clustered(rng, 12, 6, d=3)
    y, uy = rng.normal(size=(50, 3)), units(50)
    half_x, half_y = splits(ux, uy)
    measures = prdc(x, y, 3, ux, uy)
    for name, measure in measures.items():
        assert measure.value == pytest.approx(prdc(x, y, 3)[name].value)
        assert len(measure.halves) == 7
        for split, (a, b) in enumerate(zip(half_x, half_y, strict=True)):
            assert measure.halves[split, 0] == pytest.approx(prdc(x[a], y[b], 3)[name].value), name
            assert measure.halves[split, 1] == pytest.approx(prdc(x[~a], y[~b], 3)[name].value), name


def test_splits_part_groups_of_patients_equally_often():
    ux = np.repeat(units(40), 2)
    half, other = splits(ux, units(33))
    assert half.shape == (31, 80) and other.shape == (31, 33)
    assert (half[:, ::2] == half[:, 1::2]).all()
    assert (half.sum(axis=1) >= 32).all() and (half.sum(axis=1) <= 48).all()
    assert splits(units(40), units(7)) is None
    assert prdc(np.eye(9), np.eye(9), 2, units(9), np.repeat("a", 9))["coverage"].interval() is None


def test_the_interval_of_a_share_is_symmetric_in_its_logit_and_counts_half_the_splits():
    halves = np.array([[0.7, 0.9]] * 15 + [[0.9, 0.9]] * 16)
    found = Measure(0.85, halves, 60).interval()
    logits = np.log(np.array([found.low, 0.85, found.high]) / (1 - np.array([found.low, 0.85, found.high])))
    assert logits[2] - logits[1] == pytest.approx(logits[1] - logits[0])
    mean, variance = halves.mean(), 15 * 0.04 / 31 / 4
    assert logits[2] - logits[1] == pytest.approx(
        2.1314 * (variance / (mean * (1 - mean)) / (0.85 * 0.15)) ** 0.5, rel=1e-3
    )
    assert Measure(1.0, np.ones((31, 2)), 60).interval().low == pytest.approx(1 / (1 + 2.1314**2 / 60), rel=1e-3)


@pytest.mark.parametrize("shift", [0.0, 0.4])
def test_intervals_of_the_manifold_measures_cover_their_expectation(shift):
    rng, found = np.random.default_rng(7), []
    for _ in range(100):
        x, y = rng.normal(size=(120, 6)), rng.normal(size=(100, 6)) * (1 - shift / 2) + shift
        found.append(prdc(x, y, 5, units(120), units(100)))
    for name in found[0]:
        values, limits = (np.array([f[name].value for f in found]), [f[name].interval() for f in found])
        assert sum(i.low <= values.mean() <= i.high for i in limits) >= 88, name
        assert np.mean([f[name].variance for f in found]) == pytest.approx(values.var(ddof=1), rel=0.5), name


def test_tiles_and_precision_do_not_change_the_measures(monkeypatch):
    rng = np.random.default_rng(4)
    x, y, ux = rng.normal(size=(90, 40)), rng.normal(size=(70, 40)), np.repeat(units(45), 2)
    whole, kernel = prdc(x, y, 5, ux, units(70)), kid(x, y, ux, units(70))
    monkeypatch.setattr(gram, "TILE", 13)
    for name, measure in prdc(x, y, 5, ux, units(70)).items():
        assert measure.value == whole[name].value
        np.testing.assert_array_equal(measure.halves, whole[name].halves)
    for name, measure in prdc(x.astype(np.float32), y.astype(np.float32), 5).items():
        assert measure.value == pytest.approx(whole[name].value, rel=1e-12)
    assert kid(x, y, ux, units(70)).value == pytest.approx(kernel.value, rel=1e-9)
    assert kid(x, y, ux, units(70)).error == pytest.approx(kernel.error, rel=1e-9)


def test_torch_tensors_give_the_same():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(5)
    x, y, ux = rng.normal(size=(90, 6)), rng.normal(size=(70, 6)), np.repeat(units(45), 2)
    given = (torch.from_numpy(x), torch.from_numpy(y), ux, units(70))
    assert kid(*given).error == pytest.approx(kid(x, y, ux, units(70)).error, rel=1e-9)
    theirs, ours = frechet(*given), frechet(x, y, ux, units(70))
    assert (theirs.value, theirs.error) == pytest.approx((ours.value, ours.error), rel=1e-9)
    measures = prdc(*given[:2], 5, *given[2:])
    for name, measure in prdc(x, y, 5, ux, units(70)).items():
        np.testing.assert_array_equal(measures[name].halves, measure.halves)


def test_copies_of_the_reference_score_as_the_reference_itself():
    x = np.random.default_rng(5).normal(size=(200, 30)) + 1000.0
    measures = prdc(x, x.copy(), 5)
    assert measures["precision"].value == measures["recall"].value == measures["coverage"].value == 1.0
    # a ball of k neighbours holds k images and its centre
    assert measures["density"].value == pytest.approx(6 / 5)


def test_collapse_and_distance_show():
    rng = np.random.default_rng(6)
    x = rng.normal(size=(300, 5))
    collapsed, far = x[:1] + 0.01 * rng.normal(size=(300, 5)), rng.normal(size=(300, 5)) + 50
    assert prdc(x, collapsed)["coverage"].value < 0.1 and prdc(x, collapsed)["recall"].value < 0.1
    assert prdc(x, far)["precision"].value == prdc(x, far)["density"].value == 0.0


def test_neighbours_pass_over_the_same_patient():
    x = np.array([[0.0], [0.1], [1.0], [1.1], [5.0]])
    patient = np.array([0, 0, 1, 1, 2])
    distance, index = neighbours(x, x, 2, patient, patient)
    np.testing.assert_array_equal(index, [[2, 3], [2, 3], [1, 0], [1, 0], [3, 2]])
    np.testing.assert_allclose(distance[0], [1.0, 1.21])
    assert np.isinf(neighbours(x[:2], x[:2], 2, patient[:2], patient[:2])[0]).all()
    with pytest.raises(ValueError, match="neighbours"):
        neighbours(x, x, 6)
