"""A network in place of the linear models, where the user asks for one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from radassay.contracts.classifier import Classifier, fit_score
from radassay.contracts.grey import Grey
from radassay.stats.discriminant import patient_folds

STEPS = 200
CAUTION = "a network trained once a fold; what another training would change is not in the interval"


def scores(
    classifier: Classifier,
    pixels: Grey,
    positive: NDArray[np.bool_],
    units: NDArray[np.str_],
    fold: NDArray[np.integer[Any]],
    seed: int,
    steps: int = STEPS,
) -> NDArray[np.float64]:
    """Return scores, (1, n, 1), of networks that never saw the image's part; a fifth of the rest chooses the snapshot.

    Args:
        classifier: the network.
        pixels: (n, size, size).
        positive: (n,).
        units: (n,) patients.
        fold: (n,) the part of each image.
        seed: of all trainings.
        steps: of each training.
    """
    out = np.zeros(len(positive))
    for part in np.unique(fold):
        test = fold == part
        rest = np.flatnonzero(~test)
        inner = patient_folds(positive[rest], units[rest])
        train, check = rest[inner != 0], rest[inner == 0]
        validation = (pixels[check], positive[check])
        out[test] = fit_score(
            classifier, pixels[train], positive[train], validation, pixels[test], steps=steps, augment=False, seed=seed
        )
    return out[None, :, None]
