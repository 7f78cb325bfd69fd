"""Bring one picture onto another by scale and shift along each axis, and say how well they agree.

Positions are shares of half the picture, -1 to 1 along each axis. A placement (n, 4) holds `scale down, shift down,
scale across, shift across`: position u in the first picture shows what lies at scale * u + shift in the second.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Pictures = NDArray[np.float32]
"""(n, size, size)."""
Placements = NDArray[np.float32]

FLAT, STRONG = 0.02, 2.0
"""Local contrast below which a place is flat, such as a black frame, and above which it is an edge, such as its rim."""
SCALES = (0.5, 2.0)
"""Smallest and largest scale between two pictures."""


def area_weights(low: float, high: float, side: int, size: int) -> Pictures:
    """Return (side, size) weights that average the part from `low` to `high`, shares of `size` cells, into `side`."""
    edges = np.linspace(low * size, high * size, side + 1)
    cell = np.arange(size)
    overlap = np.minimum(edges[1:, None], cell + 1) - np.maximum(edges[:-1, None], cell)
    overlap = np.clip(overlap, 0, None)
    return np.asarray(overlap / overlap.sum(axis=1, keepdims=True), dtype=np.float32)


def resized(pictures: Pictures, side: int) -> Pictures:
    """Return area averages, (n, side, side); enlarging repeats pixels."""
    if pictures.shape[1] == side:
        return pictures
    weights = area_weights(0.0, 1.0, side, pictures.shape[1])
    return np.asarray(weights @ pictures @ weights.T, dtype=np.float32)


def local_contrast(pictures: Pictures, sigma: float, floor: float = 0.02) -> Pictures:
    """Return pictures less their Gaussian mean, over their local standard deviation (Jarrett et al., ICCV 2009).

    Windowing, gamma and brightness hardly change the result; `floor` keeps noise in flat parts small.
    """
    size = pictures.shape[1]
    distance = np.subtract.outer(np.arange(size), np.arange(size))
    blur = np.exp(-0.5 * (distance / sigma) ** 2)
    blur = (blur / blur.sum(axis=1, keepdims=True)).astype(np.float32)
    detail = pictures - blur @ pictures @ blur.T
    spread = np.sqrt(np.maximum(blur @ (detail * detail) @ blur.T, 0) + np.float32(floor**2))
    return np.asarray(detail / spread, dtype=np.float32)


def agreement(
    first: Pictures, second: Pictures, placements: Placements
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the correlation of each pair where both have detail, and that part as a share of the first, (n,) each."""
    down, across, seen, _ = _sampling(placements, second.shape[1])
    shown = down @ second @ across
    seen = seen * (np.abs(first) > FLAT) * (np.abs(shown) > FLAT)
    return _correlation(np.clip(first, -STRONG, STRONG), np.clip(shown, -STRONG, STRONG), seen)


def align(
    first: Pictures, second: Pictures, placements: Placements, steps: int
) -> tuple[Placements, NDArray[np.float32]]:
    """Return the placements improved by Gauss-Newton steps, and their correlations.

    Brightness and contrast are fitted along (Baker & Matthews, Int J Comput Vis 2004;56:221). The best placement met
    is kept, so that no pair ends worse than it began.
    """
    half = second.shape[1] / 2
    slope_down = np.gradient(second, axis=1).astype(np.float32) * np.float32(half)
    slope_across = np.gradient(second, axis=2).astype(np.float32) * np.float32(half)
    best, score = placements.copy(), np.full(len(first), -1, dtype=np.float32)
    for step in range(steps + 1):
        down, across, seen, at = _sampling(placements, second.shape[1])
        shown = down @ second @ across
        now, _ = _correlation(first, shown, seen)
        better = now > score
        best[better], score[better] = placements[better], now[better]
        if step == steps:
            break
        vertical, sideways = down @ slope_down @ across, down @ slope_across @ across
        columns = (vertical * at[:, None], vertical, sideways * at, sideways, shown, np.ones_like(shown))
        jacobian = np.stack([c * seen for c in columns], axis=1).reshape(len(first), 6, -1)
        placements = _step(placements, jacobian, (first * seen).reshape(len(first), -1))
    return best, score


def _step(placements: Placements, jacobian: Pictures, target: NDArray[np.float32]) -> Placements:
    """Return the placements after one damped least-squares step."""
    normal = (jacobian @ jacobian.transpose(0, 2, 1)).astype(np.float64)
    normal[:, range(6), range(6)] = normal[:, range(6), range(6)] * 1.001 + 1e-3
    right = (jacobian @ target[:, :, None]).astype(np.float64)
    solution = np.linalg.solve(normal, right)[..., 0]
    gain = np.maximum(np.abs(solution[:, 4:5]), 0.2)
    moved = placements + np.clip(solution[:, :4] / gain, -0.08, 0.08).astype(np.float32)
    moved[:, [0, 2]] = np.clip(moved[:, [0, 2]], *SCALES)
    return np.asarray(moved, dtype=np.float32)


def _sampling(placements: Placements, size: int) -> tuple[Pictures, Pictures, Pictures, NDArray[np.float32]]:
    """Return weights down (n, size, size) and across (transposed), what is seen (0 or 1), and the positions (size,)."""
    at = ((np.arange(size) + 0.5) / size * 2 - 1).astype(np.float32)
    rows = placements[:, 0:1] * at + placements[:, 1:2]
    columns = placements[:, 2:3] * at + placements[:, 3:4]
    seen = (np.abs(rows) <= 1)[:, :, None] & (np.abs(columns) <= 1)[:, None, :]
    return _linear(rows, size), _linear(columns, size).transpose(0, 2, 1), seen.astype(np.float32), at


def _linear(positions: NDArray[np.float32], size: int) -> Pictures:
    """Return the weights, (n, m, size), of linear interpolation at positions (n, m)."""
    pixel = np.clip((positions + 1) * size / 2 - 0.5, 0, size - 1)
    distance = np.abs(pixel[:, :, None] - np.arange(size, dtype=np.float32))
    return np.asarray(np.clip(1 - distance, 0, None), dtype=np.float32)


def _correlation(
    first: Pictures, second: NDArray[np.floating[Any]], seen: Pictures
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    count = seen.sum(axis=(1, 2))
    inside = np.maximum(count, 1)[:, None, None]
    a = (first - (first * seen).sum(axis=(1, 2), keepdims=True) / inside) * seen
    b = (second - (second * seen).sum(axis=(1, 2), keepdims=True) / inside) * seen
    power: NDArray[Any] = (a * a).sum(axis=(1, 2)) * (b * b).sum(axis=(1, 2))
    return (a * b).sum(axis=(1, 2)) / np.sqrt(power + 1e-9), count / np.float32(seen[0].size)
