"""Simulated scores of arms, trainings and patients, with known gains."""

import numpy as np


def arms(rng, patients, trainings, gain, *, per=1, taste=0.35, start=0.05):
    """Return scores (2, trainings, n), labels and patients; the second arm's classes lie `gain` further apart."""
    labels = np.repeat(np.arange(patients) % 2 == 0, per)
    units = np.repeat(np.arange(patients), per).astype(str)
    person = np.repeat(rng.normal(size=patients), per)
    scores = np.empty((2, trainings, len(labels)))
    for arm in range(2):
        for seed in range(trainings):
            own = np.repeat(rng.normal(size=patients), per)
            rest = np.sqrt(0.64 - taste**2) * rng.normal(size=len(labels))
            scores[arm, seed] = (1.2 + gain * arm + start * rng.normal()) * labels + 0.6 * person + taste * own + rest
    return scores, labels, units
