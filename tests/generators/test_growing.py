"""Progressive growing: the schedule, the fading of blocks, and the layers it is made of."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from radassay.generators.blocks import EqualisedConv2d, EqualisedLinear, PixelNorm
from radassay.generators.gan.growing import GrowingCritic, GrowingGenerator, doublings, faded, grown
from radassay.generators.gan.networks import enlarge
from radassay.generators.gan.pggan import PGGAN

from .conftest import TINY


def test_blocks_stand_and_fade_in_turn():
    assert doublings(64) == 4
    told = [grown(seen, 800, 4) for seen in range(0, 1100, 50)]
    assert told == [
        0, 0, 0, 0.5, 1, 1, 1, 1.5, 2, 2, 2, 2.5, 3, 3, 3, 3.5, 4, 4, 4, 4, 4, 4,
    ]  # fmt: skip


def pair(at, width=2):
    torch.manual_seed(0)
    networks = GrowingGenerator(32, 2, width, 4), GrowingCritic(32, 2, width)
    for network in networks:
        network.grow(at)
    return networks


@pytest.mark.parametrize(("at", "side"), [(0, 4), (0.25, 8), (1, 8), (1.5, 16), (2, 16), (3, 32)])
def test_pictures_have_the_side_of_the_newest_block_and_full_size_at_rest(at, side):
    drawing, judging = pair(at)
    noise, classes = torch.randn(4, 4), torch.tensor([0, 1, 0, 1])
    drawn = drawing.train()(noise, classes)
    assert drawn.shape == (4, 1, side, side)
    assert judging(drawn, classes).shape == (4, 3)
    assert faded(torch.randn(4, 1, 32, 32), float(at)).shape == drawn.shape
    rested = drawing.eval()(noise, classes)
    torch.testing.assert_close(rested, F.interpolate(drawn, 32, mode="nearest"))


def test_a_block_fades_in_from_what_stood_before():
    noise, classes = torch.randn(4, 4), torch.tensor([0, 1, 0, 1])
    drawing, judging = pair(1)
    before = drawing(noise, classes)
    judged = judging(before, classes)
    drawing.grow(1 + 1 / 4096)
    judging.grow(1 + 1 / 4096)
    torch.testing.assert_close(drawing(noise, classes), enlarge(before), rtol=0, atol=5e-3)
    torch.testing.assert_close(judging(enlarge(before), classes), judged, rtol=0, atol=5e-3)


def test_a_fading_picture_is_the_mean_of_both_blocks_weighed_by_how_far_it_is():
    noise, classes = torch.randn(4, 4), torch.tensor([0, 1, 0, 1])
    drawing, _ = pair(1)
    before = enlarge(drawing(noise, classes))
    drawing.grow(2)
    after = drawing(noise, classes)
    drawing.grow(1.25)
    torch.testing.assert_close(drawing(noise, classes), 0.75 * before + 0.25 * after)


def test_real_pictures_fade_in_like_drawn_ones():
    pictures = torch.randn(3, 1, 32, 32)
    torch.testing.assert_close(faded(pictures, 3.0), pictures)
    coarse = enlarge(F.avg_pool2d(pictures, 2))
    torch.testing.assert_close(faded(pictures, 2.25), 0.75 * coarse + 0.25 * pictures)


def test_how_far_it_has_grown_goes_with_weights_and_average(images, tmp_path):
    settings = {**TINY, "images_seen": 64, "grid_every": 64}
    PGGAN(**settings, grown_after=1.0).fit(*images, tmp_path, seed=0)
    from radassay.generators.training import trained

    tensors, _ = trained(tmp_path)
    # The last of 16 steps began after 60 of 64 images, three quarters into the last of four phases.
    assert int(tensors["parts"]) == round(1.75 * 4096)


@torch.no_grad()
def test_equalised_layers_keep_the_size_of_features_whatever_their_width():
    torch.manual_seed(0)
    for incoming in (4, 64):
        x = torch.randn(64, incoming, 8, 8)
        linear = EqualisedLinear(incoming, 64, gain=1.0)
        assert float(EqualisedConv2d(incoming, 64, 3, gain=1.0)(x)[:, :, 1:-1, 1:-1].std()) == pytest.approx(1, abs=0.1)
        assert float(linear(x[:, :, 0, 0]).std()) == pytest.approx(1, abs=0.15)
        assert float(linear.weight.std()) == pytest.approx(1, abs=0.15)


def test_a_layer_of_lower_rate_begins_alike_and_learns_more_slowly():
    x, made = torch.randn(5, 6), []
    for rate in (1.0, 0.1):
        torch.manual_seed(0)
        made.append(EqualisedLinear(6, 3, rate=rate, start=1.0))
    torch.testing.assert_close(made[0](x), made[1](x))
    for layer in made:
        with torch.no_grad():
            layer.bias += 1.0
    change = [float((layer(x) - made[0](x)).mean()) for layer in made]
    assert change[1] == pytest.approx(-0.9, abs=1e-4)


def test_pixel_norm_leaves_places_of_unit_mean_square():
    x = PixelNorm()(torch.randn(3, 7, 4, 4) * 50)
    np.testing.assert_allclose(x.square().mean(dim=1), 1, rtol=1e-4)
    assert math.isclose(float(PixelNorm()(torch.zeros(1, 4, 1, 1)).sum()), 0.0)
