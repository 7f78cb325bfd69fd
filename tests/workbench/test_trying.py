"""A trial that cannot be done is refused before anything is trained, by name, and carries on once it can."""

import json

import cv2
import numpy as np
import pytest
from PIL import Image

from radassay.cli.main import main
from radassay.errors import RefusedError
from radassay.images.phantom import Cohort
from radassay.workbench import path, trying
from radassay.workbench.study import study_of

PATIENTS = 36


@pytest.fixture(scope="module")
def chests(tmp_path_factory):
    """Simulated chests with a published split, in which one film of a training patient is tested on, re-windowed."""
    folder = tmp_path_factory.mktemp("chests")
    pictures = list(Cohort(patients=PATIENTS, images_per_patient=1, size=192, seed=5).pictures())
    for number, picture in enumerate(pictures):
        kind = folder / picture.patient.label
        kind.mkdir(exist_ok=True)
        Image.fromarray(picture.pixels()).save(kind / f"{number:02d}.png")
    first = pictures[0]
    again = np.clip(cv2.resize(first.pixels(), (176, 176)).astype(float) * 0.9 + 12, 0, 255).astype(np.uint8)
    Image.fromarray(again).save(folder / first.patient.label / "again.png")
    (folder / "train.txt").write_text("\n".join(f"{n:02d}.png" for n in range(20)))
    (folder / "test.txt").write_text("\n".join([*(f"{n:02d}.png" for n in range(26, PATIENTS)), "again.png"]))
    return folder


def study(chests, **trial):
    lists = {"train": ["train.txt"], "test": ["test.txt"]}
    return study_of(
        {
            "name": "small",
            "seed": 3,
            "size": 32,
            "real": {"source": str(chests), "positive": ["disease"], "split_lists": lists},
            "split": {"published": True},
            "synthetic": {"generator": "projection-gan"},
            "trial": {"seeds": 2, "steps": 2, **trial},
        }
    )


def ends(*given):
    raise KeyboardInterrupt


def test_a_radiograph_on_both_sides_is_refused_before_anything_is_trained(chests, tmp_path, monkeypatch):
    out = tmp_path / "run"
    with pytest.raises(RefusedError, match="1 test images show a radiograph"):
        path.run(study(chests), out)
    assert not (out / "work" / "generator").exists()
    (pair,) = json.loads((out / "work" / "trial" / "same_radiographs.json").read_text())["pairs"]
    # The plan is amended and the run goes on to the generator, without seeking the pairs again.
    monkeypatch.setattr(trying, "match", None)
    monkeypatch.setattr(path, "make_synthetic", ends)
    with pytest.raises(KeyboardInterrupt):
        path.run(study(chests, duplicates="leave out"), out, amend="it is left out")
    assert len(pair) == 2


def test_a_changed_trial_is_carried_on_with_a_reason_by_the_command_too(chests, tmp_path, capsys):
    file = tmp_path / "study.toml"
    text = f"""
name = "small"
size = 32
[real]
source = "{chests}"
positive = ["disease"]
split_lists = {{ train = ["train.txt"], test = ["test.txt"] }}
[split]
published = true
[synthetic]
generator = "projection-gan"
[trial]
steps = 2
"""
    file.write_text(text)
    out = str(tmp_path / "run")
    assert main(["run", str(file), "--out", out]) == 2
    assert "leave out" in capsys.readouterr().err
    file.write_text(text.replace("steps = 2", "steps = 3"))
    assert main(["run", str(file), "--out", out]) == 2
    assert "--amend REASON carries on" in capsys.readouterr().err
    assert main(["run", str(file), "--out", out, "--amend", "two are too few"]) == 2
    assert "show a radiograph" in capsys.readouterr().err
    assert json.loads((tmp_path / "run" / "run.json").read_text())["amendments"][0]["reason"] == "two are too few"
