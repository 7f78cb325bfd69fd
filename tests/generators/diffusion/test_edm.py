"""The diffusion model of pixels: what it refuses, drops and draws, and that it learns which class is which."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from radassay.errors import SettingsError
from radassay.generators.compute import computing
from radassay.generators.crew import Crew
from radassay.generators.diffusion.edm import EDM
from radassay.generators.given import Given
from radassay.generators.training import trained

SMALL = {
    "images_seen": 64,
    "batch_size": 8,
    "width": 2,
    "checkpoint_every": 64,
    "grid_every": 10_000,
    "draw_steps": 4,
    "threads": 1,
    "device": "cpu",
    "precision": "float32",
}


def small(**changes):
    return EDM(**{**SMALL, **changes})


def learner(compute, **changes):
    pixels = np.random.default_rng(0).random((12, 16, 16), dtype=np.float32)
    given = Given.of(pixels, np.arange(12) % 2, compute.device)
    torch.manual_seed(0)
    return small(**changes).learner(given, compute, Crew(), seed=3, steps=50)


@pytest.mark.parametrize(
    "wrong",
    [{"draw_steps": 0}, {"label_dropped": 1.5}, {"guidance": -1}, {"noise_spread": 0}, {"learning_rate": 0}],
)
def test_settings_out_of_range_are_refused_by_name(wrong):
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        small(**wrong)


def test_guidance_needs_pictures_shown_without_label():
    with pytest.raises(SettingsError, match="guidance"):
        small(guidance=2.0, label_dropped=0.0)


def test_labels_are_dropped_as_often_as_told_and_otherwise_kept():
    with computing("cpu", "float32", 1) as compute:
        taught = learner(compute, label_dropped=0.25)
        lesson = taught.lesson(1_000, np.random.default_rng(0))
        never = learner(compute, label_dropped=0.0, guidance=1.0).lesson(1_000, np.random.default_rng(0))
    dropped = lesson.classes == 2
    assert dropped.float().mean().item() == pytest.approx(0.25, abs=0.04)
    assert torch.equal(lesson.classes[~dropped], never.classes[~dropped])
    assert set(never.classes.tolist()) == {0, 1}


def test_the_first_loss_is_one_and_parts_of_a_batch_add_up():
    with computing("cpu", "float32", 1) as compute:
        taught = learner(compute)
        lesson = taught.lesson(1_000, np.random.default_rng(0))
        whole = taught.loss(lesson, slice(0, 1_000)).item()
        halves = [taught.loss(lesson, slice(a, a + 500)).item() for a in (0, 500)]
    assert whole == pytest.approx(1, rel=0.1)
    assert np.mean(halves) == pytest.approx(whole, rel=1e-4)


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """A model of two classes, one dark and one light, and the folder it was trained in."""
    rng = np.random.default_rng(0)
    labels = np.array(["dark", "light"])[np.arange(40) % 2]
    pixels = 0.3 * rng.random((40, 16, 16)) + 0.6 * (labels == "light")[:, None, None]
    folder = tmp_path_factory.mktemp("taught")
    model = small(
        images_seen=3_200,
        batch_size=16,
        width=4,
        checkpoint_every=10_000,
        learning_rate=0.02,
        label_dropped=0.3,
        draw_steps=8,
    )
    model.fit(pixels.astype(np.float32), labels, folder, seed=0)
    return model, folder


def test_it_learns_which_class_is_which(taught):
    model, folder = taught
    labels = np.array(["light", "dark"] * 16)
    drawn = model.sample(labels, folder, seed=1).mean(axis=(1, 2))
    assert drawn[labels == "light"].min() > 0.5
    assert drawn[labels == "dark"].max() < 0.4


def test_guidance_of_one_changes_nothing_and_of_nought_forgets_the_class(taught):
    folder, settings = taught[1], {"width": 4, "label_dropped": 0.3, "draw_steps": 8}
    light, dark = (np.full(16, name) for name in ("light", "dark"))
    as_learned = small(**settings, guidance=1.0).sample(light, folder, seed=1)
    nearly = small(**settings, guidance=1.0 + 1e-6).sample(light, folder, seed=1)
    np.testing.assert_allclose(nearly, as_learned, atol=1e-4)
    forgetful = small(**settings, guidance=0.0)
    np.testing.assert_array_equal(forgetful.sample(light, folder, seed=1), forgetful.sample(dark, folder, seed=1))


def test_a_glance_is_nearly_the_picture_in_fewer_steps(taught):
    model, folder = replace(taught[0], guidance=1.0), taught[1]
    calls = []
    with computing("cpu", "float32", 1) as compute, torch.no_grad():
        network = model.ready(*trained(folder), compute)
        network.register_forward_hook(lambda *_: calls.append(1))
        numbers = np.arange(16) % 2
        drawn = model.draw(network, 1, range(16), numbers, compute)
        whole = len(calls)
        glance = model.glance(network, 1, range(16), numbers, compute)
    assert (whole, len(calls) - whole) == (2 * 8 - 1, 2 * 6 - 1)
    assert np.abs(glance - drawn).mean() < 0.05
    assert not np.array_equal(glance, drawn)


def test_losses_begin_at_one_and_fall(taught):
    lines = [json.loads(line)["denoising"] for line in (taught[1] / "losses.jsonl").read_text().splitlines()]
    assert lines[0] == pytest.approx(1, abs=0.1)
    assert np.mean(lines[-50:]) < 0.6


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device answers: bfloat16 on a card is NOT tested")
def test_it_learns_on_a_card(tmp_path):
    pixels = np.random.default_rng(0).random((12, 32, 32), dtype=np.float32)
    model = small(width=8, device="cuda", precision="bfloat16")
    model.fit(pixels, np.array(["a", "b"] * 6), tmp_path, seed=0)
    drawn = model.sample(np.array(["a", "b"]), tmp_path, seed=0)
    assert np.isfinite(drawn).all()
    assert drawn.std() > 0
