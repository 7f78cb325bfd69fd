"""Marker surgery: held-out pictures are edited where no lung is, and the model's scores are read again (T7)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from radassay.anatomy.regions import border, corners
from radassay.stats.crossvalidated import Estimate, Question
from radassay.stats.discriminant import Discriminant

Pictures = NDArray[np.float64]
GLYPH = np.array([[int(c) for c in row] for row in ("11110", "10001", "10001", "11110", "10100", "10010", "10001")])
"""The laterality marker R."""
INK = 0.95


def marker(pictures: Pictures) -> Pictures:
    """Return pictures, (n, side, side), with a laterality marker pasted near the upper left corner."""
    out, side = pictures.copy(), pictures.shape[1]
    scale = max(1, side // 64)
    glyph = np.kron(GLYPH, np.ones((scale, scale))) > 0
    high, wide = glyph.shape
    start = side // 16
    out[:, start : start + high, start : start + wide][:, glyph] = INK
    return out


def text_box(pictures: Pictures) -> Pictures:
    """Return pictures with a box of bright lines on black near the lower left corner."""
    out, side = pictures.copy(), pictures.shape[1]
    high, wide, start = side // 8, side // 3, side // 32
    box = np.zeros((high, wide))
    box[1:-1:2, 1:-1] = INK
    out[:, side - start - high : side - start, start : start + wide] = box
    return out


def mirrored(pictures: Pictures) -> Pictures:
    """Return pictures with left and right exchanged, markers and all."""
    return pictures[:, :, ::-1]


def border_erased(pictures: Pictures) -> Pictures:
    """Return pictures whose border is the mean border of all."""
    return _erased(pictures, border(pictures.shape[1], pictures.shape[1] // 8))


def corners_erased(pictures: Pictures) -> Pictures:
    """Return pictures whose corners are the mean corners of all."""
    return _erased(pictures, corners(pictures.shape[1], pictures.shape[1] // 4))


def _erased(pictures: Pictures, region: NDArray[np.bool_]) -> Pictures:
    return np.where(region, pictures.mean(axis=0), pictures)


EDITS: dict[str, Callable[[Pictures], Pictures]] = {
    "marker_pasted": marker,
    "text_box_pasted": text_box,
    "mirrored": mirrored,
    "border_erased": border_erased,
    "corners_erased": corners_erased,
}


def operated(
    question: Question, model: Discriminant, before: Pictures, after: Pictures
) -> tuple[Estimate, NDArray[np.bool_]]:
    """Return by how much the area falls when held-out pictures are edited, and which calls flip.

    The call of an image is whether its score is among the highest of its fold, as many as there are positives.

    Args:
        question: labels, shuffled labels and folds.
        model: the discriminant of the pixels of `before`.
        before: (n, side, side) thumbnails as they are.
        after: (n, side, side) the same, edited.
    """
    fold = question.fold[0]
    weights = model.weights(question.targets.astype(np.float64), fold)
    shape = (2, len(fold), question.targets.shape[1])
    scores, flips = np.zeros(shape), np.zeros(len(fold), dtype=bool)
    for k in np.unique(fold):
        test = fold == k
        for row, pictures in enumerate((before, after)):
            scores[row, test] = pictures[test].reshape(int(test.sum()), -1) @ weights[k]
        threshold = np.quantile(scores[0, test, 0], 1 - question.positive[test].mean())
        flips[test] = (scores[0, test, 0] > threshold) != (scores[1, test, 0] > threshold)
    return question.estimate(scores[:1]) - question.estimate(scores[1:]), flips
