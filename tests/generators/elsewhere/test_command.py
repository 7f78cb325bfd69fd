"""The adapter for any program: what it hands over, how it asks, and what it says when the program does not obey."""

import json
import shlex
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from radassay.errors import InputError, SettingsError, StorageError
from radassay.generators.elsewhere.command import Command
from radassay.generators.elsewhere.running import run

PROGRAM = f"{shlex.quote(sys.executable)} -S {shlex.quote(str(Path(__file__).with_name('drawing_program.py')))}"
BLOCKS = f"{PROGRAM} sample --out {{out}} --count {{count}} --label {{label}} --seed {{seed}}"
TABLE = f"{PROGRAM} table --out {{out}} --labels {{labels}}"
FIT = f"{PROGRAM} fit --images {{images}} --labels {{labels}} --out {{out}} --seed {{seed}}"


def command(sample=BLOCKS, **changes):
    return Command(**{"sample_command": sample, "block": 5, **changes})


@pytest.fixture(scope="module")
def given():
    rng = np.random.default_rng(0)
    return rng.random((9, 16, 16), dtype=np.float32), np.array(["covid", "no finding", "covid"] * 3)


def record(folder):
    return json.loads((folder / "elsewhere.json").read_text())


def test_training_images_are_handed_over_as_pictures_with_a_table(given, tmp_path):
    command(fit_command=FIT).fit(*given, tmp_path, seed=4)
    model = tmp_path / "model"
    assert (model / "seed").read_text() == "4"
    rows = [line.split(",") for line in (model / "labels.csv").read_text().splitlines()]
    assert rows[0] == ["file", "label"]
    assert [label for _, label in rows[1:]] == given[1].tolist()
    assert {path.split("/")[0] for path, _ in rows[1:]} == {"covid", "no_finding"}
    seen = np.array([np.array(Image.open(model / "images" / path)) for path, _ in rows[1:]])
    np.testing.assert_array_equal(seen, np.rint(given[0] * 255))
    assert not (tmp_path / "given").exists()
    assert {"seed", "labels.csv", "images/covid/000000.png"} <= record(tmp_path)["origin"]["files"].keys()


def test_a_table_gives_each_picture_a_seed_of_its_own(given, tmp_path):
    drawer = command(TABLE)
    drawer.fit(*given, tmp_path, seed=0)
    labels = np.array(["covid", "no finding"] * 4)
    drawn = drawer.sample(labels, tmp_path, seed=1)
    np.testing.assert_array_equal(drawer.sample(labels[:3], tmp_path, seed=1), drawn[:3])
    assert not np.array_equal(drawn[0], drawn[2])


def test_the_record_says_what_is_known_and_that_leaks_cannot_be_excluded(given, tmp_path):
    command(version="2", trained_on="CheXpert").fit(*given, tmp_path, seed=0)
    told = record(tmp_path)
    assert told["unknown"] == ["licence", "files"]
    assert "CheXpert" in told["leaks"] and "cannot be excluded" in told["leaks"]
    assert told["native"] == "24 x 24" and told["size"] == 16 and told["repeats"] is True
    mine = command(fit_command=FIT, trained_on="nothing else")
    mine.fit(*given, tmp_path / "mine", seed=0)
    assert "cannot be excluded" not in record(tmp_path / "mine")["leaks"]


def test_a_program_that_ignores_its_seed_is_told_of(given, tmp_path):
    said = []
    command(BLOCKS.replace(" sample ", " forget ")).fit(*given, tmp_path, seed=0, report=lambda p: said.append(p.note))
    assert record(tmp_path)["repeats"] is False
    assert "the same call drew other images" in said[-1]


@pytest.mark.parametrize(
    ("task", "told"),
    [
        ("fail", r"code 3.*\nCUDA says no\n.*sample\.err"),
        ("few", r"should have written 5 pictures.*4 files"),
        ("torn", r"drawn 0\.png, written by the command, is no picture"),
    ],
)
def test_what_goes_wrong_is_said_with_the_end_of_what_the_program_said(task, told, given, tmp_path):
    with pytest.raises(InputError, match=f"(?s){told}") as error:
        command(BLOCKS.replace(" sample ", f" {task} ")).fit(*given, tmp_path, seed=0)
    assert len(str(error.value)) < 3500
    assert not (tmp_path / "elsewhere.json").exists()


def test_a_wrong_way_to_draw_does_not_cost_the_training(given, tmp_path):
    counted = FIT.replace(" fit ", " fit --side 3 ")
    with pytest.raises(InputError, match="code 3"):
        command(BLOCKS.replace(" sample ", " fail "), fit_command=counted).fit(*given, tmp_path, seed=4)
    first = (tmp_path / "model" / "seed").stat().st_mtime_ns
    command(fit_command=counted).fit(*given, tmp_path, seed=4)
    assert (tmp_path / "model" / "seed").stat().st_mtime_ns == first
    (tmp_path / "elsewhere.json").unlink()
    (tmp_path / "training.json").unlink()
    command(fit_command=counted).fit(*given, tmp_path, seed=5)
    assert (tmp_path / "model" / "seed").read_text() == "5"


def test_a_program_that_takes_too_long_is_ended(given, tmp_path):
    with pytest.raises(InputError, match=r"longer than 1 seconds(?s:.*)waiting(?s:.*)limit_minutes"):
        command(BLOCKS.replace(" sample ", " hang "), limit_minutes=1 / 60).fit(*given, tmp_path, seed=0)


def test_no_second_program_is_started_while_the_first_still_runs(tmp_path):
    """As after a kill of radassay alone: the program holds the lock that it inherited."""
    import fcntl

    with open(tmp_path / ".fit.lock", "wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(StorageError, match="still runs"):
            run([sys.executable, "-c", ""], tmp_path / "fit", 10)
    run([sys.executable, "-c", ""], tmp_path / "fit", 10)


def test_labels_are_those_of_the_model(given, tmp_path):
    mapped = command(labels={"covid": "1", "no finding": "0"})
    mapped.fit(*given, tmp_path / "a", seed=0)
    plain = command()
    renamed = np.where(given[1] == "covid", "1", "0")
    plain.fit(given[0], renamed, tmp_path / "b", seed=0)
    np.testing.assert_array_equal(
        mapped.sample(given[1], tmp_path / "a", seed=3), plain.sample(renamed, tmp_path / "b", seed=3)
    )
    with pytest.raises(SettingsError, match=r"no class for some labels.*no finding"):
        command(labels={"covid": "1"}).fit(*given, tmp_path / "c", seed=0)
    with pytest.raises(SettingsError, match=r"which class is wanted.*\{label\}"):
        command(BLOCKS.replace("--label {label}", "")).fit(*given, tmp_path / "d", seed=0)


def test_a_changed_model_is_refused(given, tmp_path):
    weights = tmp_path / "weights.bin"
    weights.write_bytes(b"1")
    drawer = command(model=str(weights))
    drawer.fit(*given, tmp_path / "run", seed=0)
    told = record(tmp_path / "run")["origin"]["files"]
    command(model=str(weights), sha256={"weights.bin": told["weights.bin"].upper()}).fit(*given, tmp_path / "b", seed=0)
    for wrong in ({"weights.bin": "0" * 64}, {"other.bin": "0" * 64}):
        with pytest.raises(InputError, match=r"should have the SHA-256 0000"):
            command(model=str(weights), sha256=wrong).fit(*given, tmp_path / "c", seed=0)
    weights.write_bytes(b"2")
    with pytest.raises(InputError, match=r"not what it was.*weights\.bin"):
        drawer.sample(given[1], tmp_path / "run", seed=0)
    with pytest.raises(InputError, match=r"not ready.*no file"):
        command(model=str(tmp_path / "no")).fit(*given, tmp_path / "other", seed=0)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"sample": "prog --out {out} {cuont}"}, r"\{cuont\}.*Placeholders"),
        ({"sample": "prog --out {out} 'open"}, "No closing quotation"),
        ({"sample": "prog --out {out}"}, r"\{count\} and \{seed\}"),
        ({"sample": "prog {count} {seed}"}, r"needs \{out\}"),
        ({"fit_command": "prog {model}"}, r"\{model\}"),
        ({"fit_command": FIT, "model": "x"}, "either trains"),
        ({"block": 0}, "block"),
        ({"limit_minutes": 0}, "time limit"),
        ({"labels": {"covid": 1}}, "strings"),
    ],
)
def test_wrong_settings_are_refused_at_once(settings, told):
    with pytest.raises(SettingsError, match=told):
        command(**settings)


def test_a_program_that_is_not_there_is_missing(given, tmp_path):
    lost = command("no-such-program {out} {count} {seed}")
    assert "no-such-program" in lost.missing
    with pytest.raises(InputError, match="no-such-program"):
        lost.fit(*given, tmp_path, seed=0)
    assert "sample_command" in Command().missing
    assert command().missing == ""
    json.dumps(asdict(command()))


def test_labels_never_become_arguments_of_their_own(given, tmp_path):
    """A label with spaces and signs of a shell reaches the program as one word."""
    odd = np.array(["a b; rm -rf $HOME"] * 9)
    drawer = command()
    drawer.fit(given[0], odd, tmp_path, seed=0)
    assert drawer.sample(odd[:2], tmp_path, seed=0).shape == (2, 16, 16)
