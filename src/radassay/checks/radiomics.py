"""Radiomics: which named features of texture and grey values differ between generated and real images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from radassay.checks.patients import patients_of, unknown_patients
from radassay.checks.radiomic_words import WORDS
from radassay.checks.space import Array, draws, lacking
from radassay.contracts.check import Inputs
from radassay.evidence.finding import Finding
from radassay.images.sample import Sample
from radassay.radiomics.feature_set import LEVELS, NAMES, remembered
from radassay.radiomics.levels import MOST
from radassay.stats.frechet import frechet, frechet_distance
from radassay.stats.resample import deal_groups, jackknife_variance, summed_interval
from radassay.stats.simultaneous import Areas, simultaneous_areas
from radassay.stats.whitening import Whitening

Units = tuple[NDArray[np.str_], NDArray[np.str_]]

HU_WIDTH = 25.0
"""Width of a grey level in CT, where the window is known: as in configurations A and C of the IBSI."""
LEAST_SPREAD = 0.05
"""Standard deviation that a feature is taken to have at least, on the scales of `radiomics/feature_set.py`.

Half of the smallest among real films: a feature that hardly varies, such as the maximum of pictures that all reach
white, would else make any difference endless.
"""
OTHER_MIX = 0.1
"""Share of images that would have to change their label for both sides to have the same mix, from which it is told."""


@dataclass(frozen=True)
class Radiomics:
    """Distance between generated and held-out real images in 88 radiomic features, and which of them differ.

    The features are those of the IBSI (Zwanenburg et al., Radiology 2020;295:328) for the whole image
    (`radiomics/feature_set.py`), each over its standard deviation in the training images. `frechet_radiomic` is the
    Fréchet distance (Konz et al. 2024, arXiv 2412.01496, who do not correct its bias) in the leading axes of the
    training images, corrected for its bias as in `stats/frechet.py`; 0 is no difference, and it may be negative.

    `feature_difference` is Cliff's delta of one feature: the probability that a generated image has more of it than a
    real one, minus that it has less. The intervals of all features hold together with 95 % (`stats/simultaneous.py`),
    so that those shown, which are the largest, hold too; each is wider than an interval for one feature alone. Of
    features that say the same in words the largest is shown. `share_of_features_different` counts the intervals
    without 0. No interval is valid for it: it is a count of tests, which jumps with single images. With 95 %
    confidence at least this share of the features differs.

    Where images come from CT with a known window in HU, a grey level is 25 HU wide; else the range from black to
    white has 32 levels.
    """

    dims: int = 16
    """Leading axes in which the Fréchet distance is taken (about 98 % of the variance); twice as many images are
    needed."""
    shown: int = 5
    """Features that are shown, each of another aspect."""
    intervals: bool = True
    """Whether intervals are computed, and features looked at one by one."""

    name: ClassVar[str] = "radiomics"
    question: ClassVar[str] = "Do the synthetic images have the texture and the grey values of real images?"
    reads: ClassVar[Literal["real", "synthetic"]] = "synthetic"
    matched: ClassVar[bool] = True
    encoded: ClassVar[bool] = False
    watched: ClassVar[Mapping[str, str]] = {"frechet_radiomic": "higher"}
    meets: ClassVar[tuple[str, ...]] = ()

    def quick(self) -> Radiomics:
        """Return the same check without intervals and without single features."""
        return replace(self, intervals=False)

    def measure(self, inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
        """Return the distance, the share of features that differ, and the largest differences."""
        why = lacking(inputs, encoded=False)
        if why or inputs.synthetic is None:
            known = inputs.fingerprints(inputs.held_out, inputs.synthetic)
            names = ("frechet_radiomic", "share_of_features_different")
            return [Finding(check=self.name, name=name, reason=why, inputs=known) for name in names]
        real, synthetic = inputs.held_out, inputs.synthetic
        levels, width = _levels(inputs)
        training, x, y = (remembered(s.pixels, levels) for s in (inputs.training, real, synthetic))
        common: dict[str, Any] = {
            "check": self.name,
            "n_patients": patients_of(real),
            "n_images": len(real) + len(synthetic),
            "inputs": inputs.fingerprints(real, synthetic),
        }
        about = {"grey_levels": levels, "width_of_a_level": width, "n_real": len(real), "n_synthetic": len(synthetic)}
        caution = "; ".join(filter(None, (unknown_patients(real), _other_mix(real, synthetic))))
        units = (np.char.add("real:", draws(real)), np.char.add("made:", draws(synthetic)))
        spaces = _spaces(training, draws(inputs.training), x, y, self.dims)
        distance = self._distance(spaces, units, caution, about, common)
        if not self.intervals:
            return [distance]
        made = np.arange(len(x) + len(y)) >= len(x)
        areas = simultaneous_areas(np.concatenate([x, y]).T, made, np.concatenate(units), rng)
        return [distance, *self._differences(areas, caution, about, common)]

    def _distance(
        self, spaces: Iterator[tuple[Array, Array]], units: Units, caution: str, about: dict[str, Any], common: Any
    ) -> Finding:
        """Return the Fréchet distance of held-out and generated images, in the first of the spaces.

        The other spaces are those that the training images span without a group of their patients.
        """
        common = {**common, "name": "frechet_radiomic", "direction": "lower is better"}
        x, y = next(spaces)
        if min(len(x), len(y)) < 2 * self.dims:
            reason = f"{min(len(x), len(y))} images are too few for covariances in {self.dims} dimensions"
            return Finding(reason=f"{reason} (at least {2 * self.dims})", **common)
        found = frechet(x, y, *units)
        common |= {"value": found.value, "details": {**about, "dimensions": self.dims, "uncorrected": found.plain}}
        if not self.intervals:
            return Finding(reason="no interval in the quick form", **common)
        others = [frechet_distance(*space) for space in spaces]
        if found.error is None or len(others) < 2:
            reason = "no valid interval: the covariances are not of full rank, or patients are too few"
            return Finding(reason=reason, **common)
        freedom = min(len(np.unique(unit)) for unit in units) - 1
        parts = [(found.error**2, freedom), (jackknife_variance(others), len(others) - 1)]
        method = "influences on the distance, summed by patient, and jackknife over the training patients"
        span = summed_interval(found.value, parts, method)
        return Finding(low=span.low, high=span.high, method=span.method, reason=caution, **common)

    def _differences(self, areas: Areas, caution: str, about: dict[str, Any], common: dict[str, Any]) -> list[Finding]:
        """Return how many features differ, and the largest differences, one for each aspect."""
        delta, low, high = (2.0 * part - 1.0 for part in (areas.values, areas.low, areas.high))
        differs = (low > 0) | (high < 0)
        shown: dict[str, int] = {}
        for i in np.argsort(-np.abs(delta), kind="stable").tolist():
            if NAMES[i] in WORDS:
                shown.setdefault(WORDS[NAMES[i]].aspect, i)
        largest = list(shown.values())[: self.shown]
        words = {i: _told(NAMES[i], float(delta[i])) for i in largest}
        told = [words[i] for i in largest if differs[i]]
        share = Finding(
            name="share_of_features_different",
            value=float(differs.mean()),
            unit="share of features",
            direction="lower is better",
            reason="no valid interval: a count of tests; with 95 % confidence at least this share of features differs"
            + (f". Compared with real images: {', '.join(told)}" if told else "; none is shown to differ"),
            details={**about, "words": told, "different": [n for n, d in zip(NAMES, differs, strict=True) if d]},
            **common,
        )
        method = (
            f"variance over patients (Obuchowski 1997), logit scale, all {len(NAMES)} intervals hold together: "
            f"multivariate t, quantile {areas.quantile:.2f}"
        )
        return [share] + [
            Finding(
                name="feature_difference",
                slice=f"feature={NAMES[i]}",
                value=float(delta[i]),
                low=float(low[i]),
                high=float(high[i]),
                unit="Cliff's delta",
                direction="near zero is better",
                method=method,
                reason="; ".join(filter(None, (words[i] if differs[i] else "no difference is shown", caution))),
                details={**about, "aspect": WORDS[NAMES[i]].aspect, "words": words[i], "differs": bool(differs[i])},
                **common,
            )
            for i in largest
        ]


def _spaces(training: Array, units: NDArray[np.str_], x: Array, y: Array, dims: int) -> Iterator[tuple[Array, Array]]:
    """Yield x and y in the leading axes of the standardised training images, then without each group of patients."""
    groups = deal_groups(units)
    for left_out in range(-1, int(groups.max()) + 1):
        kept = training[groups != left_out]
        scale = np.maximum(kept.std(axis=0), LEAST_SPREAD)
        white = Whitening.fit(kept / scale)
        yield white(x / scale)[:, :dims], white(y / scale)[:, :dims]


def _told(feature: str, delta: float) -> str:
    return WORDS[feature].more if delta > 0 else WORDS[feature].less


def _levels(inputs: Inputs) -> tuple[int, str]:
    """Return how many grey levels lie between black and white, and how wide one is, in words."""
    windows = set()
    for sample in (inputs.training, inputs.held_out):
        known = {"unit", "modality", "low", "high"} <= set(sample.table.columns)
        if not known or set(sample.table["unit"]) != {"HU"} or set(sample.table["modality"]) != {"CT"}:
            return LEVELS, f"1/{LEVELS} of the range from black to white"
        windows |= set(zip(sample.table["low"], sample.table["high"], strict=True))
    if len(windows) != 1:
        return LEVELS, f"1/{LEVELS} of the range from black to white; the images have several windows"
    low, high = windows.pop()
    levels = int(np.clip(round((high - low) / HU_WIDTH), 2, MOST))
    return levels, f"{(high - low) / levels:.3g} HU"


def _other_mix(real: Sample, synthetic: Sample) -> str:
    """Return a caution where the labels are mixed in other shares on the two sides, or nothing."""
    labels = np.union1d(real.labels, synthetic.labels)
    shares = [np.array([np.mean(s.labels == label) for label in labels.tolist()]) for s in (real, synthetic)]
    if np.abs(shares[0] - shares[1]).sum() / 2 <= OTHER_MIX:
        return ""
    return "the labels are mixed in other shares than among the real images, which is part of the difference"
