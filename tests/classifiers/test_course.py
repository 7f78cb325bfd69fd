"""What a batch is made of: the same core images in every arm, and extra ones in the other half."""

import numpy as np
import pytest
import torch

from radassay.classifiers.course import Course
from radassay.contracts.classifier import Job

N, STEPS, BATCH = 40, 30, 16
TARGETS = np.arange(200) % 4 == 0


def course(extra=0, **changes):
    rows = np.arange(N + extra)
    job = Job(rows, TARGETS[rows], False, 5, **{"core": N, **changes})
    moments = torch.ones(len(TARGETS), 2, dtype=torch.float64)
    return Course(job, moments, STEPS, BATCH)


@pytest.mark.parametrize("extra", [0, 10, 40, 160])
def test_half_of_each_batch_is_the_same_core_images_in_every_arm(extra):
    half = BATCH // 2
    assert torch.equal(course(extra).rows[:, :half], course().rows[:, :half])
    assert (course(extra).rows[:, :half] < N).all()


@pytest.mark.parametrize(("extra", "in_a_batch"), [(10, 3), (40, 8), (160, 8)])
def test_extra_images_come_as_often_as_core_ones_up_to_half_of_the_batch(extra, in_a_batch):
    beyond = course(extra).rows >= N
    assert (beyond.sum(dim=1) == in_a_batch).all()
    assert beyond.sum() == in_a_batch * STEPS


def test_every_image_comes_before_any_comes_again():
    drawn = course(160).rows
    counts = np.bincount(drawn[drawn >= N].numpy(), minlength=N + 160)[N:]
    assert counts.max() - counts.min() <= 1


def test_batches_keep_the_mix_of_the_rows_unless_balanced():
    assert course().targets.float().mean() == pytest.approx(0.25, abs=0.02)
    assert (course(balanced=True).targets.sum(dim=1) == BATCH // 2).all()
    mixed = course(40, balanced=True)
    assert (mixed.targets[:, BATCH // 2 :].sum(dim=1) == BATCH // 4).all()


def test_extra_images_of_one_class_are_taken_as_they_are():
    rows = np.arange(N + 10)
    targets = TARGETS[rows].copy()
    targets[N:] = True
    job = Job(rows, targets, False, 5, core=N, balanced=True)
    made = Course(job, torch.ones(len(TARGETS), 2, dtype=torch.float64), STEPS, BATCH)
    assert made.targets[made.rows >= N].all()
