"""Samples and a quick classifier for the trial's tests."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd

from radassay.images.sample import Sample
from radassay.trials.material import Sets

SIZE = 8
PATTERN = np.random.default_rng(99).normal(size=(SIZE, SIZE)).astype(np.float32)


@dataclass(frozen=True)
class MeanDifference:
    """Projects on the difference of the class means; a little noise by seed. Logs each training in a folder.

    With the environment variable DIES_AT it ends its process hard, like a kill, instead of doing that training.
    """

    name: ClassVar[str] = "mean-difference"
    paper: ClassVar[str] = "none"

    log: str = ""
    diverges: bool = False
    slow_s: float = 0.0

    def fit_scores(self, pixels, jobs, validation, test, *, steps):
        for job in jobs:
            yield self._fitted(pixels[job.rows], job, test)

    def _fitted(self, pixels, job, test):
        if self.log:
            done = len(list(Path(self.log).iterdir()))
            if done == int(os.environ.get("DIES_AT", "-1")):
                os._exit(9)
            (Path(self.log) / f"{done}-{os.getpid()}-{job.seed}-{len(pixels)}-{job.augment}").touch()
        time.sleep(self.slow_s)
        if self.diverges and job.augment:
            return np.full(len(test), np.nan)
        if job.targets.all() or not job.targets.any():
            return np.zeros(len(test))
        way = pixels[job.targets].mean(axis=0) - pixels[~job.targets].mean(axis=0)
        way = way + 0.02 * np.random.default_rng(job.seed).normal(size=way.shape)
        return 1 / (1 + np.exp(-(test * way).sum(axis=(1, 2)).astype(np.float64)))


def sample(name, patients, seed, *, per_patient=2, strength=0.1, origin="acquired", shuffled=False) -> Sample:
    """Return noise with a faint fixed pattern in the positive half."""
    rng = np.random.default_rng(seed)
    n = patients * per_patient
    labels = np.where(np.repeat(np.arange(patients) % 2 == 0, per_patient), "covid", "other")
    pixels = rng.normal(0.5, 0.5, (n, SIZE, SIZE)).astype(np.float32)
    pixels[labels == "covid"] += strength * PATTERN
    units = np.repeat([f"{name}-{i}" for i in range(patients)], per_patient)
    if shuffled:
        labels = rng.permutation(labels)
    images = np.array([f"{name}{i:02d}".ljust(64, "0") for i in range(n)])
    table = pd.DataFrame({"image": images, "origin": origin, "patient": units, "label": labels})
    return Sample(name, pixels, labels, units, images, images, table)


def sets(**changes) -> Sets:
    """Return the images of a small trial; `external` is a mapping."""
    made = {
        "training": sample("training", 20, 1),
        "validation": sample("validation", 10, 2),
        "test": sample("test", 60, 3),
        "synthetic": sample("synthetic", 60, 4, origin="generated"),
        "reserve": sample("reserve", 12, 5),
        **changes,
    }
    return Sets(**made)
