"""Pipelines of diffusers: classes, safety, and that a picture does not depend on how many are asked for."""

import json
import shutil

import numpy as np
import pytest
import torch
from tiny_models import pipeline

from radassay.errors import InputError, SettingsError
from radassay.generators.elsewhere.diffusers_pipeline import DiffusersPipeline, grey

LABELS = np.array(["covid", "other"] * 4)
PIXELS = np.random.default_rng(0).random((8, 16, 16), dtype=np.float32)


def needs_diffusers():
    pytest.importorskip("diffusers", reason="pipelines are not tested: pip install 'radassay[diffusers]'")


@pytest.fixture(scope="module")
def plain_pipeline(tmp_path_factory):
    needs_diffusers()
    return pipeline(tmp_path_factory.mktemp("diffusers") / "plain", conditional=False)


@pytest.fixture(scope="module")
def class_pipeline(tmp_path_factory):
    needs_diffusers()
    return pipeline(tmp_path_factory.mktemp("diffusers") / "by-class")


def adapter(folder, **changes):
    return DiffusersPipeline(**{"model": str(folder), "steps": 2, "device": "cpu", **changes})


def test_classes_are_drawn_by_number_and_pictures_stay_the_same(class_pipeline, tmp_path):
    settings = {"argument": "class_labels", "labels": {"covid": "3", "other": "7"}}
    drawer = adapter(class_pipeline, settings={"guidance_scale": 1.0}, **settings)
    drawer.fit(PIXELS, LABELS, tmp_path, seed=0)
    drawn = drawer.sample(LABELS, tmp_path, seed=1)
    assert drawn.shape == (8, 16, 16)
    assert np.ptp(drawn) > 0
    np.testing.assert_array_equal(drawer.sample(LABELS[:3], tmp_path, seed=1, batch=1), drawn[:3])
    other = LABELS.copy()
    other[0] = "other"
    changed = drawer.sample(other, tmp_path, seed=1)
    assert not np.array_equal(changed[0], drawn[0])
    np.testing.assert_array_equal(changed[1:], drawn[1:])
    told = json.loads((tmp_path / "elsewhere.json").read_text())
    assert told["origin"]["licence"] == "mit"
    assert told["origin"]["note"] == "DiTPipeline"
    assert told["repeats"] is True


def test_a_pipeline_without_classes_draws_one(plain_pipeline, tmp_path):
    with pytest.raises(SettingsError, match="draws one class"):
        adapter(plain_pipeline).fit(PIXELS, LABELS, tmp_path / "two", seed=0)
    drawer = adapter(plain_pipeline)
    one = np.array(["covid"] * 8)
    drawer.fit(PIXELS, one, tmp_path / "one", seed=0)
    drawn = drawer.sample(one, tmp_path / "one", seed=1)
    np.testing.assert_array_equal(drawer.sample(one[:5], tmp_path / "one", seed=1), drawn[:5])
    assert not np.array_equal(drawn[0], drawn[1])
    assert json.loads((tmp_path / "one" / "elsewhere.json").read_text())["native"] == "12 x 12"


def test_what_would_run_code_is_refused(plain_pipeline, tmp_path):
    one = np.array(["covid"] * 8)

    def changed(name, change):
        folder = tmp_path / name
        shutil.copytree(plain_pipeline, folder)
        change(folder)
        return adapter(folder)

    def other_library(folder):
        index = json.loads((folder / "model_index.json").read_text())
        (folder / "model_index.json").write_text(json.dumps({**index, "unet": ["my_unet", "Mine"]}))

    def own_class(folder):
        index = json.loads((folder / "model_index.json").read_text())
        (folder / "model_index.json").write_text(json.dumps({**index, "_class_name": ["pipe", "Mine"]}))

    def python(folder):
        (folder / "pipeline.py").write_text("raise SystemExit")

    def pickled(folder):
        (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()
        torch.save({}, folder / "unet" / "diffusion_pytorch_model.bin")

    def none(folder):
        (folder / "model_index.json").unlink()

    for change, told in (
        (other_library, r"parts that are not allowed.*my_unet"),
        (own_class, "parts that are not allowed"),
        (python, r"Python or pickled.*pipeline\.py"),
        (pickled, r"Python or pickled.*\.bin"),
        (none, "no pipeline"),
    ):
        with pytest.raises(InputError, match=told):
            changed(change.__name__, change).fit(PIXELS, one, tmp_path / "run", seed=0)


def test_changed_weights_are_refused(plain_pipeline, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(plain_pipeline, folder)
    one = np.array(["covid"] * 8)
    drawer = adapter(folder)
    drawer.fit(PIXELS, one, tmp_path / "run", seed=0)
    card = folder / "README.md"
    card.write_text(card.read_text() + "changed")
    with pytest.raises(InputError, match=r"not what it was.*README\.md"):
        drawer.sample(one, tmp_path / "run", seed=0)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"argument": "klass"}, "argument"),
        ({"steps": 0}, "steps"),
        ({"settings": {"generator": 1}}, "set by radassay"),
    ],
)
def test_wrong_settings_are_refused_at_once(settings, told):
    with pytest.raises(SettingsError, match=told):
        DiffusersPipeline(**settings)


def test_classes_must_be_numbers_where_numbers_are_wanted(tmp_path):
    with pytest.raises(SettingsError, match=r"class numbers.*covid"):
        DiffusersPipeline(model=str(tmp_path), argument="class_labels").classes_of(["covid"])
    assert DiffusersPipeline(argument="prompt").classes_of(["a", "b"]) == {"a": "a", "b": "b"}


def test_pictures_of_three_channels_become_grey():
    shown = grey(np.stack([np.full((2, 4, 4), v) for v in (0.0, 0.5, 1.0)], axis=-1), 2)
    np.testing.assert_allclose(shown, 0.5)
    with pytest.raises(InputError, match="no pictures"):
        grey(np.zeros((2, 4, 4, 5)), 2)
    with pytest.raises(InputError, match="no pictures"):
        grey(None, 1)
