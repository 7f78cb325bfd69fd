"""Our distances are those of independent implementations."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from radassay.stats.balls import prdc
from radassay.stats.frechet import frechet_distance
from radassay.stats.mmd import kid


@pytest.mark.parametrize(("n", "m", "d"), [(100, 80, 7), (300, 500, 40)])
def test_frechet_is_that_of_scipys_matrix_root(n, m, d):
    rng = np.random.default_rng(n)
    x, y = rng.gamma(2.0, size=(n, d)) @ rng.normal(size=(d, d)), rng.normal(size=(m, d))
    sx, sy, gap = np.cov(x.T), np.cov(y.T), x.mean(0) - y.mean(0)
    theirs = gap @ gap + np.trace(sx + sy - 2 * np.real(sqrtm(sx @ sy)))
    assert frechet_distance(x, y) == pytest.approx(theirs, rel=1e-7)


def test_kid_is_the_double_loop_of_the_paper():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(23, 5)), rng.normal(size=(31, 5)) + 0.3

    def kernel(a, b):
        return (sum(p * q for p, q in zip(a, b, strict=True)) / len(a) + 1) ** 3

    xx = [kernel(x[i], x[j]) for i in range(23) for j in range(23) if i != j]
    yy = [kernel(y[i], y[j]) for i in range(31) for j in range(31) if i != j]
    xy = [kernel(a, b) for a in x for b in y]
    theirs = sum(xx) / (23 * 22) + sum(yy) / (31 * 30) - 2 * sum(xy) / (23 * 31)
    ours = kid(x, y, np.arange(23).astype(str), np.arange(31).astype(str))
    assert ours.value == pytest.approx(theirs, rel=1e-12)


def brute_force_prdc(real, fake, k):
    """Kynkäänniemi 2019, eq. 1-2, Naeem 2020, eq. 3-4, and Alaa 2022, section 3.3, word by word."""

    def distance(a, b):
        return np.sqrt(np.sum((a - b) ** 2))

    def radius(sample, i):
        return sorted(distance(sample[i], sample[j]) for j in range(len(sample)) if j != i)[k - 1]

    r = [radius(real, i) for i in range(len(real))]
    f = [radius(fake, j) for j in range(len(fake))]
    d = np.array([[distance(a, b) for b in fake] for a in real])
    n, m = len(real), len(fake)
    first = [int(np.argmin(d[:, j])) for j in range(m)]
    next_real = [min(distance(real[i], real[h]) for h in range(n) if h != i) for i in range(n)]
    return {
        "authenticity": np.mean([d[first[j], j] > next_real[first[j]] for j in range(m)]),
        "precision": np.mean([any(d[i, j] <= r[i] for i in range(n)) for j in range(m)]),
        "recall": np.mean([any(d[i, j] <= f[j] for j in range(m)) for i in range(n)]),
        "density": sum(d[i, j] <= r[i] for i in range(n) for j in range(m)) / (k * m),
        "coverage": np.mean([any(d[i, j] <= r[i] for j in range(m)) for i in range(n)]),
    }


@pytest.mark.parametrize("k", [1, 3, 5])
def test_manifold_measures_are_the_papers_definitions(k):
    rng = np.random.default_rng(k)
    real, fake = rng.normal(size=(60, 3)), 1.5 * rng.normal(size=(45, 3)) + 0.5
    theirs = brute_force_prdc(real, fake, k)
    for name, measure in prdc(real, fake, k).items():
        assert measure.value == pytest.approx(theirs[name], abs=1e-12), name
        assert measure.value > 0.0
