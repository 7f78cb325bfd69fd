"""How far each picture lies from the others of its set."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radassay.probes.odd.look import Sight

FEWEST = 20
"""Pictures that make a crowd."""
AXES = 10


def unlike(features: NDArray[np.float32]) -> list[Sight]:
    """Return for each picture how far it lies from the others.

    Distance from the median over the first principal axes, each measured in its own median absolute deviation
    (PCOut without its weights; Filzmoser, Maronna & Werner, Comput Stat Data Anal 2008;52:1694). Seen are those far
    out by Tukey's outer fence on the logarithm of the distance: more than three interquartile ranges above the third
    quartile.

    Args:
        features: (n, d) of the pictures of one set.
    """
    if len(features) < FEWEST:
        return [Sight(0.0)] * len(features)
    scaled = _robust(features.astype(np.float64))
    _, _, axes = np.linalg.svd(scaled - np.median(scaled, axis=0), full_matrices=False)
    distance = np.sqrt((_robust(scaled @ axes[:AXES].T) ** 2).mean(axis=1))
    log = np.log(np.maximum(distance, 1e-6))
    low, high = np.quantile(log, (0.25, 0.75))
    fence = high + 3 * max(high - low, 1e-6)
    scores = np.clip(0.5 * (log - high) / (fence - high), 0, 1)
    median = float(np.median(distance))
    return [
        Sight(float(s), f"{d / median:.1f} times as far from the middle of its set as half of the pictures")
        for s, d in zip(scores, distance, strict=True)
    ]


def _robust(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return columns less their median, in median absolute deviations, cut at 30 of them."""
    centred = values - np.median(values, axis=0)
    spread = np.median(np.abs(centred), axis=0)
    # where most pictures agree exactly, such as all being square, the deviation is nothing and says nothing
    return np.asarray(
        np.clip(centred / np.maximum(np.maximum(1.4826 * spread, centred.std(axis=0) / 3), 1e-6), -30, 30)
    )
