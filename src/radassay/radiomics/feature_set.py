"""The features of whole images: which, under which names, and on which scale they are compared."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radassay.errors import InputError
from radassay.radiomics.cooccurrence import cooccurrence
from radassay.radiomics.intensity import Array, Features, histogram, statistics
from radassay.radiomics.levels import fixed_width
from radassay.radiomics.neighbourhood import dependences, tone_differences
from radassay.radiomics.runs import runs
from radassay.radiomics.zones import zones

FORMULAS = 1
"""Version of the formulas; it goes up whenever a value may change."""
LEVELS = 32
"""Grey levels between black and white, where nothing else is known."""
CHUNK = 8
"""Images worked on at once: few enough for a processor's cache."""
REMEMBERED = 20_000
"""Pictures whose features are remembered, the latest ones; about 15 MB."""
SMALLEST = 3
"""Side of an image in pixels, at least."""

_FORMS = {
    "small": ("short runs emphasis", "small zone emphasis", "low dependence emphasis"),
    "large": ("long runs emphasis", "large zone emphasis", "high dependence emphasis"),
    "low": ("low grey level run emphasis", "low grey level zone emphasis", "low grey level count emphasis"),
    "high": ("high grey level run emphasis", "high grey level zone emphasis", "high grey level count emphasis"),
    "small low": (
        "short run low grey level emphasis",
        "small zone low grey level emphasis",
        "low dependence low grey level emphasis",
    ),
    "small high": (
        "short run high grey level emphasis",
        "small zone high grey level emphasis",
        "low dependence high grey level emphasis",
    ),
    "large low": (
        "long run low grey level emphasis",
        "large zone low grey level emphasis",
        "high dependence low grey level emphasis",
    ),
    "large high": (
        "long run high grey level emphasis",
        "large zone high grey level emphasis",
        "high dependence high grey level emphasis",
    ),
    "normalised level non-uniformity": (
        "normalised grey level non-uniformity",
        "normalised grey level non-uniformity",
        "",
    ),
    "normalised size non-uniformity": (
        "normalised run length non-uniformity",
        "normalised zone size non-uniformity",
        "normalised dependence count non-uniformity",
    ),
    "percentage": ("run percentage", "zone percentage", ""),
    "level variance": ("grey level variance", "grey level variance", ""),
    "size variance": ("run length variance", "zone size variance", "dependence count variance"),
    "entropy": ("run entropy", "zone size entropy", "dependence count entropy"),
    "energy": ("", "", "dependence count energy"),
}
"""IBSI names of the features of runs, zones and dependences.

Left out is what the image's size decides, and what the histogram of levels says already.
"""
_FAMILIES = ("GLRLM", "GLSZM", "NGLDM")
_GREYS = {
    f"intensity {name}"
    for name in ("mean", "median", "minimum", "10th percentile", "90th percentile", "maximum", "range")
} | {"intensity interquartile range", "intensity root mean square"}
_SHARES = (
    "uniformity",
    "inverse",
    "percentage",
    "joint maximum",
    "second moment",
    "energy",
    "gradient",
    " correlation",
)
GUARD = 1e-3
"""Added before a logarithm."""


def _features(pixels: NDArray[np.floating[Any]], n_levels: int) -> Features:
    """Return every feature of a few images, by its full name."""
    levels = fixed_width(pixels, n_levels)
    intensity = statistics(pixels)
    del intensity["energy"]  # the root mean square says the same, whatever the size of the image
    found = {f"intensity {name}": values for name, values in intensity.items()}
    found |= {f"intensity {name}": values for name, values in histogram(levels, n_levels).items()}
    found |= {f"GLCM {name}": values for name, values in cooccurrence(levels, n_levels).items()}
    tallies = (runs(levels, n_levels), zones(levels, n_levels), dependences(levels, n_levels))
    for family, (prefix, tally) in enumerate(zip(_FAMILIES, tallies, strict=True)):
        found |= {f"{prefix} {names[family]}": tally[form] for form, names in _FORMS.items() if names[family]}
    return found | {f"NGTDM {name}": values for name, values in tone_differences(levels, n_levels).items()}


NAMES: tuple[str, ...] = tuple(_features(np.eye(SMALLEST)[None], 2))
"""Names of the features, by the terms of the IBSI with their family before them."""


def extract(pixels: NDArray[np.floating[Any]], n_levels: int = LEVELS) -> Array:
    """Return the features `NAMES` of whole images, (n, d).

    Grey values count as they are between 0 and 1; texture is that of `n_levels` levels of equal width (IBSI fixed bin
    size), in four directions at distance 1, merged. A row depends on its image alone. Flat images have features too.

    Args:
        pixels: (n, height, width) grey values in [0, 1].
        n_levels: grey levels between 0 and 1.

    Raises:
        InputError: another shape, a side below three pixels, or a value that is not finite.
        SettingsError: fewer than 2 or more than 255 levels.
    """
    if pixels.ndim != 3 or min(pixels.shape[1:]) < SMALLEST:
        raise InputError(
            "No radiomic features can be computed of this",
            got=f"shape {pixels.shape}",
            possible=f"(n, height, width) with sides of at least {SMALLEST} pixels",
        )
    if not np.isfinite(pixels).all():
        raise InputError("No radiomic features can be computed of images with values that are not finite")
    out = np.empty((len(pixels), len(NAMES)))
    for start in range(0, len(pixels), CHUNK):
        found = _features(pixels[start : start + CHUNK], n_levels)
        out[start : start + CHUNK] = np.stack([found[name] for name in NAMES], axis=1)
    return out


def scaled(features: Array, n_levels: int = LEVELS) -> Array:
    """Return features on scales where equal steps mean about equal differences, (n, d).

    One rule, fixed beforehand and fitted to nothing: grey values times 4; entropies in bits as they are; what lies
    between 0 and 1 by its definition on the logit scale, whose slope is 4 at one half (correlation by way of
    (1 + r) / 2); skewness, kurtosis and cluster shade, which may have either sign, through asinh; all else, which is
    non-negative and heavy-tailed, through the logarithm.
    """
    return np.stack([_scaled(name, features[:, i], n_levels) for i, name in enumerate(NAMES)], axis=1)


def _scaled(name: str, x: Array, n_levels: int) -> Array:
    if name in _GREYS:
        return np.asarray(4.0 * x)
    if "entropy" in name:
        return x
    if name == "GLCM correlation":
        x = (1.0 + x) / 2.0
    if any(word in name for word in _SHARES):
        share = np.clip(np.abs(x), 0.0, 1.0)
        return np.asarray(np.log(share + GUARD) - np.log(1.0 - share + GUARD))
    if name == "GLCM cluster shade":
        return np.arcsinh(x / n_levels**3 * 30.0)
    if name.endswith(("skewness", "kurtosis")):
        return np.arcsinh(x)
    return np.log(np.clip(x, 0.0, None) + GUARD)


class Remembered:
    """Scaled features of pictures met before in this process, so that no picture is worked on twice; bounded."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._rows: OrderedDict[tuple[bytes, int], Array] = OrderedDict()
        self._lock = Lock()

    def __call__(self, pixels: NDArray[np.float32], n_levels: int = LEVELS) -> Array:
        """Return `scaled(extract(pixels, n_levels), n_levels)`, (n, d)."""
        keys = [(_digest(picture), n_levels) for picture in pixels]
        with self._lock:
            rows = {key: self._rows[key] for key in keys if key in self._rows}
        unknown = {key: i for i, key in enumerate(keys) if key not in rows}
        if unknown:
            found = scaled(extract(pixels[list(unknown.values())], n_levels), n_levels)
            rows |= zip(unknown, found, strict=True)
        with self._lock:
            for key in keys:
                self._rows[key] = rows[key]
                self._rows.move_to_end(key)
            while len(self._rows) > self._most:
                self._rows.popitem(last=False)
        return np.stack([rows[key] for key in keys]) if keys else np.empty((0, len(NAMES)))


def _digest(picture: NDArray[np.float32]) -> bytes:
    return hashlib.sha256(str(picture.shape).encode() + np.ascontiguousarray(picture).tobytes()).digest()


remembered = Remembered()
"""The memory that the encoder and the check of this process share."""
