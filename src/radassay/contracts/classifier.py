"""What a diagnosis model must do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from radassay.contracts.grey import Grey


@dataclass(frozen=True)
class Job:
    """One training among several on shared images."""

    rows: NDArray[np.intp]
    """(n,) rows of the shared images that it learns from; a row may come twice."""
    targets: NDArray[np.bool_]
    """(n,) whether each of them is positive."""
    augment: bool
    """Whether classical augmentation is on."""
    seed: int
    core: int = 0
    """So many of the first rows fill half of every batch, the same ones in every job with the same core and seed; the
    others share the other half with them. 0: all rows alike."""
    balanced: bool = False
    """Whether batches hold both classes equally often, in place of the mix that the rows have."""


class Classifier(Protocol):
    """A small diagnosis model: the trial trains many.

    Contract:
        - `fit_scores` does every job for exactly `steps` steps, keeps its snapshot that is best on the validation
          images, and yields the score of each test image, in the order of the jobs, each as soon as it is known:
          higher means more likely positive.
        - Jobs do not know of each other: the scores of one are those of the same job alone, up to rounding.
        - Same arguments, same machine, same threads: same scores. Nothing is learned from the test images.
        - A job's `targets` may hold one class only: scores are then constant.
        - `pixels` may be a read-only memory map, which processes share.
    """

    name: ClassVar[str]
    paper: ClassVar[str]

    def fit_scores(
        self,
        pixels: Grey,
        jobs: Sequence[Job],
        validation: tuple[Grey, NDArray[np.bool_]],
        test: Grey,
        *,
        steps: int,
    ) -> Iterator[NDArray[np.float64]]: ...


def fit_score(
    classifier: Classifier,
    pixels: Grey,
    targets: NDArray[np.bool_],
    validation: tuple[Grey, NDArray[np.bool_]],
    test: Grey,
    *,
    steps: int,
    augment: bool,
    seed: int,
) -> NDArray[np.float64]:
    """Return the scores of the test images, (n_test,), after one training on all of `pixels`, both classes alike.

    Args:
        classifier: what is trained.
        pixels: (n, size, size)
        targets: (n,) whether each is positive.
        validation: images that choose the snapshot, and whether they are positive.
        test: images to score.
        steps: optimisation steps.
        augment: whether classical augmentation is on.
        seed: of the weights, the batches and the augmentation.
    """
    job = Job(np.arange(len(pixels)), targets, augment, seed, balanced=True)
    (scores,) = classifier.fit_scores(pixels, [job], validation, test, steps=steps)
    return scores
