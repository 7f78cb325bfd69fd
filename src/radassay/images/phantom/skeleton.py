"""The skeleton: ribs, clavicles, scapulae, humeral heads as mass points, and the vertebral column."""

from __future__ import annotations

import numpy as np

from radassay.images.phantom.anatomy import Chest
from radassay.images.phantom.geometry import Array, Interval, Points, around, bulge, columns, monotone

CORTEX_HU, MARROW_HU, VERTEBRA_HU = 1500.0, 300.0, 220.0
"""HU that bone adds to the soft tissue it lies in."""


def tubes(path: Array, wide: Array, thick: Array, density: Array, rng: np.random.Generator, across: int) -> Points:
    """Return bony tubes along paths: a dense rim around marrow.

    Args:
        path: (tubes, steps, 3), mm.
        wide: (tubes, steps), half extent across the path in the coronal plane, mm.
        thick: (tubes, steps), half extent towards the viewer, mm.
        density: (tubes,), bone density.
        rng: places the points within the cross-section.
        across: points a cross-section.
    """
    path, wide, thick = (a.astype(np.float32) for a in (path, wide, thick))
    along = np.empty_like(path)
    along[:, 1:-1] = (path[:, 2:] - path[:, :-2]) / 2
    along[:, 0], along[:, -1] = path[:, 1] - path[:, 0], path[:, -1] - path[:, -2]
    # where a bone is bent under the skin, it must not pile up
    slope = np.hypot(along[..., 0], along[..., 2]) + np.float32(1e-6)
    along[..., 1] = np.clip(along[..., 1], -4 * slope, 4 * slope)
    stride = np.sqrt((along * along).sum(axis=-1))
    which = np.arange(across)
    rim = which % 3 < 2
    # 45 % of the section is cortex, held by the two thirds of the points that form the rim
    share = np.where(rim, CORTEX_HU * 0.45 * 1.5, MARROW_HU * 0.55 * 3).astype(np.float32) / across
    mass = (np.pi * density[:, None] * wide * thick * stride).astype(np.float32)[..., None] * share
    around_axis = which.astype(np.float32) / across
    turn = 2 * np.pi * (rng.random((*wide.shape, 1), dtype=np.float32) + around_axis)
    radius = np.where(rim, 0.90, 0.5).astype(np.float32)
    up = (wide / slope)[..., None] * radius * np.sin(turn)
    deep = thick[..., None] * radius * np.cos(turn)
    # each ring is drawn out along the tube, so that rings do not show
    shift = ((which * 0.618) % 1.0 - 0.5).astype(np.float32)
    dx, dy, dz = (along[..., k, None] for k in range(3))
    return Points(
        (path[..., 0, None] + shift * dx - up * dz).ravel(),
        (path[..., 1, None] + shift * dy + deep).ravel(),
        (path[..., 2, None] + shift * dz + up * dx).ravel(),
        mass.ravel(),
    )


def ribs(chest: Chest) -> Array:
    """Return the centre lines of 24 ribs, (24, steps, 3) mm: from the spine round the side to the front."""
    s, n = chest.scale, 88
    number = np.arange(1, 13)
    first = (131.0 - 23.8 * (number - 1) - 0.12 * (number - 1) ** 2) * s
    reach = np.interp(number, [1, 2, 7, 8, 9, 10, 11, 12], [2.2, 2.55, 2.6, 2.5, 2.35, 2.1, 1.5, 1.05])
    drop = np.interp(number, [1, 2, 4, 7, 12], [32.0, 52.0, 72.0, 96.0, 112.0]) * s
    # a deeper breath lifts the front ends
    drop = drop - 2.0 * chest.pose.inspiration
    angle = np.linspace(0.05, 1.0, n)[None] * reach[:, None]
    z = (
        first[:, None]
        - drop[:, None] * (0.5 - 0.5 * np.cos(angle)) ** 1.08
        + 7 * s * np.sin(2.2 * angle) * (angle < 1.43)
    )
    width, deep, middle = chest.wall(z.astype(np.float32))
    x = (width + 3.5 * s) * np.sin(angle) ** 0.85
    y = middle + (deep + 4 * s) * np.cos(angle)
    side = []
    for sign in (-1.0, 1.0):
        side.append(np.stack([sign * x - chest.turn * y, y, z + sign * 1.2 * chest.person.shape[0]], axis=-1))
    return np.concatenate(side).astype(np.float32)


GIRDLE = np.array(
    [
        [(11, -80, 82), (40, -84, 90), (85, -62, 105), (125, -35, 118), (158, -15, 122)],
        [(104, 84, 112), (111, 88, 90), (118, 91, 62), (126, 92, 20), (132, 88, -16)],
        [(132, 88, -16), (138, 82, 5), (145, 70, 38), (153, 50, 70), (160, 30, 92)],
        [(108, 90, 92), (122, 89, 104), (138, 76, 118), (153, 50, 129), (168, 20, 136)],
        [(172, 15, 100), (180, 15, 85), (188, 15, 62), (196, 15, 38), (204, 15, 10)],
    ],
    dtype=float,
)
"""Centre lines of clavicle, inner and outer edge of the scapula, its spine, and the shaft of the humerus, mm."""
GIRDLE_WIDE = np.array([[9.5, 6.3, 5.2, 5.6, 6.5], [1.8] * 5, [3.6] * 5, [4.0] * 5, [12.0] * 5])
GIRDLE_THICK = np.array([[8.5, 5.7, 4.7, 5.0, 5.8], [2.2] * 5, [4.0] * 5, [0.3, 1.1, 1.8, 2.5, 3.2], [12.0] * 5])
GIRDLE_DENSITY = np.array([1.6, 1.0, 1.0, 0.7, 0.75])


def _girdle(chest: Chest, rng: np.random.Generator) -> list[Points]:
    """Return clavicles, scapulae and humeri of both sides; without arms, no humeri."""
    s, steps = chest.scale, 110
    n = 5 if chest.arms else 4
    at, knots = np.linspace(0, 4, steps), np.arange(5.0)
    flat = np.moveaxis(GIRDLE[:n], 1, 0).reshape(5, -1)
    path = monotone(knots, flat, at).reshape(steps, n, 3).swapaxes(0, 1) * s
    path[..., 2] += chest.pose.shoulders * np.clip((path[..., 0] - 20) / 100, 0, 1)
    path = np.concatenate([path * np.array([-1.0, 1.0, 1.0]), path]).astype(np.float32)
    path[..., 0] -= chest.turn * path[..., 1]
    # bones stay under the muscle of slender people
    within = chest.muscle(path[..., 0], path[..., 2])
    path[..., 1] = np.clip(path[..., 1], within.front + 8, np.maximum(within.back - 8, within.front + 8))
    wide, thick = (np.tile(monotone(knots, v[:n].T, at).T * s, (2, 1)) for v in (GIRDLE_WIDE, GIRDLE_THICK))
    density = np.tile(GIRDLE_DENSITY[:n], 2) * chest.person.bone
    return [tubes(path, wide, thick, density, rng, 24), *_blades(chest, path, n, rng)]


def _blades(chest: Chest, path: Array, n: int, rng: np.random.Generator) -> list[Points]:
    """Return the thin plates of the scapulae between their edges, and the humeral heads."""
    s, density, parts, count = chest.scale, chest.person.bone, [], 1500
    for inner, outer in ((1, 2), (n + 1, n + 2)):
        share = rng.random((count, 1))
        places = rng.integers(0, path.shape[1], (2, count))
        plate = (1 - share) * path[inner, places[0]] + share * path[outer, places[1]]
        parts.append(Points(*columns(plate), np.full(count, density * 500 * 4200 * 2.2 * s**3 / count)))
    for sign in (-1.0, 1.0) if chest.arms else ():
        ball = rng.normal(size=(count, 3))
        ball *= (22 * s * rng.random(count) ** 0.3 / np.linalg.norm(ball, axis=1))[:, None]
        ball += np.array([sign * 172 * s - chest.turn * 10, 10.0, 112 * s + chest.pose.shoulders])
        parts.append(Points(*columns(ball), np.full(count, density * 300 * 4 / 3 * np.pi * (22 * s) ** 3 / count)))
    return parts


def bones(chest: Chest) -> Points:
    """Return ribs, clavicles, scapulae and humeri as mass points."""
    rng = np.random.default_rng([chest.person.tree, 1])
    s, density = chest.scale, chest.person.bone
    path = ribs(chest)
    along = np.linspace(0, 1, path.shape[1])
    wide = np.tile(np.interp(along, [0, 0.3, 1], [5.6, 6.0, 6.6]) * s, (24, 1))
    wide[[0, 12]] *= 1.25
    # dense behind, thinner in front, fading into cartilage at the front end
    thick = np.tile(np.interp(along, [0, 0.35, 0.6, 0.76, 1], [5.8, 5.4, 4.2, 3.6, 0.5]) * s, (24, 1))
    return Points.joined([tubes(path, wide, thick, np.full(24, density * 1.5), rng, 15), *_girdle(chest, rng)])


def vertebrae(chest: Chest, x: Array, z: Array) -> tuple[Interval, Array]:
    """Return the depths of the vertebral column and the HU that it adds at each (x, z)."""
    s = chest.scale
    wide = (18.0 - 0.016 * z / s) * s
    off = (x + chest.turn * 70) / wide
    body = around(np.float32(70 * s), 15 * s * bulge(off, 4.0))
    period = (25.5 - 0.025 * z / s) * s
    phase = np.mod(z / period + 0.3, 1.0)
    disc = 1.0 / (1.0 + np.exp((np.abs(phase - 0.5) - 0.40) * 45.0))
    plate = np.exp(-(((np.abs(phase - 0.5) - 0.37) / 0.035) ** 2))
    pedicle = np.exp(-(((np.abs(off) - 0.62) / 0.16) ** 2) - ((phase - 0.40) / 0.13) ** 2)
    process = np.exp(-((off / 0.14) ** 2) - ((phase - 0.72) / 0.16) ** 2)
    added = 0.4 + disc * 0.45 + 0.4 * plate + 1.1 * pedicle + 1.1 * process
    return body, (VERTEBRA_HU * chest.person.bone * added).astype(np.float32)
