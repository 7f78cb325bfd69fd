"""Many arms, one chance of a false claim: p-values after correction."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student

Floats = NDArray[np.float64]


def holm(p_values: ArrayLike) -> Floats:
    """Return the p-values adjusted by Holm's step-down method (Scand J Stat 1979;6:65), in the order given.

    A claim at an adjusted p-value below alpha is false in any of the arms with probability alpha at most, however
    the arms depend on each other.

    Args:
        p_values: (m,) from 0 to 1.

    Raises:
        ValueError: a value is no probability.
    """
    p = np.asarray(p_values, dtype=np.float64)
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError("p-values lie between 0 and 1")
    order = np.argsort(p, kind="stable")
    raised = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    adjusted = np.empty_like(p)
    adjusted[order] = raised
    return adjusted


def p_value(value: ArrayLike, error: ArrayLike, freedom: ArrayLike) -> Floats:
    """Return the two-sided p-value of a difference with its standard error (Student's t); 1 where both are zero."""
    value, error = np.asarray(value, dtype=np.float64), np.asarray(error, dtype=np.float64)
    ratio = np.divide(np.abs(value), error, out=np.where(value == 0, 0.0, np.inf), where=error > 0)
    return np.asarray(2 * student.sf(ratio, np.asarray(freedom, dtype=np.float64)))
