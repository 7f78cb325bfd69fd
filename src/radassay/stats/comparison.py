"""All that the pairs of two samples tell, in one pass: kernel distance, neighbourhoods and authenticity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from radassay.stats.backend import Tensor
from radassay.stats.balls import Balls, Measure, splits
from radassay.stats.gram import Two, walk
from radassay.stats.mmd import KernelSums, Kid


@dataclass(frozen=True)
class Comparison:
    """A generated sample held against a real one."""

    kid: Kid
    measures: dict[str, Measure]
    """Precision, recall, density, coverage, authenticity."""


def compare(
    real: Tensor, fake: Tensor, real_units: NDArray[Any], fake_units: NDArray[Any], k: int = 5, level: float = 0.95
) -> Comparison:
    """Return what `kid` and `prdc` return, for the price of one product of all rows with all.

    Args:
        real: (n, d) features, a NumPy array or a torch tensor.
        fake: (m, d) features.
        real_units: (n,) patient of each row.
        fake_units: (m,) patient of each generated image, mostly itself.
        k: neighbours that set the radius of a neighbourhood.
        level: nominal coverage of the interval of the kernel distance.

    Raises:
        ValueError: fewer than two patients or no more than k rows in a sample.
    """
    two = Two.of(real, fake, real_units, fake_units)
    kernel, balls = KernelSums(two), Balls(two, k, splits(real_units, fake_units))
    walk(two, [kernel, balls])
    return Comparison(kernel.kid(level), balls.measures())
