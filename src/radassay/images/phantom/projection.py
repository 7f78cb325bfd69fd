"""The radiograph: attenuation integrated through the chest from back to front (Beer-Lambert), then a film.

Rays are parallel; the geometric magnification of a real film (about 5 % between front and back) is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.ndimage import gaussian_filter, zoom

from radassay.images.phantom.anatomy import AIR_HU, BREAST_HU, FAT_HU, SOFT_HU, Chest, Pose
from radassay.images.phantom.disease import Opacities
from radassay.images.phantom.geometry import Array, Interval, Points, length_outside, splat
from radassay.images.phantom.skeleton import bones, vertebrae
from radassay.images.phantom.vessels import vessels

FIELD_MM = 356.0
"""Side of the film at the patient."""
CENTRE_Z = -5.0
"""Height of the film's middle, mm."""


@dataclass(frozen=True)
class Film:
    """Where each pixel of a square film looks; row 0 is the head, column 0 the patient's right."""

    size: int
    pose: Pose

    @property
    def pitch(self) -> float:
        """Return the side of a pixel at the patient, mm."""
        return FIELD_MM / self.size / self.pose.zoom

    @cached_property
    def grid(self) -> tuple[Array, Array]:
        """Return x and z of the pixel centres, (size, size), mm."""
        along = ((np.arange(self.size) + 0.5) - self.size / 2) * self.pitch
        u, v = np.meshgrid(along, -along)
        cos, sin = np.cos(self.pose.roll), np.sin(self.pose.roll)
        x = cos * u - sin * v + self.pose.shift_x
        z = sin * u + cos * v + CENTRE_Z + self.pose.shift_z
        return x.astype(np.float32), z.astype(np.float32)

    def pixel(self, x: Array, z: Array) -> tuple[Array, Array]:
        """Return row and column (fractional) of points."""
        cos, sin = np.float32(np.cos(self.pose.roll)), np.float32(np.sin(self.pose.roll))
        dx, dz = x - np.float32(self.pose.shift_x), z - np.float32(CENTRE_Z + self.pose.shift_z)
        u, v = cos * dx + sin * dz, -sin * dx + cos * dz
        middle, pitch = np.float32(self.size / 2 - 0.5), np.float32(self.pitch)
        return middle - v / pitch, middle + u / pitch


def opacity_depth(opacities: Opacities, film: Film) -> Array:
    """Return the HU added by opacities, integrated through depth, HU mm."""
    total = np.zeros((film.size, film.size), dtype=np.float32)
    row, column = film.pixel(opacities.x, opacities.z)
    # blobs are put on the film in classes of equal width, each blurred once
    edges = np.array([0, 4, 6, 8.5, 12, 17, 24, 1e9])
    kind = np.digitize(opacities.sigma, edges)
    for k in np.unique(kind):
        mine = kind == k
        sigma = float(np.average(opacities.sigma[mine], weights=opacities.mass[mine]))
        spots = splat(row[mine], column[mine], opacities.mass[mine], film.size)
        total += gaussian_filter(spots, sigma / film.pitch, mode="constant", truncate=3.0)
    return total / np.float32(film.pitch**2)


def lung_depth(chest: Chest, film: Film) -> Array:
    """Return the depth of lung behind each pixel, mm."""
    x, z = film.grid
    whole = chest.cage(x, z)
    some = whole.back > whole.front
    depth = np.zeros_like(x)
    x, z = x[some], z[some]
    depth[some] = length_outside(Interval(whole.front[some], whole.back[some]), chest.dents(x, z))
    return depth


def radiological_depth(chest: Chest, film: Film, opacities: Opacities | None = None) -> Array:
    """Return the line integral of attenuation relative to water behind each pixel, mm of water.

    The integral of 1 + HU/1000 over depth: exact for the organs, by mass points for bones and vessels.
    """
    x, z = film.grid
    body, muscle = chest.body(x, z).length, chest.muscle(x, z).length
    breast = np.minimum(chest.breast(x, z), body)
    depth = (
        (1 + FAT_HU / 1000) * (body - muscle - breast) + (1 + BREAST_HU / 1000) * breast + (1 + SOFT_HU / 1000) * muscle
    )
    depth -= (SOFT_HU - chest.person.lung) / 1000 * lung_depth(chest, film)
    gas = chest.airway(x, z).length + chest.stomach(x, z).length
    depth -= (SOFT_HU - AIR_HU) / 1000 * np.minimum(gas, muscle)
    column, added = vertebrae(chest, x, z)
    depth += column.length * added / 1000
    thin = Points.joined([bones(chest), vessels(chest)])
    # more than 160 pixels would show the points one by one
    coarse = Film(min(film.size, 160), film.pose)
    total = splat(*coarse.pixel(thin.x, thin.z), thin.mass, coarse.size) / np.float32(1000 * coarse.pitch**2)
    total = gaussian_filter(total, 0.45, truncate=2.5)
    if coarse.size < film.size:
        total = zoom(total, film.size / coarse.size, order=1, mode="nearest", grid_mode=True)
    depth += total
    if opacities is not None:
        depth += opacity_depth(opacities, film) / 1000
    return np.maximum(depth, 0.0).astype(np.float32)
