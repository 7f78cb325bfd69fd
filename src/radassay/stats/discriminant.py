"""Out-of-fold scores of a ridge-regularised linear discriminant, exact and in closed form.

Least squares on 0/1 targets gives the direction of Fisher's discriminant (Hastie, Tibshirani & Friedman 2009,
exercise 4.2); being linear in the targets, one factorisation serves any number of permuted targets and of folds.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, cholesky, solve_triangular

Matrix = NDArray[np.floating[Any]]


def patient_folds(
    strata: NDArray[Any], patients: NDArray[np.str_], folds: int = 5, repeat: int = 0
) -> NDArray[np.integer[Any]]:
    """Return the fold of each image: whole patients, stratified, the same whatever the order of images.

    Patients are dealt out in the order of a hash of their code, so nothing random is needed.

    Args:
        strata: (n,) class of each image, whether positive or a number; the highest of a patient counts.
        patients: (n,) the independent unit of each image.
        folds: parts the patients are dealt into.
        repeat: another number deals the patients out otherwise.
    """
    codes, cluster = np.unique(np.asarray(patients), return_inverse=True)
    highest = np.zeros(len(codes), dtype=np.intp)
    np.maximum.at(highest, cluster, np.asarray(strata, dtype=np.intp))
    salt = f"{repeat}:" if repeat else ""
    hashes = np.array([hashlib.sha256(f"{salt}{code}".encode()).hexdigest() for code in codes])
    order = np.lexsort((hashes, highest))
    fold = np.empty(len(codes), dtype=np.intp)
    fold[order] = np.arange(len(codes)) % folds
    return fold[cluster]


class Discriminant:
    """A linear discriminant of n images, factorised once.

    The scores of a part left out follow from the fit to all images without fitting again: they are
    y - (I - H)^-1 (y - Hy) within the part, where H is the matrix that takes the targets to their fit (Cook &
    Weisberg 1982, section 2.2, for one image; the same algebra holds for a part).
    """

    def __init__(self, features: Matrix, penalty: float = 1e-3) -> None:
        """Factorise the features.

        Args:
            features: (n, d); standardised here over all images, which uses no label.
            penalty: ridge penalty as a share of the features' total variance.
        """
        full, self._kept, self._scale = _standardised(np.asarray(features, dtype=np.float64))
        self._features = full
        x = _compact(full)
        gram = x.T @ x
        gram[np.diag_indices_from(gram)] += penalty * len(x)
        root = cholesky(gram, lower=True, check_finite=False)
        self._half: NDArray[np.float64] = solve_triangular(root, x.T, lower=True, check_finite=False).T
        self._penalty = penalty * len(x)
        self._width = features.shape[1]

    def scores(self, targets: Matrix, fold: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
        """Return the scores, (n, k), of models that never saw the image's fold.

        Scores leave the training prevalence out: it is lower where a fold holds more positives, and would pull
        areas below chance. They are rounded to 9 decimals, so that equal images tie.

        Args:
            targets: (n, k), k sets of targets, such as labels and permuted labels.
            fold: (n,) fold of each image.
        """
        y = np.asarray(targets, dtype=np.float64)
        n, fitted = len(y), self._fitted(y)
        out = np.empty(y.shape)
        for k in np.unique(fold):
            part = fold == k
            half = self._half[part]
            rest = np.eye(len(half)) - half @ half.T - 1 / n
            residual = cho_solve(cho_factor(rest, check_finite=False), y[part] - fitted[part], check_finite=False)
            out[part] = y[part] - residual - y[~part].mean(axis=0)
        return np.asarray(np.round(out, 9) + 0.0, dtype=np.float64)

    def weights(self, targets: Matrix, fold: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
        """Return the weights, (folds, d, k), of the models behind `scores`, in units of the features given.

        A model that never saw a part is the model of all images with its own predictions as that part's targets.
        """
        y = np.asarray(targets, dtype=np.float64)
        scores = self.scores(y, fold)
        parts = np.unique(fold)
        out = np.zeros((len(parts), self._width, y.shape[1]))
        for number, k in enumerate(parts):
            part = fold == k
            own = np.where(part[:, None], scores + y[~part].mean(axis=0), y)
            dual = (own - self._fitted(own)) / self._penalty
            out[number, self._kept] = (self._features.T @ dual) * self._scale[:, None]
        return out

    def _fitted(self, y: NDArray[np.float64]) -> NDArray[np.float64]:
        mean = y.mean(axis=0)
        return np.asarray(mean + self._half @ (self._half.T @ (y - mean)), dtype=np.float64)


def out_of_fold(
    features: Matrix, targets: Matrix, fold: NDArray[np.integer[Any]], penalty: float = 1e-3
) -> NDArray[np.float64]:
    """Return the scores, (n, k), of models that never saw the image's fold; see `Discriminant.scores`.

    Args:
        features: (n, d).
        targets: (n, k).
        fold: (n,) fold of each image.
        penalty: ridge penalty as a share of the total variance of the features of the folds trained on.
    """
    return Discriminant(features, penalty * (1 - 1 / len(np.unique(fold)))).scores(targets, fold)


def _standardised(
    features: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    """Return centred features of total variance 1, which were kept, and by what they were multiplied.

    Those that never vary are dropped.
    """
    spread = features.std(axis=0)
    kept = np.asarray(spread > 1e-6)
    if not kept.any():
        return np.zeros((len(features), 1)), kept, np.zeros(0)
    scale = 1 / (spread[kept] * np.sqrt(kept.sum()))
    return (features[:, kept] - features[:, kept].mean(axis=0)) * scale, kept, scale


def _compact(features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return at most n columns with the same inner products: all that ridge regression depends on."""
    n, d = features.shape
    if d <= n:
        return features
    products = features @ features.T
    products[np.diag_indices(n)] += 1e-9 * products.trace() / n
    return np.asarray(np.linalg.cholesky(products), dtype=np.float64)
