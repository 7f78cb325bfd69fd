"""Appearance: patches, spectra and grey values of generated images beside real ones, without any network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from radassay.checks.patients import patients_of, unknown_patients
from radassay.checks.space import draws, lacking
from radassay.contracts.check import Inputs
from radassay.evidence.finding import Finding
from radassay.images.sample import Sample
from radassay.stats.mean_distance import MeanDistance, Means, mean_distance
from radassay.stats.resample import deal_groups
from radassay.stats.sliced import BANDS, SMALLEST, distributions, projections, slice_weights, usual
from radassay.stats.spectra import log_spectra

GREYS = 128
"""Bins of the grey values."""
AIR_HU = -1024.0
"""Nothing in a patient weighs less than air; values below are the scanner's padding or a fault."""


@dataclass(frozen=True)
class Appearance:
    """Sliced Wasserstein distances in pixel bands, distance of power spectra, distance of grey-value histograms.

    All compare generated with held-out real images; the training images set the units alone. A distance of zero is
    what two sets of real images of this size show on average (`stats/mean_distance.py`); it scatters around that.

    - `swd_fine`, `swd_middle`, `swd_coarse`: 7 x 7 patches of the finest octave, the next, and the rest, in units of
      the real patches' spread (Karras et al. 2018, section 5; places and directions are the same for all).
    - `spectrum_distance`: mean over frequencies of the distance of mean log power spectra, in standard deviations
      between real images. The curves stand in the details.
    - `intensity_distance`: 1-Wasserstein distance of all grey values, of 0 to 1, or in HU where one window shows all.
    - `below_air_difference` (HU alone): share of pixels below air among generated less that among real images. What
      lies beyond the window was cut at import and cannot be seen.

    Distances of this kind see faults of the surface: blur, noise, tone. Copies of real images pass.
    """

    fewest: int = 10
    """Images and patients that each side needs."""
    intervals: bool = True
    """Whether intervals are computed."""

    name: ClassVar[str] = "appearance"
    question: ClassVar[str] = "Do detail, noise and brightness of the synthetic images look like those of real images?"
    reads: ClassVar[Literal["real", "synthetic"]] = "synthetic"
    matched: ClassVar[bool] = True
    encoded: ClassVar[bool] = False
    watched: ClassVar[Mapping[str, str]] = dict.fromkeys(
        (*(f"swd_{band}" for band in BANDS), "spectrum_distance", "intensity_distance"), "higher"
    )
    meets: ClassVar[tuple[str, ...]] = ()

    def quick(self) -> Appearance:
        """Return the same check without intervals."""
        return replace(self, intervals=False)

    def measure(self, inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
        """Return the five distances, and in HU the share of pixels below air."""
        why = lacking(inputs, self.fewest, encoded=False)
        if why or inputs.synthetic is None:
            prints = inputs.fingerprints(inputs.held_out, inputs.synthetic)
            return [Finding(check=self.name, name=name, reason=why, inputs=prints) for name in self.watched]
        random = rng if self.intervals else None
        sides = (inputs.held_out, inputs.synthetic)
        return [
            *self._bands(inputs, sides, random),
            self._spectrum(inputs, sides, random),
            *self._intensity(inputs, sides, random),
        ]

    def _bands(self, inputs: Inputs, sides: tuple[Sample, Sample], rng: np.random.Generator | None) -> list[Finding]:
        """Return the sliced Wasserstein distance of each band."""
        size = inputs.held_out.pixels.shape[1]
        if size < SMALLEST:
            reason = f"patches of three bands need images of {SMALLEST} pixels a side, not {size}"
            return [self._finding(inputs, f"swd_{band}", reason=reason) for band in BANDS]
        reference = _some(inputs.training)
        training, real, made = (projections(s.pixels) for s in (reference, *sides))
        groups = deal_groups(draws(reference)) if self.intervals else np.empty(0)
        findings = []
        for number, band in enumerate(BANDS):
            centre, scale = usual(training[number])
            if scale < 1e-6:
                findings.append(self._finding(inputs, f"swd_{band}", reason="the real training images are flat"))
                continue
            first, second = (
                Means.of(distributions(part[number], centre, scale), draws(side))
                for part, side in zip((real, made), sides, strict=True)
            )
            others = [slice_weights() * scale / usual(training[number][groups != g])[1] for g in np.unique(groups)]
            found = mean_distance(first, second, slice_weights(), rng, other_weights=others)
            about = {"band": f"{size >> number} pixels a side", "one_spread_grey": scale}
            findings.append(self._finding(inputs, f"swd_{band}", found, unit="spreads of real patches", details=about))
        return findings

    def _spectrum(self, inputs: Inputs, sides: tuple[Sample, Sample], rng: np.random.Generator | None) -> Finding:
        """Return the distance of mean log spectra."""
        reference = _some(inputs.training)
        spectra, groups = log_spectra(reference.pixels), deal_groups(draws(reference))
        scatter = spectra.std(axis=0, ddof=1)
        if scatter.max() < 1e-6:
            return self._finding(inputs, "spectrum_distance", reason="the real training images are all alike")
        weights = 1 / np.maximum(scatter, 1e-3) / len(scatter)
        others = [
            1 / np.maximum(spectra[groups != group].std(axis=0, ddof=1), 1e-3) / len(scatter)
            for group in np.unique(groups)
        ]
        real, made = (Means.of(log_spectra(side.pixels), draws(side)) for side in sides)
        curve = {
            "cycles_per_picture": list(range(1, len(scatter) + 1)),
            "log_power_real": np.round(real.mean, 4).tolist(),
            "log_power_synthetic": np.round(made.mean, 4).tolist(),
            "difference_in_real_sd": np.round((made.mean - real.mean) / np.maximum(scatter, 1e-3), 4).tolist(),
        }
        found = mean_distance(real, made, weights, rng, other_weights=others)
        unit = "standard deviations between real images"
        return self._finding(inputs, "spectrum_distance", found, unit=unit, details={"curve": curve})

    def _intensity(
        self, inputs: Inputs, sides: tuple[Sample, Sample], rng: np.random.Generator | None
    ) -> list[Finding]:
        """Return the distance of grey values, and in HU how many lie below air."""
        window = hounsfield_window(inputs.training, inputs.held_out, *_in_hu(sides[1]))
        span = 1.0 if window is None else window[1] - window[0]
        real, made = (Means.of(grey_distributions(side.pixels), draws(side)) for side in sides)
        found = mean_distance(real, made, np.full(GREYS, span / GREYS), rng)
        unit = "grey levels from 0 to 1" if window is None else "HU"
        deciles = np.linspace(0.1, 0.9, 9)
        curve = {
            "level": np.round(deciles, 1).tolist(),
            "real": _quantiles(real.mean, deciles, window),
            "synthetic": _quantiles(made.mean, deciles, window),
        }
        findings = [self._finding(inputs, "intensity_distance", found, unit=unit, details={"curve": curve})]
        if window is not None and window[0] < AIR_HU:
            findings.append(self._below_air(inputs, sides, (AIR_HU - window[0]) / span))
        return findings

    def _below_air(self, inputs: Inputs, sides: tuple[Sample, Sample], limit: float) -> Finding:
        """Return the share of pixels below air in generated images less that in real ones."""
        shares = [(np.asarray(side.pixels) < limit - 1e-3).mean(axis=(1, 2), dtype=float)[:, None] for side in sides]
        real, made = (Means.of(share, draws(side)) for share, side in zip(shares, sides, strict=True))
        value = float(made.mean[0] - real.mean[0])
        limits: dict[str, Any] = {"reason": "no interval in the quick form"}
        if self.intervals:
            reach = 1.96 * float(real.variance[0] + made.variance[0]) ** 0.5
            caution = unknown_patients(inputs.held_out)
            limits = {"low": value - reach, "high": value + reach, "method": "normal, over patients", "reason": caution}
        about = {"real": float(real.mean[0]), "synthetic": float(made.mean[0]), "below_hu": AIR_HU}
        return Finding(
            name="below_air_difference",
            value=value,
            **limits,
            **self._common(inputs) | {"direction": "near zero is better", "unit": "share of pixels", "details": about},
        )

    def _common(self, inputs: Inputs) -> dict[str, Any]:
        assert inputs.synthetic is not None
        return {
            "check": self.name,
            "direction": "lower is better",
            "n_patients": patients_of(inputs.held_out),
            "n_images": len(inputs.held_out) + len(inputs.synthetic),
            "inputs": inputs.fingerprints(inputs.held_out, inputs.synthetic),
        }

    def _finding(
        self,
        inputs: Inputs,
        name: str,
        found: MeanDistance | None = None,
        *,
        reason: str = "",
        unit: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> Finding:
        """Return a distance with what it is about, or the reason why there is none."""
        common = self._common(inputs)
        if found is None:
            return Finding(name=name, reason=reason, **common)
        about = {**(details or {}), "uncorrected": found.plain}
        fields: dict[str, Any] = {"reason": "no interval in the quick form"}
        if found.interval is not None:
            fields = {
                "low": found.interval.low,
                "high": found.interval.high,
                "method": found.interval.method,
                "reason": unknown_patients(inputs.held_out),
            }
        return Finding(name=name, value=found.value, unit=unit, details=about, **fields, **common)


def hounsfield_window(*samples: Sample) -> tuple[float, float] | None:
    """Return the values in HU that are shown black and white, where one window shows all images; else None."""
    low, high = set(), set()
    for sample in samples:
        if not {"unit", "low", "high"} <= set(sample.table) or (sample.table["unit"] != "HU").any():
            return None
        low |= set(sample.table["low"].tolist())
        high |= set(sample.table["high"].tolist())
    if len(low) != 1 or len(high) != 1:
        return None
    window = float(low.pop()), float(high.pop())
    return window if np.isfinite(window).all() and window[1] > window[0] else None


def _in_hu(sample: Sample) -> tuple[Sample, ...]:
    """Return the sample where it holds HU, so that its window counts; grey pictures made elsewhere have none."""
    return (sample,) if "unit" in sample.table and (sample.table["unit"] == "HU").all() else ()


def grey_distributions(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the distribution function of each picture's grey values at the upper ends of `GREYS` bins, (n, GREYS)."""
    index = np.clip(np.asarray(pixels).reshape(len(pixels), -1) * GREYS, 0, GREYS - 1).astype(np.int32)
    counts = np.bincount((index + np.arange(len(index), dtype=np.int32)[:, None] * GREYS).ravel())
    counts = np.resize(np.pad(counts, (0, len(index) * GREYS - len(counts))), (len(index), GREYS))
    return (counts.cumsum(axis=1) / np.float32(index.shape[1])).astype(np.float32)


def _some(sample: Sample, most: int = 256) -> Sample:
    """Return images spread evenly over a sample, enough to set a unit."""
    return sample if len(sample) <= most else sample.take(np.linspace(0, len(sample) - 1, most).astype(int))


def _quantiles(
    distribution: NDArray[np.float64], levels: NDArray[np.float64], window: tuple[float, float] | None
) -> list[float]:
    low, high = window or (0.0, 1.0)
    found = np.searchsorted(distribution, levels - 1e-9) / GREYS
    return [round(float(v), 4) for v in low + found * (high - low)]
