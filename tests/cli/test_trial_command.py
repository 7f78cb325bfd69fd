"""`radassay trial`: the plan before the images, and what it asks for."""

import pytest

from radassay.cli.main import main
from radassay.cli.trial_command import Command
from radassay.errors import SettingsError
from radassay.workbench.study import read_study

STUDY = """
name = "small"
[real]
positive = ["disease"]
simulated = { patients = 60, seed = 2 }
[synthetic]
simulated = { patients = 40, seed = 3 }
[trial]
seeds = 2
margin = 0.05
"""


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(STUDY)
    return path


def test_the_plan_is_told_before_any_image_is_read(study, tmp_path, capsys):
    assert main(["trial", str(study), "--plan", "--seeds", "3", "--out", str(tmp_path / "run")]) == 0
    told = capsys.readouterr().out
    assert told.startswith("plan ") and "margin       0.05" in told and "seeds        3" in told
    assert "real+duplicates" in told
    assert not (tmp_path / "run").exists()


def test_a_study_file_keeps_its_trial_and_leaves_its_checks_out(study):
    asked = Command(study, leave_out=True).study()
    assert (asked.trial.seeds, asked.trial.duplicates, asked.checks.run) == (2, "leave out", False)
    assert asked.real == read_study(study).real


def test_images_named_here_make_the_same_study(tmp_path):
    asked = Command(
        tmp_path / "real", generator="projection-gan", positive=("ill",), external=(tmp_path / "b",), steps=7
    ).study()
    assert asked.synthetic.generator == "projection-gan"
    assert [m.name for m in asked.trial.external] == ["b"]
    assert (asked.trial.steps, asked.trial.seeds) == (7, 5)


def test_what_contradicts_itself_is_refused(study, tmp_path):
    with pytest.raises(SettingsError, match="says this itself"):
        Command(study, positive=("ill",)).study()
    with pytest.raises(SettingsError, match="or a generator"):
        Command(tmp_path / "real", positive=("ill",)).study()


@pytest.mark.slow
def test_a_trial_runs_is_amended_and_resumes(study, tmp_path, capsys):
    out = tmp_path / "run"
    given = ["trial", str(study), "--steps", "5", "--out", str(out), "--workers", "1"]
    assert main(given) == 0
    assert "not measured" in capsys.readouterr().out
    assert main([*given[:-2], "--seeds", "3", "--workers", "1"]) == 2  # sealed: another plan is another run
    assert "another plan" in capsys.readouterr().err
