"""Other views of a simulated chest agree with the film and the slices that they come from."""

from dataclasses import replace

import numpy as np
import pytest

from radassay.images.phantom import HOSPITALS, Cohort
from radassay.images.phantom.anatomy import Chest, Pose
from radassay.images.phantom.projection import Film, radiological_depth
from radassay.images.phantom.views import Block


@pytest.fixture(scope="module")
def block():
    person = Cohort().patient(0).person
    return Block(Chest(person, Pose(), arms=False))


def test_the_block_seen_from_the_front_is_the_film(block) -> None:
    seen = block.depth(1)
    film = radiological_depth(block.chest, Film(104, replace(block.chest.pose, zoom=356 / 380)))
    assert np.corrcoef(seen.ravel(), film.ravel())[0, 1] > 0.97
    assert abs(np.median(seen[30:80, 30:75]) / np.median(film[30:80, 30:75]) - 1) < 0.1


def test_a_lateral_film_shows_spine_behind_and_air_in_front(block) -> None:
    shown = block.lateral(HOSPITALS[0], np.random.default_rng(0))
    assert shown.shape == (104, 104)
    assert 0 <= shown.min() < shown.max() <= 1
    depth = block.depth(2)
    # the body is deeper from side to side than from front to back, and its back carries the spine
    assert np.median(depth[60:90, 40:64].max(axis=1)) > np.median(block.depth(1)[60:90, 30:40].max(axis=1))
    assert not np.allclose(shown, shown[:, ::-1], atol=0.2)


def test_slices_show_lung_dark_and_soft_tissue_bright(block) -> None:
    for plane, place in (("axial", 0.5), ("coronal", 0.5), ("sagittal", 0.32)):
        cut = block.cut(plane, place)
        assert cut.dtype == np.uint8
        inside = cut[20:84, 20:84]
        assert (inside > 200).mean() > 0.1
        assert ((inside > 60) & (inside < 120)).mean() > 0.1
