"""Samples and a quick classifier for the trial's tests."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd

from radassay.images.sample import Sample

SIZE = 8
PATTERN = np.random.default_rng(99).normal(size=(SIZE, SIZE)).astype(np.float32)


@dataclass(frozen=True)
class MeanDifference:
    """Projects on the difference of the class means; a little noise by seed. Logs each training in a folder."""

    name: ClassVar[str] = "mean-difference"
    paper: ClassVar[str] = "none"

    log: str = ""
    dies_at: int = -1
    """Ends the process hard, like a kill, instead of doing training number `dies_at`."""
    diverges: bool = False
    slow_s: float = 0.0

    def fit_score(self, pixels, targets, validation, test, *, steps, augment, seed):
        if self.log:
            done = len(list(Path(self.log).iterdir()))
            if done == self.dies_at:
                os._exit(9)
            (Path(self.log) / f"{done}-{os.getpid()}-{seed}-{len(pixels)}-{augment}").touch()
        time.sleep(self.slow_s)
        if self.diverges and augment:
            return np.full(len(test), np.nan)
        if targets.all() or not targets.any():
            return np.zeros(len(test))
        way = pixels[targets].mean(axis=0) - pixels[~targets].mean(axis=0)
        way = way + 0.02 * np.random.default_rng(seed).normal(size=way.shape)
        return (test * way).sum(axis=(1, 2)).astype(np.float64)


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


def samples(**changes):
    """Return training, validation, test and synthetic."""
    made = {
        "training": sample("training", 20, 1),
        "validation": sample("validation", 10, 2),
        "test": sample("test", 60, 3),
        "synthetic": sample("synthetic", 60, 4, origin="generated"),
        **changes,
    }
    return [made[k] for k in ("training", "validation", "test", "synthetic")]
