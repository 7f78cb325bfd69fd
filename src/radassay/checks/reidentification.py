"""Re-identification: whether a generated image leads to the other images of one real patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radassay.checks.closeness import one_a_patient
from radassay.checks.space import Array, draws, whitened
from radassay.contracts.check import Inputs
from radassay.images.sample import Sample
from radassay.stats.manifold import BLOCK_CELLS, squared_distances

FEWEST = 10
"""Patients with several training images, and generated and held-out images that lead to them, that are needed."""


@dataclass(frozen=True)
class Leads:
    """How much nearer images lie to the other images of the patient they resemble than to any other patient.

    Of each image, the nearest training image is taken, if its patient has several, and then left out: a copy of one
    picture tells of the patient only as far as the patient's other pictures resemble it. The score is the logarithm of
    the distance to the nearest of the patient's other pictures over that to the nearest other patient. A generator that
    remembers a patient makes images among all images of this patient, with scores far below those of held-out images,
    which are of strangers.
    """

    made: Array
    """Scores of the generated images that lead to a patient with several images."""
    held_out: Array
    """Scores of such held-out images, one a patient."""
    several: int
    """Training patients with several images."""

    @classmethod
    def of(cls, inputs: Inputs, synthetic: Sample) -> Leads | str:
        """Return them, or why they cannot be had."""
        patients = inputs.training.patients
        units, count = np.unique(patients, return_counts=True)
        several = units[count > 1]
        if len(several) < FEWEST:
            known = "one training patient has" if len(several) == 1 else f"{len(several)} training patients have"
            return f"{known} more than one image; at least {FEWEST} are needed"
        training, held_out, made = whitened(inputs, inputs.training, inputs.held_out, synthetic)
        strangers = one_a_patient(inputs.held_out)
        found = [_scores(rows, training, patients) for rows in (made, held_out[strangers])]
        for what, scores, names in zip(("synthetic", "held-out"), found, (draws(synthetic), strangers), strict=True):
            leading = len(np.unique(names[np.isfinite(scores)]))
            if leading < FEWEST:
                return f"{leading} {what} images lie nearest to such a patient; at least {FEWEST} are needed"
        leading_made, leading_held = (scores[np.isfinite(scores)] for scores in found)
        return cls(leading_made, leading_held, len(several))


def _scores(rows: Array, training: Array, patients: NDArray[np.str_]) -> Array:
    """Return the score of each row, infinite where the nearest training image is its patient's only one."""
    out = np.full(len(rows), np.inf)
    step = max(1, BLOCK_CELLS // len(training))
    for start in range(0, len(rows), step):
        distance = squared_distances(rows[start : start + step], training)
        nearest = np.argmin(distance, axis=1)
        own = patients[nearest][:, None] == patients[None, :]
        others = np.where(own, np.inf, distance).min(axis=1)
        np.put_along_axis(distance, nearest[:, None], np.inf, axis=1)
        again = np.where(own, distance, np.inf).min(axis=1)
        floor = 1e-6 * float(np.median(others))
        there = np.isfinite(again)
        out[start : start + step][there] = 0.5 * np.log((again[there] + floor) / (others[there] + floor))
    return out
