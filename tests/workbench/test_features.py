"""Features of a set on disk: the same bytes however the work is cut, spread, killed or repeated."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radassay.cli.main import main
from radassay.encoders.random_conv import RandomConv
from radassay.engine.spread import Where
from radassay.errors import InputError, SettingsError
from radassay.images.imageset import ImageSet
from radassay.images.store import PixelStore
from radassay.workbench.feature_cache import CachedEncoder
from radassay.workbench.features import Features, extract, taught


class Killed(Exception):
    pass


class Counting:
    """An encoder that counts what it is given."""

    name, paper = "counting", "none"

    def __init__(self, fingerprint="0" * 64):
        self.fingerprint, self.given = fingerprint, 0

    def encode(self, pixels):
        if pixels.ndim != 3:
            raise InputError("no images")
        self.given += len(pixels)
        return np.stack([pixels.mean(axis=(1, 2)), pixels[:, 0, 0], pixels.std(axis=(1, 2))], axis=1)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    store = PixelStore(tmp_path_factory.mktemp("set") / "pixels")
    rng = np.random.default_rng(0)
    rows = []
    for number in range(50):
        pixels = rng.integers(0, 255, (20 + number % 3, 24), dtype=np.uint8)
        patient = f"p{number // 2:03d}"
        row = {"image": store.put(pixels), "source": f"a/{number}.png", "patient": patient, "label": "x"}
        rows.append({**row, "low": 0.0, "high": 255.0})
    made = ImageSet.of("pictures", rows, store)
    made.save(store.folder.parent)
    return made


@pytest.fixture(scope="module")
def whole(images, tmp_path_factory):
    return extract(images, RandomConv(dims=16), 32, tmp_path_factory.mktemp("whole"))


def test_features_are_those_of_the_encoder_in_the_order_of_the_set(images, whole):
    np.testing.assert_array_equal(whole.values, RandomConv(dims=16).encode(images.load(32)))
    assert whole.values.dtype == np.float32
    assert isinstance(whole.values, np.memmap)
    pd.testing.assert_frame_equal(whole.rows, images.table[["image", "source", "label", "patient"]])
    assert len(whole) == 50
    assert whole.about["encoder_fingerprint"] == RandomConv(dims=16).fingerprint
    assert whole.about["set_fingerprint"] == images.fingerprint
    assert sorted(p.name for p in whole.folder.iterdir() if not p.name.startswith(".")) == [
        "extraction.json",
        "features.json",
        "features.npy",
        "rows.parquet",
    ]


@pytest.mark.parametrize(("shard", "workers"), [(7, 1), (50, 1), (1, 1), (9, 2)])
def test_shards_and_processes_change_no_byte(images, whole, tmp_path, shard, workers):
    cut = extract(images, RandomConv(dims=16), 32, tmp_path, shard=shard, where=Where(workers))
    for name in ("features.npy", "rows.parquet", "features.json"):
        assert (cut.folder / name).read_bytes() == (whole.folder / name).read_bytes()


@pytest.mark.parametrize("at", [8, 24, 50])
def test_it_carries_on_where_it_was_stopped(images, whole, tmp_path, at):
    def kill(progress):
        if progress.done >= at:
            raise Killed

    with pytest.raises(Killed):
        extract(images, RandomConv(dims=16), 32, tmp_path, shard=8, report=kill)
    with pytest.raises(InputError, match="no finished features"):
        Features.open(tmp_path)
    told = []
    resumed = extract(images, RandomConv(dims=16), 32, tmp_path, shard=8, report=lambda p: told.append(p.done))
    assert told[0] == at
    assert (resumed.folder / "features.npy").read_bytes() == (whole.folder / "features.npy").read_bytes()


def test_finished_features_are_not_made_again(images, tmp_path):
    encoder = Counting()
    first = extract(images, encoder, 16, tmp_path)
    assert encoder.given == 50
    again = extract(images, encoder, 16, tmp_path, shard=3)
    assert encoder.given == 50
    assert again.about == first.about


def test_another_extraction_in_the_same_folder_is_refused(images, tmp_path):
    extract(images, Counting(), 16, tmp_path)
    for other in (
        lambda: extract(images, Counting("1" * 64), 16, tmp_path),
        lambda: extract(images, Counting(), 32, tmp_path),
        lambda: extract(images.take(range(10)), Counting(), 16, tmp_path),
    ):
        with pytest.raises(SettingsError, match="another folder"):
            other()


def test_what_cannot_be_encoded_is_said(images, tmp_path):
    with pytest.raises(InputError, match="no images"):
        extract(images.take([]), Counting(), 16, tmp_path)
    with pytest.raises(SettingsError, match="shard"):
        extract(images, Counting(), 16, tmp_path, shard=0)
    lost = ImageSet(images.name, images.table, PixelStore(tmp_path / "nowhere"))
    with pytest.raises(InputError, match="is not in"):
        extract(lost, Counting(), 16, tmp_path / "lost")


CHILD = """
import sys
from pathlib import Path
from radassay.cli.main import main
from radassay.encoders.random_conv import RandomConv
from radassay.images.imageset import ImageSet
from radassay.workbench.features import extract
if __name__ == "__main__":
    images = ImageSet.open(Path(sys.argv[1]))
    extract(images, RandomConv(dims=16), 32, Path(sys.argv[2]), shard=2, report=lambda p: print(p.done, flush=True))
"""


@pytest.mark.slow
@pytest.mark.parametrize("lines", [2, 9])
def test_killed_for_good_and_started_again(images, whole, tmp_path, lines):
    script = tmp_path / "child.py"
    script.write_text(CHILD)
    command = [sys.executable, str(script), str(images.store.folder.parent), str(tmp_path / "out")]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    for _ in range(lines):
        child.stdout.readline()
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    done = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert int(done[0]) > 0
    assert (tmp_path / "out" / "features.npy").read_bytes() == (whole.folder / "features.npy").read_bytes()


@pytest.mark.slow
def test_ray_changes_no_byte(images, whole, tmp_path):
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'radassay[cluster]'")
    try:
        cut = extract(images, RandomConv(dims=16), 32, tmp_path, shard=11, where=Where(2, "local"))
    finally:
        ray.shutdown()
    for name in ("features.npy", "rows.parquet", "features.json"):
        assert (cut.folder / name).read_bytes() == (whole.folder / name).read_bytes()


@pytest.fixture
def pixels():
    return np.random.default_rng(1).random((30, 12, 12), dtype=np.float32)


def test_a_picture_is_encoded_once(pixels, tmp_path):
    encoder = Counting()
    cached = CachedEncoder(encoder, tmp_path)
    plain = Counting().encode(pixels)
    np.testing.assert_array_equal(cached.encode(pixels[:20]), plain[:20])
    assert encoder.given == 20
    order = np.random.default_rng(2).permutation(30)
    np.testing.assert_array_equal(cached.encode(pixels[order]), plain[order])
    assert encoder.given == 30
    twice = np.concatenate([pixels[:3], pixels[:3]])
    np.testing.assert_array_equal(cached.encode(twice), np.concatenate([plain[:3], plain[:3]]))
    assert (encoder.given, len(cached)) == (30, 30)


def test_the_same_picture_twice_in_one_call_is_encoded_once(pixels, tmp_path):
    encoder = Counting()
    CachedEncoder(encoder, tmp_path).encode(np.concatenate([pixels, pixels]))
    assert encoder.given == 30


def test_another_process_finds_what_was_encoded(pixels, tmp_path):
    first, second = CachedEncoder(Counting(), tmp_path), Counting()
    beside = CachedEncoder(second, tmp_path)
    beside.encode(pixels[:5])
    first.encode(pixels)
    beside.encode(pixels)
    assert second.given == 5


def test_it_goes_to_other_processes_without_what_it_holds(pixels, tmp_path):
    cached = CachedEncoder(Counting(), tmp_path)
    cached.encode(pixels)
    sent = pickle.dumps(cached)
    assert len(sent) < 1000
    there = pickle.loads(sent)
    np.testing.assert_array_equal(there.encode(pixels), cached.encode(pixels))
    assert there._encoder.given == 30


def test_two_encoders_share_a_folder_and_no_row(pixels, tmp_path):
    CachedEncoder(Counting(), tmp_path).encode(pixels)
    other = Counting("1" * 64)
    CachedEncoder(other, tmp_path).encode(pixels)
    assert other.given == 30


def test_pictures_of_other_shape_and_the_same_bytes_are_other_pictures(tmp_path):
    encoder = Counting()
    cached = CachedEncoder(encoder, tmp_path)
    flat = np.zeros((1, 12, 12), dtype=np.float32)
    cached.encode(flat)
    cached.encode(flat.reshape(1, 16, 9))
    assert encoder.given == 2


@pytest.mark.parametrize("damage", ["cut", "empty", "other"])
def test_a_damaged_file_counts_as_absent(pixels, tmp_path, damage):
    CachedEncoder(Counting(), tmp_path).encode(pixels)
    path = next(tmp_path.rglob("*.npy"))
    content = path.read_bytes()
    path.write_bytes({"cut": content[:200], "empty": b"", "other": b"no array at all"}[damage])
    encoder = Counting()
    np.testing.assert_array_equal(CachedEncoder(encoder, tmp_path).encode(pixels), Counting().encode(pixels))
    assert encoder.given == 30
    again = Counting()
    CachedEncoder(again, tmp_path).encode(pixels)
    assert again.given == 0


def test_nothing_is_kept_of_what_is_refused(tmp_path):
    cached = CachedEncoder(RandomConv(dims=8), tmp_path)
    for wrong in (np.zeros((4, 4), np.float32), np.full((1, 32, 32), np.nan, np.float32)):
        with pytest.raises(InputError):
            cached.encode(wrong)
    assert cached.encode(np.zeros((0, 32, 32), np.float32)).shape == (0, 8)
    assert not list(tmp_path.rglob("*.npy"))


def test_the_cached_encoder_is_the_encoder_by_name(tmp_path):
    cached = CachedEncoder(RandomConv(), tmp_path)
    assert (cached.name, cached.paper, cached.fingerprint) == (
        RandomConv.name,
        RandomConv.paper,
        RandomConv().fingerprint,
    )


def test_the_mark_of_completion_vouches_for_the_features(whole):
    import hashlib

    told = json.loads((Path(whole.folder) / "features.json").read_text())
    assert told["sha256"] == hashlib.sha256(whole.values.tobytes()).hexdigest()
    assert told["dims"] == 16


@pytest.mark.slow
def test_reading_from_the_cache_is_cheaper_than_encoding(tmp_path):
    pixels = np.random.default_rng(3).random((600, 64, 64), dtype=np.float32)
    cached = CachedEncoder(RandomConv(), tmp_path)
    started = time.process_time()
    cached.encode(pixels)
    middle = time.process_time()
    cached.encode(pixels)
    assert time.process_time() - middle < 0.2 * (middle - started)


def test_an_encoder_learns_from_the_training_split_alone(images, tmp_path):
    met = []

    class Learner(Counting):
        def learn(self, pixels, patients, folder, *, seed, report):
            met.append((len(pixels), patients.tolist(), folder, seed))
            return self

    split = images.with_columns(split=["train" if n % 5 else "test" for n in range(50)])
    taught(Learner(), split, 16, tmp_path, seed=3)
    assert met[0] == (40, split.where(split="train").units.tolist(), tmp_path, 3)
    taught(Learner(), images, 16, tmp_path, seed=3)
    assert met[1][0] == 50
    plain = Counting()
    assert taught(plain, split, 16, tmp_path, seed=3) is plain


def test_encode_on_the_command_line(images, tmp_path, capsys):
    command = ["encode", str(images.store.folder.parent), "--encoder", "random-conv", "--set", "dims", "16"]
    assert main([*command, "--size", "32", "--out", str(tmp_path / "out"), "--shard", "20"]) == 0
    assert "50 images x 16 features of random-conv" in capsys.readouterr().out
    made = Features.open(tmp_path / "out")
    np.testing.assert_array_equal(made.values, RandomConv(dims=16).encode(images.load(32)))
    assert main([*command, "--size", "16", "--out", str(tmp_path / "out")]) == 2
    assert "another folder" in capsys.readouterr().err
