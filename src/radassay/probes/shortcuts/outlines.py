"""Where the lungs are in small pictures: by the user's outlines, else as found, else not known."""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from radassay.anatomy.lungs import find_lungs
from radassay.contracts.grey import Grey
from radassay.contracts.probe import Subject


class Outlines(NamedTuple):
    """Lungs of n small pictures."""

    lungs: NDArray[np.bool_]
    """(n, side, side), True inside."""
    given: int
    """How many come from the user's outlines."""

    @property
    def told(self) -> str:
        """Return in words where they come from."""
        n = len(self.lungs)
        if self.given == n:
            return "lungs as outlined by the user"
        found = "lungs found by a network trained on simulated chests, whose errors may go with the disease"
        return found if not self.given else f"lungs of {self.given} images as outlined by the user, of the rest found"


def outlines(subject: Subject, images: NDArray[np.integer[Any]], pixels: Grey) -> Outlines:
    """Return the lungs of these images, whose small pictures, (n, side, side), are given."""
    side = pixels.shape[1]
    lungs = np.zeros(pixels.shape, dtype=bool)
    missing = []
    for row, image in enumerate(images):
        mask = subject.mask("lung", int(image))
        if mask is None:
            missing.append(row)
        else:
            lungs[row] = cv2.resize(mask.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA) > 0.5
    if missing:
        lungs[missing] = find_lungs(pixels[missing])
    return Outlines(lungs, len(images) - len(missing))
