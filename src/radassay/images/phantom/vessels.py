"""Pulmonary vessels and main bronchi: trees that branch from the hila and thin towards the pleura."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radassay.images.phantom.anatomy import SOFT_HU, Chest
from radassay.images.phantom.geometry import Points, columns

Grid = NDArray[np.float64]
GENERATIONS = 6


def _tree(chest: Chest, sign: float, rng: np.random.Generator) -> tuple[Grid, Grid, Grid]:
    """Return start, end (n, 3) and radius (n,) of all segments of one lung, mm."""
    s = chest.scale
    hilum = np.array([sign * 30.0, 8.0, 2.0 if sign < 0 else 12.0]) * s
    hilum[2] -= 0.4 * chest.down
    degrees = np.array([82, 58, 35, 12, -12, -35, -52, -68, -84, -100])
    polar = np.radians(degrees + rng.normal(0, 6, len(degrees)))
    depth = rng.normal(0, 0.55, len(degrees))
    way = np.stack([sign * np.cos(polar), depth, np.sin(polar)], axis=1)
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    start = hilum + rng.normal(0, 4, way.shape) * s + way * np.array([0, 0, 6.0])
    # lower-zone vessels carry more blood in a standing person
    radius = np.where(degrees < 20, 4.6, 3.5) * s * rng.lognormal(0, 0.12, len(degrees))
    length = np.full(len(degrees), 26.0 * s)
    starts, ends, radii = [], [], []
    for _ in range(GENERATIONS):
        end = start + way * (length * rng.lognormal(0, 0.18, len(length)))[:, None]
        starts.append(start)
        ends.append(end)
        radii.append(radius)
        n = len(end)
        bend = rng.normal(0, 1, (n, 2, 3))
        bend -= (bend * way[:, None]).sum(-1, keepdims=True) * way[:, None]
        bend[:, 1] = -0.8 * bend[:, 0] + 0.3 * bend[:, 1]
        bend /= np.linalg.norm(bend, axis=-1, keepdims=True)
        spread = np.radians(np.stack([rng.normal(18, 6, n), rng.normal(34, 8, n)], axis=1))[..., None]
        way = (way[:, None] * np.cos(spread) + bend * np.sin(spread)).reshape(-1, 3)
        start = np.repeat(end, 2, axis=0)
        radius = (radius[:, None] * np.array([0.82, 0.66])).ravel()
        length = (length[:, None] * np.array([0.90, 0.74])).ravel()
    return np.concatenate(starts), np.concatenate(ends), np.concatenate(radii)


def vessels(chest: Chest) -> Points:
    """Return the vessels of both lungs as mass points; where a branch leaves the lung it carries none."""
    parts = []
    for sign in (-1.0, 1.0):
        rng = np.random.default_rng([chest.person.tree, 2, int(sign > 0)])
        start, end, radius = _tree(chest, sign, rng)
        start[:, 0] -= chest.turn * start[:, 1]
        end[:, 0] -= chest.turn * end[:, 1]
        middle, tip = ((start + end) / 2).astype(np.float32), end.astype(np.float32)
        keep = chest.in_lung(*columns(middle)) & chest.in_lung(*columns(tip), margin=2.0)
        keep &= np.abs(tip[:, 0]) < chest.wall(tip[:, 2])[0]
        start, end, radius = start[keep], end[keep], radius[keep]
        length = np.linalg.norm(end - start, axis=1)
        mass = (SOFT_HU - chest.person.lung) * np.pi * radius**2 * length
        parts.append(_filled(start, end, radius, mass, rng))
    return Points.joined([*parts, _bronchi(chest)])


def _filled(start: Grid, end: Grid, radius: Grid, mass: Grid, rng: np.random.Generator) -> Points:
    """Return points spread evenly over cylinders: the thicker, the more."""
    number = np.where(radius > 2.2, 60, np.where(radius > 1.1, 22, 9))
    which = np.repeat(np.arange(len(start)), number)
    order = np.arange(len(which)) - np.repeat(np.cumsum(number) - number, number)
    at = ((order + 0.5) / number[which])[:, None]
    turn, out = 2.39996 * order, np.sqrt(rng.random(len(which))) * radius[which]
    place = start[which] * (1 - at) + end[which] * at
    place += np.stack([out * np.cos(turn), out * np.sin(turn), out * np.cos(turn + 1.0)], axis=1) * 0.8
    return Points(*columns(place), mass[which] / number[which])


def _bronchi(chest: Chest) -> Points:
    """Return the air of the two main bronchi, steep on the right and flatter on the left."""
    s, parts = chest.scale, []
    rng = np.random.default_rng([chest.person.tree, 3])
    for end in ((-30.0, 8.0, -8.0), (40.0, 8.0, -6.0)):
        n = 400
        at = rng.random((n, 1))
        turn, radius = rng.random(n) * 2 * np.pi, 5.8 * s * np.sqrt(rng.random(n))
        place = (np.array([-2.0, 14.0, 22.0]) * (1 - at) + np.array(end) * at) * s
        place[:, 0] += radius * np.cos(turn) * 0.6
        place[:, 1] += radius * np.sin(turn)
        place[:, 2] += radius * np.cos(turn) * 0.8 * np.sign(end[0])
        # their walls and the vessels around them take back nearly half of the air
        mass = np.full(n, -550.0 * np.pi * (5.8 * s) ** 2 * 45 * s / n)
        parts.append(Points(*columns(place), mass))
    return Points.joined(parts)
