"""The lung finder on simulated chests it was not trained on."""

import numpy as np
import pytest

from radassay.anatomy.lungs import find_lungs, lungs
from radassay.images.phantom import Cohort


@pytest.fixture(scope="module")
def chests():
    """Twelve films and where lung air is seen, 128 pixels."""
    cohort = Cohort(patients=12, images_per_patient=1, size=128, extent=(0.1, 0.4), seed=90)
    pictures = list(cohort.pictures())
    return np.stack([p.grey() for p in pictures]), np.stack([p.masks().lung for p in pictures])


def dice(found, truth):
    return 2 * (found & truth).sum((1, 2)) / (found.sum((1, 2)) + truth.sum((1, 2)))


def test_lungs_of_new_phantoms_are_found(chests):
    films, truth = chests
    # the truth holds a strip of mediastinum that readers leave out, so 1 cannot be reached
    assert dice(find_lungs(films), truth).min() > 0.85


def test_dense_opacities_belong_to_the_lung(chests):
    films, truth = chests
    rows, columns = np.mgrid[:128, :128]
    spot = np.exp(-((rows - 64) ** 2 + (columns - 32) ** 2) / 200) * truth
    white = films + (0.8 - films) * spot
    assert find_lungs(white)[:, 60:68, 28:36].mean() > 0.9


@pytest.mark.parametrize("change", [lambda x: x**0.6, lambda x: 0.2 + 0.5 * x, lambda x: np.clip(1.4 * x, 0, 1)])
def test_another_contrast_changes_little(chests, change):
    films, _ = chests
    assert dice(find_lungs(films), find_lungs(change(films))).mean() > 0.95


def test_each_picture_is_answered_for_itself(chests):
    films, _ = chests
    together, alone = lungs(films), lungs(films[3:4])
    assert (together.masks[3] == alone.masks[0]).all()
    assert together.confidence[3] == alone.confidence[0]


@pytest.mark.parametrize("size", [32, 100, 300])
def test_any_size_and_no_lungs_at_all(size):
    found = lungs(np.zeros((1, size, size), dtype=np.float32))
    assert found.masks.shape == (1, size, size)
    assert np.isfinite(found.confidence).all()


def test_one_dark_region_alone_is_not_trusted():
    rows, columns = np.mgrid[:128, :128]
    inside = ((rows - 64) / 40) ** 2 + ((columns - 64) / 25) ** 2 < 1
    assert lungs(np.where(inside, 0.2, 0.8)[None]).confidence[0] < 0.5


def test_noise_is_trusted_less_than_a_film(chests):
    films, _ = chests
    noise = np.random.default_rng(0).random((4, 128, 128)).astype(np.float32)
    assert lungs(noise).confidence.max() < lungs(films).confidence.min()
