"""Measures of a frontal chest film from the outline of its lungs: sides, areas, heart, ribs.

A film is shown as usual: the patient's left on the right of the picture. `right` and `left` are sides of the picture.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from radassay.anatomy.lungs import lungs

Mask = NDArray[np.bool_]
Picture = NDArray[np.floating[Any]]

HEART_ROWS = (0.45, 0.85)
"""Where the heart is sought, as shares of the lungs' height from their top."""
HEART_EDGE = 0.4
"""Where the heart ends, between the brightness of the outer lung (0) and that beside the spine (1)."""
RIB_ROWS = (0.1, 0.75)
"""Where ribs are sought."""


class Chest(NamedTuple):
    """Measures of one film; NaN where one cannot be taken. Lengths and areas are shares of the picture's."""

    outline: float
    """How sure the lung finder is, 0 to 1 (`lungs.lungs`); halved where it finds one lung or none."""
    lung_area: float
    """Share of the picture that is lung, the parts behind the heart included."""
    balance: float
    """Logarithm of the area of the left lung of the picture over that of the right."""
    apart: float
    """Distance of the centres of both lungs, sideways."""
    level: float
    """How much lower the right lung's centre lies than the left's."""
    middle: float
    """Where the thorax has its middle, 0 (left edge) to 1."""
    ctr: float
    """Cardiothoracic ratio: widest reach of the heart to either side over the inner width of the thorax."""
    heart_side: float
    """Reach of the heart to the right of the picture less that to the left, over their sum; above 0 is usual."""
    rib_match: float
    """Correlation of the rows' brightness in both lungs, slow changes taken away: ribs on both sides alike."""
    rib_strength: float
    """Size of these changes along the rows, in grey values."""


PROPERTIES = Chest._fields
NOTHING = Chest(0.0, 0.0, *(float("nan"),) * 8)


def measure_chests(pixels: Picture) -> NDArray[np.float64]:
    """Return the measures of films, (n, len(PROPERTIES)), in the order of `PROPERTIES`.

    On 120 simulated chests at 64 pixels (Dice of the lungs 0.90, behind the domes the truth goes on) the cardiothoracic
    ratio has a correlation of 0.78 with the true one and lies 0.08 below it, always by about as much (sd 0.026): heart
    and lung do not end sharply. The side of the heart has a correlation of 0.77. Compare sets, not with textbooks.
    One film takes 6 ms on one core.

    Args:
        pixels: (n, size, size) grey values in [0, 1], bone bright, finite.
    """
    found = lungs(pixels)
    rows = [
        _measured(np.asarray(picture, dtype=float), mask, float(sure))
        for picture, mask, sure in zip(pixels, found.masks, found.confidence, strict=True)
    ]
    return np.array(rows, dtype=float).reshape(len(rows), len(PROPERTIES))


def _measured(picture: NDArray[np.float64], mask: Mask, sure: float) -> Chest:
    size = len(mask)
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return NOTHING
    middle = _middle(mask)
    right = columns + 0.5 > middle
    counts = int((~right).sum()), int(right.sum())
    if min(counts) < 4:
        return NOTHING._replace(outline=sure, lung_area=len(rows) / size**2, middle=middle / size)
    centres = [(rows[side].mean(), columns[side].mean()) for side in (~right, right)]
    ctr, side = heart(picture, mask, middle)
    match, strength = ribs(picture, mask, middle)
    return Chest(
        outline=sure,
        lung_area=len(rows) / size**2,
        balance=float(np.log(counts[0] / counts[1])),
        apart=float(centres[1][1] - centres[0][1]) / size,
        level=float(centres[1][0] - centres[0][0]) / size,
        middle=middle / size,
        ctr=ctr,
        heart_side=side,
        rib_match=match,
        rib_strength=strength,
    )


def _middle(mask: Mask) -> float:
    """Return the column halfway between the lungs: the median over rows of the middle of the gap in the upper half."""
    there = np.flatnonzero(mask.any(axis=1))
    upper = there[: max(1, len(there) // 2)]
    middles = []
    for row in upper:
        columns = np.flatnonzero(mask[row])
        gaps = np.diff(columns)
        if len(gaps) and gaps.max() > 1:
            widest = int(gaps.argmax())
            middles.append((columns[widest] + columns[widest + 1] + 1) / 2)
    if middles:
        return float(np.median(middles))
    columns = np.flatnonzero(mask.any(axis=0))
    return float(columns[0] + columns[-1] + 1) / 2


def heart(picture: NDArray[np.float64], mask: Mask, middle: float) -> tuple[float, float]:
    """Return cardiothoracic ratio and side of the heart of one film, NaN where it has no edge.

    The outline of the lungs holds the parts behind the heart. There the heart reaches, row by row, from the middle to
    where the brightness falls below `HEART_EDGE` of the way from that of the outer lung to that beside the spine. The
    widest reach to either side counts (Danzer 1919), as the 80th percentile over rows.
    """
    there = np.flatnonzero(mask.any(axis=1))
    top, high = there[0], len(there)
    rows = np.arange(top + int(HEART_ROWS[0] * high), top + int(np.ceil(HEART_ROWS[1] * high)))
    rows = rows[rows < len(mask)]
    smooth = gaussian_filter1d(picture, 0.7, axis=0)
    columns = np.arange(mask.shape[1])
    inside = np.abs(columns + 0.5 - middle)
    near = inside < 0.06 * len(mask) + 1
    width = np.flatnonzero(mask.any(axis=0))
    thorax = float(width[-1] - width[0] + 1)
    reach = []
    for side in (columns + 0.5 < middle, columns + 0.5 >= middle):
        lung = mask & side
        beyond = float(inside[side & mask.any(axis=0)].max())
        outer = lung[rows] & (inside > 0.55 * beyond)
        if not outer.any():
            return float("nan"), float("nan")
        dark = float(np.median(smooth[rows][outer]))
        across = np.flatnonzero(side & (inside <= beyond))
        across = across if side[-1] else across[::-1]
        lengths = []
        for row in rows:
            bright = float(smooth[row, near].max())
            # the dome of the diaphragm is as bright as the heart: only rows that are lung beside the spine
            if bright - dark < 0.05 or not lung[row, across[: len(across) // 3]].any():
                continue
            half = dark + HEART_EDGE * (bright - dark)
            below = np.flatnonzero((smooth[row, across] < half) & (inside[across] > 1))
            if not len(below):
                continue
            edge = int(below[0])
            # the edge between two pixels, by linear interpolation
            before, after = smooth[row, across[max(edge - 1, 0)]], smooth[row, across[edge]]
            part = (before - half) / (before - after) if before > after else 0.5
            lengths.append(inside[across[max(edge - 1, 0)]] + min(max(part, 0.0), 1.0))
        if len(lengths) < 3:
            return float("nan"), float("nan")
        reach.append(float(np.quantile(lengths, 0.8)))
    return (reach[0] + reach[1]) / thorax, (reach[1] - reach[0]) / (reach[0] + reach[1])


def ribs(picture: NDArray[np.float64], mask: Mask, middle: float) -> tuple[float, float]:
    """Return how alike the rows' brightness goes up and down in both lungs, and how strongly; NaN without rows."""
    there = np.flatnonzero(mask.any(axis=1))
    top, high = there[0], len(there)
    rows = np.arange(top + int(RIB_ROWS[0] * high), top + int(RIB_ROWS[1] * high))
    columns = np.arange(mask.shape[1]) + 0.5
    profiles = []
    for side in (columns < middle, columns >= middle):
        part = mask[rows] & side
        counts = part.sum(axis=1)
        if len(rows) < 12 or counts.min() < 2:
            return float("nan"), float("nan")
        mean = (picture[rows] * part).sum(axis=1) / counts
        profiles.append(mean - gaussian_filter1d(mean, len(mask) / 20))
    spread = [float(profile.std()) for profile in profiles]
    if min(spread) < 1e-6:
        return 0.0, 0.0
    # the two sides need not lie equally high
    shift = max(1, len(mask) // 40)
    best = max(
        float(np.corrcoef(profiles[0][shift : len(rows) - shift], profiles[1][shift + k : len(rows) - shift + k])[0, 1])
        for k in range(-shift, shift + 1)
    )
    return best, (spread[0] * spread[1]) ** 0.5
