"""Fréchet distance between two sets of features, its bias taken away and its interval over patients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import array_api_compat as compat
import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.linalg import lapack

from radassay.stats.backend import Tensor
from radassay.stats.frechet_expansion import Axes, Side, influences, variance
from radassay.stats.resample import GROUPS, Interval

FEW_DIMENSIONS, FEW_GROUPS = 256, 2
"""In more dimensions than this, so many groups alone are left out in turn."""
ENOUGH = 2_500
"""Patients of a sample whose influences are computed: the standard error of that many scatters by 1 to 2 in 100."""
FULL_RANK = 1e-10
"""Least root of S₁S₂ over its largest, below which the covariances are not of full rank."""


@dataclass(frozen=True)
class Frechet:
    """A Fréchet distance with what is needed to trust it."""

    value: float
    """Bias-corrected; it may lie below zero where there is no difference."""
    plain: float
    """As usually published: biased upward at small n."""
    error: float | None = None
    """Standard error, over patients."""
    interval: Interval | None = None
    """None where it was not asked for, or where patients or rows are too few for covariances of full rank."""


def frechet_distance(x: Tensor, y: Tensor) -> float:
    """Return the plain Fréchet distance of (n, d) and (m, d) features; biased upward by about 1/n + 1/m.

    Raises:
        ValueError: fewer than two rows in x or y.
    """
    a, b = _sides(x, y)
    return _distance(a.mean - b.mean, a.covariance(), b.covariance())


def frechet(
    x: Tensor,
    y: Tensor,
    x_units: NDArray[Any] | None = None,
    y_units: NDArray[Any] | None = None,
    level: float | None = 0.95,
) -> Frechet:
    """Return the Fréchet distance to which samples tend as they grow (FD∞), and its interval over patients.

    |m₁-m₂|² + tr S₁ + tr S₂ - 2 tr (S₁^½ S₂ S₁^½)^½ (Dowson & Landau 1982, eq. 4). The last trace is the sum of the
    roots of the eigenvalues of Fᵀ S₂ F with S₁ = F Fᵀ: symmetric, hence real, and no matrix root is taken.

    Bias and interval come from the distance's expansion to second order, in closed form. With Fᵀ S₂ F = V Λ² Vᵀ the
    maps U = S₂ F V Λ^-3/2 and W = F V Λ^-½ turn both covariances into Λ, and for small changes of means and
    covariances (C₁, C₂ in these axes)

        FD changes by tr (I - U Uᵀ) dS₁ + tr (I - W Wᵀ) dS₂ + 2 dᵀ (dm₁ - dm₂)
                      + |dm₁ - dm₂|² + ½ Σᵢⱼ (dC₁ - dC₂)²ᵢⱼ / (λᵢ + λⱼ).

    The first line is the influence of each image (U Uᵀ is the optimal-transport map). The second is a squared kernel
    distance: its terms of each patient with himself are the bias of order 1/n, which is taken away (as the
    extrapolation of Chong & Forsyth 2020 does), and those of pairs of patients are the variance that remains where
    the distance is near zero.

    Args:
        x: (n, d) features, a NumPy array or a torch tensor; products with rows are made in its precision.
        y: (m, d) features.
        x_units: (n,) patient of each row of x; each row its own by default.
        y_units: (m,) patient of each row of y.
        level: nominal coverage; None leaves the interval out.

    Raises:
        ValueError: fewer than two rows in x or y.
    """
    a, b = _sides(x, y, x_units, y_units)
    first, second = a.covariance(), b.covariance()
    gap, groups = a.mean - b.mean, min(GROUPS, a.patients, b.patients)
    if groups < 2 or min(len(a), len(b)) * (groups - 1) / groups <= x.shape[1]:
        plain = _distance(gap, first, second)
        return Frechet(plain, plain)
    some = groups if x.shape[1] <= FEW_DIMENSIONS else min(groups, FEW_GROUPS)
    axes, plain = None, 0.0
    if level is not None or some < groups:
        axes, plain = _balanced(gap, first, second)
    if axes is None:
        plain = _distance(gap, first, second)
    dealt = (a.groups(groups), b.groups(groups))
    many = min(groups, max(some, -(-ENOUGH * groups // min(a.patients, b.patients))))
    shown = (a.of_groups(dealt[0], many), b.of_groups(dealt[1], many))
    moved = None if axes is None else _influences((a, b), shown, (first, second), axes)
    known = np.zeros(some)
    if moved is not None and some < groups:
        for side, part, group, influence in zip((a, b), shown, dealt, moved, strict=True):
            sums = np.bincount(group[group < many][part.starts[:-1]], influence[0], minlength=some)[:some]
            known -= sums / (len(side) - np.bincount(group)[:some])
    value = plain - _bias((a, b), (first, second), plain, dealt, groups, known)
    if level is None or axes is None or moved is None:
        return Frechet(value, plain)
    error = variance((a, b), shown, axes, moved) ** 0.5
    reach = float(stats.norm.ppf(0.5 + level / 2)) * error
    method = "influences on the distance to second order, summed by patient"
    return Frechet(value, plain, error, Interval(value - reach, value + reach, method))


def _sides(x: Tensor, y: Tensor, x_units: Any = None, y_units: Any = None) -> tuple[Side, Side]:
    if min(len(x), len(y)) < 2:
        raise ValueError("a covariance needs two rows")
    return Side.of(x, x_units), Side.of(y, y_units)


def _distance(gap: Tensor, first: Tensor, second: Tensor) -> float:
    """Return the distance of two normal laws from the gap of their means and their covariances."""
    xp = compat.array_namespace(first)
    roots = xp.sqrt(xp.clip(xp.linalg.eigvalsh(_core(*_root(first), second)), 0.0, None))
    return _from_roots(gap, first, second, roots)


def _balanced(gap: Tensor, first: Tensor, second: Tensor) -> tuple[Axes | None, float]:
    """Return the axes in which both covariances are one diagonal matrix, if they are of full rank, and the distance."""
    xp = compat.array_namespace(first)
    factor, triangular = _root(first)
    values, vectors = xp.linalg.eigh(_core(factor, triangular, second))
    roots = xp.sqrt(xp.clip(values, 0.0, None))
    plain = _from_roots(gap, first, second, roots)
    if not float(roots[0]) > FULL_RANK * float(roots[-1]):
        return None, plain
    turned = factor @ vectors
    return Axes(((second @ turned) / roots**1.5, turned / roots**0.5), roots), plain


def _from_roots(gap: Tensor, first: Tensor, second: Tensor, roots: Tensor) -> float:
    xp = compat.array_namespace(first)
    return float(gap @ gap + xp.linalg.trace(first) + xp.linalg.trace(second) - 2.0 * xp.sum(roots))


def _influences(
    sides: tuple[Side, Side], shown: tuple[Side, Side], covariances: tuple[Tensor, Tensor], axes: Axes
) -> tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...]:
    """Return the `influences` of the patients shown of both samples, about the mean of all patients."""
    xp, gap = compat.array_namespace(axes.roots), sides[0].mean - sides[1].mean
    return tuple(
        influences(
            some, axes, which, -gap if which else gap, (1 - 1 / len(side)) * float(xp.linalg.trace(spread) - axes.trace)
        )
        for which, (side, some, spread) in enumerate(zip(sides, shown, covariances, strict=True))
    )


def _bias(
    sides: tuple[Side, Side],
    covariances: tuple[Tensor, Tensor],
    plain: float,
    dealt: tuple[NDArray[np.intp], NDArray[np.intp]],
    groups: int,
    known: NDArray[np.float64],
) -> float:
    """Return (groups - 1) times the mean change of the distance when a group is left out of both samples.

    Over all groups the influences cancel; over some they do not, and what is known of them is taken off: `known` holds
    it for each group that is left out, of which there may be fewer than `groups`.
    """
    changes = []
    for group, change in enumerate(known):
        means, spreads = [], []
        for side, covariance, numbers in zip(sides, covariances, dealt, strict=True):
            mean, spread = _without(side, covariance, np.flatnonzero(numbers == group))
            means.append(mean)
            spreads.append(spread)
        changes.append(_distance(means[0] - means[1], *spreads) - plain - float(change))
    return (groups - 1) * float(np.mean(changes))


def _without(side: Side, covariance: Tensor, out: NDArray[np.intp]) -> tuple[Tensor, Tensor]:
    """Return mean and covariance without some rows."""
    xp = compat.array_namespace(covariance)
    rows = xp.astype(side.centred(out), xp.float64)
    left = len(side) - len(out)
    shift = -xp.sum(rows, axis=0) / left
    scatter = (len(side) - 1) * covariance - rows.T @ rows - left * (shift[:, None] * shift[None, :])
    return side.mean + shift, scatter / (left - 1)


def _root(covariance: Tensor) -> tuple[Tensor, bool]:
    """Return a (d, d) F with F Fᵀ = covariance and whether it is lower triangular: not so where the rank is short."""
    xp = compat.array_namespace(covariance)
    try:
        return xp.linalg.cholesky(covariance), True
    except (np.linalg.LinAlgError, RuntimeError):  # torch's error is a RuntimeError
        values, vectors = xp.linalg.eigh(covariance)
        return vectors * xp.sqrt(xp.clip(values, 0.0, None)), False


def _core(factor: Tensor, triangular: bool, covariance: Tensor) -> Tensor:
    """Return Fᵀ S F, of which the lower triangle alone may be filled: eigenvalues are taken from there."""
    if triangular and compat.is_numpy_array(factor):
        return lapack.dsygst(covariance, factor, itype=2, lower=1)[0]  # a quarter of the multiplications
    return factor.T @ (covariance @ factor)
