"""Simulated chests as thumbnails and a linear classifier of them: trials that take a second, to be repeated often."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from radassay.images.phantom import Cohort
from radassay.images.sample import Sample

SIDE = 32


@dataclass(frozen=True)
class Logistic:
    """Penalised logistic regression of 8 x 8 thumbnails; augmentation shifts them by up to a thumbnail's pixel."""

    name: ClassVar[str] = "logistic"
    paper: ClassVar[str] = "none"

    draws: int = 300
    """Images that a training sees, half of them of the core, as batches of a network do."""

    def fit_scores(self, pixels, jobs, validation, test, *, steps):
        asked = thumbnails(np.asarray(test))
        for job in jobs:
            rng = np.random.default_rng(job.seed)
            core, n = job.core or len(job.rows), len(job.rows)
            beyond = round(self.draws * min((n - core) / n, 0.5))
            drawn = np.r_[rng.integers(core, size=self.draws - beyond), rng.integers(core, n, size=beyond)]
            images = np.asarray(pixels[job.rows[drawn]])
            if job.augment:
                shifts = rng.integers(-2, 3, (len(drawn), 2))
                images = np.stack([np.roll(i, s, (0, 1)) for i, s in zip(images, shifts, strict=True)])
            if job.targets[drawn].all() or not job.targets[drawn].any():
                yield np.full(len(asked), 0.5)
                continue
            weight = "balanced" if job.balanced else None
            model = LogisticRegression(C=0.05, class_weight=weight, max_iter=200)
            yield model.fit(thumbnails(images), job.targets[drawn]).predict_proba(asked)[:, 1]


def thumbnails(images):
    """Return (n, 64) standardised grey values."""
    step = SIDE // 8
    small = images.reshape(len(images), 8, step, 8, step).mean(axis=(2, 4)).reshape(len(images), -1)
    return (small - small.mean(axis=1, keepdims=True)) / small.std(axis=1, keepdims=True)


def world(patients, seed=5):
    """Return one picture each of so many simulated patients."""
    cohort = Cohort(images_per_patient=1, size=SIDE, seed=seed, extent=(0.2, 0.4))
    pictures = list(cohort.pictures(range(patients)))
    table = pd.DataFrame(
        {
            "image": [f"{p.patient.code:0<64}" for p in pictures],
            "patient": [p.patient.code for p in pictures],
            "label": [p.patient.label for p in pictures],
            "sex": [p.patient.person.sex for p in pictures],
            "origin": "acquired",
        }
    )
    pixels = np.stack([p.grey() for p in pictures]).astype(np.float32)
    columns = [table[c].to_numpy(str) for c in ("label", "patient", "image", "image")]
    return Sample("world", pixels, *columns, table)


def made(sample, **fields):
    """Return images of a world as synthetic ones, which show nobody."""
    ids = np.char.add("made ", sample.images)
    table = sample.table.assign(origin="generated", image=ids, patient="")
    fields = {"images": ids, "patients": ids, "table": table, **fields}
    return sample.changed(name="synthetic", **fields)
