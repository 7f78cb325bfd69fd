"""Every registered classifier keeps the contract."""

from dataclasses import replace

import numpy as np
import pytest

from radassay import registry
from radassay.contracts.classifier import Job, fit_score
from radassay.errors import InputError

NAMES = registry.names("classifiers")


@pytest.fixture(params=NAMES)
def classifier(request):
    return registry.load("classifiers", request.param)()


def chests(n: int, seed: int, size: int = 32):
    """Return noise pictures of which half have a bright patch somewhere in the middle."""
    rng = np.random.default_rng(seed)
    pixels = rng.random((n, size, size), dtype=np.float32) * 0.4 + 0.2
    targets = np.arange(n) % 2 == 0
    for i in np.flatnonzero(targets):
        top, left = rng.integers(6, size - 14, 2)
        pixels[i, top : top + 8, left : left + 8] += 0.3
    return pixels, targets


TRAINING, VALIDATION, TEST = chests(48, 1), chests(24, 2), chests(70, 3)


def fit(classifier, **changes):
    settings = {"steps": 40, "augment": False, "seed": 0, **changes}
    training = settings.pop("training", TRAINING)
    validation = settings.pop("validation", VALIDATION)
    return fit_score(classifier, *training, validation, settings.pop("test", TEST[0]), **settings)


def separation(scores):
    return np.mean(scores[TEST[1]][:, None] > scores[~TEST[1]])


def test_it_learns_what_can_be_learned(classifier):
    scores = fit(classifier)
    assert scores.shape == (70,)
    assert scores.dtype == np.float64
    assert separation(scores) > 0.9


def test_it_learns_nothing_where_there_is_nothing(classifier):
    shuffled = np.random.default_rng(4).permutation(TRAINING[1])
    noise = np.random.default_rng(5).random((48, 32, 32), dtype=np.float32)
    areas = [separation(fit(classifier, training=(noise, shuffled), seed=s)) for s in range(3)]
    assert 0.2 < np.mean(areas) < 0.8


@pytest.mark.parametrize("augment", [False, True])
def test_the_same_arguments_give_the_same_scores(classifier, augment):
    np.random.seed(1)  # noqa: NPY002 - a global state that must not matter
    first = fit(classifier, steps=6, augment=augment)
    np.random.seed(2)  # noqa: NPY002
    assert first.tobytes() == fit(classifier, steps=6, augment=augment).tobytes()
    assert first.tobytes() != fit(classifier, steps=6, augment=augment, seed=1).tobytes()


def test_augmentation_changes_the_training(classifier):
    assert not np.array_equal(fit(classifier, steps=6), fit(classifier, steps=6, augment=True))


def test_nothing_is_learned_from_the_test_images(classifier):
    whole = fit(classifier, steps=6)
    few = fit(classifier, steps=6, test=TEST[0][:9])
    np.testing.assert_allclose(few, whole[:9], rtol=1e-5)
    assert fit(classifier, steps=6, test=TEST[0][:0]).shape == (0,)


@pytest.mark.parametrize("value", [False, True])
def test_one_class_scores_all_images_alike(classifier, value):
    scores = fit(classifier, training=(TRAINING[0], np.full(48, value)))
    assert len(set(scores.tolist())) == 1


def test_validation_images_of_one_class_or_none_are_no_exception(classifier):
    one = (VALIDATION[0], np.ones(24, dtype=bool))
    none = (VALIDATION[0][:0], VALIDATION[1][:0])
    for validation in (one, none):
        assert np.isfinite(fit(classifier, steps=6, validation=validation)).all()


def test_flat_images_are_no_exception(classifier):
    flat = (np.zeros_like(TRAINING[0]), TRAINING[1])
    assert np.isfinite(fit(classifier, steps=6, training=flat)).all()


def test_what_is_no_image_is_refused(classifier):
    broken = TRAINING[0].copy()
    broken[3, 4, 5] = np.nan
    for training in ((broken, TRAINING[1]), (TRAINING[0][:0], TRAINING[1][:0]), (TRAINING[0][0], TRAINING[1])):
        with pytest.raises(InputError):
            fit(classifier, training=training)
    with pytest.raises(InputError):
        fit(classifier, test=chests(4, 0, size=48)[0])


def test_jobs_on_shared_images_get_the_scores_of_trainings_alone(classifier):
    rows = np.array([5, 4, 3, 2, 9, 8, 8, 1, 0, 0])
    jobs = [Job(rows, TRAINING[1][rows], True, 3), Job(np.arange(48), TRAINING[1], False, 4, core=30, balanced=True)]
    together = list(classifier.fit_scores(TRAINING[0], jobs, VALIDATION, TEST[0], steps=6))
    for job, scores in zip(jobs, together, strict=True):
        own = replace(job, rows=np.arange(len(job.rows)))
        (alone,) = classifier.fit_scores(TRAINING[0][job.rows], [own], VALIDATION, TEST[0], steps=6)
        np.testing.assert_allclose(scores, alone, rtol=0, atol=1e-6)


def test_a_core_that_is_no_part_of_the_rows_is_refused(classifier):
    with pytest.raises(InputError):
        next(
            classifier.fit_scores(
                TRAINING[0], [Job(np.arange(3), TRAINING[1][:3], False, 0, core=4)], VALIDATION, TEST[0], steps=2
            )
        )
