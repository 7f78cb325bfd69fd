"""Depth intervals and mass points: the two shapes from which a simulated chest is built.

Coordinates in mm: x to the patient's left, y to the back, z to the head. An organ is a function that gives, for
each (x, z), the interval of y that it fills; thin structures (ribs, vessels) are points that carry mass.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
"""Distances and densities; float32 wherever the arrays are large."""
TABLE_Z = np.linspace(-300.0, 300.0, 1201, dtype=np.float32)
"""Heights at which profiles are tabled, mm; 0.5 mm apart."""


class Interval(NamedTuple):
    """The depths y that an organ fills at each (x, z), mm; empty where `back <= front`."""

    front: Array
    back: Array

    @property
    def length(self) -> Array:
        """Return the chord in mm, 0 where empty."""
        return np.maximum(self.back - self.front, 0.0)


class Points(NamedTuple):
    """Points that carry mass: what they add to the HU of their surroundings times their volume, HU mm^3."""

    x: Array
    y: Array
    z: Array
    mass: Array

    @staticmethod
    def joined(parts: list[Points]) -> Points:
        """Return all points as one."""
        return Points(*(np.concatenate(columns).astype(np.float32) for columns in zip(*parts, strict=True)))


def columns(places: Array) -> tuple[Array, Array, Array]:
    """Return x, y and z of places (n, 3)."""
    return places[:, 0], places[:, 1], places[:, 2]


def profile(heights: list[float], values: list[float]) -> Array:
    """Return a monotone cubic profile through (height, value), tabled at `TABLE_Z`; constant outside."""
    order = np.argsort(heights)
    return monotone(np.asarray(heights)[order], np.asarray(values)[order][:, None], TABLE_Z)[:, 0]


def monotone(knots: Array, values: Array, at: Array) -> Array:
    """Return the monotone cubic through ascending knots (Fritsch and Butland 1984), constant outside.

    Args:
        knots: (k,).
        values: (k, d).
        at: (n,).

    Returns:
        (n, d).
    """
    step = np.diff(knots)[:, None]
    slope = np.diff(values, axis=0) / step
    left, right = slope[:-1], slope[1:]
    weight = (step[:-1] + 2 * step[1:]) / (3 * (step[:-1] + step[1:]))
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = np.where(left * right > 0, left * right / (weight * right + (1 - weight) * left), 0.0)
    tangent = np.concatenate([slope[:1], middle, slope[-1:]])
    at = np.clip(at, knots[0], knots[-1])
    i = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, len(knots) - 2)
    h = step[i]
    t = (at - knots[i])[:, None] / h
    start = (1 + 2 * t) * (1 - t) ** 2 * values[i] + t * (1 - t) ** 2 * h * tangent[i]
    end = t * t * (3 - 2 * t) * values[i + 1] + t * t * (t - 1) * h * tangent[i + 1]
    found: Array = (start + end).astype(np.float32)
    return found


def look_up(table: Array, z: Array) -> Array:
    """Return a tabled profile at heights z."""
    place = np.clip((z - TABLE_Z[0]) * 2.0, 0.0, len(TABLE_Z) - 1.001)
    index = place.astype(np.int32)
    part = place - index.astype(np.float32)
    found: Array = table[index] * (1 - part) + table[index + 1] * part
    return found


def around(middle: Array | np.floating[Any] | float, half: Array) -> Interval:
    """Return the interval of this middle and half length."""
    return Interval(middle - half, middle + half)


def bulge(u: Array, power: float) -> Array:
    """Return the half height of a superellipse, (1 - |u|^p)^(1/p), 0 outside."""
    inside = np.maximum(1.0 - np.abs(u) ** np.float32(power), 0.0)
    rounded: Array = inside ** np.float32(1.0 / power)
    return rounded


def ellipsoid(
    x: Array, z: Array, centre: tuple[float, float, float], axes: tuple[float, float, float], turn: float = 0.0
) -> Interval:
    """Return the depths inside an ellipsoid.

    Args:
        x: grid, mm.
        z: grid, mm.
        centre: (x, y, z), mm.
        axes: half lengths along its own (first, depth, second) axis, mm.
        turn: turn of its first axis from x towards z in the coronal plane, radians.
    """
    cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    dx, dz = x - np.float32(centre[0]), z - np.float32(centre[2])
    u = (dx * cos + dz * sin) / np.float32(axes[0])
    v = (dz * cos - dx * sin) / np.float32(axes[2])
    half = np.float32(axes[1]) * np.sqrt(np.maximum(1.0 - u * u - v * v, 0.0))
    return around(np.float32(centre[1]), half)


def length_outside(whole: Interval, parts: list[Interval]) -> Array:
    """Return the length of an interval that no part covers, mm: exact, parts may overlap."""
    fronts = np.stack([np.maximum(p.front, whole.front) for p in parts])
    backs = np.stack([np.minimum(p.back, whole.back) for p in parts])
    backs = np.maximum(backs, fronts)
    order = np.argsort(fronts, axis=0)
    fronts, backs = np.take_along_axis(fronts, order, 0), np.take_along_axis(backs, order, 0)
    covered = np.zeros_like(whole.front)
    reached = whole.front
    for front, back in zip(fronts, backs, strict=True):
        covered += np.maximum(back - np.maximum(front, reached), 0.0)
        reached = np.maximum(reached, back)
    return np.maximum(whole.length - covered, 0.0)


def filled(y: Array, interval: Interval, step: float) -> Array:
    """Return the share of each voxel (y, x) that an interval fills, in [0, 1]; y is the column of voxel centres."""
    top = np.minimum(interval.back, y + step / 2)
    bottom = np.maximum(interval.front, y - step / 2)
    share: Array = np.clip((top - bottom) / np.float32(step), 0.0, 1.0)
    return share


def splat(row: Array, column: Array, mass: Array, size: int) -> Array:
    """Return the mass that falls into each pixel, shape (size, size).

    Points are counted into half pixels, smoothed there by (1 2 1)/4 and summed: close to sharing each point
    between its nearest pixels, at a quarter of the cost.
    """
    fine = 2 * size
    r, c = (2 * row + 1).astype(np.int32), (2 * column + 1).astype(np.int32)
    inside = (r > 0) & (c > 0) & (r < fine - 1) & (c < fine - 1)
    at = r[inside] * fine + c[inside]
    half = np.bincount(at, mass[inside], minlength=fine * fine).astype(np.float32).reshape(fine, fine)
    half[1:-1] = half[:-2] * 0.25 + half[1:-1] * 0.5 + half[2:] * 0.25
    half[:, 1:-1] = half[:, :-2] * 0.25 + half[:, 1:-1] * 0.5 + half[:, 2:] * 0.25
    return half[::2, ::2] + half[1::2, ::2] + half[::2, 1::2] + half[1::2, 1::2]
