"""Every registered encoder keeps the contract."""

from dataclasses import fields

import numpy as np
import pytest

from radassay import registry
from radassay.contracts.encoder import LearntEncoder
from radassay.errors import InputError

NAMES = registry.names("encoders")
SHORT = {"images_seen": 320, "batch": 16, "widths": (4, 8), "checkpoint_every": 96, "threads": 1, "device": "cpu"}


class Killed(Exception):
    pass


def make(name):
    """The encoder of a name, with the shortest learning that it can be given."""
    plugin = registry.load("encoders", name)
    made = plugin(**{f.name: SHORT[f.name] for f in fields(plugin) if f.name in SHORT})
    if getattr(made, "missing", ""):
        pytest.skip(f"{name}: {made.missing}")
    return made


def learner(name):
    made = make(name)
    if not isinstance(made, LearntEncoder):
        pytest.skip(f"{name} does not learn")
    return made


@pytest.fixture(scope="module", params=NAMES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def encoder(name, pixels, tmp_path_factory):
    made = make(name)
    if isinstance(made, LearntEncoder):
        return made.learn(pixels[:40], np.arange(40).astype(str), tmp_path_factory.mktemp(name), seed=1)
    return made


@pytest.fixture(scope="module")
def pixels():
    coarse = np.random.default_rng(0).random((75, 8, 8), dtype=np.float32)
    return np.ascontiguousarray(np.kron(coarse, np.ones((6, 6), dtype=np.float32)))


def test_it_says_what_it_is(name, encoder):
    assert encoder.name == name
    assert encoder.paper
    assert len(encoder.fingerprint) >= 16
    assert make(name).fingerprint == make(name).fingerprint


def test_features_are_finite_float32_rows(encoder, pixels):
    features = encoder.encode(pixels)
    assert features.dtype == np.float32
    assert features.ndim == 2
    assert len(features) == len(pixels)
    assert np.isfinite(features).all()
    assert (features.std(axis=0) > 0).any()
    assert encoder.encode(pixels[:0]).shape == (0, features.shape[1])


def test_a_row_depends_on_its_image_alone(encoder, pixels):
    features = encoder.encode(pixels)
    np.testing.assert_array_equal(encoder.encode(pixels), features)
    order = np.random.default_rng(1).permutation(len(pixels))
    np.testing.assert_array_equal(encoder.encode(pixels[order]), features[order])
    np.testing.assert_array_equal(encoder.encode(pixels[40:41]), features[40:41])
    np.testing.assert_array_equal(encoder.encode(pixels[3:50]), features[3:50])


def test_flat_and_tiny_images_are_no_exception(encoder):
    for image in (np.zeros((2, 64, 64)), np.ones((2, 64, 64)), np.random.default_rng(0).random((2, 9, 9))):
        assert np.isfinite(encoder.encode(image.astype(np.float32))).all()


def test_what_is_no_image_is_refused(encoder):
    with pytest.raises(InputError):
        encoder.encode(np.zeros((4, 4), dtype=np.float32))
    with pytest.raises(InputError):
        encoder.encode(np.full((1, 32, 32), np.nan, dtype=np.float32))


def test_it_learns_the_same_from_the_same_images_and_labels_are_not_asked_for(name, encoder, pixels, tmp_path):
    again = learner(name).learn(pixels[:40], np.arange(40).astype(str), tmp_path, seed=1)
    assert again.fingerprint == encoder.fingerprint
    np.testing.assert_array_equal(again.encode(pixels), encoder.encode(pixels))
    other = learner(name).learn(pixels[:40], np.arange(40).astype(str), tmp_path / "other", seed=2)
    assert other.fingerprint != encoder.fingerprint


def test_a_killed_learning_carries_on_to_the_same_weights(name, encoder, pixels, tmp_path):
    made, given = learner(name), (pixels[:40], np.arange(40).astype(str), tmp_path)

    def kill(progress):
        if progress.done > progress.total / 2:
            raise Killed

    with pytest.raises(Killed):
        made.learn(*given, seed=1, report=kill)
    starts = []
    learnt = made.learn(*given, seed=1, report=lambda p: starts.append(p.done))
    assert starts[0] > 0
    assert learnt.fingerprint == encoder.fingerprint


def test_a_finished_learning_is_not_done_again(name, pixels, tmp_path):
    given = (pixels[:40], np.arange(40).astype(str), tmp_path)
    learnt, told = learner(name).learn(*given, seed=1), []
    weights = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.safetensors")}
    assert learner(name).learn(*given, seed=1, report=told.append).fingerprint == learnt.fingerprint
    assert all(p.done == p.total for p in told)
    assert weights
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.safetensors")} == weights


def test_what_has_not_learnt_cannot_encode(name, pixels, tmp_path):
    with pytest.raises(InputError, match="not learnt"):
        learner(name).encode(pixels)
    broken = pixels[:40].copy()
    broken[3, 0, 0] = np.nan
    for given in (pixels[:2], broken, pixels[:40, :20]):
        with pytest.raises(InputError):
            learner(name).learn(given, np.arange(len(given)).astype(str), tmp_path / "bad", seed=1)


def test_nothing_is_pickled(name, pixels, tmp_path):
    learner(name).learn(pixels[:40], np.arange(40).astype(str), tmp_path, seed=1)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert not path.read_bytes().startswith((b"\x80", b"PK"))
