"""Generators made elsewhere keep the generators' contract, but for what only a training here can keep."""

import sys
from pathlib import Path

import numpy as np
import pytest
from test_command import BLOCKS, FIT, TABLE
from tiny_models import SCHEDULERS, UNET, bundle, pipeline

from radassay import registry

sys.path.append(str(Path(__file__).parents[2] / "contracts"))
import test_generators as contract
from test_generators import (  # noqa: F401
    test_a_finished_training_is_not_done_again,
    test_an_image_depends_on_seed_place_and_label_alone,
    test_bad_input_is_refused,
    test_it_says_what_it_is,
    test_nothing_is_pickled,
    test_progress_and_grids,
    test_samples_are_grey_images_of_every_label,
)

KINDS = ["command that trains", "command with a table", "monai", "diffusers"]
CLASSES = {"covid": "0", "other": "1"}


def ready(kind, folder):
    """The settings with which a generator made elsewhere can draw, and what it needs."""
    if kind == "command that trains":
        return {"fit_command": FIT, "sample_command": BLOCKS, "block": 12}
    if kind == "command with a table":
        return {"sample_command": TABLE, "block": 12}
    pytest.importorskip(kind, reason=f"{kind} is not tested: pip install 'radassay[{kind}]'")
    drawn = {"steps": 2, "labels": CLASSES, "device": "cpu", "threads": 1}
    if kind == "diffusers":
        one = {"argument": "class_labels", "settings": {"guidance_scale": 1.0}}
        return {"model": str(pipeline(folder)), **one, **drawn}
    config = {"network_def": UNET, "noise_scheduler": SCHEDULERS["ddim"]}
    told = {"recipe": "diffusion", "conditional": True, "shape": [1, 16, 16], "activation": "sigmoid"}
    return {"model": str(bundle(folder, config)), **told, **drawn}


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def name(kind):
    return kind.split(" ")[0]


@pytest.fixture(scope="module")
def settings(kind, tmp_path_factory):
    return ready(kind, tmp_path_factory.mktemp(kind.replace(" ", "-")) / "model")


@pytest.fixture(autouse=True)
def made(settings, monkeypatch):
    monkeypatch.setattr(contract, "make", lambda name: registry.load("generators", name)(**settings))


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    labels = np.array(["covid", "other", "other"])[np.arange(18) % 3]
    return rng.random((18, 16, 16), dtype=np.float32), labels


@pytest.fixture(scope="module")
def fitted(name, settings, images, tmp_path_factory):
    folder = tmp_path_factory.mktemp(name)
    told = []
    registry.load("generators", name)(**settings).fit(*images, folder, seed=2, report=told.append)
    return folder, told


def test_every_generator_made_elsewhere_is_told_of_here():
    named = {n for n in registry.names("generators") if hasattr(registry.load("generators", n), "missing")}
    assert named == {kind.split(" ")[0] for kind in KINDS} | {"medigan"}  # medigan: test_medigan.py, by a stand-in
