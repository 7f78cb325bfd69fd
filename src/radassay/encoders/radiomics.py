"""Radiomic features as an encoder: named texture and grey value statistics, without weights."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from radassay.errors import InputError, SettingsError
from radassay.radiomics.feature_set import FORMULAS, GUARD, LEVELS, NAMES, remembered
from radassay.radiomics.levels import MOST


@dataclass(frozen=True)
class Radiomics:
    """88 radiomic features of the whole image, by the definitions of the IBSI: each of them has a name and a formula.

    Grey value statistics, their histogram, co-occurrence, run lengths, zones, dependences and grey tone differences,
    of levels of a fixed width between black and white, brought to comparable scales by one fixed rule
    (`radiomics/feature_set.py`). Nothing was trained, on whatever images; but texture of whole images is all that is
    seen: where in the image something lies is not, and a mirrored or rotated image has the same features.

    Measured at 64 px (logistic probe on whitened features, 5-fold by patient, area under the ROC curve; in brackets
    `random-conv` treated alike): simulated chests, disease against health, 0.80 (0.90); darkcovidnet, COVID against
    the rest 0.96 (0.98) and pneumonia against no finding 0.89 (0.89); COVID-CT 0.81 (0.83). One core encodes about
    1,100 images a second (`benchmarks/radiomics.py`).
    """

    name: ClassVar[str] = "radiomics"
    paper: ClassVar[str] = "Zwanenburg et al., Radiology 2020;295:328 (IBSI)"

    levels: int = LEVELS
    """Grey levels of equal width between black and white."""

    def __post_init__(self) -> None:
        if not 2 <= self.levels <= MOST:
            raise SettingsError("Texture needs grey levels", got=self.levels, possible=f"2 to {MOST}")

    @property
    def fingerprint(self) -> str:
        """Return the SHA-256 of the settings and of the version of the formulas."""
        return hashlib.sha256(f"{self.name} {self.levels} {FORMULAS} {GUARD} {NAMES}".encode()).hexdigest()

    def encode(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the features of (n, size, size) grey values in [0, 1], (n, 88).

        Raises:
            InputError: another shape, or a value that is not finite.
        """
        if pixels.ndim != 3 or pixels.shape[1] != pixels.shape[2]:
            raise InputError("Cannot encode these images", got=f"shape {pixels.shape}", possible="(n, size, size)")
        return remembered(pixels, self.levels).astype(np.float32)
