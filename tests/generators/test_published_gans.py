"""The GANs of the review: that each learns which class is which, and what is peculiar to each."""

import numpy as np
import pytest
import torch

from radassay.generators.compute import Compute
from radassay.generators.crew import Crew
from radassay.generators.gan.acgan import ACGAN
from radassay.generators.gan.cgan import CGAN
from radassay.generators.gan.convolutional import StridedDiscriminator, TransposedGenerator
from radassay.generators.gan.dcgan import DCGAN, OneEach
from radassay.generators.gan.naming import misnamed
from radassay.generators.gan.pggan import PGGAN
from radassay.generators.gan.wasserstein import slope_penalty
from radassay.generators.gan.wgan_gp import WGANGP
from radassay.generators.given import Given

from .conftest import TINY

CPU = Compute(torch.device("cpu"), False, 1)


def game(family, classes=2, steps=10, size=16, **changes):
    """Return a game on noise, whose first weights are those of seed 0."""
    rng = np.random.default_rng(0)
    given = Given.of(rng.random((12, size, size), dtype=np.float32), np.arange(12) % classes, CPU.device)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return family(**{**TINY, **changes}).learner(given, CPU, Crew(), seed=3, steps=steps)


def weights(network):
    return {name: value.clone() for name, value in network.state_dict().items()}


@pytest.fixture(scope="module")
def sided():
    """Return 60 pictures of a bright square, to the left or to the right."""
    rng = np.random.default_rng(1)
    labels = np.array(["left", "right"])[np.arange(60) % 2]
    pixels = np.full((60, 16, 16), 0.2, dtype=np.float32)
    for row, label in enumerate(labels):
        top, at = rng.integers(3, 8), (2 if label == "left" else 9)
        pixels[row, top : top + 5, at : at + 5] = rng.uniform(0.7, 0.95)
    return pixels, labels


def test_acgan_learns_which_class_is_which(sided, tmp_path):
    made = ACGAN(
        **{**TINY, "images_seen": 2400, "batch_size": 8, "width": 4, "checkpoint_every": 2400, "grid_every": 2400}
    )
    made.fit(*sided, tmp_path, seed=0)
    wanted = np.array(["left", "right"] * 20)
    drawn = made.sample(wanted, tmp_path, seed=0)
    leaning = drawn[:, :, 8:].mean(axis=(1, 2)) - drawn[:, :, :8].mean(axis=(1, 2))
    assert ((leaning > 0) == (wanted == "right")).mean() > 0.9


@pytest.mark.parametrize("family", [DCGAN, CGAN, ACGAN, WGANGP, PGGAN], ids=lambda f: f.name)
@pytest.mark.parametrize("size", [32, 128])
def test_every_size_it_names_can_be_drawn(family, size, tmp_path):
    assert family.sizes == (16, 32, 64, 128)
    pixels = np.random.default_rng(0).random((4, size, size), dtype=np.float32)
    made = family(**{**TINY, "images_seen": 8})
    made.fit(pixels, np.array(["a", "b", "a", "b"]), tmp_path, seed=0)
    assert made.sample(np.array(["b", "a"]), tmp_path, seed=1).shape == (2, size, size)


def test_dcgan_has_a_pair_of_networks_a_class_and_teaches_one_a_step():
    played = game(DCGAN, classes=3)
    assert len(played.generator.networks) == len(played.discriminator.networks) == 3
    before = [weights(network) for network in played.generator.networks]
    played.step(4)
    changed = [
        any(not torch.equal(old[name], value) for name, value in network.state_dict().items())
        for old, network in zip(before, played.generator.networks, strict=True)
    ]
    assert changed == [False, True, False]


def test_dcgan_shows_a_pair_of_networks_its_own_class_alone():
    played = game(DCGAN, classes=3)
    for step in range(3):
        turn = played.turn(step, np.random.default_rng(0))
        assert set(turn.classes.tolist()) == {step}
        own = played.given.pictures[played.given.members[step]]
        assert all(any(torch.equal(picture, known) for known in own) for picture in turn.real)


def test_networks_of_several_classes_each_draw_their_own_rows():
    class Times(torch.nn.Module):
        def __init__(self, factor):
            super().__init__()
            self.factor = factor

        def forward(self, given, classes):
            return given * self.factor

    each = OneEach([Times(1), Times(10), Times(100)]).eval()
    given, classes = torch.arange(1.0, 6), torch.tensor([2, 0, 1, 0, 2])
    assert each(given, classes).tolist() == [100, 2, 30, 4, 500]


def test_transposed_convolutions_leave_a_checkerboard():
    torch.manual_seed(0)
    network = TransposedGenerator(32, 0, 8, 8).eval()
    with torch.no_grad():
        drawn = network(torch.randn(64, 8), torch.zeros(64, dtype=torch.int64))[:, 0, 4:-4, 4:-4]
    strength = drawn.square().mean(dim=0)
    phases = torch.stack([strength[i::2, j::2].mean() for i in (0, 1) for j in (0, 1)])
    assert float(phases.max() / phases.min()) > 1.5


@pytest.mark.parametrize("judge", ["told", "not told"])
def test_only_a_discriminator_that_is_told_the_class_heeds_it(judge):
    torch.manual_seed(0)
    network = StridedDiscriminator(16, 2 if judge == "told" else 0, 2, norm=None)
    pictures = torch.randn(4, 1, 16, 16)
    scores = [network(pictures, torch.full((4,), number)) for number in (0, 1)]
    assert torch.equal(*scores) == (judge == "not told")


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_the_class_is_joined_at_every_layer_of_the_discriminator(layer):
    torch.manual_seed(0)
    network = StridedDiscriminator(32, 2, 2, norm=None)
    with torch.no_grad():
        for number, conv in enumerate(network.layers):
            if number != layer:
                conv.weight[:, -2:] = 0
    pictures = torch.randn(4, 1, 32, 32)
    scores = [network(pictures, torch.full((4,), number)) for number in (0, 1)]
    assert not torch.equal(*scores)


def test_the_generator_of_a_conditional_gan_heeds_the_class():
    torch.manual_seed(0)
    network = TransposedGenerator(16, 2, 2, 4)
    noise = torch.randn(4, 4)
    drawn = [network(noise, torch.full((4,), number)) for number in (0, 1)]
    assert float((drawn[0] - drawn[1]).detach().abs().max()) > 1e-4


@pytest.mark.parametrize("told", [True, False])
def test_noise_and_class_set_gain_and_shift_where_the_setting_says_so(told):
    played = game(ACGAN, noise_at_each_layer=told)
    kinds = {type(norm).__name__ for norm in played.generator.norms}
    assert kinds == ({"ConditionalNorm"} if told else {"BatchNorm2d"})
    network, noise = played.generator.eval(), torch.randn(4, TINY["latent_dim"])
    with torch.no_grad():
        network.project.weight.zero_()
        drawn = network(noise, torch.zeros(4, dtype=torch.int64))
    assert (float((drawn - drawn[:1]).abs().max()) > 1e-4) == told


def test_batch_norm_sees_real_and_drawn_pictures_apart():
    played = game(CGAN)
    turn = played.turn(0, np.random.default_rng(0))
    rows = slice(0, 4)
    real, drawn = played.seen(turn, rows)
    together = played.judged_together(real, drawn, turn.classes)
    torch.testing.assert_close(together[0], played.judged(real, turn.classes))
    mixed = played.judged(torch.cat([real, drawn]), torch.cat([turn.classes] * 2))
    assert not torch.allclose(together[0], mixed[:4], rtol=1e-3, atol=1e-6)


def test_misnaming_costs_the_log_of_the_chance_given_to_the_right_class():
    judged = torch.tensor([[9.0, 2.0, 0.0], [-9.0, 1.0, 1.0]])
    likely = [np.exp(2) / (np.exp(2) + 1), 0.5]
    assert float(misnamed(judged, torch.tensor([0, 1]))) == pytest.approx(-np.log(likely).mean(), rel=1e-6)


@pytest.mark.parametrize("drawn_names", [0.0, 1.0])
def test_the_critic_of_pggan_names_drawn_pictures_only_if_asked(drawn_names):
    rows = slice(0, 4)
    with_names, without = game(PGGAN, drawn_names=drawn_names), game(PGGAN, class_weight=0.0)
    turns = [played.turn(0, np.random.default_rng(0)) for played in (with_names, without)]
    real, drawn = with_names.judged_together(*with_names.seen(turns[0], rows), turns[0].classes)
    named = [float(misnamed(judged, turns[0].classes).detach()) for judged in (real, drawn)]
    losses = [float(p.discriminator_loss(t, rows)) for p, t in zip((with_names, without), turns, strict=True)]
    assert losses[0] - losses[1] == pytest.approx(named[0] + drawn_names * named[1], rel=1e-4)


@pytest.mark.parametrize("drawn_names", [0.0, 1.0])
def test_both_players_of_acgan_lose_by_misnaming(drawn_names):
    rows = slice(0, 4)
    with_names, without = game(ACGAN, drawn_names=drawn_names), game(ACGAN, class_weight=0.0)
    turns = [played.turn(0, np.random.default_rng(0)) for played in (with_names, without)]
    real, drawn = with_names.judged_together(*with_names.seen(turns[0], rows), turns[0].classes)
    named = [float(misnamed(judged, turns[0].classes).detach()) for judged in (real, drawn)]
    of_d = [float(p.discriminator_loss(t, rows)) for p, t in zip((with_names, without), turns, strict=True)]
    of_g = [float(p.generator_loss(t, rows)) for p, t in zip((with_names, without), turns, strict=True)]
    assert of_d[0] - of_d[1] == pytest.approx(named[0] + drawn_names * named[1], rel=1e-4)
    assert of_g[0] - of_g[1] == pytest.approx(named[1], rel=1e-4)


@pytest.mark.parametrize("norm", [0.5, 1.0, 3.0])
def test_the_penalty_of_a_linear_critic_is_how_far_its_slope_is_from_one(norm):
    slope = torch.randn(1, 8, 8)
    slope *= norm / slope.norm()
    penalty = slope_penalty(lambda x: (x * slope).sum(dim=(1, 2, 3)), torch.randn(6, 1, 8, 8))
    assert float(penalty) == pytest.approx((norm - 1) ** 2, abs=1e-6)


def test_a_flat_critic_is_penalised_without_a_nan():
    weight = torch.zeros(1, 8, 8, requires_grad=True)
    penalty = slope_penalty(lambda x: (x * weight).sum(dim=(1, 2, 3)), torch.randn(6, 1, 8, 8))
    penalty.backward()
    assert float(penalty) == pytest.approx(1, abs=1e-5)
    assert torch.isfinite(weight.grad).all()


def test_the_penalty_is_asked_between_pairs_of_real_and_drawn_pictures():
    played = game(WGANGP)
    turn = played.turn(0, np.random.default_rng(0))
    asked = []
    played.scores = lambda pictures, classes: asked.append(pictures) or pictures.sum(dim=(1, 2, 3))
    real, drawn = torch.ones(4, 1, 16, 16), torch.zeros(4, 1, 16, 16)
    assert float(played.penalty(turn, slice(0, 4), real, drawn)) == pytest.approx(10 * (16 - 1) ** 2)
    shares = asked[0][:, 0, 0, 0].detach()
    torch.testing.assert_close(shares, turn.mixed)
    assert len(set(shares.tolist())) == 4


@pytest.mark.parametrize(("family", "times"), [(WGANGP, 5), (PGGAN, 1), (DCGAN, 1)], ids=lambda v: str(v))
def test_the_critic_is_taught_so_many_times_a_step(family, times):
    played = game(family)
    taught = []
    descend = played.players.descend
    played.players.descend = lambda name, *a, **k: taught.append(name) or descend(name, *a, **k)
    played.step(0)
    assert taught == ["discriminator"] * times + ["generator"]


def test_no_batch_norm_where_pictures_are_judged_one_by_one():
    for family in (WGANGP, PGGAN):
        played = game(family)
        for network in (played.generator, played.discriminator):
            assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in network.modules())
