"""What NumPy and torch call differently, for kernels that run on either (decision 0011)."""

from __future__ import annotations

from typing import Any

import array_api_compat as compat
import numpy as np
from numpy.typing import NDArray

Tensor = Any
"""A NumPy array, or a torch tensor on any device."""


def host(x: Tensor) -> NDArray[Any]:
    """Return the array in main memory."""
    return np.asarray(compat.to_device(x, "cpu"))


def summed(x: Tensor, starts: NDArray[np.intp], axis: int) -> Tensor:
    """Return the sums of the runs that begin at `starts` along an axis of a matrix, float64."""
    xp = compat.array_namespace(x)
    running = xp.cumulative_sum(x, axis=axis, dtype=xp.float64)
    ends = xp.asarray(np.append(starts[1:], x.shape[axis]) - 1, device=compat.device(x))
    found = xp.take(running, ends, axis=axis)
    if axis == 0:
        found[1:, :] = found[1:, :] - xp.asarray(found[:-1, :], copy=True)
    else:
        found[:, 1:] = found[:, 1:] - xp.asarray(found[:, :-1], copy=True)
    return found
