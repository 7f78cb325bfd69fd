"""The whole path on a small cohort: the verdict, resuming after kills, and images made elsewhere."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from radassay.cli.main import main
from radassay.evidence.run import Run

pytestmark = pytest.mark.xdist_group("path")  # one process, so that the unbroken run is made once

STUDY = """
name = "small"
seed = 3
size = 32
[real]
name = "simulated chests"
positive = ["disease"]
simulated = { patients = 40, seed = 7 }
[synthetic]
generator = "projection-gan"
settings = { images_seen = 640, width = 8, checkpoint_every = 160, threads = 1 }
[checks]
names = ["coverage", "fidelity", "integrity", "memorisation", "shortcut"]
encoder_settings = { images_seen = 640, batch = 32, checkpoint_every = 160 }
blanks = 5
repeats = 3
[trial]
seeds = 2
steps = 10
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("study") / "study.toml"
    path.write_text(STUDY)
    return path


@pytest.fixture(scope="module")
def unbroken(study) -> Path:
    out = study.parent / "unbroken"
    started(study, out).wait()
    return out


def started(study: Path, out: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "radassay", "run", str(study), "--out", str(out)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, start_new_session=True, **quiet)


@pytest.mark.slow
def test_a_run_ends_sealed_with_a_report_and_no_check_broken(unbroken):
    run = Run.open_sealed(unbroken)
    findings = run.findings()
    assert {f.role for f in findings} == {"measurement", "floor", "planted", "limit"}
    assert not [f for f in findings if f.name == "measured"]
    assert "downstream trial: by 1 study" in run.about["notes"]["test_uses"]
    assert "L0" in (unbroken / "report.html").read_text("utf-8")


@pytest.mark.slow
def test_the_same_study_gives_the_same_bytes(study, unbroken):
    again = study.parent / "again"
    started(study, again).wait()
    assert (again / "findings.jsonl").read_bytes() == (unbroken / "findings.jsonl").read_bytes()


@pytest.mark.slow
def test_killed_at_random_moments_it_ends_in_the_same_findings(study, unbroken):
    out, draw = study.parent / "killed", random.Random(5)
    for _ in range(6):
        child = started(study, out)
        time.sleep(draw.uniform(3, 15))
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    assert started(study, out).wait() == 0
    assert (out / "findings.jsonl").read_bytes() == (unbroken / "findings.jsonl").read_bytes()


@pytest.mark.slow
def test_other_rules_judge_a_sealed_run_again_without_measuring(unbroken, tmp_path, capsys):
    from importlib.resources import files

    rules = tmp_path / "lenient.toml"
    text = (files("radassay.checklists") / "local.toml").read_text("utf-8")
    rules.write_text(text.replace('name = "local"', 'name = "lenient"'))
    before = (unbroken / "findings.jsonl").read_bytes()
    assert main(["report", str(unbroken), "--rules", str(rules)]) == 0
    assert "lenient" in (unbroken / "report.html").read_text("utf-8")
    assert (unbroken / "findings.jsonl").read_bytes() == before


@pytest.mark.slow
def test_a_changed_finding_is_refused_by_name(unbroken, tmp_path, capsys):
    copy = tmp_path / "copy"
    shutil.copytree(unbroken, copy, ignore=shutil.ignore_patterns("work"))
    text = (copy / "findings.jsonl").read_text()
    (copy / "findings.jsonl").write_text(text.replace('"value":0.', '"value":1.', 1))
    assert main(["verify", str(copy)]) == 2
    assert "findings.jsonl was changed" in capsys.readouterr().err


@pytest.mark.slow
def test_synthetic_images_made_elsewhere_take_the_same_path(tmp_path, capsys):
    rng = np.random.default_rng(0)
    for folder, count in (("real", 40), ("made", 24)):
        for label in ("normal", "pneumonia"):
            (tmp_path / folder / label).mkdir(parents=True)
            for number in range(count):
                picture = rng.normal(120 + 20 * (label == "normal"), 30, (40, 48)).clip(0, 255).astype(np.uint8)
                Image.fromarray(picture).save(tmp_path / folder / label / f"{number}.png")
    command = ["assess", str(tmp_path / "real"), str(tmp_path / "made"), "--positive", "pneumonia", "--size", "32"]
    assert main([*command, "--out", str(tmp_path / "run")]) == 0
    told = capsys.readouterr().out
    assert "no patient" not in told  # said in the report, not among the last lines
    assert f"report: {tmp_path / 'run' / 'report.html'}" in told
    notes = Run.open_sealed(tmp_path / "run").about["notes"]["sets"]
    assert notes["synthetic"]["import"]["accepted"] == 48
    assert notes["real"]["patients_known"] is False
