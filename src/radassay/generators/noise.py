"""Noise of each image by itself, so that an image depends on its seed and place alone."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


def noise_of(seed: int, places: Iterable[int], length: int) -> NDArray[np.float32]:
    """Return standard normal noise, (n, length); row i comes from (seed, places[i]) and nothing else."""
    rows = [
        np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, place]))).standard_normal(
            length, dtype=np.float32
        )
        for place in places
    ]
    return np.stack(rows)
