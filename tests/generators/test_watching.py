"""Looks at what is drawn: the snapshot kept, the alarms, and that a resume keeps both."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from radassay.contracts.generator import Aside
from radassay.generators import telling, training
from radassay.generators.training import trained
from radassay.generators.watching import Watch

from .conftest import tiny


class Killed(Exception):
    pass


def aside_of(pixels, labels):
    return Aside(pixels, labels, lambda p: p.reshape(len(p), -1)[:, ::7].astype(np.float32), "pixels 1")


@pytest.fixture
def aside(images):
    rng = np.random.default_rng(5)
    labels = np.array(["dark", "light"])[np.arange(24) % 2]
    pixels = rng.random((24, 16, 16)) * 0.5 + 0.5 * (labels == "light")[:, None, None]
    return aside_of(pixels.astype(np.float32), labels)


def looks(folder):
    return [json.loads(line) for line in (folder / "watched.jsonl").read_text().splitlines()]


def test_the_snapshot_kept_is_the_nearest_to_the_images_aside(images, aside, tmp_path):
    tiny(grid_every=12).fit(*images, tmp_path, seed=5, aside=aside)
    found = looks(tmp_path)
    assert [look["images"] for look in found] == list(range(12, 100, 12))
    late = [look for look in found if look["images"] >= 24]
    best = min(late, key=lambda look: look["distance"])
    about = trained(tmp_path)[1]
    assert about["snapshot"] == best["images"]
    assert "24 real ones kept aside" in about["chosen_by"]


def test_without_images_aside_the_last_snapshot_is_kept(images, unbroken):
    about = trained(unbroken)[1]
    assert about["snapshot"] == about["images_seen"] == 96
    assert about["chosen_by"] == "the last snapshot"
    assert all("distance" not in look for look in looks(unbroken))


@pytest.mark.parametrize("at", [20, 52, 92])
def test_a_resumed_training_keeps_the_same_snapshot(images, aside, tmp_path, at, monkeypatch):
    monkeypatch.setattr(telling, "REPORT_SECONDS", 0.0)

    def stop(progress):
        if progress.done >= at:
            raise Killed

    tiny(grid_every=12).fit(*images, tmp_path / "whole", seed=5, aside=aside)
    with pytest.raises(Killed):
        tiny(grid_every=12).fit(*images, tmp_path / "broken", seed=5, aside=aside, report=stop)
    assert not training.finished(tmp_path / "broken")
    tiny(grid_every=12).fit(*images, tmp_path / "broken", seed=5, aside=aside)
    for name in ("weights.safetensors", "watched.jsonl", "losses.jsonl"):
        assert (tmp_path / "broken" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_other_images_aside_are_another_training(images, aside, tmp_path):
    from radassay.errors import SettingsError

    tiny().fit(*images, tmp_path, seed=5, aside=aside)
    with pytest.raises(SettingsError, match="aside"):
        tiny().fit(*images, tmp_path, seed=5)


def watch_of(n=60, aside=None):
    rng = np.random.default_rng(0)
    pixels = rng.random((n, 16, 16), dtype=np.float32)
    numbers = np.arange(n) % 2
    return pixels, numbers, Watch(pixels, numbers, np.array(["a", "b"]), aside, seed=1)


def test_copies_of_training_images_raise_the_alarm_and_new_images_do_not():
    pixels, _, watch = watch_of()
    new = np.random.default_rng(1).random((200, 16, 16), dtype=np.float32)
    found = watch.look(lambda network, seed, wanted: pixels[np.arange(len(wanted)) % 60], nn.Identity(), 100, 100)
    assert found["near_copies"] > 0.9
    assert watch.alarms == ("copies?",)
    found = watch.look(lambda network, seed, wanted: new[: len(wanted)], nn.Identity(), 100, 100)
    assert found["near_copies"] < 0.15
    assert watch.alarms == ()


def test_the_same_picture_again_and_again_raises_the_alarm_but_not_early():
    _, _, watch = watch_of()
    one = np.full((16, 16), 0.5, dtype=np.float32)
    found = watch.look(lambda network, seed, wanted: np.repeat(one[None], len(wanted), 0), nn.Identity(), 10, 100)
    assert found["diversity"] == 0
    assert watch.alarms == ()
    watch.look(lambda network, seed, wanted: np.repeat(one[None], len(wanted), 0), nn.Identity(), 30, 100)
    assert "collapse?" in watch.alarms


def test_alarms_are_told_with_the_progress(images, tmp_path, monkeypatch):
    monkeypatch.setattr(telling, "REPORT_SECONDS", 0.0)
    monkeypatch.setattr("radassay.generators.watching.COLLAPSED", 1e9)
    notes = []
    tiny(grid_every=24).fit(*images, tmp_path, seed=5, report=lambda p: notes.append(p.note))
    assert "collapse?" in notes[-1]
    assert "collapse?" not in notes[2]


def test_the_page_of_a_training_asks_no_network_and_stops_reloading(images, aside, tmp_path):
    tiny(grid_every=24).fit(*images, tmp_path, seed=5, aside=aside)
    page = (tmp_path / "training.html").read_text()
    assert "http://" not in page
    assert "https://" not in page
    assert "http-equiv=refresh" not in page
    assert "Kernel distance" in page
    assert "data:image/png;base64," in page


def test_a_look_changes_nobodys_weights(images, tmp_path):
    tiny(grid_every=4).fit(*images, tmp_path / "often", seed=5)
    tiny(grid_every=96).fit(*images, tmp_path / "once", seed=5)
    often, once = (trained(tmp_path / name)[0] for name in ("often", "once"))
    assert all(torch.equal(often[key], once[key]) for key in once)
