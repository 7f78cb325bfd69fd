"""The skeleton: ribs, clavicles, scapulae, humeral heads as mass points, and the vertebral column."""

from __future__ import annotations

import numpy as np

from radassay.images.phantom.anatomy import Chest
from radassay.images.phantom.geometry import Array, Interval, Points, around, bulge, monotone

CORTEX_HU, MARROW_HU, VERTEBRA_HU = 1500.0, 300.0, 220.0
"""HU that bone adds to the soft tissue it lies in."""


def tube(path: Array, wide: Array, thick: Array, density: float, rng: np.random.Generator, across: int) -> Points:
    """Return a bony tube along paths: a dense rim around marrow.

    Args:
        path: (tubes, steps, 3), mm.
        wide: (tubes, steps), half extent along z, mm.
        thick: (tubes, steps), half extent towards the viewer, mm.
        density: bone density of the person.
        rng: places the points within the cross-section.
        across: points a cross-section.
    """
    n_tubes, steps, _ = path.shape
    path, wide, thick = (a.astype(np.float32) for a in (path, wide, thick))
    rim = np.arange(across) % 3 < 2
    turn = (
        2 * np.pi * (rng.random((n_tubes, steps, 1), dtype=np.float32) + np.arange(across, dtype=np.float32) / across)
    )
    radius = np.where(rim, 0.90, 0.5).astype(np.float32)
    stride = np.linalg.norm(np.gradient(path, axis=1), axis=-1)
    volume = np.pi * wide * thick * stride
    # 45 % of the section is cortex, held by the two thirds of the points that form the rim
    share = np.where(rim, CORTEX_HU * 0.45 * 1.5, MARROW_HU * 0.55 * 3) * density / across
    mass = volume[..., None] * share.astype(np.float32)
    along = np.gradient(path, axis=1)
    slope = np.hypot(along[..., 0], along[..., 2]) + 1e-6
    normal_x, normal_z = -along[..., 2] / slope, along[..., 0] / slope
    up = wide[..., None] * radius * np.sin(turn)
    deep = thick[..., None] * radius * np.cos(turn)
    # each ring is drawn out along the tube, so that rings do not show
    shift = (np.arange(across) * 0.618) % 1.0 - 0.5
    path = path[:, :, None] + shift.astype(np.float32)[:, None] * along[:, :, None]
    return Points(
        (path[..., 0] + up * normal_x[..., None]).ravel(),
        (path[..., 1] + deep).ravel(),
        (path[..., 2] + up * normal_z[..., None]).ravel(),
        mass.ravel(),
    )


def ribs(chest: Chest) -> Array:
    """Return the centre lines of 24 ribs, (24, steps, 3) mm: from the spine round the side to the front."""
    s, n = chest.scale, 80
    number = np.arange(1, 13)
    first = (131.0 - 23.8 * (number - 1) - 0.12 * (number - 1) ** 2) * s
    reach = np.interp(number, [1, 2, 7, 8, 9, 10, 11, 12], [2.2, 2.55, 2.6, 2.5, 2.35, 2.1, 1.5, 1.05])
    drop = np.interp(number, [1, 2, 4, 7, 12], [32.0, 52.0, 72.0, 96.0, 112.0]) * s
    drop = drop + 2.0 * chest.pose.inspiration * -1.0
    angle = np.linspace(0.16, 1.0, n)[None] * reach[:, None]
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


def _spread(points: list[tuple[float, float, float]], steps: int, chest: Chest, sign: float) -> Array:
    knots = np.asarray(points, dtype=float) * chest.scale
    knots[:, 2] += chest.pose.shoulders * np.clip((np.abs(knots[:, 0]) - 20) / 100, 0, 1)
    path = monotone(np.arange(len(points)) * 1.0, knots, np.linspace(0, len(points) - 1, steps))
    path[:, 0] = sign * path[:, 0] - chest.turn * path[:, 1]
    # bones stay under the muscle of slender people
    within = chest.muscle(path[:, 0], path[:, 2])
    path[:, 1] = np.clip(path[:, 1], within.front + 8, np.maximum(within.back - 8, within.front + 8))
    return path[None]


def _shoulder(chest: Chest, sign: float, rng: np.random.Generator) -> list[Points]:
    """Return clavicle, scapula and humeral head of one side."""
    s, density = chest.scale, chest.person.bone
    clavicle = _spread(
        [(11, -80, 82), (40, -84, 90), (85, -62, 105), (125, -35, 118), (158, -15, 122)], 150, chest, sign
    )
    thick = np.interp(np.linspace(0, 1, 150), [0, 0.12, 0.5, 1], [9.5, 6.5, 5.2, 6.5])[None] * s
    medial = _spread([(104, 84, 112), (116, 90, 70), (126, 92, 20), (132, 88, -16)], 110, chest, sign)
    lateral = _spread([(132, 88, -16), (139, 80, 10), (149, 60, 55), (160, 30, 92)], 110, chest, sign)
    spine = _spread([(108, 90, 92), (130, 88, 110), (150, 60, 128), (168, 20, 136)], 90, chest, sign)
    shaft = _spread([(172, 15, 100), (186, 15, 70), (204, 15, 10)], 80, chest, sign)
    parts = [
        tube(clavicle, thick, thick * 0.9, density * 1.6, rng, 30),
        tube(medial, np.full((1, 110), 1.8 * s), np.full((1, 110), 2.2 * s), density, rng, 6),
        tube(lateral, np.full((1, 110), 3.6 * s), np.full((1, 110), 4.0 * s), density, rng, 15),
        tube(spine, np.full((1, 90), 4.0 * s), np.linspace(0.3, 3.2 * s, 90)[None], density * 0.7, rng, 15),
    ]
    n = 1500
    u, v = rng.random(n)[:, None], rng.random(n)[:, None]
    edge = (1 - u) * medial[0, rng.integers(0, 110, n)] + u * lateral[0, rng.integers(0, 110, n)] + 0 * v
    blade = np.full(n, density * 500 * 4200 * 2.2 * s**3 / n)
    parts.append(Points(edge[:, 0], edge[:, 1], edge[:, 2], blade))
    if not chest.arms:
        return parts
    parts.append(tube(shaft, np.full((1, 80), 12.0 * s), np.full((1, 80), 12.0 * s), density * 0.75, rng, 36))
    ball = rng.normal(size=(1800, 3))
    ball *= (22 * s * rng.random(1800) ** 0.3 / np.linalg.norm(ball, axis=1))[:, None]
    height = 112 * s + chest.pose.shoulders
    weight = np.full(1800, density * 300 * 4 / 3 * np.pi * (22 * s) ** 3 / 1800)
    parts.append(Points(sign * 172 * s - chest.turn * 10 + ball[:, 0], 10 + ball[:, 1], height + ball[:, 2], weight))
    return parts


def bones(chest: Chest) -> Points:
    """Return ribs, clavicles, scapulae and humeri as mass points."""
    rng = np.random.default_rng([chest.person.tree, 1])
    s, density = chest.scale, chest.person.bone
    path = ribs(chest)
    steps = path.shape[1]
    wide = np.tile(np.interp(np.linspace(0, 1, steps), [0, 0.3, 1], [5.6, 6.0, 6.6]) * s, (24, 1))
    wide[[0, 12]] *= 1.25
    along = np.linspace(0, 1, steps)
    # dense behind, thinner in front, fading into cartilage at the front end
    thick = np.tile(np.interp(along, [0, 0.35, 0.6, 0.76, 1], [5.8, 5.4, 4.2, 3.6, 0.5]) * s, (24, 1))
    parts = [tube(path, wide, thick, density * 1.5, rng, 15)]
    for sign in (-1.0, 1.0):
        parts += _shoulder(chest, sign, rng)
    return Points.joined(parts)


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
