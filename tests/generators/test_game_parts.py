"""The parts of the game: losses, penalty, augmentation, average, noise, networks."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from radassay.generators.average import WeightAverage
from radassay.generators.gan.augment import Augment
from radassay.generators.gan.loss import discriminator_loss, generator_loss, gradient_penalty
from radassay.generators.gan.networks import DiscriminatorNetwork, GeneratorNetwork, channels, deviation
from radassay.generators.grid import contact_sheet
from radassay.generators.noise import noise_of
from radassay.generators.watching import spread, thumbnails


def test_the_discriminator_loses_the_log_likelihood_of_what_is_real():
    real, drawn = torch.tensor([1.0, -2.0, 0.5]), torch.tensor([0.0, 3.0, 0.5])
    likely, unlikely = 1 / (1 + np.exp(-real.numpy())), 1 / (1 + np.exp(-drawn.numpy()))
    expected = -np.log(likely).mean() - np.log(1 - unlikely).mean()
    assert float(discriminator_loss(real, drawn)) == pytest.approx(expected, rel=1e-6)


def test_the_generator_loss_is_steepest_where_the_discriminator_is_sure():
    scores = torch.tensor([-6.0, 0.0, 6.0], requires_grad=True)
    generator_loss(scores).backward()
    np.testing.assert_allclose(scores.grad * 3, [-1 / (1 + np.exp(-6)), -0.5, -1 / (1 + np.exp(6))], rtol=1e-5)


def test_the_penalty_of_a_linear_score_is_its_squared_slope():
    slope = torch.randn(1, 8, 8)
    pictures = torch.randn(6, 1, 8, 8, requires_grad=True)
    penalty = gradient_penalty((pictures * slope).sum(dim=(1, 2, 3)), pictures)
    assert float(penalty) == pytest.approx(float(slope.square().sum()), rel=1e-5)


def test_the_penalty_reaches_the_weights():
    network = DiscriminatorNetwork(16, 2, 2)
    pictures = torch.randn(4, 1, 16, 16, requires_grad=True)
    gradient_penalty(network(pictures, torch.tensor([0, 1, 0, 1]), 2), pictures).backward()
    assert float(network.layers[0].weight.grad.abs().sum()) > 0


def test_no_augmentation_changes_nothing():
    changes = Augment(shift=0, intensity=0, cutout=0).draw(5, 16, np.random.default_rng(0))
    pictures = torch.randn(5, 1, 16, 16)
    assert torch.equal(changes.apply(pictures), pictures)


def test_a_shift_moves_whole_pictures_by_whole_pixels():
    pictures = torch.arange(256.0).reshape(1, 1, 16, 16).repeat(40, 1, 1, 1)
    moved = Augment(shift=0.125, intensity=0, cutout=0).draw(40, 16, np.random.default_rng(0)).apply(pictures)
    steps = moved[:, 0, 8, 8] - pictures[:, 0, 8, 8]
    expected = {16 * down + right for down in range(-2, 3) for right in range(-2, 3)}
    assert {int(step) for step in steps} <= expected
    assert len({int(step) for step in steps}) > 10


def test_augmentation_never_mirrors_unless_asked():
    ramp = torch.linspace(-1, 1, 16).expand(64, 1, 16, 16)
    plain = Augment().draw(64, 16, np.random.default_rng(0)).apply(ramp)
    assert (plain[:, 0, :, -1].sum(dim=1) >= plain[:, 0, :, 0].sum(dim=1)).all()
    flipped = Augment(cutout=0, flip=True).draw(64, 16, np.random.default_rng(0)).apply(ramp)
    mirrored = (flipped[:, 0, 0, -1] < flipped[:, 0, 0, 0]).float().mean()
    assert 0.3 < float(mirrored) < 0.7


def test_gradients_flow_through_the_augmentation():
    pictures = torch.randn(4, 1, 16, 16, requires_grad=True)
    Augment(cutout=0).draw(4, 16, np.random.default_rng(0)).apply(pictures).sum().backward()
    assert float(pictures.grad.abs().sum()) > 0


def test_the_average_moves_half_way_in_its_half_life():
    model, old = nn.Linear(3, 1), nn.Linear(3, 1)
    start = old.weight.detach().clone()
    average = WeightAverage(copy.deepcopy(old), half_life=100)
    average.update(model, images_seen=1_000_000, images=100)
    torch.testing.assert_close(average.model.weight, (start + model.weight) / 2)


def test_the_average_follows_closely_at_first():
    model, old = nn.Linear(3, 1), nn.Linear(3, 1)
    average = WeightAverage(copy.deepcopy(old), half_life=100_000)
    average.update(model, images_seen=16, images=16)
    torch.testing.assert_close(average.model.weight, model.weight, atol=1e-4, rtol=1e-3)


def test_noise_of_a_place_does_not_depend_on_the_others():
    whole = noise_of(3, range(10), 6)
    np.testing.assert_array_equal(noise_of(3, [7, 2], 6), whole[[7, 2]])
    assert not np.array_equal(noise_of(4, range(10), 6), whole)


def test_identical_pictures_have_no_deviation_and_no_spread():
    alike = torch.ones(4, 2, 4, 4)
    assert float(deviation(alike, 4).max()) == pytest.approx(0.01)
    assert spread(thumbnails(alike[:, 0].numpy()), np.array([0, 0, 1, 1])) == 0
    assert float(deviation(torch.randn(4, 2, 4, 4), 4).min()) > 0.1


def test_a_group_of_the_deviation_knows_its_own_pictures_alone():
    pictures = torch.randn(8, 2, 4, 4)
    other = torch.cat([pictures[:4], torch.randn(4, 2, 4, 4)])
    torch.testing.assert_close(deviation(pictures, 4)[:4], deviation(other, 4)[:4])


def test_spread_is_the_mean_distance_within_classes():
    pictures = np.zeros((4, 8, 8), dtype=np.float32)
    pictures[1] = 1  # class 0: one pair at distance 8; class 1: one pair at distance 0
    assert spread(thumbnails(pictures), np.array([0, 0, 1, 1])) == pytest.approx(4)


def test_thumbnails_are_means_of_cells():
    pictures = np.random.default_rng(0).random((3, 32, 32), dtype=np.float32)
    means = pictures.reshape(3, 8, 4, 8, 4).mean(axis=(2, 4)).reshape(3, -1)
    np.testing.assert_allclose(thumbnails(pictures), means, rtol=1e-6)


def test_pictures_depend_on_noise_and_on_class_from_the_start():
    torch.manual_seed(0)
    network = GeneratorNetwork(32, 2, 4, 8).train()
    noise = torch.randn(6, 8)
    drawn = network(noise, torch.tensor([0] * 6)).detach()
    other = network(noise, torch.tensor([0, 0, 0, 1, 1, 1])).detach()
    assert drawn.shape == (6, 1, 32, 32)
    assert float((drawn[0] - drawn[1]).abs().max()) > 0.05
    assert float((drawn[3:] - other[3:]).abs().max()) > 0.05


def test_channels_double_as_the_side_halves_up_to_a_limit():
    assert [channels(16, side, 128) for side in (128, 64, 32, 16, 8, 4)] == [16, 32, 64, 128, 256, 256]


def test_a_contact_sheet_clips_and_keeps_order():
    from io import BytesIO

    from PIL import Image

    pictures = np.array([[[[0.0]], [[2.0]]], [[[0.5]], [[-1.0]]]])
    sheet = np.asarray(Image.open(BytesIO(contact_sheet(pictures))))
    assert sheet.shape == (5, 5)
    assert sheet[1, 1] == 0
    assert sheet[1, 3] == 255
    assert sheet[3, 1] == 128
    assert sheet[3, 3] == 0
