"""Pictures with outlined lesions, from a set that has outlines or from simulated chests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter, label

from radassay.anatomy.lungs import find_lungs
from radassay.contracts.probe import Subject
from radassay.errors import InputError
from radassay.images.intensity import LUNG_WINDOW_HU
from radassay.images.phantom import Cohort
from radassay.images.phantom.cohort import Modality, Picture

Grid = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]

LARGEST = 1024
"""Longest side looked at; longer pictures are averaged down to it first."""
LEAST_PIXELS = 9
"""Fewest pixels of a lesion, 3 across: with fewer no shape is left."""
LEAST_RING = 12
"""Fewest pixels of background around a lesion for its contrast."""


@dataclass(frozen=True)
class Case:
    """One picture with its outlines, all (height, width)."""

    name: str
    """File, or number of the simulated chest."""
    unit: str
    """Patient."""
    picture: Grid
    """Grey values 0 to 255."""
    opacity: Mask
    """Everything outlined as diseased."""
    lung: Mask | None
    """The lungs; None where nobody outlined them."""
    pixel_mm: float
    """Side of a pixel; NaN where not known."""
    shadow: Grid | None = None
    """What disease adds, where that is known exactly."""


@dataclass(frozen=True)
class Lesion:
    """One connected part of the disease of a case."""

    case: Case
    number: int
    inside: Mask
    ring: Mask
    """Background around it, as wide as half its radius; empty where there is hardly any."""

    @property
    def radius(self) -> float:
        """Return the radius of the disc of the same area, pixels."""
        return float(np.sqrt(self.inside.sum() / np.pi))

    def shadow(self, softness: float) -> NDArray[np.float64]:
        """Return what the lesion adds: its exact shadow if known, else its outline with soft edges.

        Args:
            softness: standard deviation of the edge as a share of the radius.
        """
        known = self.case.shadow
        if known is None:
            return np.asarray(gaussian_filter(self.inside.astype(float), softness * self.radius, truncate=6.0))
        parts, _ = label(self.case.opacity, np.ones((3, 3)))
        rows, columns = distance_transform_edt(parts == 0, return_distances=False, return_indices=True)
        nearest = parts[rows, columns] == parts[self.inside][0]
        # where two lesions meet, a sharp cut between them would be a sign that no lesion has
        share = gaussian_filter(nearest.astype(float), max(2.0, 0.3 * self.radius), truncate=6.0)
        return np.asarray(known * share)


Cases = Callable[[], Iterator[Case]]
"""Gives the cases anew each time, so that memory holds one."""


def lesions(case: Case) -> Iterator[Lesion]:
    """Yield the lesions of a case that have at least `LEAST_PIXELS`."""
    parts, number = label(case.opacity, np.ones((3, 3)))
    free = ~case.opacity & (case.lung if case.lung is not None else True)
    for part in range(1, number + 1):
        inside = parts == part
        area = int(inside.sum())
        if area < LEAST_PIXELS:
            continue
        wide = max(3, round(0.5 * np.sqrt(area / np.pi)))
        ring = grown(inside, wide) & free
        if ring.sum() < LEAST_RING:
            ring = free if case.lung is not None and free.sum() >= LEAST_RING else np.zeros_like(free)
        yield Lesion(case, part, inside, ring)


def grown(mask: Mask, pixels: int) -> Mask:
    """Return a mask grown by a disc of this radius."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1, 2 * pixels + 1))
    return cv2.dilate(mask.astype(np.uint8), kernel).astype(bool)


def outlined(subject: Subject, rows: NDArray[np.integer[Any]]) -> Iterator[Case]:
    """Yield the cases of these images of a subject, each with an outline of opacities; unreadable ones are left out."""
    for row in rows.tolist():
        table = subject.table.iloc[row]
        try:
            opacity, lung = subject.mask("opacity", row), subject.mask("lung", row)
        except InputError:
            continue
        assert opacity is not None
        picture = subject.display(row)
        if lung is None and table["modality"] != "CT":
            lung = _found(picture)
        yield _shrunk(
            Case(
                name=str(table["source"]),
                unit=str(table["unit"]),
                picture=picture * np.float32(255),
                opacity=opacity,
                lung=lung,
                pixel_mm=float(table["spacing_mm"]),
            )
        )


def _found(picture: Grid) -> Mask:
    small = cv2.resize(picture, (128, 128), interpolation=cv2.INTER_AREA)
    mask = find_lungs(np.asarray(small, dtype=np.float32)[None])[0].astype(np.float32)
    return np.asarray(cv2.resize(mask, picture.shape[::-1], interpolation=cv2.INTER_LINEAR) > 0.5)


def _shrunk(case: Case) -> Case:
    """Return the case with its longest side at most `LARGEST`."""
    height, width = case.picture.shape
    times = LARGEST / max(height, width)
    if times >= 1:
        return case
    shape = (round(width * times), round(height * times))

    def mask(inside: Mask) -> Mask:
        return np.asarray(cv2.resize(inside.astype(np.float32), shape, interpolation=cv2.INTER_AREA) > 0.5)

    return replace(
        case,
        picture=np.asarray(cv2.resize(case.picture, shape, interpolation=cv2.INTER_AREA), dtype=np.float32),
        opacity=mask(case.opacity),
        lung=None if case.lung is None else mask(case.lung),
        pixel_mm=case.pixel_mm / times,
    )


def simulated(
    native: int, modality: Modality, extents: tuple[tuple[float, float], ...], patients: int
) -> Iterator[Case]:
    """Yield simulated diseased chests, `patients` for each range of extents (share of the lungs)."""
    for step, extent in enumerate(extents):
        cohort = Cohort(
            patients=patients,
            images_per_patient=1,
            prevalence=1.0,
            size=native,
            modality=modality,
            extent=extent,
            seed=step,
        )
        for index in range(patients):
            ill = cohort.picture(cohort.patient(index, "disease"))
            well = cohort.picture(cohort.patient(index, "healthy"))
            yield _case(ill, well, f"simulated {step + 1}-{index + 1}")


def _case(ill: Picture, well: Picture, name: str) -> Case:
    masks = ill.masks()
    low, high = LUNG_WINDOW_HU if ill.modality == "CT" else (0.0, 1.0)
    shadow = ill.exact() - well.exact()
    # the film or scanner blurs the shadow as everything else
    blur = ill.hospital.kernel_mm if ill.modality == "CT" else ill.hospital.blur_mm
    return Case(
        name=name,
        unit=name,
        picture=np.clip((ill.grey() - low) / (high - low), 0, 1) * np.float32(255),
        opacity=masks.opacity,
        lung=masks.lung,
        pixel_mm=ill.spacing_mm,
        shadow=gaussian_filter(shadow, blur / ill.spacing_mm),
    )
