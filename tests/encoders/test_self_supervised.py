"""The learnt encoder overlooks what another exposure changes, keeps texture in sight, and is the same each time."""

import pickle

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from radassay.encoders.random_conv import RandomConv
from radassay.encoders.self_supervised import Learnt, SelfSupervised
from radassay.encoders.vicreg import COVARIANCE, INVARIANCE, VARIANCE, Course, loss
from radassay.encoders.views import Views
from radassay.errors import InputError, SettingsError

SHORT = SelfSupervised(side=32, dims=16, texture=24, widths=(8, 16), images_seen=960, batch=48, device="cpu")
PEOPLE = np.arange(96).astype(str)


@pytest.fixture(scope="module")
def chests():
    """Smooth bright and dark places with a trace of texture, no two alike."""
    rng = np.random.default_rng(0)
    rough = gaussian_filter(rng.standard_normal((96, 32, 32)), (0, 4, 4)) * 5 + 0.5
    fine = gaussian_filter(rng.standard_normal((96, 32, 32)), (0, 1, 1)) * 0.05
    return np.clip(rough + fine, 0, 1).astype(np.float32)


@pytest.fixture(scope="module")
def learnt(chests, tmp_path_factory):
    return SHORT.learn(chests, PEOPLE, tmp_path_factory.mktemp("learnt"), seed=1)


def steadiness(encoder, images):
    """How far two views of an image lie apart, as a share of how far two images do, in the learnt features."""
    generator = torch.Generator().manual_seed(0)
    pictures = torch.from_numpy(images)[:, None]
    one, two = (encoder.encode(Views().of(pictures, generator)[:, 0].numpy())[:, :16] for _ in range(2))
    return np.linalg.norm(one - two, axis=1).mean() / np.linalg.norm(one - np.roll(two, 1, axis=0), axis=1).mean()


def test_it_learns_to_overlook_another_exposure_also_of_images_never_seen(chests, tmp_path):
    seen, unseen = chests[:64], chests[64:]
    short = SelfSupervised(**{**vars(SHORT), "images_seen": 1})
    before = short.learn(seen, PEOPLE[:64], tmp_path / "before", seed=1)
    long = SelfSupervised(**{**vars(SHORT), "images_seen": 4800})
    after = long.learn(seen, PEOPLE[:64], tmp_path / "after", seed=1)
    assert steadiness(after, unseen) < steadiness(before, unseen)
    assert steadiness(after, seen) < 0.8 * steadiness(before, seen)


def test_learnt_features_stand_beside_those_of_fixed_filters(chests, learnt):
    features = learnt.encode(chests)
    assert features.shape == (96, 16 + 24)
    texture = RandomConv(side=32, dims=24).encode(chests)
    texture = texture - texture.mean(axis=0)
    np.testing.assert_allclose(features[:, 16:], texture / texture.var(axis=0).mean() ** 0.5, rtol=1e-4, atol=1e-5)


def test_both_kinds_of_feature_weigh_alike_over_the_training_images(chests, learnt):
    for part in np.split(learnt.encode(chests), [16], axis=1):
        np.testing.assert_allclose(part.mean(axis=0), 0, atol=1e-4)
        assert part.var(axis=0).mean() == pytest.approx(1, abs=1e-4)


def test_without_texture_it_has_learnt_features_alone(chests, tmp_path):
    plain = SelfSupervised(**{**vars(SHORT), "texture": 0, "images_seen": 1})
    assert plain.learn(chests, PEOPLE, tmp_path, seed=1).encode(chests[:3]).shape == (3, 16)


def test_threads_do_not_change_a_row(chests, learnt):
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = learnt.encode(chests)
        torch.set_num_threads(2)
        np.testing.assert_array_equal(learnt.encode(chests), one)
    finally:
        torch.set_num_threads(threads)


def test_it_goes_to_other_processes_whole(chests, learnt):
    there = pickle.loads(pickle.dumps(learnt))
    assert there.fingerprint == learnt.fingerprint
    np.testing.assert_array_equal(there.encode(chests[:5]), learnt.encode(chests[:5]))


def test_how_often_it_is_kept_and_the_state_of_the_process_change_no_weights(chests, learnt, tmp_path):
    torch.manual_seed(99)
    before = torch.get_rng_state()
    often = SelfSupervised(**{**vars(SHORT), "checkpoint_every": 100})
    again = often.learn(chests, PEOPLE, tmp_path, seed=1)
    assert again.fingerprint == learnt.fingerprint
    assert torch.equal(torch.get_rng_state(), before)
    assert not list((tmp_path / "checkpoints").glob("*"))


@pytest.mark.parametrize("change", [{"dims": 8}, {"rate": 1e-3}, {"views": Views(noise=0.0)}, {"texture": 0}])
def test_settings_count_in_the_fingerprint(change):
    assert SelfSupervised(**{**vars(SHORT), **change}).fingerprint != SHORT.fingerprint


def test_settings_of_a_study_file_are_taken():
    told = SelfSupervised(widths=[24, 48, 96], views={"noise": 0.03})
    assert told.fingerprint == SelfSupervised().fingerprint
    assert hash(told) == hash(SelfSupervised())


def test_weights_damaged_at_the_end_are_learnt_again(chests, learnt, tmp_path):
    SHORT.learn(chests, PEOPLE, tmp_path, seed=1)
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    assert SHORT.learn(chests, PEOPLE, tmp_path, seed=1).fingerprint == learnt.fingerprint


def test_a_folder_of_other_images_is_refused(chests, tmp_path):
    short = SelfSupervised(**{**vars(SHORT), "images_seen": 1})
    short.learn(chests, PEOPLE, tmp_path, seed=1)
    for given, seed in ((chests[::-1], 1), (chests, 2)):
        with pytest.raises(SettingsError, match="another folder"):
            short.learn(given, PEOPLE, tmp_path, seed=seed)


def test_too_little_to_learn_from_is_refused(chests, tmp_path):
    for given, people, why in (
        (chests[:15], PEOPLE[:15], "so few"),
        (chests, PEOPLE[:3], "differ in number"),
        (np.full((20, 32, 32), 0.5, dtype=np.float32), PEOPLE[:20], "one grey"),
    ):
        with pytest.raises(InputError, match=why):
            SHORT.learn(given, people, tmp_path / why, seed=1)
    for wrong in ({"side": 8}, {"widths": (2, 2, 2, 2, 2)}, {"dims": 0}, {"batch": 4}, {"rate": 0.0}):
        with pytest.raises(SettingsError):
            SelfSupervised(**wrong)


def test_few_images_and_other_sizes_are_learnt_from(chests, tmp_path):
    few = SelfSupervised(**{**vars(SHORT), "images_seen": 200})
    learnt = few.learn(np.kron(chests[:16], np.ones((2, 2), dtype=np.float32)), PEOPLE[:16], tmp_path, seed=1)
    assert isinstance(learnt, Learnt)
    assert np.isfinite(learnt.encode(chests)).all()


def test_the_loss_is_that_of_its_paper():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(40, 6)) * 0.5, rng.normal(size=(40, 6))
    wanted = INVARIANCE * ((a - b) ** 2).mean()
    for view in (a, b):
        spread = np.sqrt(view.var(axis=0, ddof=1) + 1e-4)
        covariance = np.cov(view.T)
        wanted += VARIANCE / 2 * np.clip(1 - spread, 0, None).mean()
        wanted += COVARIANCE * (covariance[~np.eye(6, dtype=bool)] ** 2).sum() / 6
    assert float(loss(torch.from_numpy(a), torch.from_numpy(b))) == pytest.approx(wanted)


def test_views_without_change_are_the_picture(chests):
    still = Views(shift=0, scale=0, rotation_degrees=0, gamma=0, contrast=0, brightness=0, noise=0)
    pictures = torch.from_numpy(chests[:4])[:, None]
    same = still.of(pictures, torch.Generator().manual_seed(0))
    np.testing.assert_allclose(same.numpy(), pictures.numpy().clip(1e-4), atol=1e-5)
    other = Views().of(pictures, torch.Generator().manual_seed(0))
    assert float((other - pictures).abs().mean()) > 0.02


def test_the_rate_rises_and_falls():
    course = Course(steps=100, batch=1, rate=0.01, decay=0.0)
    rates = [course.rate_at(step) for step in range(100)]
    assert max(rates) == pytest.approx(0.01)
    assert np.argmax(rates) in (14, 15)
    assert rates[0] < 0.001
    assert rates[-1] < 0.0001
