"""Lay one picture over another and say how well their fine detail agrees."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from radassay.matching.picture import DETAIL, evened

SIGMA = 2.0
"""Standard deviation in pixels of what counts as local when contrast is evened out."""
STRONG = 2.0
"""Evened contrast above which it is an edge, such as the rim of a marker, and counts no more."""
FAINT = 0.05
"""Evened contrast below which a place is flat, such as a black frame."""
TILE = 16
"""Side in pixels of the tiles that are compared one by one, so that a drawn box or a marker spoils few."""
BEST = 0.7
"""Quantile over tiles that stands for the pair: nearly a third must agree that well."""
FEWEST = 6
"""Tiles with detail that must be seen in both."""
HOPEFUL = 0.25
"""Correlation from which a map is worth improving: half of the least seen in any of 563 true pairs."""
OVERLAP = 0.2
"""Least share of either picture that the other must show."""

Picture = NDArray[np.float32]


@dataclass(frozen=True)
class Overlay:
    """Two pictures laid over each other."""

    correlation: float
    """Of fine detail in most tiles, where both have any; 0 where they hardly overlap."""
    matrix: NDArray[np.float64]
    """(2, 3) from the first detail picture to the second."""


def overlay(first: Picture, second: Picture, matrix: NDArray[np.float64], inverted: bool) -> Overlay:
    """Return how well pictures (side, side) agree under an affine map, which is improved first where that may help.

    The map is improved by maximising the correlation (ECC: Evangelidis & Psarakis, IEEE TPAMI 2008;30:1858).
    """
    second = 1 - second if inverted else second
    start = Overlay(_correlation(first, second, matrix), matrix)
    if start.correlation < HOPEFUL:
        return start
    try:
        _, improved = cv2.findTransformECC(
            evened(first, SIGMA),
            evened(second, SIGMA),
            matrix.astype(np.float32),
            cv2.MOTION_AFFINE,
            (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 15, 1e-4),
            np.full(second.shape, 255, dtype=np.uint8),
            5,
        )
    except cv2.error:  # it does not converge
        return start
    better = Overlay(_correlation(first, second, improved.astype(np.float64)), improved.astype(np.float64))
    return better if better.correlation > start.correlation else start


def _correlation(first: Picture, second: Picture, matrix: NDArray[np.float64]) -> float:
    shape = first.shape[::-1]
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    shown = cv2.warpAffine(second, matrix, shape, flags=how, borderMode=cv2.BORDER_REPLICATE)
    seen = cv2.warpAffine(np.ones_like(second), matrix, shape, flags=how) > 0.99
    zoom = abs(float(np.linalg.det(matrix[:, :2])))
    if seen.mean() < OVERLAP or seen.mean() * zoom < OVERLAP:
        return 0.0
    a, b = evened(first, SIGMA), evened(shown.astype(np.float32), SIGMA)
    return _most_tiles(a, b, seen & (np.abs(a) > FAINT) & (np.abs(b) > FAINT))


def _most_tiles(a: Picture, b: Picture, both: NDArray[np.bool_]) -> float:
    """Return the correlation that `BEST` of the tiles do not exceed; 0 where hardly any has detail."""
    a, b = np.clip(a, -STRONG, STRONG) * both, np.clip(b, -STRONG, STRONG) * both
    count = _tiled(both.astype(np.float32))
    enough = count > TILE * TILE * 0.4
    if enough.sum() < FEWEST:
        return 0.0
    n = count[enough]
    mean_a, mean_b = _tiled(a)[enough] / n, _tiled(b)[enough] / n
    product = _tiled(a * b)[enough] / n - mean_a * mean_b
    spread = (_tiled(a * a)[enough] / n - mean_a**2) * (_tiled(b * b)[enough] / n - mean_b**2)
    return float(np.quantile(product / np.sqrt(np.maximum(spread, 1e-9)), BEST))


def _tiled(values: Picture) -> NDArray[np.float64]:
    """Return the sum of each tile."""
    tiles = values.astype(np.float64).reshape(DETAIL // TILE, TILE, DETAIL // TILE, TILE)
    return np.asarray(tiles.sum(axis=(1, 3)))
