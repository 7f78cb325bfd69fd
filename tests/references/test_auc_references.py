"""AUC, its covariance and ridge scores beside independent implementations."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score

from radassay.stats.auc import auc, bootstrap, clustered, delong
from radassay.stats.discriminant import out_of_fold, patient_folds


@pytest.mark.parametrize("levels", [3, 1000])
def test_the_area_is_scikit_learns(levels):
    rng = np.random.default_rng(0)
    scores, positive = rng.integers(0, levels, 300).astype(float), rng.random(300) < 0.3
    assert auc(scores, positive) == pytest.approx(roc_auc_score(positive, scores), abs=1e-12)


def naive_delong(scores, positive):
    """The structural components written out pair by pair (DeLong 1988, eq. 3-5)."""
    kernel = [(s[positive][:, None] > s[~positive]) + 0.5 * (s[positive][:, None] == s[~positive]) for s in scores]
    above, below = [k.mean(axis=1) for k in kernel], [k.mean(axis=0) for k in kernel]
    return np.cov(above) / positive.sum() + np.cov(below) / (~positive).sum()


def test_delong_is_the_naive_one():
    rng = np.random.default_rng(1)
    scores, positive = rng.integers(0, 9, (3, 120)).astype(float), rng.random(120) < 0.4
    np.testing.assert_allclose(delong(scores, positive).covariance, naive_delong(scores, positive), rtol=1e-9)


def naive_obuchowski(scores, positive, patients):
    """Sums over clusters written out (Obuchowski 1997, eq. 5-9)."""
    kernel = (scores[positive][:, None] > scores[~positive]) + 0.5 * (scores[positive][:, None] == scores[~positive])
    a, above, below = kernel.mean(), kernel.mean(axis=1), kernel.mean(axis=0)
    m, n = kernel.shape
    codes = sorted(set(patients))
    p = np.array([(above[patients[positive] == c] - a).sum() for c in codes])
    q = np.array([(below[patients[~positive] == c] - a).sum() for c in codes])
    with_p, with_n, every = len(set(patients[positive])), len(set(patients[~positive])), len(codes)
    s10 = with_p / ((with_p - 1) * m) * (p**2).sum()
    s01 = with_n / ((with_n - 1) * n) * (q**2).sum()
    s11 = every / (every - 1) * (p * q).sum()
    return s10 / m + s01 / n + 2 * s11 / (m * n)


def test_the_clustered_variance_is_obuchowskis():
    rng = np.random.default_rng(2)
    patients = rng.integers(0, 40, 150).astype(str)
    scores, positive = rng.integers(0, 30, 150).astype(float), rng.random(150) < 0.5
    found = clustered(scores[None], positive, patients).covariance[0, 0]
    assert found == pytest.approx(naive_obuchowski(scores, positive, patients), rel=1e-9)


def test_a_bootstrap_resample_is_the_area_of_the_images_drawn():
    rng = np.random.default_rng(3)
    scores, positive = rng.integers(0, 9, 30).astype(float), np.arange(30) < 12
    found = bootstrap(scores, positive, np.arange(30).astype(str), np.random.default_rng(5), 1)[0, 0]
    again = np.random.default_rng(5)
    codes = np.unique(np.arange(30).astype(str)).astype(int)
    place = np.argsort(codes)
    first, second = sorted(place[positive]), sorted(place[~positive])
    rows = codes[np.concatenate([again.choice(first, 12), again.choice(second, 18)])]
    assert found == pytest.approx(roc_auc_score(positive[rows], scores[rows]))


@pytest.mark.parametrize("d", [5, 200])
def test_scores_are_scikit_learns_ridge(d):
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(80, d)), rng.random((80, 2))
    fold = patient_folds(y[:, 0] > 0.5, np.arange(80).astype(str))
    scores = out_of_fold(x, y, fold, penalty=1e-3)
    z = (x - x.mean(axis=0)) / x.std(axis=0) / np.sqrt(d)
    for k in range(5):
        train = fold != k
        model = Ridge(alpha=1e-3 * train.sum()).fit(z[train], y[train])
        expected = model.predict(z[~train]) - y[train].mean(axis=0)
        np.testing.assert_allclose(scores[~train], expected, atol=1e-5)
