"""Scales, noise levels, Heun's method, guidance and the network: each does what its source says."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from radassay.generators.diffusion.networks import Attention, Block, UNet
from radassay.generators.diffusion.preconditioning import Denoiser, draw_levels, scales
from radassay.generators.diffusion.sampler import HIGHEST, guided, heun, noise_levels

SIGMAS = [0.01, 0.3, 1.0, 5.0, 80.0]


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("sigma", SIGMAS)
def test_input_target_and_first_loss_have_unit_variance_at_every_noise_level(sigma, rng):
    clean = torch.randn(200, 1, 16, 16, generator=rng)
    noise = torch.randn(200, 1, 16, 16, generator=rng)
    c = scales(torch.full((200,), sigma))
    noisy = clean + sigma * noise
    target = (clean - c.skip * noisy) / c.out
    assert (c.into * noisy).var().item() == pytest.approx(1, rel=0.02)
    assert target.var().item() == pytest.approx(1, rel=0.02)
    assert (c.weight * (c.skip * noisy - clean) ** 2).mean().item() == pytest.approx(1, rel=0.02)


def test_noise_levels_are_lognormal_and_spread_over_every_batch():
    levels = np.concatenate([draw_levels(8, -0.5, 1.2, np.random.default_rng(k)) for k in range(500)])
    assert np.log(levels).mean() == pytest.approx(-0.5, abs=0.02)
    assert np.log(levels).std() == pytest.approx(1.2, abs=0.02)
    below = (levels.reshape(500, 8) < np.exp(-0.5)).sum(axis=1)
    assert (below == 4).all()
    assert len(np.unique(levels.reshape(500, 8).argmin(axis=1))) == 8


def test_the_last_noise_level_is_none_and_all_fall():
    levels = noise_levels(9)
    assert (len(levels), levels[-1]) == (10, 0)
    assert levels[0] == pytest.approx(HIGHEST)
    assert (np.diff(levels) < 0).all()
    assert list(noise_levels(1)) == pytest.approx([HIGHEST, 0])


def worst(steps, spread):
    """Return how far Heun's method is from the exact solution for data of a normal distribution."""
    noise = torch.linspace(-2, 2, 9, dtype=torch.float64)
    levels = noise_levels(steps)
    drawn = heun(lambda x, sigma: x * spread**2 / (spread**2 + sigma**2), noise, levels)
    # dx/dσ = xσ/(σ² + s²), whose solution is x ∝ √(σ² + s²).
    exact = noise * float(levels[0]) * spread / np.hypot(float(levels[0]), spread)
    return float((drawn - exact).abs().max())


@pytest.mark.parametrize("spread", [0.3, 1.0])
def test_normal_data_are_drawn_exactly_up_to_the_order_of_the_method(spread):
    errors = [worst(steps, spread) for steps in (16, 32, 64)]
    assert errors[-1] < 0.01 * 2 * spread
    ratios = [a / b for a, b in pairwise(errors)]
    assert all(3 < ratio < 5.5 for ratio in ratios)


def test_a_single_point_is_drawn_exactly_in_any_number_of_steps():
    for steps in (1, 2, 7):
        drawn = heun(lambda x, sigma: torch.full_like(x, 0.25), torch.randn(5), noise_levels(steps))
        torch.testing.assert_close(drawn, torch.full((5,), 0.25), atol=1e-4, rtol=0)


def test_guidance_of_one_is_the_class_and_of_nought_is_none():
    known, unknown = torch.randn(4), torch.randn(4)
    torch.testing.assert_close(guided(1.0, known, unknown), known)
    torch.testing.assert_close(guided(0.0, known, unknown), unknown)
    torch.testing.assert_close(guided(3.0, known, unknown), unknown + 3 * (known - unknown))


def test_blocks_and_attention_begin_by_changing_nothing(rng):
    x = torch.randn(2, 32, 12, 12, generator=rng)
    assert torch.equal(Block(32, 32)(x), x)
    assert torch.equal(Block(32, 32, 5)(x, torch.randn(2, 5, generator=rng)), x)
    assert torch.equal(Attention(32)(x), x)


@pytest.mark.parametrize(("side", "channels", "width", "patch"), [(16, 1, 2, 2), (64, 1, 25, 2), (4, 3, 2, 1)])
def test_an_untrained_denoiser_gives_the_best_guess_without_knowledge(side, channels, width, patch):
    denoiser = Denoiser(UNet(side, channels, 2, width, patch, blocks=2))
    noisy = torch.randn(3, channels, side, side)
    sigma = torch.tensor([0.1, 1.0, 9.0])
    found = denoiser(noisy, sigma, torch.tensor([0, 1, 2]))
    torch.testing.assert_close(found, noisy / (sigma[:, None, None, None] ** 2 + 1))


def test_noise_level_and_class_reach_the_picture():
    torch.manual_seed(0)
    net = UNet(16, 1, 2, 4, 2, blocks=1)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.normal_(std=0.3)
    x = torch.randn(1, 1, 16, 16).expand(2, -1, -1, -1)
    same = net(x, torch.full((2,), 0.5), torch.tensor([1, 1]))
    torch.testing.assert_close(same[0], same[1])
    half = torch.full((2,), 0.5)
    for noise, classes in ((torch.tensor([0.5, 0.6]), [1, 1]), (half, [0, 1]), (half, [1, 2])):
        found = net(x, noise, torch.tensor(classes))
        assert (found[0] - found[1]).abs().mean() > 0.01


def test_standardising_goes_there_and_back_and_spares_constants():
    denoiser = Denoiser(UNet(8, 2, 1, 2, 1, blocks=1))
    data = torch.randn(30, 2, 8, 8) * torch.tensor([3.0, 0.5])[:, None, None] - 2
    denoiser.standardise_by(data)
    standard = denoiser.standardised(data)
    torch.testing.assert_close(standard.mean(dim=(0, 2, 3)), torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(standard.std(dim=(0, 2, 3)), torch.ones(2), atol=1e-4, rtol=0)
    torch.testing.assert_close(denoiser.restored(standard), data)
    denoiser.standardise_by(torch.full((4, 2, 8, 8), 0.7))
    assert denoiser.standardised(torch.full((1, 2, 8, 8), 0.7)).abs().max() < 1e-3
