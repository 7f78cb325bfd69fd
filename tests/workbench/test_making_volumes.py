"""CT volumes from an image set through a generator into NIfTI files and slices, in Hounsfield units."""

import json

import nibabel
import numpy as np
import pytest

from radassay.cli.main import main
from radassay.errors import InputError, SettingsError
from radassay.images.imageset import ImageSet
from radassay.images.importing import import_images
from radassay.images.phantom import Cohort, make_phantoms
from radassay.images.volumes import volume

TINY = [
    "images_seen", "8", "batch_size", "2", "width", "2", "coarse_width", "2", "factor", "2", "tile", "16",
    "draw_steps", "2", "fine_steps", "2", "threads", "1", "device", "cpu",
]  # fmt: skip


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scans")
    cohort = Cohort(patients=4, images_per_patient=16, size=24, modality="CT", lesions="nodules", seed=2)
    make_phantoms(folder, cohort, workers=1)
    return folder


@pytest.fixture(scope="module")
def made(scans, tmp_path_factory):
    folder = tmp_path_factory.mktemp("volumes")
    run, out = folder / "run", folder / "made"
    train = ["train", str(scans), "--out", str(run), "--generator", "volume-flow", "--size", "16", "--set", *TINY]
    assert main(train) == 0
    label = ImageSet.open(scans).table["label"].iloc[0]
    assert main(["sample", str(run), "--out", str(out), "--label", label, "--count", "2"]) == 0
    return run, out


def test_what_was_given_is_written_down(scans, made):
    told = json.loads((made[0] / "given.json").read_text())
    images = ImageSet.open(scans)
    assert told["volumes"] == 4
    assert sorted(told["ids"]) == sorted(images.table["image"])
    assert told["shape"] == [16, 16, 16]
    assert 0 < told["values"]["clipped_share"] < 0.3


def test_volumes_are_nifti_in_hounsfield_units_with_their_spacing(scans, made, tmp_path):
    real = ImageSet.open(scans).table
    for path in sorted((made[1] / "volumes").glob("*.nii.gz")):
        image = nibabel.load(path)
        values = np.asarray(image.dataobj)
        assert values.dtype == np.int16
        assert values.shape == (16, 16, 16)
        assert -1350 <= values.min() <= values.max() <= 150
        dx, dy, dz = image.header.get_zooms()
        assert dx == dy == pytest.approx(float(real["spacing_mm"].iloc[0]) * 24 / 16)
        steps = real.groupby("study")["position_mm"].agg(lambda z: z.sort_values().diff().median())
        assert 0.8 * steps.min() < dz < 1.25 * steps.max()
        assert nibabel.aff2axcodes(image.affine) == ("R", "A", "S")
    images = ImageSet.open(made[1])
    assert len(images) == 32
    assert set(images.table["unit"]) == {"HU"}
    assert set(images.table["origin"]) == {"generated"}
    assert images.units.tolist() == images.table["study"].tolist()
    whole = volume(images, "V000001")
    stored = np.asarray(nibabel.load(made[1] / "volumes" / "V000001.nii.gz").dataobj)
    np.testing.assert_array_equal(whole, stored.transpose(2, 1, 0)[:, ::-1, ::-1])


def test_the_files_can_be_imported_again(made, tmp_path):
    again, _ = import_images(made[1] / "volumes", tmp_path / "again", name="again", origin="generated")
    assert len(again) == 32
    assert set(again.table["width"]) == {16}


def test_other_shapes_are_asked_for_by_name(made, tmp_path):
    run, label = made[0], json.loads((made[0] / "weights.json").read_text())["classes"][0]
    out = tmp_path / "larger"
    asked = ["sample", str(run), "--out", str(out), "--label", label, "--count", "1", "--shape", "24", "16", "16"]
    assert main(asked) == 0
    assert len(ImageSet.open(out)) == 24


def test_what_is_not_ct_or_not_for_training_is_refused(scans, tmp_path):
    from radassay.workbench.making_volumes import sample_volumes, train_volumes, volume_generator

    images = ImageSet.open(scans)
    flow = volume_generator("volume-flow", {})
    with pytest.raises(InputError, match="Hounsfield"):
        train_volumes(images.with_columns(unit="stored"), tmp_path, flow, shape=(16, 16, 16), seed=1)
    with pytest.raises(SettingsError, match="training images alone"):
        train_volumes(images.with_columns(split="test"), tmp_path, flow, shape=(16, 16, 16), seed=1)
    with pytest.raises(SettingsError, match="no generator of volumes"):
        sample_volumes(flow, tmp_path, tmp_path / "out", np.array(["disease"]), seed=1)
    with pytest.raises(SettingsError, match="tile"):
        volume_generator("volume-flow", {"tile": 4})
