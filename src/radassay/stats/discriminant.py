"""Out-of-fold scores of a ridge-regularised linear discriminant, exact and in closed form.

Least squares on 0/1 targets gives the direction of Fisher's discriminant (Hastie, Tibshirani & Friedman 2009,
exercise 4.2); being linear in the targets, one factorisation serves any number of permuted targets.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

Matrix = NDArray[np.floating[Any]]


def patient_folds(positive: NDArray[np.bool_], patients: NDArray[np.str_], folds: int = 5) -> NDArray[np.integer[Any]]:
    """Return the fold of each image: whole patients, stratified by class, the same whatever the order of images.

    Patients are dealt out in the order of a hash of their code, so nothing random is needed.
    """
    codes, cluster = np.unique(np.asarray(patients), return_inverse=True)
    diseased = np.bincount(cluster, np.asarray(positive, dtype=float), minlength=len(codes)) > 0
    hashes = np.array([hashlib.sha256(str(code).encode()).hexdigest() for code in codes])
    order = np.lexsort((hashes, diseased))
    fold = np.empty(len(codes), dtype=np.intp)
    fold[order] = np.arange(len(codes)) % folds
    return fold[cluster]


def out_of_fold(
    features: Matrix, targets: Matrix, fold: NDArray[np.integer[Any]], penalty: float = 1e-3
) -> NDArray[np.float64]:
    """Return the scores, (n, k), of models that never saw the image's fold.

    Scores leave the training prevalence out: it is lower where a fold holds more positives, and would pull areas
    below chance.

    Args:
        features: (n, d); standardised here over all images, which uses no label.
        targets: (n, k), k sets of targets, such as labels and permuted labels.
        fold: (n,) fold of each image.
        penalty: ridge penalty as a share of the features' total variance.
    """
    x = _compact(_standardised(np.asarray(features, dtype=np.float64)))
    y = np.asarray(targets, dtype=np.float64)
    scores = np.empty(y.shape)
    total = x.T @ x
    for k in np.unique(fold):
        test = fold == k
        train = ~test
        n, centre, mean = int(train.sum()), x[train].mean(axis=0), y[train].mean(axis=0)
        gram = total - x[test].T @ x[test] - n * np.outer(centre, centre)
        gram[np.diag_indices_from(gram)] += penalty * n
        right = x[train].T @ (y[train] - mean)
        scores[test] = (x[test] - centre) @ cho_solve(cho_factor(gram, check_finite=False), right)
    return scores


def _standardised(features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return centred features of total variance 1; those that never vary are dropped."""
    spread = features.std(axis=0)
    kept = spread > 1e-6
    if not kept.any():
        return np.zeros((len(features), 1))
    scaled: NDArray[np.float64] = (features[:, kept] - features[:, kept].mean(axis=0)) / spread[kept]
    return np.asarray(scaled / np.sqrt(kept.sum()), dtype=np.float64)


def _compact(features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return at most n columns with the same inner products: all that ridge regression depends on."""
    n, d = features.shape
    if d <= n:
        return features
    products = features @ features.T
    products[np.diag_indices(n)] += 1e-9 * products.trace() / n
    return np.asarray(np.linalg.cholesky(products), dtype=np.float64)
