"""Hospitals: how a film or a scan looks because of where it was made, never because of who is ill."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from radassay.images.phantom.geometry import Array

GLYPHS = {
    "L": ("1....", "1....", "1....", "1....", "1....", "1....", "11111"),
    "R": ("1111.", "1...1", "1...1", "1111.", "1.1..", "1..1.", "1...1"),
}
WATER_PER_MM = 0.0172
"""Attenuation of water at about 80 keV, the mean energy of a chest film, 1/mm."""
SCATTER, SCATTER_MM = 0.35, 12.0
"""Scattered against primary light behind the grid, and how far it spreads, mm."""


@dataclass(frozen=True)
class Hospital:
    """The look of one hospital's films and scans. All constants are fixed: none is fitted to a picture."""

    name: str
    level: float
    """Log exposure shown mid-grey."""
    width: float
    """Log exposure over which grey rises: the contrast curve."""
    local: float
    """Local contrast: how much details smaller than 18 mm are raised."""
    blur_mm: float
    """Sharpness of the detector, standard deviation, mm."""
    photons: float
    """Photons in a pixel of 1 mm^2 in free air: the fewer, the more noise."""
    margin: tuple[float, float]
    """Range of the collimated border on each side, share of the film."""
    marker: str
    """Side marker: `L` or `R`."""
    marker_size: float
    """Height of the marker, share of the film."""
    marker_place: tuple[float, float]
    """Mean place of the marker's middle from the top left, share of the film."""
    slice_mm: float
    """Thickness of CT slices."""
    kernel_mm: float
    """Sharpness of the CT reconstruction, standard deviation, mm."""
    noise_hu: float
    """Noise of CT at 3 mm pixels, HU."""
    round_field: bool
    """Whether CT shows only the circle that was measured."""

    def film(self, depth: Array, pitch: float, thick: float, rng: np.random.Generator) -> Array:
        """Return a radiograph: grey values in [0, 1], air dark and bone bright.

        Args:
            depth: (size, size), mm of water behind each pixel.
            pitch: side of a pixel, mm.
            thick: mm of water that the exposure control expects from the build of the patient.
            rng: draws exposure, noise, collimation and marker.
        """
        exposure = rng.normal(0.0, 0.06)
        primary = np.exp(np.float32(-WATER_PER_MM) * depth)
        source = primary * np.minimum(depth / 150.0, 1.0)
        light = primary + np.float32(SCATTER) * gaussian_filter(source, SCATTER_MM / pitch, truncate=2.5)
        light = gaussian_filter(light, self.blur_mm / pitch, truncate=3.0)
        dose = self.photons * pitch**2 * np.exp(WATER_PER_MM * (thick - 200.0) + exposure)
        counts = light * dose + np.sqrt(light * dose) * rng.standard_normal(light.shape, dtype=np.float32)
        log = -np.log(np.maximum(counts / dose, 1e-4)) - WATER_PER_MM * (thick - 200.0) - exposure * 0.6
        log = np.clip(log, 0.0, 6.0).astype(np.float32)
        base = gaussian_filter(log, 18.0 / pitch, truncate=2.5)
        log = log + np.float32(self.local) * (log - base)
        shown = 1.0 / (1.0 + np.exp(-(log - self.level) / self.width))
        floor, top = 1.0 / (1.0 + np.exp(self.level / self.width)), 0.97
        return self._finish(np.clip((shown - floor) / (top - floor), 0.0, 1.0).astype(np.float32), rng)

    def _finish(self, shown: Array, rng: np.random.Generator) -> Array:
        """Return the film with its collimated border and side marker."""
        size = len(shown)
        along = np.arange(size, dtype=np.float32) + 0.5
        top, bottom, left, right = rng.uniform(*self.margin, 4) * size
        rows = np.clip(along - top + 0.5, 0, 1) * np.clip(size - bottom - along + 0.5, 0, 1)
        columns = np.clip(along - left + 0.5, 0, 1) * np.clip(size - right - along + 0.5, 0, 1)
        shown = shown * rows[:, None] * columns[None, :]
        where = np.asarray(self.marker_place) + rng.normal(0, 0.012, 2)
        tilt, bright = np.radians(rng.normal(0, 6)), rng.uniform(0.88, 1.0)
        cell = self.marker_size * size / 7
        v, u = np.meshgrid((along - where[0] * size) / cell, (along - where[1] * size) / cell, indexing="ij")
        cos, sin = np.cos(tilt), np.sin(tilt)
        glyph = np.pad(np.array([[c == "1" for c in row] for row in GLYPHS[self.marker]], dtype=np.float32), 1)
        at = [cos * v - sin * u + 4.0, sin * v + cos * u + 3.0]
        ink = map_coordinates(glyph, at, order=1, mode="constant")
        marked: Array = (shown + (np.float32(bright) - shown) * ink).astype(np.float32)
        return marked

    def scan(self, hu: Array, pitch: float, rng: np.random.Generator) -> Array:
        """Return a CT slice: kernel, noise and field of measurement, HU."""
        size = len(hu)
        noise = rng.standard_normal(hu.shape, dtype=np.float32)
        soft = max(self.kernel_mm / pitch, 0.3)
        noise = gaussian_filter(noise, soft) * np.float32(self.noise_hu * 3.0 / pitch * 2 * np.sqrt(np.pi) * soft)
        seen = gaussian_filter(hu, self.kernel_mm / pitch, mode="nearest") + noise + rng.normal(0, 4)
        if self.round_field:
            along = np.arange(size) + 0.5 - size / 2
            seen = np.where(np.hypot(along[:, None], along[None, :]) <= size / 2, seen, np.float32(-1024))
        limited: Array = np.clip(seen, -1024, 3071).astype(np.float32)
        return limited


HOSPITALS = (
    Hospital(
        name="A",
        level=2.20,
        width=0.76,
        local=0.9,
        blur_mm=0.5,
        photons=25_000.0,
        margin=(0.0, 0.004),
        marker="L",
        marker_size=0.075,
        marker_place=(0.065, 0.93),
        slice_mm=3.0,
        kernel_mm=1.0,
        noise_hu=28.0,
        round_field=False,
    ),
    Hospital(
        name="B",
        level=2.15,
        width=0.85,
        local=0.5,
        blur_mm=1.2,
        photons=6_000.0,
        margin=(0.015, 0.06),
        marker="R",
        marker_size=0.095,
        marker_place=(0.10, 0.085),
        slice_mm=6.0,
        kernel_mm=1.9,
        noise_hu=14.0,
        round_field=True,
    ),
)
"""The two hospitals: A sharp, contrasty and uncollimated; B softer, greyer, with a black border."""
