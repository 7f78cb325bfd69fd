"""Image sets that were translated: whose they are, what they were made from, and what is refused."""

import numpy as np
import pytest

from radassay.cli.main import main
from radassay.errors import InputError
from radassay.images.imageset import ImageSet
from radassay.images.phantom import Cohort, make_phantoms
from radassay.registry import load
from radassay.workbench.making import sample, train, translate

SHORT = {"images_seen": 16, "batch_size": 4, "width": 2, "threads": 1, "device": "cpu"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder of a cohort and that of a translator trained on it."""
    folder = tmp_path_factory.mktemp("translating")
    images = make_phantoms(folder / "set", Cohort(patients=12, images_per_patient=1, size=32, seed=1))
    train(images, folder / "cyclegan", load("generators", "cyclegan")(**SHORT), size=32, fit="squash", seed=1)
    return folder, images


def test_translated_images_tell_where_they_come_from(made, capsys):
    folder, images = made
    command = ["translate", folder / "cyclegan", folder / "set", "--target", "disease", "--out", folder / "ill"]
    assert main([str(part) for part in command]) == 0
    ill, healthy = ImageSet.open(folder / "ill"), images.where(label="healthy")
    assert (
        f"{len(healthy)} images translated, {len(images) - len(healthy)} were disease already"
        in capsys.readouterr().out
    )
    assert set(ill.table["origin"]) == {"generated"} and set(ill.table["label"]) == {"disease"}
    assert len(ill) == len(healthy)
    patients = dict(zip(healthy.table["image"], healthy.table["patient"], strict=True))
    assert [patients[source] for source in ill.table["translated_from"]] == ill.table["patient"].tolist()
    expected = load("generators", "cyclegan")(**SHORT).translate(
        healthy.load(32), healthy.table["label"].to_numpy(dtype=str), folder / "cyclegan", target="disease", seed=1
    )
    place = {image: row for row, image in enumerate(healthy.table["image"])}
    order = [place[source] for source in ill.table["translated_from"]]
    np.testing.assert_allclose(ill.load(32), expected[order], atol=0.5 / 255 + 1e-6)


def test_what_cannot_be_translated_is_refused(made, tmp_path):
    folder, images = made
    translator = load("generators", "cyclegan")(**SHORT)
    ill = images.where(label="disease")
    for model, given, target, said in (
        (translator, ill, "disease", "disease already"),
        (translator, images, "sepsis", r"sepsis.*disease, healthy"),
        (load("generators", "projection-gan")(), images, "disease", "does not translate"),
    ):
        with pytest.raises(InputError, match=said):
            translate(model, folder / "cyclegan", given, tmp_path, target, seed=1)
    assert main(["translate", str(folder), str(folder / "set"), "--target", "disease", "--out", str(tmp_path)]) == 2


def test_samples_still_name_the_generator(made, tmp_path):
    folder, _ = made
    drawn = sample(
        load("generators", "cyclegan")(**SHORT), folder / "cyclegan", tmp_path, np.array(["disease"] * 2), seed=1
    )
    assert sorted(drawn.table["source"]) == ["cyclegan/000000", "cyclegan/000001"]
    assert "translated_from" not in drawn.table
