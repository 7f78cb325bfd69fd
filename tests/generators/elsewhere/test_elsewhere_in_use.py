"""A generator made elsewhere on the way that a user takes: trained, sampled, and told of in a run."""

import json

import numpy as np
import pytest
from PIL import Image
from test_command import BLOCKS, FIT

from radassay.cli.main import main
from radassay.errors import SettingsError
from radassay.images.imageset import ImageSet
from radassay.workbench.making import generator_for
from radassay.workbench.path import seen_elsewhere


def test_it_is_trained_and_sampled_from_the_command_line(tmp_path, capsys):
    for label in ("covid", "normal"):
        (tmp_path / "images" / label).mkdir(parents=True)
        for number in range(3):
            grey = np.random.default_rng(number).integers(0, 255, (20, 20), dtype=np.uint8)
            Image.fromarray(grey).save(tmp_path / "images" / label / f"{number}.png")
    assert main(["import", str(tmp_path / "images"), "--out", str(tmp_path / "set")]) == 0
    settings = ["fit_command", FIT, "sample_command", BLOCKS, "block", "6", "labels", '{covid = "1", normal = "0"}']
    command = ["train", str(tmp_path / "set"), "--out", str(tmp_path / "made"), "--generator", "command"]
    assert main([*command, "--size", "32", "--set", *settings]) == 0, capsys.readouterr().err
    assert {path.name for path in (tmp_path / "made" / "model" / "images").iterdir()} == {"0", "1"}
    assert "training.html" not in capsys.readouterr().out
    wanted = ["--label", "normal", "--count", "4"]
    assert main(["sample", str(tmp_path / "made"), "--out", str(tmp_path / "drawn"), *wanted]) == 0
    drawn = ImageSet.open(tmp_path / "drawn")
    assert drawn.table["label"].tolist() == ["normal"] * 4
    assert set(drawn.table["origin"]) == {"generated"}
    assert set(drawn.table["height"]) == {32}


def test_a_run_says_what_the_generator_may_have_seen(tmp_path):
    assert seen_elsewhere(tmp_path / "elsewhere.json") == []
    about = {"leaks": "it had seen: unknown", "repeats": False, "origin": {"model": "m"}, "unknown": ["trained_on"]}
    (tmp_path / "elsewhere.json").write_text(json.dumps(about))
    (finding,) = seen_elsewhere(tmp_path / "elsewhere.json")
    assert finding.value is None
    assert "it had seen: unknown" in finding.reason and "drew others" in finding.reason
    assert finding.details["unknown"] == ["trained_on"]


def test_a_study_whose_generator_is_not_ready_is_refused_before_any_work():
    with pytest.raises(SettingsError, match=r"command is not ready.*sample_command"):
        generator_for("command", {}, 64)
