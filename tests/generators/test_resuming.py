"""A training killed at any moment and started again ends where an unbroken one ends, bit for bit."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from radassay.engine.claim import claimed
from radassay.errors import SettingsError, StorageError
from radassay.evidence.run import write_atomic
from radassay.generators import players, telling, training

from .conftest import TINY, tiny

CHILD = Path(__file__).parent / "tiny_training.py"


class Killed(Exception):
    pass


def stop_at(images):
    def report(progress):
        if progress.done >= images:
            raise Killed

    return report


@pytest.fixture
def every_step_reported(monkeypatch):
    monkeypatch.setattr(telling, "REPORT_SECONDS", 0.0)


def interrupt(images, folder, at):
    with pytest.raises(Killed):
        tiny().fit(*images, folder, seed=5, report=stop_at(at))


def same(one, other):
    assert (one / "weights.safetensors").read_bytes() == (other / "weights.safetensors").read_bytes()
    assert (one / "losses.jsonl").read_bytes() == (other / "losses.jsonl").read_bytes()
    grids = [sorted(p.name for p in (f / "grids").iterdir()) for f in (one, other)]
    assert grids[0] == grids[1]
    for name in grids[0]:
        assert (one / "grids" / name).read_bytes() == (other / "grids" / name).read_bytes()


@pytest.mark.parametrize("at", [4, 20, 52, 92])
def test_an_interrupted_training_ends_in_the_same_bytes(images, unbroken, tmp_path, at, every_step_reported):
    interrupt(images, tmp_path, at)
    assert not training.finished(tmp_path)
    tiny().fit(*images, tmp_path, seed=5)
    same(tmp_path, unbroken)


def test_it_carries_on_from_the_checkpoint_and_not_from_the_start(images, tmp_path, every_step_reported):
    interrupt(images, tmp_path, 52)
    seen = []
    tiny().fit(*images, tmp_path, seed=5, report=lambda p: seen.append(p.done))
    assert seen[0] == 48
    assert len(sorted((tmp_path / "checkpoints").glob("*.safetensors"))) == 2


@pytest.mark.parametrize("damage", ["truncated", "flipped", "no sidecar", "torn sidecar", "both newest"])
def test_a_damaged_checkpoint_falls_back_to_the_one_before(images, unbroken, tmp_path, damage, every_step_reported):
    interrupt(images, tmp_path, 52)
    older, newest = sorted((tmp_path / "checkpoints").glob("*.safetensors"))
    content = newest.read_bytes()
    if damage == "truncated":
        newest.write_bytes(content[: len(content) // 2])
    if damage in ("flipped", "both newest"):
        newest.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    if damage == "both newest":
        older.write_bytes(b"")
    if damage == "no sidecar":
        newest.with_suffix(".json").unlink()
    if damage == "torn sidecar":
        newest.with_suffix(".json").write_text('{"sha2')
    seen = []
    tiny().fit(*images, tmp_path, seed=5, report=lambda p: seen.append(p.done))
    assert seen[0] == (0 if damage == "both newest" else 32)
    same(tmp_path, unbroken)


def test_torn_lines_of_losses_are_cut(images, unbroken, tmp_path, every_step_reported):
    interrupt(images, tmp_path, 52)
    with open(tmp_path / "losses.jsonl", "a") as file:
        file.write('{"images": 56, "discr')
    tiny().fit(*images, tmp_path, seed=5)
    same(tmp_path, unbroken)
    lines = [json.loads(line) for line in (tmp_path / "losses.jsonl").read_text().splitlines()]
    assert [line["images"] for line in lines] == list(range(4, 100, 4))


def test_a_finished_folder_is_left_alone(images, unbroken):
    def never(progress):
        raise AssertionError("trained again")

    before = {p: p.stat().st_mtime_ns for p in unbroken.rglob("*.safetensors")}
    tiny().fit(*images, unbroken, seed=5, report=never)
    assert before == {p: p.stat().st_mtime_ns for p in unbroken.rglob("*.safetensors")}


def test_damaged_final_weights_are_made_again(images, unbroken, tmp_path):
    tiny().fit(*images, tmp_path, seed=5)
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    tiny().fit(*images, tmp_path, seed=5)
    same(tmp_path, unbroken)


@pytest.mark.parametrize("other", ["settings", "seed", "pixels", "labels", "order"])
def test_a_folder_of_another_training_is_refused(images, unbroken, other):
    pixels, labels = images
    arguments = {"seed": 5}
    generator = tiny(penalty=0.25) if other == "settings" else tiny()
    if other == "seed":
        arguments["seed"] = 6
    if other == "pixels":
        pixels = pixels.copy()
        pixels[3, 2, 1] = 0.123
    if other == "labels":
        labels = np.where(labels == "dark", "black", labels)
    if other == "order":
        pixels, labels = pixels[::-1], labels[::-1]
    with pytest.raises(
        SettingsError, match="penalty" if other == "settings" else "seed" if other == "seed" else "images"
    ):
        generator.fit(pixels, labels, unbroken, **arguments)


def test_how_often_something_is_kept_does_not_change_the_weights(images, unbroken, tmp_path):
    tiny(checkpoint_every=1000, grid_every=1000).fit(*images, tmp_path, seed=5)
    assert (tmp_path / "weights.safetensors").read_bytes() == (unbroken / "weights.safetensors").read_bytes()


def test_another_arithmetic_is_noted(images, tmp_path, every_step_reported):
    interrupt(images, tmp_path, 52)
    for sidecar in (tmp_path / "checkpoints").glob("*.json"):
        about = json.loads(sidecar.read_text())
        write_atomic(sidecar, json.dumps({**about, "arithmetic": "cpu float32, 64 threads"}).encode())
    notes = []
    tiny().fit(*images, tmp_path, seed=5, report=lambda p: notes.append(p.note))
    assert "cpu float32, 64 threads before, cpu float32, 1 threads now" in notes[0]


def test_two_processes_cannot_train_in_one_folder(tmp_path, images):
    with claimed(tmp_path, {}), pytest.raises(StorageError, match="Another process"):
        tiny().fit(*images, tmp_path, seed=5)


def test_a_diverged_training_stops_and_keeps_its_checkpoints(images, tmp_path, monkeypatch):
    from radassay.generators.gan import game

    step = game.Game.step
    monkeypatch.setattr(
        game.Game,
        "step",
        lambda self, k: step(self, k) if k < 10 else {"generator": float("nan"), "discriminator": 1.0},
    )
    with pytest.raises(SettingsError, match="diverged after 44 images"):
        tiny().fit(*images, tmp_path, seed=5)
    assert sorted(p.name for p in (tmp_path / "checkpoints").glob("*.safetensors")) == [
        "000000004.safetensors",
        "000000008.safetensors",
    ]


def test_a_state_that_is_not_finite_never_becomes_a_checkpoint(images, tmp_path, monkeypatch):
    def poisoned(self):
        state = real_state(self)
        state["generator/picture.bias"] = state["generator/picture.bias"] * float("inf")
        return state

    real_state = players.Players.state
    monkeypatch.setattr(players.Players, "state", poisoned)
    with pytest.raises(SettingsError, match="diverged"):
        tiny().fit(*images, tmp_path, seed=5)
    assert not list((tmp_path / "checkpoints").glob("*")) if (tmp_path / "checkpoints").exists() else True


def start(folder, given, settings, *more):
    command = [sys.executable, str(CHILD), str(folder), str(given), json.dumps(settings), *map(str, more)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def given(images, tmp_path):
    np.savez(tmp_path / "given.npz", pixels=images[0], labels=images[1])
    return tmp_path / "given.npz"


def test_killed_for_good_midway(given, unbroken, tmp_path):
    child = start(tmp_path / "run", given, TINY)
    for line in child.stdout:
        if int(line) >= 24:
            break
    child.kill()
    child.wait()
    assert not training.finished(tmp_path / "run")
    again = start(tmp_path / "run", given, TINY)
    assert again.communicate(timeout=300) is not None
    assert again.returncode == 0
    same(tmp_path / "run", unbroken)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_killed_at_random_moments(given, unbroken, tmp_path, seed):
    rng = np.random.default_rng(seed)
    for _ in range(5):
        child = start(tmp_path / "run", given, TINY)
        child.stdout.readline()
        time.sleep(rng.uniform(0, 1.0))
        child.kill()
        child.wait()
    last = start(tmp_path / "run", given, TINY)
    last.communicate(timeout=300)
    assert last.returncode == 0
    same(tmp_path / "run", unbroken)


@pytest.mark.slow
def test_killed_around_each_renaming_of_a_file(given, unbroken, tmp_path):
    for number in range(1, 9):
        child = start(tmp_path / "run", given, TINY, number)
        child.communicate(timeout=300)
    last = start(tmp_path / "run", given, TINY)
    last.communicate(timeout=300)
    assert last.returncode == 0
    same(tmp_path / "run", unbroken)
