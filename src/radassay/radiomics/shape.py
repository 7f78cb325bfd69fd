"""Shape of an outline: area, perimeter, diameters and axes of a two-dimensional mask."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.distance import pdist

from radassay.errors import InputError
from radassay.radiomics.intensity import Array, Features
from radassay.radiomics.levels import Mask

CORNERS = ((0, 0), (0, 1), (1, 1), (1, 0))
HALF = 0.5
DIAGONAL = (5, 10)
"""Squares of which two opposite corners lie inside: each corner is cut off on its own."""


def shape(masks: Mask, spacing: tuple[float, float] = (1.0, 1.0)) -> Features:
    """Return ten features of each mask, (n,) each, in the unit of the spacing.

    The outline runs through the middles between pixels inside and outside (marching squares at one half), and area,
    perimeter and largest diameter are those of this polygon. The axes are those of the ellipse with the same second
    moments. The IBSI defines shape for volumes alone; these are the two-dimensional features of pyradiomics.

    Args:
        masks: (n, height, width).
        spacing: height and width of a pixel.

    Raises:
        InputError: a mask without a pixel.
    """
    if not masks.reshape(len(masks), -1).any(axis=1).all():
        raise InputError("An empty outline has no shape")
    rows = [_shape(np.pad(mask, 1), np.asarray(spacing, dtype=float)) for mask in masks]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]} if rows else {}


def _shape(mask: Mask, spacing: Array) -> dict[str, float]:
    case = sum(
        mask[y : len(mask) - 1 + y, x : mask.shape[1] - 1 + x].astype(np.intp) << bit
        for bit, (y, x) in enumerate(CORNERS)
    )
    squares = np.bincount(np.ravel(case), minlength=16)
    areas, lengths = _by_case(spacing)
    mesh, perimeter = float(squares @ areas), float(squares @ lengths)
    points = np.argwhere(mask) * spacing
    spread = np.linalg.eigvalsh(np.atleast_2d(np.cov(points.T, bias=True))) if len(points) > 1 else np.zeros(2)
    minor, major = 4.0 * np.sqrt(np.clip(spread, 0.0, None))
    round_perimeter = 2.0 * np.sqrt(np.pi * mesh)
    return {
        "mesh area": mesh,
        "pixel area": float(mask.sum() * spacing.prod()),
        "perimeter": perimeter,
        "perimeter to area ratio": perimeter / mesh,
        "circularity": round_perimeter / perimeter,
        "circular disproportion": perimeter / round_perimeter,
        "maximum diameter": _diameter(np.asarray(case), spacing),
        "major axis length": float(major),
        "minor axis length": float(minor),
        "elongation": float(minor / major) if major > 0 else 1.0,
    }


def _by_case(spacing: Array) -> tuple[Array, Array]:
    """Return area and length of the outline within a square of four pixel centres, for each set of corners inside."""
    height, width = spacing
    slope = float(np.hypot(height, width)) * HALF
    areas, lengths = np.zeros(16), np.zeros(16)
    for case in range(16):
        inside = [bool(case >> bit & 1) for bit in range(4)]
        number = sum(inside)
        areas[case] = (0.0, 1 / 8, 1 / 2, 7 / 8, 1.0)[number]
        lengths[case] = slope if number in (1, 3) else 0.0
        if case in DIAGONAL:
            areas[case], lengths[case] = 1 / 4, 2.0 * slope
        elif number == 2:
            lengths[case] = width if inside[0] == inside[1] else height
    return areas * height * width, lengths


def _diameter(case: np.ndarray, spacing: Array) -> float:
    """Return the largest distance of two points where the outline crosses the grid."""
    points = []
    for (y, x), (other_y, other_x), bit, other in (
        ((0, 0), (0, 1), 0, 1),
        ((0, 1), (1, 1), 1, 2),
        ((1, 1), (1, 0), 2, 3),
        ((1, 0), (0, 0), 3, 0),
    ):
        crossed = np.argwhere((case >> bit & 1) != (case >> other & 1))
        points.append(crossed + np.array([y + other_y, x + other_x]) * HALF)
    outline = np.unique(np.concatenate(points), axis=0) * spacing
    with suppress(QhullError):  # fewer corners than a hull needs
        outline = outline[ConvexHull(outline).vertices]
    return float(pdist(outline).max())
