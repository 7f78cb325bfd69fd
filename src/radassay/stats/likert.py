"""Scores on a scale of a few steps (how real does it look, 1 to 5), of real against synthetic images.

A mean difference takes the steps for equal; the area under the ROC curve of the scores (`delong_figures`) takes only
their order. Both get the Obuchowski-Rockette analysis, which lets readers differ in how far they see a difference.
`mixed_model` is the linear mixed model many journals expect: readers, readers by arm, and images are random effects.
"""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student

from radassay.stats.optional_statsmodels import statsmodels_module

Floats = NDArray[np.float64]


def mean_difference(scores: Floats, synthetic: NDArray[np.bool_]) -> Floats:
    """Return the mean score of synthetic minus that of real images, (k,), a figure of merit for `jackknife_figures`.

    Args:
        scores: (k, n).
        synthetic: (n,) whether the image is synthetic.

    Raises:
        ValueError: real or synthetic images alone.
    """
    if synthetic.all() or not synthetic.any():
        raise ValueError("a difference of scores needs real and synthetic images")
    return np.asarray(scores[:, synthetic].mean(axis=1) - scores[:, ~synthetic].mean(axis=1))


class Mixed(NamedTuple):
    """What the linear mixed model finds."""

    difference: float
    """Mean score of synthetic minus real."""
    low: float
    high: float
    p: float
    variances: dict[str, float]
    """Of images, readers, readers by arm, and the rest."""


def mixed_model(scores: ArrayLike, synthetic: ArrayLike, level: float = 0.95) -> Mixed:
    """Return the difference of arms with images, readers and readers by arm as random effects (REML).

    Its interval takes Student's t with readers - 1 degrees of freedom, since the readers' differences decide it; a
    normal would be too narrow for a few readers.

    Args:
        scores: (readers, images), NaN where a score is missing.
        synthetic: (images,) whether the image is synthetic.
        level: coverage.

    Raises:
        SettingsError: statsmodels is not installed.
        ValueError: fewer than two readers, one arm only, or no convergence.
    """
    scores, synthetic = np.asarray(scores, dtype=np.float64), np.asarray(synthetic, dtype=bool)
    if scores.ndim != 2 or synthetic.shape != scores.shape[1:] or len(scores) < 2:
        raise ValueError(f"scores are (readers, images) of two readers or more; got {scores.shape}, {synthetic.shape}")
    if synthetic.all() or not synthetic.any():
        raise ValueError("a difference of scores needs real and synthetic images")
    who, image = np.nonzero(~np.isnan(scores))
    arm = synthetic[image].astype(np.float64)
    fitted = _fitted(scores[who, image], arm, who, image)
    value, error = float(fitted.params[1]), float(fitted.bse[1])
    freedom = len(scores) - 1
    reach = float(student.ppf(0.5 + level / 2, freedom)) * error
    names = fitted.model.exog_vc.names
    variances = {name: float(v) for name, v in zip(names, fitted.vcomp, strict=True)} | {"rest": float(fitted.scale)}
    return Mixed(value, value - reach, value + reach, 2 * float(student.sf(abs(value) / error, freedom)), variances)


def _fitted(y: Floats, arm: Floats, who: NDArray[Any], image: NDArray[Any]) -> Any:
    models = statsmodels_module("regression.mixed_linear_model")

    def indicators(of: NDArray[Any]) -> tuple[list[str], Floats]:
        names = np.unique(of)
        return [str(name) for name in names], (of[:, None] == names).astype(np.float64)

    effects = {"images": image, "readers": who, "readers by arm": 2 * who + arm.astype(int)}
    columns = {name: indicators(of) for name, of in effects.items()}
    # one group holds all, because readers and images cross
    spec = models.VCSpec(list(columns), [[names] for names, _ in columns.values()], [[x] for _, x in columns.values()])
    fixed = np.column_stack([np.ones_like(arm), arm])
    with warnings.catch_warnings():  # a variance of zero is an answer, not a failure
        warnings.simplefilter("ignore", statsmodels_module("tools.sm_exceptions").ConvergenceWarning)
        fitted = models.MixedLM(y, fixed, np.zeros(len(y)), exog_vc=spec).fit(method=["bfgs", "lbfgs", "powell"])
    if not fitted.converged or not np.isfinite(fitted.bse[:2]).all():
        raise ValueError("the mixed model did not converge; the analysis over readers and images does not need it")
    return fitted
