"""The adaptive augmentation: nothing at no strength, never mirrored, stronger where the discriminator overfits."""

import numpy as np
import pytest
import torch

from radassay.generators.gan.adaptive import EVERY, warp
from radassay.generators.gan.augment import Augment
from radassay.generators.gan.game import Game
from radassay.generators.gan.r3gan import R3GAN
from radassay.generators.gan.stylegan2 import StyleGAN2ADA
from tests.generators.conftest import TINY


def changes(strength, n=32, size=16, seed=0):
    rng = np.random.default_rng(seed)
    return warp(Augment().draw(n, size, rng), strength, size, rng)


def test_no_strength_leaves_pictures_as_they_are():
    pictures = torch.rand(32, 1, 16, 16)
    assert torch.equal(changes(0.0).apply(pictures), pictures)


def test_full_strength_changes_every_picture_and_lets_gradients_through():
    pictures = torch.rand(32, 1, 16, 16, requires_grad=True)
    changed = changes(1.0).apply(pictures)
    assert bool((changed != pictures).flatten(1).any(dim=1).all())
    changed.sum().backward()
    assert bool((pictures.grad.flatten(1).abs().sum(dim=1) > 0).all())


def test_a_bright_corner_stays_in_its_corner():
    pictures = torch.zeros(200, 1, 32, 32)
    pictures[:, :, :10, :10] = 1
    drawn = changes(1.0, 200, 32)
    kept = drawn.__class__(drawn.places, np.ones_like(drawn.keep), drawn.gain, drawn.offset, drawn.matrix, drawn.grain)
    changed = kept.apply(pictures)[:, 0]
    corners = torch.stack([changed[:, a, b].mean(dim=(1, 2)) for a in (slice(0, 8), slice(24, 32))
                           for b in (slice(0, 8), slice(24, 32))])  # fmt: skip
    assert set(corners.argmax(dim=0).tolist()) == {0}


def test_rows_are_changed_alike_alone_and_together():
    pictures, drawn = torch.rand(32, 1, 16, 16), changes(0.7)
    parts = [drawn.at(slice(a, a + 8)).apply(pictures[a : a + 8]) for a in range(0, 32, 8)]
    torch.testing.assert_close(torch.cat(parts), drawn.apply(pictures))


@pytest.mark.parametrize("family", [R3GAN, StyleGAN2ADA])
@pytest.mark.parametrize(("score", "expected"), [(1.0, [0.2, 0.4]), (-1.0, [0.0, 0.0])])
def test_strength_follows_the_signs_of_real_scores(family, score, expected, game_of, monkeypatch):
    game = game_of(family(**TINY, augment_pace=80))

    def scored(self, step):
        self.note(slice(0, 4), torch.full((4,), score))
        return {}

    monkeypatch.setattr(Game, "step", scored)
    strengths = [game.step(step)["augmentation"] for step in range(2 * EVERY)]
    assert strengths[EVERY - 1] == pytest.approx(expected[0])
    assert strengths[-1] == pytest.approx(expected[1])
    game.load({**game.state(), "strength": torch.tensor(0.4)})
    assert game.strength == pytest.approx(0.4)


def test_no_target_means_no_adaptive_augmentation(game_of):
    game = game_of(R3GAN(**TINY, augment_target=0.0))
    pictures = torch.rand(4, 1, 16, 16)
    assert torch.equal(game.changes(4, np.random.default_rng(0)).apply(pictures), pictures)
    assert "augmentation" not in game.step(0)
