"""Anatomy: a person, how they stand at one visit, and the soft organs of their chest.

Distances in mm for a man of average size. Every number that varies between people or visits is drawn in
`Person.draw` or `Pose.draw`, nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radassay.images.phantom.geometry import Array, Interval, around, bulge, ellipsoid, look_up, profile

SOFT_HU, FAT_HU, BREAST_HU, LUNG_HU, AIR_HU = 45.0, -95.0, -20.0, -850.0, -1000.0


@dataclass(frozen=True)
class Person:
    """What stays the same between the visits of one patient."""

    sex: str
    """`F` or `M`, each with probability 1/2."""
    age: int
    """Years: normal(55, 17), cut to 18-90."""
    size: float
    """Size against an average man: normal(1, 0.04) for men, normal(0.93, 0.04) for women."""
    width: float
    """Width of the chest against its height: normal(1, 0.035)."""
    fat: float
    """Fat under the skin, mm: lognormal around 12 (men) or 15 (women), sigma 0.35."""
    heart: float
    """Heart size: normal(1, 0.07), grows by 0.2 % a year above 40."""
    arch: float
    """Bulge of the aortic arch: normal(1, 0.12), grows by 0.8 % a year above 40."""
    bone: float
    """Bone density: normal(1, 0.08), falls by 0.5 % a year above 40 (0.8 % in women)."""
    lung: float
    """HU of the lungs: normal(-850, 18)."""
    breast: float
    """Thickness of the breasts, mm: lognormal around 38 in women, sigma 0.35; 0 in men."""
    shape: tuple[float, ...]
    """Ten standard normal numbers that move single organs a little."""
    tree: int
    """Seed of the branching of the vessels."""

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Person:
        """Return a person from the population."""
        woman = bool(rng.random() < 0.5)
        age = int(np.clip(round(rng.normal(55, 17)), 18, 90))
        late = max(age - 40, 0)
        return cls(
            sex="F" if woman else "M",
            age=age,
            size=float(rng.normal(0.93 if woman else 1.0, 0.04)),
            width=float(rng.normal(1.0, 0.035)),
            fat=float((15.0 if woman else 12.0) * np.exp(0.35 * np.clip(rng.normal(), -2, 2))),
            heart=float(rng.normal(1.0, 0.07) * (1 + 0.002 * late)),
            arch=float(rng.normal(1.0, 0.12) * (1 + 0.008 * late)),
            bone=float(rng.normal(1.0, 0.08) * (1 - (0.008 if woman else 0.005) * late)),
            lung=float(rng.normal(LUNG_HU, 18.0)),
            breast=float(38.0 * np.exp(0.35 * np.clip(rng.normal(), -2, 2))) * woman,
            shape=tuple(float(v) for v in np.clip(rng.normal(size=10), -2.5, 2.5)),
            tree=int(rng.integers(2**31)),
        )


@dataclass(frozen=True)
class Pose:
    """What differs between the visits of one patient."""

    inspiration: float = 0.0
    """Depth of breath; 1 lowers the diaphragm by 9 mm: normal(0, 1), cut to 2.5."""
    rotation: float = 0.0
    """Rotation about the long axis, radians: normal(0, 1.8 degrees)."""
    roll: float = 0.0
    """Turn in the plane of the film, radians: normal(0, 1.3 degrees)."""
    shift_x: float = 0.0
    """Shift across the film, mm: normal(0, 4)."""
    shift_z: float = 0.0
    """Shift along the film, mm: normal(0, 6)."""
    zoom: float = 1.0
    """Magnification against the average film: normal(1, 0.025)."""
    shoulders: float = 0.0
    """How high the shoulders are held, mm: normal(0, 6)."""

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Pose:
        """Return the pose of one visit."""
        g = np.clip(rng.normal(size=7), -2.5, 2.5).tolist()
        return cls(g[0], np.radians(1.8) * g[1], np.radians(1.3) * g[2], 4 * g[3], 6 * g[4], 1 + 0.025 * g[5], 6 * g[6])


class Chest:
    """The soft organs of one person in one pose, as depth intervals.

    All methods take x and z in mm (arrays of one shape) and are exact: the radiograph integrates these intervals
    and the CT slices sample them. Rotation shears each organ by its depth, right for small angles.
    """

    def __init__(self, person: Person, pose: Pose | None = None, *, arms: bool = True) -> None:
        self.person, self.pose, self.arms = person, pose or Pose(), arms
        s = person.size
        self.scale, self.half_width = s, 131.0 * s * person.width
        self.depth = 88.0 * s * (1 + 0.012 * person.shape[0])
        self.apex = 124.0 * s
        self.down = 9.0 * self.pose.inspiration
        self.turn = float(np.tan(self.pose.rotation))
        fraction = [0, 0.015, 0.05, 0.10, 0.18, 0.28, 0.42, 0.58, 0.75, 0.9, 1.05, 1.3]
        outer = [0.38, 0.50, 0.60, 0.69, 0.785, 0.86, 0.93, 0.975, 1.0, 1.01, 1.0, 0.95]
        inner = [0.38, 0.26, 0.17, 0.09, 0.01, -0.08, -0.2, -0.25, -0.25, -0.25, -0.25, -0.25]
        deep = [0, 0.16, 0.30, 0.43, 0.58, 0.73, 0.88, 0.96, 1.0, 1.0, 1.0, 0.95]
        back = [26, 26, 25, 23, 18, 12, 6, 2, 0, 0, 0, 0]
        height = [self.apex - 250.0 * s * f for f in fraction]
        # the cage of shoulders and ribs without the apical dome: what ribs follow above the lungs
        self._outer = profile(height, [self.half_width * v for v in outer])
        self._inner = profile(height, [self.half_width * v for v in inner])
        self._deep = profile(height, [self.depth * v for v in deep])
        self._back = profile(height, [s * v for v in back])
        self._body_tables(arms)

    def _body_tables(self, arms: bool) -> None:
        s, fat, up = self.scale, self.person.fat, self.pose.shoulders
        side = self.half_width + 13 * s
        torso = [side, side * 1.005, side * 1.005, side * 1.0, side * 1.01, side + 8, side + 18, side + 42, side + 70]
        at = [-250, -120, -60, -10, 10, 28, 40, 58, 80]
        if not arms:
            torso, at = [side, side * 1.005, side * 1.005, side * 0.97, side * 0.92], [-250, -120, -60, 0, 70]
        top = [side + 60, side + 20, 108 * s, 76 * s, 60 * s, 57 * s, 58 * s] if arms else [112 * s, 80 * s, 60 * s]
        top_at = [108 + up, 122 + up, 139 + up, 150 + up / 2, 163, 180, 260] if arms else [110, 135, 165]
        self._muscle_width = profile([v * s for v in at + top_at], torso + top)
        d = self.depth + 8 * s
        self._muscle_depth = profile(
            [v * s for v in (-250, -60, 20, 70, 110, 135, 160, 260)],
            [d, d, d * 0.97, d * 0.86, 76 * s, 60 * s, 54 * s, 54 * s],
        )
        self._fat = profile([v * s for v in (-250, -40, 80, 150, 260)], [fat * 1.15, fat, fat * 0.8, fat / 2, fat / 2])

    def muscle(self, x: Array, z: Array) -> Interval:
        """Return the body within its fat."""
        width, deep = look_up(self._muscle_width, z), look_up(self._muscle_depth, z)
        return around(np.float32(2.0 * self.scale), deep * bulge(x / width, 2.7))

    def body(self, x: Array, z: Array) -> Interval:
        """Return the body with its fat and the breasts."""
        fat = look_up(self._fat, z)
        width, deep = look_up(self._muscle_width, z) + fat, look_up(self._muscle_depth, z) + fat
        front, back = around(np.float32(2.0 * self.scale), deep * bulge(x / width, 2.7))
        return Interval(front - self.breast(x, z), back)

    def breast(self, x: Array, z: Array) -> Array:
        """Return how far the breasts stand out, mm; they fall steeply at their lower edge."""
        p, s = self.person, self.scale
        if not p.breast:
            return np.zeros_like(x)
        wide = 56.0 * s * (p.breast / 38.0) ** 0.4
        mid_x, mid_z = 78.0 * s, (-62.0 + 5 * p.shape[1]) * s - 0.3 * p.breast
        u = (np.abs(x + self.turn * self.depth) - mid_x) / wide
        v = (z - mid_z) / np.where(z > mid_z, 95.0 * s, 46.0 * s)
        out: Array = np.float32(p.breast) * np.maximum(1.0 - u * u - v * v, 0.0) ** np.float32(0.75)
        return out

    def cage(self, x: Array, z: Array) -> Interval:
        """Return the space within the ribs on the side of x: lung, and the organs that dent it."""
        x = x + self.turn * look_up(self._back, z)
        outer, inner = look_up(self._outer, z), look_up(self._inner, z)
        middle, half = (outer + inner) / 2, np.maximum((outer - inner) / 2, 0.5)
        deep = look_up(self._deep, z) * (z < self.apex)
        return around(look_up(self._back, z), deep * bulge((np.abs(x) - middle) / half, 2.5))

    def domes(self, x: Array, z: Array) -> Interval:
        """Return the abdomen under the diaphragm where it dents the lungs; the right dome is the higher one."""
        s, shape = self.scale, self.person.shape
        right = x < 0
        top_right = (-84.0 + 4 * shape[2]) * s - self.down
        top_left = top_right - (13.0 + 3 * shape[3]) * s
        top = np.where(right, np.float32(top_right), np.float32(top_left))
        away = np.abs(x) - np.where(right, np.float32(60 * s), np.float32(70 * s))
        lateral = np.maximum(away, 0) / (70 * s)
        fall = 40 * s * lateral * lateral + 16 * s * lateral**6 + 3 * s * (np.minimum(away, 0) / (60 * s)) ** 2
        under = np.maximum(top - fall - z, 0.0)
        return around(np.float32(-12 * s), 95 * s * np.sqrt(under / (48 * s)))

    def heart(self, x: Array, z: Array) -> list[Interval]:
        """Return the heart: left ventricle with the apex to the left, right atrium, and the outflow."""
        s, shape = self.scale, self.person.shape
        h = s * self.person.heart
        low = -58.0 * s - 0.75 * self.down
        mid = self.turn * 35 * s + 2 * shape[4] * s
        ventricle = (25 * s + mid, -24 * s, low)
        lie = float(np.radians(-33 - 3 * self.pose.inspiration + 4 * shape[5]))
        return [
            ellipsoid(x, z, ventricle, (66 * h, 58 * h, 47 * h), lie),
            ellipsoid(x, z, (-10 * s + mid, -20 * s, low + 8 * s), (33 * h, 52 * h, 47 * h)),
            ellipsoid(x, z, (15 * s + mid, -30 * s, 0.0), (26 * h, 30 * s, 42 * s), 0.25),
        ]

    def vessels(self, x: Array, z: Array) -> list[Interval]:
        """Return the mediastinum: great veins, aortic arch, descending aorta, spine's soft tissue."""
        s, shape, arch = self.scale, self.person.shape, self.person.arch
        turned = x + self.turn * 10
        right, left = 23.0 * s * (1 + 0.05 * shape[6]), 21.5 * s
        wide = np.where(turned < 0, np.float32(right), np.float32(left)) * (1 + 0.16 * np.tanh((z - 60 * s) / (25 * s)))
        # below the hila the heart takes over from the great vessels
        wide *= 1 - 0.42 / (1 + np.exp((z + 22 * s) / (9 * s))) + 0.7 / (1 + np.exp((z + 88 * s) / (5 * s)))
        wide = wide.astype(np.float32)
        deep = np.float32(s) * (70 - 22 / (1 + np.exp((z + 15 * s) / (14 * s))))
        knob = (19.0 * s - self.turn * 14, 14 * s, 46 * s + 3 * shape[7] * s)
        along = np.clip((z - 46 * s) / (-200 * s), 0, 1)
        aorta = np.float32(12.5 * s * arch**0.5)
        off = (x + self.turn * 46 - (26 * s * arch - 14 * s * along)) / aorta
        round_top = np.clip((62 * s - z) / (30 * s), 0, 1)
        descending = around(np.float32(46 * s), aorta * np.sqrt(np.maximum(1 - off * off, 0) * round_top))
        spine = around(np.float32(74 * s), 27 * s * bulge((x + self.turn * 70) / (23 * s), 2.0))
        return [
            around(np.float32(-6 * s), deep * bulge(turned / wide, 2.3)),
            ellipsoid(x, z, knob, (18 * s * arch, 28 * s, 17 * s * arch)),
            ellipsoid(x, z, (-13 * s + self.turn * 20, -18 * s, 40 * s), (19 * s, 30 * s, 40 * s), 0.06),
            descending,
            spine,
        ]

    def airway(self, x: Array, z: Array) -> Interval:
        """Return the windpipe from the neck to its fork."""
        s = self.scale
        radius = np.float32(8.3 * s)
        off = (x - (1.5 * self.person.shape[8] - 2) * s) / radius
        taper = np.clip((z - 18 * s) / (6 * s), 0, 1)
        return around(np.float32(14 * s), radius * np.sqrt(np.maximum(1 - off * off, 0)) * taper)

    def stomach(self, x: Array, z: Array) -> Interval:
        """Return the gas under the left dome."""
        s, shape = self.scale, self.person.shape
        gas = (0.85 + 0.3 * shape[9]) * s
        top = -97 * s - self.down + (4 * shape[2] - 3 * shape[3]) * s
        above_fluid = np.clip((z - top + (24 + 6 * shape[8]) * s) / 5, 0, 1)
        inside = ellipsoid(x, z, (66 * s, -15 * s, top - 24 * s), (27 * gas, 24 * gas, 18 * gas), -0.2)
        return Interval(inside.front, inside.front + inside.length * above_fluid)

    def dents(self, x: Array, z: Array) -> list[Interval]:
        """Return everything that takes room from the lungs within the cage."""
        return [self.domes(x, z), *self.heart(x, z), *self.vessels(x, z)]

    def in_lung(self, x: Array, y: Array, z: Array, margin: float = 0.0) -> NDArray[np.bool_]:
        """Return whether points lie in the lungs at least `margin` mm from front, back and dents (boolean)."""
        whole = self.cage(x, z)
        inside: NDArray[np.bool_] = (y > whole.front + margin) & (y < whole.back - margin) & (z < self.apex)
        for dent in self.dents(x, z):
            inside &= (y < dent.front - margin) | (y > dent.back + margin) | (dent.back - dent.front < 0.5)
        return inside

    def wall(self, z: Array) -> tuple[Array, Array, Array]:
        """Return half width, half depth and middle depth of the rib cage at heights z, mm."""
        low = np.minimum(z, self.apex - 22 * self.scale)
        return look_up(self._outer, low), np.maximum(look_up(self._deep, low), 40.0), look_up(self._back, low)
