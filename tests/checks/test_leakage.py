"""The leakage check finds the same patient and the same radiograph, and nothing else."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from real_images import altered, halved, sample, textures

from radassay.checks.leakage import Leakage
from radassay.checks.same_radiograph import Views, compare
from radassay.contracts.check import Inputs
from radassay.images.intensity import to_display

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"


def measured(inputs, check=None):
    findings = (check or Leakage()).measure(inputs, np.random.default_rng(0))
    return {f.name if f.slice == "all" else f"{f.name} {f.slice}": f for f in findings}


@pytest.fixture(scope="module")
def large():
    return textures(40, 0, 256)


@pytest.fixture(scope="module")
def films(large):
    return halved(large)


ALTERATIONS = {
    "resaved": {"quality": 60},
    "cropped": {"cut": (0.1, 0.05, 0.12, 0.0)},
    "cropped to a part": {"cut": (0.2, 0.1, 0.1, 0.2)},
    "in another window": {"gamma": 1.8},
    "framed in black": {"edge": 12},
    "cropped, windowed and resaved": {"cut": (0.05, 0.05, 0.08, 0.1), "gamma": 0.8, "quality": 85},
}


@pytest.mark.parametrize("case", ALTERATIONS)
def test_the_same_film_is_found_again(large, films, case):
    others = halved(textures(30, 1, 256))
    others[7] = altered(large[11], **ALTERATIONS[case])
    found = measured(Inputs(sample("a", films), sample("b", others)), Leakage().quick())["shared_images"]
    assert found.value == 1
    assert found.details["sources"] == [["training: a/11.png", "held-out: b/7.png"]]


def test_other_films_do_not_match(films):
    found = measured(Inputs(sample("a", films), sample("b", textures(40, 2))))
    assert found["shared_images"].value == 0
    assert found["repeated_images"].value == 0
    assert found["false_matches"].value == 0
    assert found["false_matches"].details["best_score"] < 0.6


def test_small_films_must_be_more_alike(films):
    other = 0.8 * films[:5] + 0.2 * halved(textures(5, 9, 256))
    usual = measured(Inputs(sample("a", films[:20]), sample("b", other)), Leakage().quick())["shared_images"]
    assert usual.value == 5
    assert all(0.8 < score < 0.99 for _, _, score in usual.details["pairs"])
    small = sample("a", films[:20], height=64.0)
    strict = Leakage(threshold_small=0.99).quick()
    assert measured(Inputs(small, sample("b", other)), strict)["shared_images"].value == 0


def test_where_a_film_is_found_again_is_told(films):
    other = sample("elsewhere", np.concatenate([textures(10, 3), films[:3]]))
    test = sample("c", np.concatenate([textures(10, 4), films[4:5]]))
    training = sample("a", np.concatenate([films, films[5:7]]))
    found = measured(Inputs(training, sample("b", textures(10, 5)), others=(other,), sealed=test))
    assert found["shared_images"].details["counts"]["training and test"] == 1
    assert found["repeated_images"].value == 2
    assert found["shared_with_others"].value == 3
    assert found["shared_with_others set=elsewhere"].value == 3
    pair = found["shared_with_others"].details["pairs"][0]
    assert {pair[0], pair[1]} <= {*training.images, *other.images}


def test_the_same_patient_on_both_sides_is_counted(films):
    first = sample("a", films[:10], patient=[f"p{i // 2}" for i in range(10)])
    second = sample("b", films[10:20], patient=[f"p{i + 3}" for i in range(10)])
    assert measured(Inputs(first, second), Leakage().quick())["shared_patients"].value == 2
    nobody = sample("b", films[10:20], patient="")
    found = measured(Inputs(first, nobody), Leakage().quick())["shared_patients"]
    assert found.value == 0
    assert "10 images is not known" in found.reason
    assert measured(Inputs(nobody, nobody), Leakage().quick())["shared_patients"].value is None


def test_flat_pictures_match_only_when_they_are_the_same_file():
    flat = np.stack([np.full((64, 64), v, dtype=np.float32) for v in (0.1, 0.2, 0.3)])
    found = measured(Inputs(sample("a", flat[:2]), sample("b", flat[1:])), Leakage().quick())
    assert found["shared_images"].value == 1


def test_pairs_within_a_set_are_named_once(films):
    views = Views.of(np.concatenate([films[:5], films[:5]]))
    found = compare(views).above(0.8)
    assert sorted(map(tuple, found.pairs.tolist())) == [(i, i + 5) for i in range(5)]


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "darkcovidnet").exists(), reason="needs ../shared/data/darkcovidnet and cohen-cxr")
def test_darkcovidnet_shares_its_covid_images_with_cohen_cxr():
    def read(paths):
        pictures = [to_display(np.asarray(Image.open(p).convert("L")), (0, 255), 128) for p in paths]
        return np.stack(pictures), [p.stem for p in paths]

    composite, names = read(sorted((DATA / "darkcovidnet" / "Covid-19").iterdir()))
    healthy, _ = read(sorted((DATA / "darkcovidnet" / "No_findings").iterdir())[:200])
    cohen, cohen_names = read(sorted((DATA / "cohen-cxr" / "images").iterdir()))
    found = compare(Views.of(np.concatenate([composite, healthy])), Views.of(cohen)).above(0.8)
    pairs = {(int(i), int(j)) for i, j in found.pairs}
    same_name = {(i, cohen_names.index(n)) for i, n in enumerate(names) if n in cohen_names}
    assert len(same_name) == 119
    assert len(same_name & pairs) >= 117
    assert not [i for i, _ in pairs if i >= len(names)]
