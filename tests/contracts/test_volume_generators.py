"""Every registered generator of volumes keeps the contract, at the smallest length of training it can be given."""

from dataclasses import fields

import numpy as np
import pytest

from radassay import registry
from radassay.errors import InputError
from radassay.generators import telling

NAMES = registry.names("volume-generators")
SHORT = {
    "images_seen": 24,
    "batch_size": 4,
    "width": 2,
    "coarse_width": 2,
    "factor": 2,
    "tile": 16,
    "overlap": 4,
    "draw_steps": 2,
    "fine_steps": 2,
    "checkpoint_every": 8,
    "grid_every": 12,
    "threads": 1,
    "device": "cpu",
}
SHAPE = (24, 16, 16)


class Killed(Exception):
    pass


class Lazy:
    """Volumes that are made when asked for, and count how often."""

    def __init__(self, volumes):
        self.volumes, self.read = volumes, 0

    def __len__(self):
        return len(self.volumes)

    def __getitem__(self, index):
        self.read += 1
        return self.volumes[index].copy()


def make(name):
    plugin = registry.load("volume-generators", name)
    known = {f.name for f in fields(plugin)}
    return plugin(**{key: value for key, value in SHORT.items() if key in known})


@pytest.fixture(scope="module", params=NAMES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def given():
    rng = np.random.default_rng(0)
    labels = np.array(["nodules", "clear", "clear"])[np.arange(6) % 3]
    spacing = np.array([3.0, 1.5, 1.5]) * np.exp(0.05 * rng.standard_normal((6, 1)))
    return Lazy(rng.random((6, *SHAPE), dtype=np.float32)), labels, spacing


@pytest.fixture(scope="module")
def fitted(name, given, tmp_path_factory):
    folder = tmp_path_factory.mktemp(name)
    told = []
    make(name).fit(*given, folder, seed=2, report=told.append)
    return folder, told


def drawn(name, labels, folder, **how):
    return list(make(name).sample(np.array(labels), folder, **how))


def weights(folder):
    return {p.relative_to(folder): p.read_bytes() for p in sorted(folder.glob("*.safetensors"))}


def test_it_says_what_it_is(name):
    plugin = registry.load("volume-generators", name)
    assert plugin.name == name
    assert plugin.paper


def test_volumes_of_every_label_have_the_shape_and_spacing_of_the_real_ones(name, given, fitted):
    volumes = drawn(name, ["clear", "nodules"], fitted[0], seed=1)
    low, high = given[2].min(axis=0), given[2].max(axis=0)
    for volume in volumes:
        assert volume.voxels.shape == SHAPE
        assert volume.voxels.dtype == np.float32
        assert 0 <= volume.voxels.min() <= volume.voxels.max() <= 1
        assert (np.array(volume.spacing_mm) > 0.8 * low).all()
        assert (np.array(volume.spacing_mm) < 1.25 * high).all()
        assert volume.spacing_mm[1] == pytest.approx(volume.spacing_mm[2], rel=1e-3)
    assert drawn(name, np.empty(0, dtype=str), fitted[0], seed=1) == []


def test_another_shape_shows_more_or_less_at_the_same_spacing(name, fitted):
    larger, smaller = ((32, 24, 24), (16, 8, 8))
    usual = drawn(name, ["clear"], fitted[0], seed=1)[0]
    for shape in (larger, smaller):
        volume = drawn(name, ["clear"], fitted[0], seed=1, shape=shape)[0]
        assert volume.voxels.shape == shape
        assert volume.spacing_mm == usual.spacing_mm
    with pytest.raises(InputError, match="multiples of"):
        drawn(name, ["clear"], fitted[0], seed=1, shape=(31, 16, 16))
    assert make(name).sampling_bytes(larger) > make(name).sampling_bytes(smaller) > 0


def test_a_volume_depends_on_seed_place_and_label_alone(name, fitted):
    labels = ["clear", "nodules", "clear"]
    three = drawn(name, labels, fitted[0], seed=1)
    again = drawn(name, labels[:2], fitted[0], seed=1)
    other = drawn(name, ["nodules", *labels[1:]], fitted[0], seed=1)
    for a, b in ((three[0], again[0]), (three[1], again[1]), (three[1], other[1]), (three[2], other[2])):
        np.testing.assert_array_equal(a.voxels, b.voxels)
        assert a.spacing_mm == b.spacing_mm
    assert not np.array_equal(three[0].voxels, three[2].voxels)
    assert not np.array_equal(drawn(name, labels[:1], fitted[0], seed=2)[0].voxels, three[0].voxels)


def test_the_same_call_learns_the_same_weights(name, given, fitted, tmp_path):
    make(name).fit(*given, tmp_path, seed=2)
    assert weights(fitted[0])
    assert weights(tmp_path) == weights(fitted[0])


def test_a_killed_training_carries_on_to_the_same_weights(name, given, fitted, tmp_path, monkeypatch):
    def kill(progress):
        if progress.done > progress.total / 2:
            raise Killed

    monkeypatch.setattr(telling, "REPORT_SECONDS", 0.0)
    with pytest.raises(Killed):
        make(name).fit(*given, tmp_path, seed=2, report=kill)
    assert not weights(tmp_path)
    starts = []
    make(name).fit(*given, tmp_path, seed=2, report=lambda p: starts.append(p.done))
    assert starts[0] > 0
    assert weights(tmp_path) == weights(fitted[0])


def test_a_finished_training_is_not_done_again(name, given, fitted):
    told = []
    make(name).fit(*given, fitted[0], seed=2, report=told.append)
    assert all(p.done == p.total for p in told)


def test_bad_input_is_refused(name, given, fitted, tmp_path):
    volumes, labels, spacing = given[0].volumes, *given[1:]
    broken = volumes.copy()
    broken[4, 0, 0, 0] = np.nan
    uneven = [*volumes[:5], volumes[5][:16]]
    for bad, why in (
        ((volumes[:1], labels[:1], spacing[:1]), "Too few"),
        ((broken, labels, spacing), "Volume 4"),
        ((volumes[:, :23], labels, spacing), "multiples of"),
        ((volumes * 255, labels, spacing), "no grey values"),
        ((uneven, labels, spacing), "Volume 5 has another shape"),
        ((volumes, labels[:-1], spacing), "one label"),
        ((volumes, labels, spacing[:, :2]), "spacing"),
        ((volumes, labels, spacing * 0), "spacing"),
    ):
        with pytest.raises(InputError, match=why):
            make(name).fit(*bad, tmp_path / "run", seed=0)
    with pytest.raises(InputError, match=r"unheard.*clear, nodules"):
        drawn(name, ["unheard"], fitted[0], seed=0)
    with pytest.raises(InputError, match="no finished training"):
        drawn(name, ["clear"], tmp_path, seed=0)


def test_progress_and_grids(fitted):
    folder, told = fitted
    assert told[-1].done == told[-1].total
    assert "/s" in told[-1].note
    grids = list((folder / "grids").glob("*.png"))
    assert grids
    assert all(g.read_bytes().startswith(b"\x89PNG") for g in grids)


def test_nothing_is_pickled(fitted):
    for path in fitted[0].rglob("*"):
        if path.is_file():
            assert not path.read_bytes().startswith((b"\x80", b"PK"))
