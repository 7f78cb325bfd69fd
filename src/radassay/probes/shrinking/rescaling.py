"""What rescaling destroys: how much of a lesion's contrast and detectability smaller pictures keep."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radassay.contracts.probe import Answer, Subject
from radassay.contracts.progress import Progress, Report, silent
from radassay.evidence.finding import Finding
from radassay.images.imageset import ImageSet
from radassay.images.phantom.cohort import Modality
from radassay.probes.shrinking.findings import Loss, findings, table_rows
from radassay.probes.shrinking.lesions import LARGEST, Cases, outlined, simulated
from radassay.probes.shrinking.loss import Losses, NoLesions, losses
from radassay.probes.shrinking.model import Model, fitted
from radassay.probes.shrinking.pictures import Shown, drawn
from radassay.stats.resample import bootstrap_rows

FEWEST = 5
"""Patients with outlined lesions below which lesions are simulated."""
LEAST_NATIVE, MOST_SIMULATED = 32, 512
"""Longest sides: of pictures with outlines at least, and of simulated ones at most."""


@dataclass(frozen=True)
class Rescaling:
    """Detectability of outlined lesions before and after shrinking; of simulated ones where none are outlined."""

    name: ClassVar[str] = "rescaling"
    question: ClassVar[str] = "What do lesions lose when the pictures are shrunk for training?"

    sizes: tuple[int, ...] = (512, 256, 128, 64)
    """Sides in pixels that pictures are shrunk to."""
    size: int = 128
    """The size that is judged: what networks are commonly trained on."""
    rose: float = 5.0
    """Detectability d' that a lesion needs to be seen (Rose 1948)."""
    most_images: int = 120
    """Pictures with outlines looked at in each set; of more, whole patients are drawn."""
    extents: tuple[tuple[float, float], ...] = ((0.01, 0.03), (0.03, 0.1), (0.1, 0.3))
    """Shares of the lungs that simulated disease covers, from small lesions to large ones."""
    patients: int = 6
    """Simulated patients for each of them."""
    resamples: int = 500
    """Bootstrap resamples of patients."""

    def measure(self, subject: Subject, rng: np.random.Generator, report: Report = silent) -> Answer:
        """Return what shrinking loses, set by set."""
        found: list[Finding] = []
        shown: list[Shown] = []
        made: dict[tuple[int, Modality], tuple[Loss, Cases]] = {}
        first = 0
        for done, images in enumerate(subject.sets):
            report(Progress(done, len(subject.sets), "sets", images.name))
            rows = np.arange(first, first + len(images))
            first += len(images)
            loss, cases = self._outlined(subject, rows, rng) or self._simulated(images, made, rng)
            found += findings(images.name, loss, self.sizes, self.size, self.rose)
            shown.append(Shown(images.name, loss, cases))
        report(Progress(len(subject.sets), len(subject.sets), "sets"))
        pictures, captions = drawn(shown, self.rose)
        table = pd.concat([table_rows(one.name, one.loss, self.rose) for one in shown], ignore_index=True)
        return Answer(found, {"rescaling": table}, pictures, captions)

    def _outlined(
        self, subject: Subject, rows: NDArray[np.integer[Any]], rng: np.random.Generator
    ) -> tuple[Loss, Cases] | None:
        """Return what the outlined lesions of a set lose; None where too few patients have any."""
        known = subject.masks.get("opacity", {})
        rows = np.array([row for row in rows.tolist() if row in known], dtype=np.intp)
        units = subject.table["unit"].to_numpy(dtype=str)[rows]
        order = rng.permutation(np.unique(units))
        if len(order) < FEWEST:
            return None
        # whole patients in a random order until there are pictures enough
        until = np.cumsum([int((units == unit).sum()) for unit in order]) <= self.most_images
        until[:FEWEST] = True
        chosen = rows[np.isin(units, order[until])]
        cases = partial(outlined, subject, chosen)
        sides = subject.table[["height", "width"]].to_numpy(dtype=float)[chosen].max(axis=1)
        native = min(LARGEST, round(float(np.median(sides))))
        if native < LEAST_NATIVE:
            return None
        note = "" if len(chosen) == len(rows) else f"{len(chosen)} of the {len(rows)} pictures with outlines, at random"
        model = fitted(cases, native)
        if not model.patches:
            note = f"{note}; " * bool(note) + "no healthy lung is left to measure, so a usual background stands in"
        try:
            found = losses(cases, model, native, self._below(native))
        except NoLesions:
            return None
        if len(np.unique(found.units)) < FEWEST:
            return None
        return self._summed(model, found, note, False, rng), cases

    def _simulated(
        self, images: ImageSet, made: dict[tuple[int, Modality], tuple[Loss, Cases]], rng: np.random.Generator
    ) -> tuple[Loss, Cases]:
        """Return what simulated lesions lose in pictures of this set's size; made once for each size."""
        sides = images.table[["height", "width"]].to_numpy(dtype=float).max(axis=1)
        native = int(np.clip(round(float(np.median(sides))), LEAST_NATIVE, MOST_SIMULATED))
        modality = modality_of(images)
        if (native, modality) not in made:
            cases = partial(simulated, native, modality, self.extents, self.patients)
            note = (
                f"Simulated: lesions of many sizes in simulated {modality} pictures of {native} px, not this set's own"
            )
            model, found = _simulated_losses(native, modality, self.extents, self.patients, self._below(native))
            made[native, modality] = self._summed(model, found, note, True, rng), cases
        return made[native, modality]

    def _below(self, native: int) -> tuple[int, ...]:
        return tuple(sorted((s for s in {*self.sizes, self.size} if s < native), reverse=True))

    def _summed(self, model: Model, found: Losses, note: str, simulated: bool, rng: np.random.Generator) -> Loss:
        return Loss(found, model, simulated, note, tuple(bootstrap_rows(found.units, self.resamples, rng)))


@lru_cache(maxsize=8)
def _simulated_losses(
    native: int, modality: Modality, extents: tuple[tuple[float, float], ...], patients: int, sizes: tuple[int, ...]
) -> tuple[Model, Losses]:
    """Return what simulated lesions lose; kept, for nothing random goes in."""
    cases = partial(simulated, native, modality, extents, patients)
    model = fitted(cases, native)
    return model, losses(cases, model, native, sizes)


def modality_of(images: ImageSet) -> Modality:
    """Return whether a set is of CT slices or of X-rays: by its column, else by its name and labels, else X-rays."""
    told = images.table["modality"].to_numpy(dtype=str)
    if (told != "").any():
        return "CT" if (told == "CT").sum() > (told != "").sum() / 2 else "X-ray"
    words = [images.name, *images.table["label_source"].unique().tolist()]
    return "CT" if any(re.search(r"(^|[^a-z])ct([^a-z]|$)", word.lower()) for word in words) else "X-ray"
