"""The translators: what they keep, refuse and repeat; networks, pool and the check for hidden patterns."""

import json

import numpy as np
import pytest
import torch

from radassay.contracts.generator import Translator
from radassay.errors import InputError, SettingsError
from radassay.generators.given import Given
from radassay.generators.translation.cyclegan import CycleGAN
from radassay.generators.translation.maps import check_maps, found_maps
from radassay.generators.translation.networks import PatchJudge, ResNetTranslator, UNet, as_channels
from radassay.generators.translation.pix2pix import Pix2Pix
from radassay.generators.translation.pool import Pool
from radassay.generators.translation.sources import Sources, from_picture, to_picture
from radassay.generators.translation.steganography import cycle_errors

from .test_sharing_a_batch import together

TINY = {
    "images_seen": 64,
    "batch_size": 4,
    "width": 2,
    "checkpoint_every": 16,
    "grid_every": 32,
    "threads": 1,
    "device": "cpu",
    "precision": "float32",
}
FAMILIES = [CycleGAN, Pix2Pix]


def made(family, **changes):
    return family(**{**TINY, **changes})


@pytest.fixture(scope="module", params=FAMILIES, ids=lambda f: f.name)
def family(request):
    return request.param


@pytest.fixture(scope="module")
def folder(family, images, tmp_path_factory):
    where = tmp_path_factory.mktemp(family.name)
    made(family).fit(*images, where, seed=3)
    return where


def dark(images):
    pixels, labels = images
    return pixels[labels == "dark"], labels[labels == "dark"]


def test_both_are_translators():
    assert all(isinstance(made(family), Translator) for family in FAMILIES)


def test_translations_keep_shape_and_do_not_depend_on_their_neighbours(family, folder, images):
    pixels, labels = (np.concatenate([part] * 3) for part in dark(images))
    assert len(pixels) > 16
    turned = made(family).translate(pixels, labels, folder, target="light", seed=1)
    assert turned.shape == pixels.shape and turned.dtype == np.float32
    assert turned.min() >= 0 and turned.max() <= 1
    few = made(family).translate(pixels[:3], labels[:3], folder, target="light", seed=1)
    np.testing.assert_array_equal(few, turned[:3])
    assert made(family).translate(pixels[:0], labels[:0], folder, target="light", seed=1).shape == (0, 16, 16)


def test_the_seed_is_the_noise_of_pix2pix_and_nothing_to_cyclegan(family, folder, images):
    one, two = (made(family).translate(*dark(images), folder, target="light", seed=s) for s in (1, 2))
    assert np.array_equal(one, two) == (family is CycleGAN)


def test_translating_refuses_what_it_cannot_do(family, folder, images):
    pixels, labels = images
    for given, target, said in (
        ((pixels, labels), "light", "10 of 20 pictures are light already"),
        ((pixels, labels), "grey", r"grey.*dark, light"),
        ((pixels[:2], np.array(["dark", "odd"])), "light", "odd"),
        ((pixels[:2, :8, :8], labels[[0, 0]]), "light", r"\(n, 16, 16\)"),
        ((pixels[:2], labels[[0, 0, 0]]), "light", "one label"),
        ((pixels[:2] * 300, labels[[0, 0]]), "light", "no grey values"),
    ):
        with pytest.raises(InputError, match=said):
            made(family).translate(*given, folder, target=target, seed=0)
    with pytest.raises(InputError, match="no finished training"):
        made(family).translate(pixels[:1], labels[:1], folder / "grids", target="light", seed=0)


def test_what_is_kept_of_the_patients_is_bounded_and_told(family, images, tmp_path):
    made(family, sources=3, images_seen=8).fit(*images, tmp_path, seed=3)
    told = json.loads((tmp_path / "weights.json").read_text())
    assert told["sources"] == 6
    assert "6 training images. Do not publish" in told["warning"]
    assert made(family).sample(np.array(["dark"] * 5), tmp_path, seed=0).shape == (5, 16, 16)


def test_more_parts_of_a_batch_teach_the_same(family, images, tmp_path):
    rules = made(family, images_seen=8)
    from radassay.generators.compute import Compute
    from radassay.generators.crew import Crew

    ends = []
    for parts in (1, 2):
        torch.manual_seed(0)
        given = Given.of(images[0], (images[1] == "light").astype(np.int64), torch.device("cpu"))
        game = rules.learner(given, Compute(torch.device("cpu"), False, 1), Crew(), seed=4, steps=2)
        game.players.parts = parts
        told = game.step(0)
        ends.append((told, {n: p.network for n, p in game.players.of.items()}))
    (one, whole), (two, apart) = ends
    assert two == pytest.approx(one, rel=1e-4)
    for name in whole:
        for left, right in zip(whole[name].parameters(), apart[name].parameters(), strict=True):
            torch.testing.assert_close(right.grad, left.grad, rtol=1e-3, atol=1e-3 * float(left.grad.abs().max()))


@pytest.mark.parametrize("count", [1, 3])
def test_cyclegan_takes_exactly_two_classes(images, tmp_path, count):
    labels = np.array(["a", "b", "c"])[np.arange(20) % count]
    with pytest.raises(InputError, match=rf"exactly two classes. Got: {count}.*each pair"):
        made(CycleGAN).fit(images[0], labels, tmp_path / "run", seed=0)
    assert not (tmp_path / "run").exists()


def test_pix2pix_takes_any_number_of_classes(images, tmp_path):
    labels = np.array(["a", "b", "c"])[np.arange(20) % 3]
    made(Pix2Pix, images_seen=8).fit(images[0], labels, tmp_path, seed=0)
    assert made(Pix2Pix).sample(np.array(["c", "a"]), tmp_path, seed=0).shape == (2, 16, 16)


def test_an_odd_batch_of_two_classes_is_refused():
    with pytest.raises(SettingsError, match="even"):
        CycleGAN(batch_size=3)


def test_a_sample_of_cyclegan_is_the_translation_of_a_training_image_of_the_other_class(images, tmp_path):
    made(CycleGAN, sources=1, images_seen=8).fit(*images, tmp_path, seed=3)
    drawn = made(CycleGAN).sample(np.array(["light"]), tmp_path, seed=0)[0]
    pixels = np.rint(dark(images)[0] * 255).astype(np.float32) / 255
    turned = made(CycleGAN).translate(pixels, dark(images)[1], tmp_path, target="light", seed=0)
    assert np.abs(turned - drawn).mean(axis=(1, 2)).min() < 1e-3


def test_given_maps_are_painted_into_and_belong_to_the_training(images, tmp_path):
    pixels, labels = images
    maps = np.zeros(pixels.shape, dtype=np.int64)
    maps[:, 4:12, 4:12] = 2
    made(Pix2Pix).fit(pixels, labels, tmp_path, seed=3, maps=maps)
    painted = made(Pix2Pix).paint(maps[:3], labels[:3], tmp_path, seed=1)
    assert painted.shape == (3, 16, 16)
    assert not np.array_equal(made(Pix2Pix).paint(maps[:3] * 0, labels[:3], tmp_path, seed=1), painted)
    with pytest.raises(InputError, match="Call `paint`"):
        made(Pix2Pix).translate(*dark(images), tmp_path, target="light", seed=0)
    with pytest.raises(InputError, match="0 to 2"):
        made(Pix2Pix).paint(maps[:3] + 1, labels[:3], tmp_path, seed=1)
    with pytest.raises(SettingsError):
        made(Pix2Pix).fit(pixels, labels, tmp_path, seed=3, maps=maps // 2)


def test_pix2pix_learns_what_its_maps_say(images, tmp_path):
    rng = np.random.default_rng(0)
    maps = np.zeros((40, 16, 16), dtype=np.int64)
    for row, (y, x) in enumerate(rng.integers(0, 9, (40, 2))):
        maps[row, y : y + 8, x : x + 8] = 1
    labels = np.array(["dark", "light"])[np.arange(40) % 2]
    pixels = np.where(maps == 1, np.where(labels == "light", 0.9, 0.1)[:, None, None], 0.5).astype(np.float32)
    rules = made(Pix2Pix, images_seen=400, width=4, shift=0.0, generator_rate=5e-3)
    rules.fit(pixels, labels, tmp_path, seed=3, maps=maps)
    painted = rules.paint(maps, labels, tmp_path, seed=1)
    inside = np.array([p[m == 1].mean() for p, m in zip(painted, maps, strict=True)])
    assert inside[labels == "light"].min() - inside[labels == "dark"].max() > 0.4


@pytest.mark.parametrize(
    ("maps", "said"),
    [
        (np.zeros((3, 16, 16), int), "fit the pictures"),
        (np.zeros((2, 16, 8), int), "fit the pictures"),
        (np.zeros((2, 16, 16)), "whole numbers"),
        (np.full((2, 16, 16), -1), "unknown kind"),
        (np.full((2, 16, 16), 40), "0 to 31"),
    ],
)
def test_maps_that_do_not_fit_are_refused(maps, said):
    with pytest.raises(InputError, match=said):
        check_maps(maps, 2, 16)


def test_found_maps_are_lungs():
    from radassay.images.phantom import Cohort

    cohort = Cohort(size=64, images_per_patient=1)
    pictures = [cohort.picture(cohort.patient(i, "healthy")) for i in range(3)]
    maps = found_maps(np.array([p.grey() for p in pictures], np.float32))
    for found, picture in zip(maps, pictures, strict=True):
        true = picture.masks().lung
        assert 2 * (found * true).sum() / (found.sum() + true.sum()) > 0.8


@pytest.mark.parametrize("size", [16, 32, 64, 128])
def test_networks_keep_their_sides(size):
    pictures, maps = torch.rand(2, 1, size, size) * 2 - 1, torch.randint(0, 3, (2, size, size))
    assert ResNetTranslator(2, 1)(pictures).shape == pictures.shape
    scores = PatchJudge(1, size, 2)(pictures)
    assert scores.shape[0] == 2 and scores.shape[-1] > 1
    unet = UNet(size, 3, 2, 2)
    assert unet(maps, torch.tensor([0, 1]), torch.randn(2, unet.latent_dim)).shape == pictures.shape


def test_a_patch_is_judged_by_what_is_near_it():
    judge, pictures = PatchJudge(1, 64, 4), torch.rand(1, 1, 64, 64)
    judge.layers[0] = judge.layers[0].eval()
    pictures.requires_grad_()
    seen = torch.autograd.grad(judge.first(pictures)[..., 0, 0].sum(), pictures)[0]
    assert seen[..., 4:, :].abs().max() == 0 and seen[..., :3, :3].abs().max() > 0


def test_a_class_changes_the_picture_of_an_empty_map():
    torch.manual_seed(0)
    unet = UNet(32, 2, 2, 4)
    for norm in unet.norms:
        torch.nn.init.normal_(norm.affine.weight)
    noise = torch.randn(1, unet.latent_dim)
    empty = torch.zeros(1, 32, 32, dtype=torch.int64)
    one, two = (unet(empty, torch.tensor([k]), noise) for k in (0, 1))
    assert (one - two).abs().mean() > 1e-3


def test_channels_are_one_hot():
    maps = torch.tensor([[[0, 1], [2, 0]]])
    channels = as_channels(maps, 3, maps)
    assert channels.shape == (1, 3, 2, 2)
    assert torch.equal(channels.argmax(1), maps) and torch.equal(channels.sum(1), torch.ones(1, 2, 2))
    assert torch.equal(as_channels(torch.tensor([1]), 2, maps)[0, 1], torch.ones(2, 2))


def test_the_pool_shows_half_of_the_pictures_late_and_none_that_was_never_drawn():
    pool, rng, shown = Pool(10, 1, torch.device("cpu")), np.random.default_rng(0), []
    for k in range(500):
        shown.append(float(pool.through(torch.full((1, 1, 1, 1), float(k)), rng)))
    assert shown[:10] == list(range(10))
    late = np.mean([value != k for k, value in enumerate(shown) if k >= 10])
    assert 0.4 < late < 0.6
    assert max(shown) < 500 and len(set(shown)) > 400
    other = Pool(10, 1, torch.device("cpu"))
    other.load(pool.state())
    assert torch.equal(other.held, pool.held) and other.full == 10


def test_an_additive_translator_begins_as_the_same_picture():
    torch.manual_seed(0)
    pictures = torch.rand(2, 1, 32, 32) * 2 - 1
    same, free = (ResNetTranslator(4, 1, additive)(pictures) for additive in (True, False))
    assert (same - pictures).abs().mean() < 0.2 < (free - pictures).abs().mean()


def test_an_empty_pool_hands_on():
    drawn = torch.rand(3, 1, 2, 2)
    assert torch.equal(Pool(0, 2, torch.device("cpu")).through(drawn, np.random.default_rng(0)), drawn)


def test_sources_are_of_the_class_that_is_asked_for():
    numbers = np.array([0, 0, 1, 1, 1])
    given = Given.of(np.linspace(0, 1, 5, dtype=np.float32)[:, None, None] * np.ones((1, 16, 16), np.float32), numbers,
                     torch.device("cpu"))  # fmt: skip
    rows = Sources.rows(given, 2, seed=1)
    assert len(rows) == 4 and len(set(rows.tolist())) == 4
    sources = Sources.of(from_picture(given.pictures[rows]), given, rows)
    wanted = np.array([0, 1] * 20)
    for other in (True, False):
        grey = to_picture(sources.chosen(3, range(40), wanted, other=other))[:, 0, 0, 0]
        of_first = (grey < -0.4).numpy()
        assert np.array_equal(of_first, (wanted == 0) != other)
        assert len(set(grey.tolist())) == 4


class Smuggler:
    """Turns every picture into the same one, and hides in its last digits where it came from."""

    def __init__(self, hides):
        self.hides = hides

    def translate(self, pixels, labels, folder, *, target, seed):
        if target == "ill":
            return (0.5 + pixels * (1e-3 if self.hides else 0)).astype(np.float32)
        return np.clip((pixels - 0.5) * (1e3 if self.hides else 1) + (0 if self.hides else 0.5), 0, 1)


def test_a_hidden_picture_is_found_and_an_open_loss_is_not_called_hidden(tmp_path):
    pixels = np.random.default_rng(0).random((8, 16, 16), dtype=np.float32)

    def errors(hides):
        return cycle_errors(Smuggler(hides), tmp_path, pixels, label="well", target="ill", seed=0)

    smuggled, lost = errors(True), errors(False)
    assert smuggled.undisturbed < 0.01 < 0.1 < smuggled.eight_bits
    assert lost.undisturbed == pytest.approx(0.25, abs=0.02)
    assert lost.eight_bits == pytest.approx(lost.undisturbed, abs=0.01)
    assert lost.hidden <= 0 < 0.1 < smuggled.hidden
    assert smuggled.worse[1.0] > 10 > 1.1 > lost.worse[1.0]


@pytest.mark.slow
def test_two_processes_share_batch_and_pool(images, tmp_path):
    np.savez(tmp_path / "given.npz", pixels=images[0], labels=images[1])
    settings = {**TINY, "images_seen": 80, "batch_size": 8, "width": 4, "pool": 6}
    for name, size in (("one", 1), ("two", 2)):
        together(tmp_path / "given.npz", tmp_path / name, settings, size, "cyclegan")
    one, two = (
        [json.loads(line) for line in (tmp_path / name / "losses.jsonl").read_text().splitlines()]
        for name in ("one", "two")
    )
    assert len(one) == 10
    for alone, shared in zip(one, two, strict=True):
        assert shared == pytest.approx(alone, rel=1e-2)
