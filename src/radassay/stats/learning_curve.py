"""Learning curves: the area as a function of the number of training patients, with the part of every point in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

Floats = NDArray[np.float64]
STEEPEST, FLATTEST = 3.0, 0.05
"""Range of the exponent of the power law."""


@dataclass(frozen=True)
class Fit:
    """A curve through the points of a learning curve."""

    name: str
    at: Callable[[Floats], tuple[Floats, Floats]]
    """From sizes (g,) to areas (g,) and their derivatives by each point's area, (g, k)."""


def power_law(sizes: Floats, areas: Floats, variances: Floats) -> Fit:
    """Return area = a - b · size^-c by weighted least squares (Cortes et al., NIPS 1993; Figueroa et al. 2012).

    `a` and `b` are linear given `c`, which is searched alone from 0.05 to 3. The derivatives are those of the last
    Gauss-Newton step.

    Args:
        sizes: (k,) ascending, 3 or more.
        areas: (k,)
        variances: (k,) of the areas, positive.
    """
    root = 1 / np.sqrt(variances)
    unit = sizes / sizes[-1]  # keeps the powers of a comparable size

    def linear(c: float) -> tuple[Floats, float]:
        design = np.stack([np.ones_like(unit), -(unit**-c)], axis=1)
        found = np.linalg.lstsq(design * root[:, None], areas * root, rcond=None)[0]
        return np.asarray(found, dtype=np.float64), float((((design @ found - areas) * root) ** 2).sum())

    tried = np.geomspace(FLATTEST, STEEPEST, 40)
    best = int(np.argmin([linear(c)[1] for c in tried]))
    bounds = tried[max(best - 1, 0)], tried[min(best + 1, len(tried) - 1)]
    c = float(minimize_scalar(lambda c: linear(c)[1], bounds=bounds, method="bounded").x)
    a, b = linear(c)[0]

    def jacobian(at: Floats) -> Floats:
        columns = [np.ones_like(at), -(at**-c)]
        if 0 < best < len(tried) - 1:  # at a limit of its range the exponent is no longer fitted
            columns.append(b * at**-c * np.log(at))
        return np.stack(columns, axis=1)

    inner = np.linalg.pinv(jacobian(unit) * root[:, None]) * root

    def at(grid: Floats) -> tuple[Floats, Floats]:
        scaled = np.asarray(grid, dtype=np.float64) / sizes[-1]
        return a - b * scaled**-c, jacobian(scaled) @ inner

    return Fit("inverse power law", at)


def monotone(sizes: Floats, areas: Floats, variances: Floats) -> Fit:
    """Return the nearest curve that never falls, straight between the sizes on a logarithmic scale.

    Points that fall are pooled into their weighted mean (Ayer et al., Ann Math Stat 1955;26:641).
    """
    blocks: list[list[int]] = []
    weight = 1 / variances

    def level(block: list[int]) -> float:
        return float((areas[block] * weight[block]).sum() / weight[block].sum())

    for k in range(len(sizes)):
        blocks.append([k])
        while len(blocks) > 1 and level(blocks[-2]) >= level(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    pooled = np.zeros((len(sizes), len(sizes)))
    for block in blocks:
        pooled[np.ix_(block, block)] = weight[block] / weight[block].sum()
    hats = np.eye(len(sizes))

    def at(grid: Floats) -> tuple[Floats, Floats]:
        part = np.stack([np.interp(np.log(grid), np.log(sizes), hat) for hat in hats], axis=1) @ pooled
        return part @ areas, part

    return Fit("monotone, straight between sizes", at)
