"""The pictures of trainings side by side: those of each alone, and each change made once."""

import numpy as np
import pytest
import torch

from radassay.classifiers.augmentation import Augmentation
from radassay.classifiers.batches import Batches
from radassay.classifiers.course import Course
from radassay.contracts.classifier import Job

SIDE, BATCH, STEPS, CORE = 24, 8, 4, 20
PIXELS = torch.from_numpy(np.random.default_rng(0).random((60, 1, SIDE, SIDE), dtype=np.float32))
TARGETS = np.arange(60) % 3 == 0


def course(more, augment=True, seed=5):
    rows = np.r_[np.arange(CORE), more]
    job = Job(rows, TARGETS[rows], augment, seed, core=CORE)
    return Course(job, torch.ones(len(PIXELS), 2, dtype=torch.float64), STEPS, BATCH)


class Counted(Augmentation):
    """Keeps how many images each call changes."""

    def __init__(self):
        super().__init__()
        object.__setattr__(self, "counts", [])

    def change(self, pixels, draws):
        self.counts.append(len(pixels))
        return super().change(pixels, draws)


def courses():
    return [
        course(np.arange(20, 40)),
        course(np.arange(40, 60)),
        course(np.arange(20, 40), augment=False),
        course(np.arange(20, 40), seed=6),
        course(np.zeros(0, dtype=int)),
    ]


def steps(batches):
    return [batches.at(step) for step in range(STEPS)]


def test_a_training_beside_others_sees_the_pictures_that_it_sees_alone():
    beside = steps(Batches(PIXELS, Augmentation(), courses()))
    for i, one in enumerate(courses()):
        alone = steps(Batches(PIXELS, Augmentation(), [one]))
        assert all(torch.equal(a[0], b[i]) for a, b in zip(alone, beside, strict=True))


def test_trainings_without_augmentation_see_the_images_as_they_are():
    plain = course(np.arange(20, 40), augment=False)
    (pictures,) = Batches(PIXELS, Augmentation(), [plain]).at(2)
    assert torch.equal(pictures, PIXELS[plain.rows[2]])


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_core_is_changed_once_for_all_trainings_of_a_seed(count):
    counted = Counted()
    made = [course(np.arange(20, 40)), course(np.arange(40, 60)), course(np.r_[40:60, 20:40])][:count]
    pictures = steps(Batches(PIXELS, counted, made))
    half = BATCH // 2
    assert all(torch.equal(one[0][:half], other[:half]) for one in pictures for other in one)
    assert len(counted.counts) == STEPS
    assert all(half * 2 <= n <= half + half * count for n in counted.counts)
    assert len({tuple(one[0].flatten().tolist()) for one in pictures}) == STEPS, "each step has draws of its own"
