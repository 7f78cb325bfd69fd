"""The adapter for medigan: against a stand-in with its interface, in a process of its own."""

import json
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest

from radassay.errors import InputError, SettingsError
from radassay.generators.elsewhere.medigan_model import Medigan

LABELS = np.array(["benign", "malignant"] * 4)
PIXELS = np.random.default_rng(0).random((8, 16, 16), dtype=np.float32)
STAND_IN = """
import random, socket, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from drawing_program import picture


class Generators:
    def generate(self, model_id, num_samples, output_path, save_images, install_dependencies, batch_size, **given):
        assert save_images and not install_dependencies and batch_size > num_samples
        assert Path("config/global.json").exists(), "it runs in its home"
        if given.pop("fetch", False):
            socket.create_connection(("example.org", 443))
        for number in range(num_samples):
            seed = random.random()
            Path(output_path, f"batch_0_{{number}}.png").write_bytes(picture(seed, str((model_id, given)), 24))
            Path(output_path, f"batch_0_{{number}}_mask.txt").write_text("mask")
"""


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home"
    told = {
        "selection": {"license": "MIT", "dataset": ["CBIS-DDSM"]},
        "description": {"version": None, "title": "conditional DCGAN"},
    }
    (folder / "config").mkdir(parents=True)
    (folder / "config" / "global.json").write_text(json.dumps({"00008": told, "unfetched": told}))
    (folder / "models" / "00008").mkdir(parents=True)
    (folder / "models" / "00008" / "weights.pt").write_bytes(b"weights")
    (folder / "medigan.py").write_text(STAND_IN.format(tests=str(Path(__file__).parent)))
    # without site-packages, so that a call need not wait for torch
    (folder / "python").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -S "$@"\n')
    (folder / "python").chmod(0o755)
    return folder


def adapter(home, **changes):
    settings = {
        "model": "00008",
        "home": str(home),
        "python": str(home / "python"),
        "files_wanted": "*.png",
        "block": 5,
    }
    classes = {"argument": "condition", "labels": {"benign": "0", "malignant": "1"}}
    return Medigan(**{**settings, **classes, **changes})


def test_pictures_of_a_class_depend_on_seed_and_place_alone(home, tmp_path):
    drawer = adapter(home)
    drawer.fit(PIXELS, LABELS, tmp_path / "run", seed=0)
    drawn = drawer.sample(LABELS, tmp_path / "run", seed=1)
    np.testing.assert_array_equal(drawer.sample(LABELS[:3], tmp_path / "run", seed=1), drawn[:3])
    other = LABELS.copy()
    other[0] = "malignant"
    changed = drawer.sample(other, tmp_path / "run", seed=1)
    assert not np.array_equal(changed[0], drawn[0])
    np.testing.assert_array_equal(changed[1:], drawn[1:])
    told = json.loads((tmp_path / "run" / "elsewhere.json").read_text())
    assert told["origin"]["trained_on"] == "CBIS-DDSM"
    assert told["origin"]["licence"] == "MIT"
    assert told["unknown"] == ["version"]
    assert list(told["origin"]["files"]) == ["00008/weights.pt"]
    assert told["repeats"] is True


def test_it_has_no_network(home, tmp_path):
    with pytest.raises(InputError, match=r"(?s)code 1.*without a network; fetch the model beforehand"):
        adapter(home, arguments={"fetch": True}).fit(PIXELS, LABELS, tmp_path / "run", seed=0)


def test_what_is_missing_is_said(home, tmp_path):
    assert "must be given" in Medigan().missing
    assert "no program" in adapter(home, python="no-such-python").missing
    assert "global.json" in adapter(tmp_path / "nowhere", python=sys.executable).missing
    with pytest.raises(InputError, match="has not fetched unfetched"):
        adapter(home, model="unfetched").fit(PIXELS, LABELS, tmp_path / "run", seed=0)
    with pytest.raises(InputError, match="does not know 00009"):
        adapter(home, model="00009").fit(PIXELS, LABELS, tmp_path / "run", seed=0)
    with pytest.raises(SettingsError, match="draws one class"):
        adapter(home, argument="").fit(PIXELS, LABELS, tmp_path / "run", seed=0)
