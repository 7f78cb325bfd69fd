"""The conditional GAN itself: what it refuses, what it draws, and that it learns."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from radassay.errors import InputError, SettingsError
from radassay.generators.compute import computing
from radassay.generators.gan.projection import ProjectionGAN

from .conftest import tiny


@pytest.mark.parametrize(
    ("pixels", "labels", "told"),
    [
        (np.zeros((4, 48, 48)), ["a"] * 4, "16 x 16, 32 x 32, 64 x 64, 128 x 128"),
        (np.zeros((4, 16, 32)), ["a"] * 4, "square"),
        (np.zeros((4, 16, 16, 3)), ["a"] * 4, "square and grey"),
        (np.zeros((1, 16, 16)), ["a"], "Too few"),
        (np.zeros((0, 16, 16)), np.array([], dtype=str), "Too few"),
        (np.zeros((4, 16, 16)), ["a"] * 3, "one label"),
        (np.zeros((4, 16, 16)), [0, 1, 0, 1], "strings"),
        (np.zeros((4, 16, 16)), ["a", "", "a", "a"], "no label"),
        (np.full((4, 16, 16), np.nan), ["a"] * 4, "no grey values"),
        (np.full((4, 16, 16), 255.0), ["a"] * 4, "no grey values"),
        (np.full((4, 16, 16), np.inf), ["a"] * 4, "no grey values"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(tmp_path, pixels, labels, told):
    with pytest.raises(InputError, match=told):
        tiny().fit(pixels.astype(np.float32), np.array(labels), tmp_path / "run", seed=0)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"images_seen": 0},
        {"batch_size": 1},
        {"width": 0},
        {"generator_rate": 0.0},
        {"penalty": -1.0},
        {"penalty": float("nan")},
        {"threads": -1},
        {"device": "tpu"},
        {"precision": "float16"},
        {"augment_shift": 0.9},
    ],
)
def test_settings_out_of_range_are_refused_by_name(wrong):
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        ProjectionGAN(**wrong)


@pytest.mark.parametrize("size", ProjectionGAN.sizes)
def test_every_size_it_names_can_be_drawn(tmp_path, size):
    pixels = np.random.default_rng(0).random((4, size, size), dtype=np.float32)
    tiny(images_seen=4, width=2).fit(pixels, np.array(["a", "b", "a", "b"]), tmp_path, seed=0)
    drawn = tiny().sample(np.array(["b", "a"]), tmp_path, seed=1)
    assert drawn.shape == (2, size, size)


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_constant_images_give_finite_images(tmp_path, level):
    pixels = np.full((6, 16, 16), level, dtype=np.float32)
    tiny().fit(pixels, np.array(["a", "b"] * 3), tmp_path, seed=0)
    assert np.isfinite(tiny().sample(np.array(["a", "b"]), tmp_path, seed=0)).all()


def test_a_class_of_one_image_is_learned_and_noted(tmp_path, images):
    labels = np.where(np.arange(20) == 7, "rare", "usual")
    notes = []
    tiny(images_seen=8).fit(images[0], labels, tmp_path, seed=0, report=lambda p: notes.append(p.note))
    assert "one image only: rare" in notes[0]
    assert tiny().sample(np.array(["rare"]), tmp_path, seed=0).shape == (1, 16, 16)


def test_an_image_does_not_depend_on_batch_or_on_its_neighbours(unbroken):
    labels = np.array(["dark", "light", "light"] * 12)
    drawn = tiny().sample(labels, unbroken, seed=9)
    for batch in (1, 7, 64):
        np.testing.assert_array_equal(tiny().sample(labels, unbroken, seed=9, batch=batch), drawn)
    np.testing.assert_array_equal(tiny().sample(labels[:5], unbroken, seed=9), drawn[:5])
    others = labels.copy()
    others[20:] = "dark"
    others[3] = "light"
    np.testing.assert_array_equal(tiny().sample(others, unbroken, seed=9)[4:20], drawn[4:20])
    assert not np.array_equal(tiny().sample(labels, unbroken, seed=10), drawn)
    assert len(np.unique(drawn.reshape(len(drawn), -1), axis=0)) == len(drawn)


def test_nobody_elses_random_state_or_threads_are_touched(images, tmp_path):
    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), torch.get_num_threads()  # noqa: NPY002
    tiny(images_seen=8).fit(*images, tmp_path, seed=0)
    tiny().sample(np.array(["dark"]), tmp_path, seed=0)
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    assert torch.get_num_threads() == before[2]


def test_progress_is_counted_in_images_and_tells_rate_and_losses(images, tmp_path):
    told = []
    tiny().fit(*images, tmp_path, seed=5, report=told.append)
    assert [p.done for p in told] == sorted(p.done for p in told)
    assert (told[0].done, told[-1].done, told[-1].total, told[-1].unit) == (0, 96, 96, "images")
    assert told[-1].note.startswith("D ")
    assert " G " in told[-1].note
    assert "/s" in told[-1].note
    assert len(told) < 24 + 2


def test_grids_have_a_row_for_each_class(unbroken):
    grids = sorted((unbroken / "grids").iterdir())
    assert [g.name for g in grids] == ["000000048.png", "000000096.png"]
    with Image.open(grids[-1]) as grid:
        assert grid.mode == "L"
        assert grid.size == (10 * 17 + 1, 2 * 17 + 1)


def test_no_pickle_is_written(unbroken):
    kinds = {p.suffix for p in unbroken.rglob("*") if p.is_file()}
    assert kinds <= {".safetensors", ".json", ".jsonl", ".png", ".html", ""}
    about = json.loads((unbroken / "weights.json").read_text())
    assert about["classes"] == ["dark", "light"]


def test_it_learns_which_class_is_which(tmp_path):
    rng = np.random.default_rng(1)
    labels = np.array(["left", "right"])[np.arange(60) % 2]
    pixels = np.full((60, 16, 16), 0.2, dtype=np.float32)
    for row, label in enumerate(labels):
        top, at = rng.integers(3, 8), (2 if label == "left" else 9)
        pixels[row, top : top + 5, at : at + 5] = rng.uniform(0.7, 0.95)
    tiny(images_seen=2400, batch_size=8, width=4, generator_rate=2e-3, discriminator_rate=2e-3).fit(
        pixels, labels, tmp_path, seed=0
    )
    wanted = np.array(["left", "right"] * 20)
    drawn = tiny().sample(wanted, tmp_path, seed=0)
    leaning = drawn[:, :, 8:].mean(axis=(1, 2)) - drawn[:, :, :8].mean(axis=(1, 2))
    assert ((leaning > 0) == (wanted == "right")).mean() > 0.9


def test_cuda_asked_for_in_vain_is_a_settings_error():
    if torch.cuda.is_available():
        pytest.skip("a CUDA device answers here")
    with pytest.raises(SettingsError, match="No CUDA device"), computing("cuda", "auto", 0):
        pass


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device answers")
def test_cuda_trains_and_resumes(images, tmp_path: Path):
    generator = tiny(device="cuda", precision="auto")
    generator.fit(*images, tmp_path, seed=5)
    assert np.isfinite(generator.sample(np.array(["dark", "light"]), tmp_path, seed=0)).all()
