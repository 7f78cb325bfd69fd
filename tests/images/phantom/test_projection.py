"""The radiograph and the CT slices show one and the same anatomy, and it is a chest."""

import numpy as np
import pytest

from radassay.images.phantom.anatomy import Chest, Person, Pose
from radassay.images.phantom.disease import Disease
from radassay.images.phantom.projection import FIELD_MM, Film, lung_depth, radiological_depth
from radassay.images.phantom.slices import Volume


def person(seed: int) -> Person:
    return Person.draw(np.random.default_rng(seed))


@pytest.mark.parametrize("ill", [False, True])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_radiograph_is_the_integral_of_the_volume(seed: int, ill: bool) -> None:
    chest = Chest(person(seed), Pose(rotation=0.03, inspiration=0.5))
    opacities = Disease(extent=0.2, dense=0.3, foci=6, seed=seed).opacities(chest) if ill else None
    film = Film(64, Pose())
    analytic = radiological_depth(chest, film, opacities)
    volume = Volume(chest, opacities, 64, field_mm=FIELD_MM)
    heights = film.grid[1][:, 0]
    slices = [volume.at(float(z), film.pitch).hu for z in heights]
    numeric = np.stack([((1 + hu / 1000) * volume.pitch).sum(axis=0) for hu in slices])
    assert np.corrcoef(analytic.ravel(), numeric.ravel())[0, 1] > 0.999
    assert np.abs(analytic - numeric).mean() / numeric.mean() < 0.012


@pytest.mark.parametrize("seed", range(6))
def test_right_dome_higher_and_heart_to_the_left(seed: int) -> None:
    chest, film = Chest(person(seed)), Film(128, Pose())
    x, z = film.grid
    lung = lung_depth(chest, film) > 60
    s = chest.scale
    lowest = {side: z[:, c][lung[:, c]].min() for side, c in (("right", 41), ("left", 86))}
    assert lowest["right"] > lowest["left"]
    heart = np.maximum.reduce([part.length for part in chest.heart(x, z)])
    assert (heart * x).sum() / heart.sum() > 5 * s  # x grows to the patient's left, the screen's right
    apex = np.argwhere(heart > 5)[:, 1]
    assert apex.max() - 64 > 64 - apex.min()


def test_rotation_moves_front_and_back_apart() -> None:
    straight, turned = (Chest(person(3), Pose(rotation=r)) for r in (0.0, 0.06))
    x, z = Film(128, Pose()).grid
    row = 80

    def middle(chest: Chest, front: bool) -> float:
        part = chest.heart(x, z)[0] if front else chest.vessels(x, z)[-1]
        return float((part.length * x)[row].sum() / part.length[row].sum())

    assert middle(turned, True) - middle(straight, True) > 1
    assert middle(turned, False) - middle(straight, False) < -1


def test_a_deeper_breath_shows_more_lung() -> None:
    film = Film(64, Pose())
    shallow, deep = (lung_depth(Chest(person(4), Pose(inspiration=i)), film).sum() for i in (-1.5, 1.5))
    assert deep > 1.05 * shallow


def test_slices_are_in_hounsfield_units() -> None:
    cut = Volume(Chest(person(5), arms=False), None, 128).at(-20.0, 3.0)
    assert cut.hu[2, 2] == pytest.approx(-1000)
    assert np.median(cut.hu[cut.lung > 0.99]) == pytest.approx(person(5).lung, abs=15)
    assert np.median(cut.hu[cut.heart > 0.99]) == pytest.approx(45, abs=5)
    assert 300 < cut.hu.max() < 2600


@pytest.mark.parametrize("extent", [0.05, 0.15, 0.3])
def test_opacities_have_the_chosen_extent(extent: float) -> None:
    shares = []
    for seed in range(4):
        chest = Chest(person(seed), arms=False)
        volume = Volume(chest, Disease(extent, 0.3, 6, seed).opacities(chest), 48)
        cuts = [volume.at(z, 3.0) for z in range(-160, 130, 12)]
        lung = sum(c.lung.sum() for c in cuts)
        shares.append(sum(((c.opacity >= 50) * c.lung).sum() for c in cuts) / lung)
    assert np.mean(shares) == pytest.approx(extent, rel=0.35)


def test_opacities_prefer_both_lower_zones() -> None:
    sides, heights = [], []
    for seed in range(40):
        chest = Chest(person(seed))
        o = Disease(0.15, 0.3, 6, seed).opacities(chest)
        sides.append(min(o.mass[o.x < 0].sum(), o.mass[o.x >= 0].sum()) / o.mass.sum())
        heights.append(np.average(o.z, weights=o.mass) / chest.scale)
    assert np.mean(np.array(sides) > 0.05) > 0.95
    assert np.mean(heights) < -5  # the lungs reach from about -125 to 125


def test_women_have_breasts_and_men_have_none() -> None:
    x, z = Film(64, Pose()).grid
    for seed in range(12):
        who = person(seed)
        assert (Chest(who).breast(x, z).max() > 10) == (who.sex == "F")
