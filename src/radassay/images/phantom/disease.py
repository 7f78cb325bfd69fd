"""Disease: opacities of chosen extent, both-sided, preferring the lower outer zones.

An opacity is a cluster of soft Gaussian blobs of added HU: ground glass where they are faint, consolidation where
they are dense. The lungs around it, the pose and the film do not change.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from radassay.images.phantom.anatomy import Chest
from radassay.images.phantom.geometry import Array, look_up


@dataclass(frozen=True)
class Opacities:
    """Blobs of added HU; arrays of one length."""

    x: Array
    y: Array
    z: Array
    sigma: Array
    """Standard deviation of each blob, mm."""
    peak: Array
    """HU added at the centre of each blob."""

    @property
    def mass(self) -> Array:
        """Return the integral of each blob, HU mm^3."""
        whole: Array = (self.peak * (2 * np.pi) ** 1.5 * self.sigma**3).astype(np.float32)
        return whole


@dataclass(frozen=True)
class Disease:
    """The opacities of one patient, fixed but for the extent."""

    extent: float
    """Share of the lungs' volume to which opacities add at least 50 HU; what comes out is within about a third."""
    dense: float
    """Share of consolidation: beta(1.2, 3)."""
    foci: int
    """Number of foci: 4 to 9, evenly."""
    seed: int

    @classmethod
    def draw(cls, rng: np.random.Generator, extent: tuple[float, float]) -> Disease:
        """Return a disease whose extent is even within a range."""
        return cls(
            extent=float(rng.uniform(*extent)),
            dense=float(rng.beta(1.2, 3.0)),
            foci=int(rng.integers(4, 10)),
            seed=int(rng.integers(2**31)),
        )

    def opacities(self, chest: Chest) -> Opacities:
        """Return the blobs within the lungs of a chest; a deeper breath carries them along."""
        rng = np.random.default_rng([self.seed, 7])
        s, per = chest.scale, 16
        lungs = 3.1e6 * s**3 * (1 + 0.04 * chest.pose.inspiration)
        share = rng.dirichlet(np.full(self.foci, 3.0))
        # fitted once: large opacities overlap, small ones spread thin (tests hold it to the truth in the volume)
        asked = 0.35 * (self.extent / 0.33) ** 1.23
        radius = np.cbrt(asked * lungs * share * 3 / (4 * np.pi))
        side = np.where(rng.permutation(self.foci) % 2 == 0, -1.0, 1.0)
        bottom = -112.0 * s - chest.down
        low = rng.beta(2.6, 1.5, self.foci)
        z = 0.8 * chest.apex + (bottom - 0.8 * chest.apex) * low
        angle = rng.normal(0.55, 0.75, self.foci)  # 0: the side, pi/2: the back
        outward = 1.0 - 0.55 * rng.beta(1.3, 2.2, self.foci)
        centre = self._place(chest, side, z, angle, outward, radius)
        spread = rng.normal(size=(self.foci, per, 3)) * 0.62
        blobs = centre[:, None] + spread * radius[:, None, None] * np.array([0.8, 0.8, 1.1])
        sigma = radius[:, None] * rng.uniform(0.22, 0.46, (self.foci, per))
        heavy = rng.random((self.foci, per)) < self.dense
        peak = np.where(heavy, rng.uniform(260, 460, heavy.shape), rng.uniform(90, 210, heavy.shape))
        flat = blobs.reshape(-1, 3).astype(np.float32)
        keep = chest.in_lung(*flat.T) & (np.abs(flat[:, 0]) + 0.9 * sigma.ravel() < chest.wall(flat[:, 2])[0])
        columns = (*flat[keep].T, sigma.ravel()[keep], peak.ravel()[keep])
        return Opacities(*(c.astype(np.float32) for c in columns))

    @staticmethod
    def _place(
        chest: Chest, side: np.ndarray, z: np.ndarray, angle: np.ndarray, outward: np.ndarray, radius: np.ndarray
    ) -> np.ndarray:
        """Return centres (n, 3) by direction and relative distance from the middle of each lung."""
        at = z.astype(np.float32)
        outer, deep = look_up(chest._outer, at), look_up(chest._deep, at)
        middle = 0.45 * outer
        x = middle + np.maximum(0.55 * outer - 0.5 * radius, 8.0) * outward * np.cos(angle)
        y = look_up(chest._back, at) + np.maximum(deep - 0.5 * radius, 8.0) * outward * np.sin(angle)
        return np.stack([side * x - chest.turn * y, y, z], axis=1)
