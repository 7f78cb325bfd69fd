"""The audit from the command line: outcomes, resuming after a kill, cards, and what is refused."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from radassay.cli.main import main
from radassay.evidence.run import Run
from radassay.images.phantom import Cohort, make_phantoms
from radassay.workbench.audit import Audit


def folder_of(root: Path, patients=24, seed=3, framed="", copies=()) -> Path:
    """Write a folder per class of simulated chests; those of one class get a bright frame."""
    images = make_phantoms(
        root.parent / f"{root.name}-made", Cohort(patients=patients, images_per_patient=1, seed=seed)
    )
    for row, (label, source) in enumerate(zip(images.table["label"], images.table["source"], strict=True)):
        picture = np.asarray(images.pixels(row)).copy()
        if label == framed:
            picture[:6] = picture[-6:] = 250
        path = root / label / (source.replace("/", "-") + ".png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path)
        if row in copies:
            Image.fromarray(picture[4:-4, 4:-4]).save(path.with_name(f"again{row}.jpg"), quality=85)
    return root


def started(*arguments: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "radassay", "audit", *arguments]
    return subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    root = tmp_path_factory.mktemp("sets")
    return folder_of(root / "ours", 60, framed="disease", copies=(1, 5)), folder_of(root / "theirs", 30, seed=9)


@pytest.fixture(scope="module")
def finished(sets):
    out = sets[0].parent / "run"
    assert main(["audit", *map(str, sets), "--positive", "disease", "--out", str(out)]) == 0
    return out


@pytest.mark.slow
def test_it_ends_sealed_with_outcomes_a_table_of_pairs_and_a_card_a_set(finished):
    run = Run.open_sealed(finished)
    assert not [f for f in run.findings() if f.name == "measured"]
    pairs = run.table("same_radiograph")
    assert {"image_a", "image_b", "score", "verified"} <= set(pairs.columns)
    surest = pairs[pairs["verified"]]
    assert len(surest) == 2
    assert all("again" in a or "again" in b for a, b in zip(surest["image_a"], surest["image_b"], strict=True))
    assert all(Path(p).is_file() for p in surest["image_a"])
    page = (finished / "report.html").read_text("utf-8")
    assert "What is wrong" in page
    assert len(list(finished.glob("cards/*/croissant.json"))) == 2


@pytest.mark.slow
def test_the_frame_of_one_class_is_a_fault(finished, capsys):
    assert main(["report", str(finished)]) == 0
    told = capsys.readouterr().out
    assert "faults found" in told
    assert "ours" in told
    assert "border" in told


@pytest.mark.slow
def test_killed_at_random_moments_it_ends_in_the_same_findings(sets, finished):
    out = finished.parent / "killed"
    arguments = [*map(str, sets), "--positive", "disease", "--out", str(out)]
    for seconds in (4, 9, 15):
        process = started(*arguments)
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert started(*arguments).wait() == 0
    assert (out / "findings.jsonl").read_bytes() == (finished / "findings.jsonl").read_bytes()


def test_one_probe_can_be_asked_alone_and_plain_folders_do(tmp_path, capsys):
    for name, seed in (("a", 1), ("b", 2)):
        rng = np.random.default_rng(seed)
        (tmp_path / name).mkdir()
        for number in range(3):
            Image.fromarray(rng.integers(0, 255, (40, 40)).astype(np.uint8)).save(tmp_path / name / f"{number}.png")
    given = ["audit", str(tmp_path / "a"), str(tmp_path / "b"), "--only", "card", "--out", str(tmp_path / "run")]
    assert main(given) == 0
    run = Run.open_sealed(tmp_path / "run")
    assert {f.check for f in run.findings()} == {"import", "card"}
    assert "data set card" in (tmp_path / "run" / "report.html").read_text("utf-8")


def test_images_that_the_table_does_not_name_are_audited_too_and_outlines_are_not(tmp_path):
    rng = np.random.default_rng(1)
    for folder in ("images", "masks/lung"):
        (tmp_path / "set" / folder).mkdir(parents=True)
    for name in ("images/a.png", "images/b.png", "masks/lung/a.png"):
        Image.fromarray(rng.integers(0, 255, (40, 40)).astype(np.uint8)).save(tmp_path / "set" / name)
    pd.DataFrame({"filename": ["a.png"], "finding": ["x"]}).to_csv(tmp_path / "set" / "metadata.csv", index=False)
    assert main(["audit", str(tmp_path / "set"), "--only", "card", "--out", str(tmp_path / "run")]) == 0
    assert Run.open_sealed(tmp_path / "run").about["notes"]["sets"]["set"]["images"] == 2


def test_sets_of_one_name_are_told_apart(tmp_path):
    names = Audit((tmp_path / "a" / "images", tmp_path / "b" / "images", tmp_path / "b" / "other")).names
    assert names == ["images", "images (2)", "other"]


def test_the_key_of_the_pseudonyms_is_not_written_down(tmp_path):
    assert "secret" not in str(Audit((tmp_path,), patient_key="secret").plan())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--only", "shortcuts"], "No such probe"),
        (["--rules", "none.toml"], "Cannot read the rules"),
        ([], "holds no image"),
    ],
)
def test_what_cannot_be_audited_is_refused_with_the_reason(tmp_path, capsys, arguments, told):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "note.txt").write_text("nothing here")
    assert main(["audit", str(tmp_path / "empty"), "--out", str(tmp_path / "run"), *arguments]) == 2
    error = capsys.readouterr().err
    assert told in error or "accepted" in error
    assert "Traceback" not in error
