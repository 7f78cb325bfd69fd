"""What lesions of a set are told from: the spectrum of its healthy lung, and how soft the lesions' edges are."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from scipy.special import ndtr

from radassay.probes.shrinking.lesions import Case, Cases, Lesion, grown, lesions
from radassay.stats.detectability import Background, fitted_background

PATCHES = 20
"""Patches of background taken from one picture at most."""
SOFTNESS = (0.05, 0.5)
"""Range of the edges' standard deviation as a share of the lesion's radius; its middle where none can be fitted."""
USUAL = Background(slope=3.0, floor=0.0)
"""Stands in where no healthy lung is left to measure (Burgess, Jacobson & Judy, Med Phys 2001;28:419)."""


class Model(NamedTuple):
    """How lesions and their background look in one set."""

    background: Background
    softness: float
    """Standard deviation of the lesions' edges as a share of their radius."""
    patches: int
    """Patches of healthy lung behind the background; 0 where the usual one stands in."""


def fitted(cases: Cases, native: int) -> Model:
    """Return the model of these cases.

    Args:
        cases: the pictures.
        native: longest side that is usual among them, pixels; patches are a tenth of it.
    """
    side = max(12, 2 * round(native / 20))
    patches: list[NDArray[np.float32]] = []
    edges: list[NDArray[np.float64]] = []
    for case in cases():
        patches += _patches(case, side)
        if case.shadow is None:
            edges += [_edge(lesion) for lesion in lesions(case) if lesion.ring.any()]
    varied = [patch for patch in patches if patch.std() > 0]
    background = fitted_background(np.stack(varied)) if varied else USUAL
    return Model(background, _softness(edges), len(varied))


def _patches(case: Case, side: int) -> list[NDArray[np.float32]]:
    """Return square patches of lung without disease, spread evenly; without known lungs, from around the lesions."""
    lung = case.lung if case.lung is not None else grown(case.opacity, 2 * side)
    free = (lung & ~case.opacity).astype(np.float32)
    cover = cv2.boxFilter(free, -1, (side, side), anchor=(0, 0), borderType=cv2.BORDER_CONSTANT)
    step = side // 2
    rows, columns = np.nonzero(cover[: 1 - side : step, : 1 - side : step] >= 0.98)
    picked = np.linspace(0, max(len(rows) - 1, 0), min(PATCHES, len(rows))).astype(int)
    chosen = np.unique(picked).tolist()
    corners = [(rows[i] * step, columns[i] * step) for i in chosen]
    return [case.picture[r : r + side, c : c + side].astype(np.float32) for r, c in corners]


BINS = np.linspace(-0.9, 0.9, 19)
"""Distance from the outline as a share of the radius; negative inside."""


def _edge(lesion: Lesion) -> NDArray[np.float64]:
    """Return sums over pixels, (2, bins): grey value above the ring, and its weight, by distance from the outline."""
    inside = lesion.inside
    near = inside | lesion.ring
    apart = np.where(inside, -distance_transform_edt(inside) + 0.5, distance_transform_edt(~inside) - 0.5)[near]
    grey = lesion.case.picture[near] - lesion.case.picture[lesion.ring].mean()
    contrast = float(lesion.case.picture[inside].mean() - lesion.case.picture[lesion.ring].mean())
    place = np.digitize(apart / lesion.radius, BINS) - 1
    kept = (place >= 0) & (place < len(BINS) - 1)
    share = np.bincount(place[kept], minlength=len(BINS) - 1) / near.sum()
    total = np.bincount(place[kept], grey[kept] * contrast, minlength=len(BINS) - 1) / near.sum()
    # least squares over lesions of grey = contrast * profile: strong lesions say more
    return np.stack([total, share * contrast**2])


def _softness(edges: list[NDArray[np.float64]]) -> float:
    low, high = SOFTNESS
    middle = (BINS[1:] + BINS[:-1]) / 2
    total, weight = np.sum(edges, axis=0) if edges else np.zeros((2, len(middle)))
    if not (weight > 0).any():
        return (low + high) / 2
    profile = np.where(weight > 0, total / np.maximum(weight, 1e-12), 0.0)
    best, softness = np.inf, (low + high) / 2
    for width in np.linspace(low, high, 46):
        design = np.stack([np.ones(len(middle)), ndtr(-middle / width)], axis=1) * np.sqrt(weight)[:, None]
        fit = np.linalg.lstsq(design, profile * np.sqrt(weight), rcond=None)[0]
        left = float(np.sum((design @ fit - profile * np.sqrt(weight)) ** 2))
        if fit[1] > 0 and left < best:
            best, softness = left, float(width)
    return softness
