"""What is peculiar to StyleGAN2 and to R3GAN: demodulation, path length, mixed styles, pairs, silent blocks."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from radassay.generators.gan.loss import gradient_penalty
from radassay.generators.gan.r3gan import R3GAN, relativistic_loss
from radassay.generators.gan.r3gan_networks import Drawer, Judge, Residual
from radassay.generators.gan.style_networks import ModulatedConv, StyleNetwork
from radassay.generators.gan.stylegan2 import StyleGAN2ADA, path_lengths
from tests.generators.conftest import TINY


def test_demodulation_gives_unit_variance_whatever_the_style():
    torch.manual_seed(0)
    conv = ModulatedConv(16, 8, 3, 4)
    x, style = torch.randn(8, 16, 32, 32), 20 * torch.randn(8, 4)
    inner = conv(x, style)[:, :, 1:-1, 1:-1].detach()
    assert float(inner.var()) == pytest.approx(1, abs=0.05)


def test_scaling_in_and_out_equals_weights_made_for_each_picture():
    torch.manual_seed(0)
    conv = ModulatedConv(6, 5, 3, 4)
    x, style = torch.randn(3, 6, 8, 8), torch.randn(3, 4)
    weight = (conv.weight * conv.scale)[None] * conv.style(style)[:, None, :, None, None]
    weight = weight / (weight.square().sum(dim=(2, 3, 4), keepdim=True) + 1e-8).sqrt()
    grouped = F.conv2d(x.reshape(1, 18, 8, 8), weight.reshape(15, 6, 3, 3), padding=1, groups=3).view(3, 5, 8, 8)
    torch.testing.assert_close(conv(x, style), grouped, rtol=1e-4, atol=1e-5)


def test_path_length_of_a_linear_picture_is_known():
    styles = torch.randn(3, 2, 4, requires_grad=True)
    direction = torch.randn(3, 1, 8, 8)
    pictures = 2 * styles.sum(dim=(1, 2))[:, None, None, None].expand(3, 1, 8, 8)
    expected = (2 * direction.sum(dim=(1, 2, 3)) / 8).abs() * math.sqrt(4)
    torch.testing.assert_close(path_lengths(pictures, styles, direction), expected)


def test_styles_cross_over_at_their_layer():
    network = StyleNetwork(16, 2, 2, 4)
    noise, classes, other = torch.randn(2, network.latent_dim), torch.tensor([0, 1]), torch.randn(2, 4)
    own, second = network.style(noise, classes), network.style(other, classes)
    mixed = network.style(noise, classes, other, torch.tensor([2, network.styles]))
    assert torch.equal(mixed[0, :2], own[0, :2])
    assert torch.equal(mixed[0, 2:], second[0, 2:])
    assert torch.equal(mixed[1], own[1])


def test_the_mean_path_length_is_kept_through_a_resume(game_of):
    game = game_of(StyleGAN2ADA(**TINY))
    game.step(0)
    assert float(game.path_mean) > 0
    resumed = game_of(StyleGAN2ADA(**TINY))
    resumed.load(game.state())
    assert torch.equal(resumed.path_mean, game.path_mean)


def test_pairs_lose_the_log_likelihood_of_the_real_one_being_better():
    real, drawn = torch.tensor([2.0, -1.0]), torch.tensor([0.5, 1.0])
    expected = sum(math.log1p(math.exp(-d)) for d in (1.5, -2.0)) / 2
    assert float(relativistic_loss(real, drawn)) == pytest.approx(expected, rel=1e-6)


def test_the_discriminator_goes_down_pairs_r1_and_r2_each_taken_by_itself(game_of):
    game = game_of(R3GAN(**TINY, penalty=3.0))
    for step in range(3):
        game.step(step)  # blocks are silent at first and have no slope
    turn, rows = game.turn(3, np.random.default_rng(0)), slice(0, 4)
    loss = game.discriminator_loss(turn, rows)
    found = torch.autograd.grad(loss, list(game.discriminator.parameters()))
    pictures = [x.detach().requires_grad_() for x in game.seen(turn, rows)]
    of_real, of_drawn = (game.discriminator(x, turn.classes[rows]) for x in pictures)
    slopes = gradient_penalty(of_real, pictures[0]) + gradient_penalty(of_drawn, pictures[1])
    alone = relativistic_loss(of_real, of_drawn) + 0.5 * 3.0 * slopes
    torch.testing.assert_close(loss, alone)
    torch.testing.assert_close(found, torch.autograd.grad(alone, list(game.discriminator.parameters())))


def test_blocks_are_silent_at_the_start_and_nothing_is_normalised():
    x = torch.randn(2, 16, 8, 8)
    assert torch.equal(Residual(16, 4)(x), x)
    for network in (Drawer(16, 2, 8, 4, 1), Judge(16, 2, 8, 1)):
        assert not [m for m in network.modules() if "Norm" in type(m).__name__]
        assert any(m.groups > 1 for m in network.modules() if isinstance(m, torch.nn.Conv2d))


@pytest.mark.parametrize("size", [32, 64, 256])
def test_first_pictures_and_scores_are_of_the_size_of_real_ones_at_every_side(size):
    torch.manual_seed(0)
    classes = torch.zeros(64, dtype=torch.int64)
    with torch.no_grad():
        drawn = Drawer(size, 2, 4, 64, 1)(torch.randn(64, 64), classes)
        scores = Judge(size, 2, 4, 1)(drawn, classes)
    # Layers of which nothing is cut off, given a rectifier's gain, drew pictures of spread 1.3, 1.9 and 2.3.
    assert 0.25 < float(drawn.std()) < 0.8
    assert float(scores.std()) < 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="NO GPU: compiled networks are not tested")
def test_compiled_networks_keep_their_keys(game_of):
    plain = game_of(StyleGAN2ADA(**TINY), "cuda")
    compiled = game_of(StyleGAN2ADA(**TINY, compile=True), "cuda")
    compiled.step(0)
    compiled.step(1)
    assert compiled.generator.state_dict().keys() == plain.generator.state_dict().keys()
