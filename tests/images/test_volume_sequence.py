"""Volumes of a set at one shape, and volumes as NIfTI files and back."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radassay.errors import InputError
from radassay.images import volume_sequence
from radassay.images.frame import Limits
from radassay.images.imageset import ImageSet
from radassay.images.nifti import frames
from radassay.images.nifti_writing import write_volume
from radassay.images.store import PixelStore
from radassay.images.volume_sequence import VolumeSequence, triangles


def scan(store, study, hu, positions, **columns):
    return [
        {"image": store.put(layer), "source": f"{study}#{i}", "study": study, "position_mm": z, "label": "clear",
         "unit": "HU", "low": -1350, "high": 150, "height": hu.shape[1], "width": hu.shape[2], "spacing_mm": 2.0,
         **columns}
        for i, (layer, z) in enumerate(zip(hu, positions, strict=True))
    ]  # fmt: skip


@given(st.integers(1, 60), st.integers(1, 60))
def test_resampling_keeps_levels_and_never_overshoots(old, new):
    weights = triangles(old, new)
    assert weights.shape == (new, old)
    assert weights.min() >= 0
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-5)
    if old == new:
        np.testing.assert_allclose(weights, np.eye(old), atol=1e-6)


def test_volumes_are_read_upwards_windowed_and_resampled(tmp_path):
    store = PixelStore(tmp_path)
    level = np.linspace(-1350, 150, 8)
    hu = np.repeat(level, 256).reshape(8, 16, 16).astype(np.int16)
    hu[:, :8] += np.arange(8, dtype=np.int16)[:, None, None]
    order = [3, 0, 7, 1, 2, 6, 5, 4]
    rows = scan(store, "A", hu[order], [10.0 + 5 * k for k in order])
    volumes = VolumeSequence(ImageSet.of("s", rows, store), (8, 16, 16))
    np.testing.assert_allclose(volumes[0], (hu + 1350.0).clip(0, 1500) / 1500, atol=1e-6)
    np.testing.assert_allclose(volumes.spacing_mm, [[5, 2, 2]])
    assert volumes.labels.tolist() == ["clear"]
    small = VolumeSequence(ImageSet.of("s", rows, store), (4, 8, 4))
    np.testing.assert_allclose(small.spacing_mm, [[10, 4, 8]])
    assert small[0].shape == (4, 8, 4)
    np.testing.assert_allclose(small[0].mean(), volumes[0].mean(), atol=0.01)
    assert (np.diff(small[0][:, 0, 0]) > 0.1).all()


def test_slices_that_lie_unevenly_come_out_evenly(tmp_path):
    store = PixelStore(tmp_path)
    positions = np.array([0, 1, 2, 3, 8, 9, 10, 11, 12, 13.0])
    hu = np.repeat(positions * 100 - 1350, 16).reshape(10, 4, 4).astype(np.int16)
    images = ImageSet.of("s", scan(store, "A", hu, positions), store)
    found = VolumeSequence(images, (10, 4, 4))[0][:, 0, 0] * 15
    np.testing.assert_allclose(found, np.linspace(0, 13, 10), atol=0.02)


def test_few_volumes_stay_in_memory(tmp_path, monkeypatch):
    store = PixelStore(tmp_path)
    rng = np.random.default_rng(0)
    rows = []
    for study in "ABCD":
        hu = rng.integers(-1000, 100, (4, 8, 8)).astype(np.int16)
        rows += scan(store, study, hu, range(4))
    monkeypatch.setattr(volume_sequence, "KEPT_BYTES", 2 * 4 * 8 * 8 * 4)
    volumes = VolumeSequence(ImageSet.of("s", rows, store), (4, 8, 8))
    all_of_them = volumes[:]
    assert len(all_of_them) == len(volumes) == 4
    assert len(volumes._kept) == 2
    np.testing.assert_array_equal(volumes[-4], all_of_them[0])


def test_what_is_no_volume_is_refused(tmp_path):
    store = PixelStore(tmp_path)
    hu = np.arange(4 * 64, dtype=np.int16).reshape(4, 8, 8)
    with pytest.raises(InputError, match="holds no volume"):
        len(VolumeSequence(ImageSet.of("s", scan(store, "A", hu[:3], range(3)), store), (4, 8, 8)))
    with pytest.raises(InputError, match="at one position"):
        len(VolumeSequence(ImageSet.of("s", scan(store, "A", hu, [0, 1, 1, 2]), store), (4, 8, 8)))
    rows = scan(store, "A", hu, range(4))
    rows[1]["label"] = "nodules"
    with pytest.raises(InputError, match="differ in label"):
        len(VolumeSequence(ImageSet.of("s", rows, store), (4, 8, 8)))
    unknown = ImageSet.of("s", scan(store, "A", hu, range(4), spacing_mm=np.nan), store)
    with pytest.raises(InputError, match="spacing of a volume is unknown"):
        _ = VolumeSequence(unknown, (4, 8, 8)).spacing_mm


def test_a_written_volume_is_read_back_as_it_was(tmp_path):
    rng = np.random.default_rng(0)
    hu = rng.integers(-1350, 1000, (5, 6, 7)).astype(np.int16)
    path = tmp_path / "deep" / "a.nii.gz"
    write_volume(path, hu, (2.5, 0.7, 0.7))
    content = path.read_bytes()
    found = list(frames(io.BytesIO(content), Limits()))
    np.testing.assert_array_equal(np.stack([f.pixels for f in found]), hu)
    assert {f.unit for f in found} == {"HU"}
    assert {round(f.spacing_mm, 6) for f in found} == {0.7}
    positions = [f.positions["position"] for f in found]
    np.testing.assert_allclose(np.diff(positions), 2.5)
    write_volume(path, hu, (2.5, 0.7, 0.7))
    assert path.read_bytes() == content
