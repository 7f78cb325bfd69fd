"""Latent diffusion: the autoencoder learns first, stands still then, and gives the pictures back."""

import json

import numpy as np
import pytest
import torch

from radassay.errors import SettingsError
from radassay.generators.compute import computing
from radassay.generators.crew import Crew
from radassay.generators.diffusion.autoencoder import Autoencoder, Latents, reconstruction_error
from radassay.generators.diffusion.latent import LatentDiffusion
from radassay.generators.given import Given

SMALL = {
    "images_seen": 400,
    "batch_size": 8,
    "width": 2,
    "autoencoder_width": 4,
    "grid_every": 10_000,
    "draw_steps": 3,
    "threads": 1,
    "device": "cpu",
    "precision": "float32",
}


def discs(n):
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:16, :16]
    centres = rng.uniform(4, 12, (n, 2, 1, 1))
    pixels = ((y - centres[:, 0]) ** 2 + (x - centres[:, 1]) ** 2 < 9) * 0.6 + 0.2
    return pixels.astype(np.float32)


@pytest.mark.parametrize("wrong", [{"shrink": 3}, {"autoencoder_share": 2.0}, {"latent_channels": 0}])
def test_settings_out_of_range_are_refused_by_name(wrong):
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        LatentDiffusion(**{**SMALL, **wrong})


@pytest.mark.parametrize("shrink", [2, 4, 8])
def test_latents_are_as_much_smaller_as_told(shrink):
    coder = Autoencoder(shrink, 3, 2)
    pictures = torch.randn(2, 1, 32, 32)
    latents = coder.encode(pictures)
    assert latents.mean.shape == latents.log_variance.shape == (2, 3, 32 // shrink, 32 // shrink)
    assert coder.decode(latents.mean).shape == pictures.shape


def test_a_latent_is_drawn_around_its_mean():
    latents = Latents(torch.full((1,), 2.0), torch.full((1,), np.log(9.0)))
    assert latents.drawn(torch.zeros(1)).item() == pytest.approx(2)
    assert latents.drawn(torch.ones(1)).item() == pytest.approx(5)


def test_a_blurred_edge_costs_more_than_as_much_error_in_brightness():
    real = torch.zeros(1, 1, 16, 16)
    real[..., 8:] = 1
    assert reconstruction_error(real, real).item() == 0
    blurred = real.clone()
    blurred[..., 7:9] = 0.5
    brighter = real + (blurred - real).abs().mean()
    assert reconstruction_error(blurred, real) > 1.5 * reconstruction_error(brighter, real)


@pytest.fixture(scope="module")
def learnt():
    """A learner just before the autoencoder is frozen, just after, and later; with the reconstruction errors."""
    with computing("cpu", "float32", 1) as compute:
        given = Given.of(discs(40), np.arange(40) % 2, compute.device)
        torch.manual_seed(0)
        rules = LatentDiffusion(**{**SMALL, "learning_rate": 0.02, "autoencoder_share": 0.8})
        taught = rules.learner(given, compute, Crew(), seed=0, steps=150)
        errors = [taught.step(k) for k in range(120)]
        frozen = {k: v.clone() for k, v in taught.averaged.autoencoder.state_dict().items()}
        later = [taught.step(k) for k in range(120, 130)]
        yield taught, errors, frozen, later


def test_the_autoencoder_learns_first_and_the_denoiser_next(learnt):
    _, errors, _, later = learnt
    assert all(set(e) == {"reconstruction"} for e in errors)
    assert all(set(e) == {"denoising"} for e in later)
    first, last = (np.mean([e["reconstruction"] for e in part]) for part in (errors[:10], errors[-10:]))
    assert last < 0.4 * first


def test_once_frozen_the_autoencoder_does_not_change_by_a_bit(learnt):
    taught, _, frozen, _ = learnt
    assert all(torch.equal(v, frozen[k]) for k, v in taught.averaged.autoencoder.state_dict().items())
    before, _ = taught.latents()
    taught.known = None  # as after a resume
    assert torch.equal(taught.latents()[0], before)


def test_latents_are_standardised_for_the_denoiser(learnt):
    taught = learnt[0]
    for denoiser in (taught.denoiser, taught.averaged.denoiser):
        standard = denoiser.standardised(taught.latents()[0])
        torch.testing.assert_close(standard.mean(dim=(0, 2, 3)), torch.zeros(4), atol=1e-4, rtol=0)
        torch.testing.assert_close(standard.std(dim=(0, 2, 3)), torch.ones(4), atol=1e-3, rtol=0)


def test_a_resume_in_either_part_ends_in_the_same_weights(tmp_path):
    class Killed(Exception):
        pass

    labels = np.array(["a", "b"] * 20)
    model = LatentDiffusion(**{**SMALL, "checkpoint_every": 40})
    model.fit(discs(40), labels, tmp_path / "whole", seed=4)
    for at in (64, 240):

        def kill(progress, at=at):
            if at <= progress.done < at + 24:
                raise Killed

        folder = tmp_path / str(at)
        monkey = pytest.MonkeyPatch()
        monkey.setattr("radassay.generators.telling.REPORT_SECONDS", 0.0)
        with pytest.raises(Killed):
            model.fit(discs(40), labels, folder, seed=4, report=kill)
        monkey.undo()
        model.fit(discs(40), labels, folder, seed=4)
        name = "weights.safetensors"
        assert (folder / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    lines = [json.loads(line) for line in (tmp_path / "whole" / "losses.jsonl").read_text().splitlines()]
    assert "reconstruction" in lines[0] and "denoising" in lines[-1]
