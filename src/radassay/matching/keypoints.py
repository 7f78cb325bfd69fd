"""Keypoints of a picture, and how their descriptors change when it is turned, mirrored or inverted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

from radassay.matching.picture import Ready, evened

MOST = 400
"""Keypoints kept of a picture, those of most contrast."""
LOCAL = 8.0
"""Standard deviation in pixels of what counts as local when contrast is evened out before the search."""
LENGTH = 128
"""Values of a descriptor: 4 x 4 cells of 8 directions."""


@dataclass(frozen=True)
class Keypoints:
    """Places that can be found again, with what surrounds them."""

    places: NDArray[np.float32]
    """(k, 2) x and y in pixels."""
    sizes: NDArray[np.float32]
    """(k,) diameter in pixels."""
    descriptors: NDArray[np.uint8]
    """(k, 128)."""

    def __len__(self) -> int:
        return len(self.places)


@dataclass(frozen=True)
class Change:
    """A change of the whole picture that only reorders the values of an upright descriptor."""

    turns: int = 0
    """Quarter turns anticlockwise, after mirroring."""
    mirrored: bool = False
    inverted: bool = False

    @property
    def order(self) -> NDArray[np.intp]:
        """Return the order (128,) in which the values of a descriptor stand after the change."""
        return _order(self)

    @property
    def linear(self) -> NDArray[np.float64]:
        """Return the matrix (2, 2) that takes x, y (down) about the centre to where the change moves them."""
        mirror = np.diag([-1.0 if self.mirrored else 1.0, 1.0])
        return np.asarray(np.linalg.matrix_power(np.array([[0.0, 1.0], [-1.0, 0.0]]), self.turns) @ mirror)


CHANGES = (
    *(Change(0, mirrored, inverted) for mirrored, inverted in product((False, True), repeat=2)),
    *(Change(turns, mirrored) for turns, mirrored in product((1, 2, 3), (False, True))),
)
"""Those looked for: mirrored, inverted, both, or turned and perhaps mirrored; the first changes nothing."""


@cache
def _order(change: Change) -> NDArray[np.intp]:
    cells = np.arange(LENGTH).reshape(4, 4, 8)
    directions = np.arange(8)
    if change.mirrored:
        cells = cells[:, ::-1][:, :, (4 - directions) % 8]
    for _ in range(change.turns):
        cells = np.rot90(cells, 1)[:, :, (directions - 2) % 8]
    if change.inverted:
        cells = cells[:, :, (directions + 4) % 8]
    return np.ascontiguousarray(cells).reshape(-1)


def detect(picture: Ready) -> Keypoints:
    """Return the strongest keypoints, places and sizes in pixels of the ready picture.

    Extrema of differences of Gaussians with upright descriptors (SIFT: Lowe, Int J Comput Vis 2004;60:91). Upright
    ones tell more than turned ones, bear turns of about 15 degrees, and a mirrored, inverted or quarter-turned picture
    has the same ones in another order.
    """
    shown = np.clip(128 + 45 * evened(picture.pixels, LOCAL), 0, 255).astype(np.uint8)
    sift = cv2.SIFT.create(nfeatures=0, contrastThreshold=0.01, edgeThreshold=12)
    strongest: dict[tuple[float, ...], cv2.KeyPoint] = {}
    for point in sorted(sift.detect(shown, None), key=lambda p: (-p.response, p.pt, p.size)):
        point.angle = 0.0
        strongest.setdefault((point.pt[0], point.pt[1], point.size), point)
    chosen = list(strongest.values())[:MOST]
    if not chosen:
        return Keypoints(np.empty((0, 2), np.float32), np.empty(0, np.float32), np.empty((0, LENGTH), np.uint8))
    kept, descriptors = sift.compute(shown, chosen)
    return Keypoints(
        np.array([point.pt for point in kept], dtype=np.float32),
        np.array([point.size for point in kept], dtype=np.float32),
        np.clip(np.rint(descriptors), 0, 255).astype(np.uint8),
    )


def root(descriptors: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return descriptors (k, 128) of length 1, compared as histograms (Arandjelović & Zisserman, CVPR 2012)."""
    values = descriptors.astype(np.float32)
    return np.asarray(np.sqrt(values / np.maximum(values.sum(axis=1, keepdims=True), 1e-6)), dtype=np.float32)
