"""DICOM: values, windows, volumes and what files lack."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels import get_decoder
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)

from radassay.images.frame import Frame
from radassay.images.importing import import_images
from radassay.images.reader import read
from radassay.images.volumes import volume

from .files import DATA, ct_slice, dicom, picture, save_dicom


def one(path: Path) -> Frame:
    (frame,) = read(path)
    return frame


def test_ct_becomes_hounsfield_units_in_the_lung_window(tmp_path: Path) -> None:
    frame = one(save_dicom(tmp_path / "x", ct_slice(3, "1.2.3")))
    assert (frame.pixels == -997).all()
    assert frame.pixels.dtype == np.int16
    assert (frame.unit, frame.low, frame.high, frame.modality, frame.view) == ("HU", -1350, 150, "CT", "Axial")


def test_monochrome1_is_turned_so_that_it_looks_like_monochrome2(tmp_path: Path) -> None:
    pixels = picture(top=4096, dtype=np.uint16)
    window = {"WindowCenter": 2048, "WindowWidth": 4096}
    two = one(save_dicom(tmp_path / "2", dicom(pixels, bits=12, **window)))
    turned = dicom((4095 - pixels).astype(np.uint16), bits=12, PhotometricInterpretation="MONOCHROME1", **window)
    first = one(save_dicom(tmp_path / "1", turned))
    np.testing.assert_array_equal(first.pixels, two.pixels)
    assert (first.low, first.high) == (two.low, two.high) == (0, 4095)


def test_window_follows_the_standard(tmp_path: Path) -> None:
    # PS3.3 C.11.2.1.2.1: black at centre - 0.5 - (width - 1) / 2
    frame = one(save_dicom(tmp_path / "x", dicom(picture(), WindowCenter=[100, 5], WindowWidth=[50, 5])))
    assert (frame.low, frame.high) == (75, 124)
    exact = dicom(picture(), WindowCenter=100, WindowWidth=50, VOILUTFunction="LINEAR_EXACT")
    frame = one(save_dicom(tmp_path / "y", exact))
    assert (frame.low, frame.high) == (75, 125)


def test_voi_lut_and_modality_lut_tables(tmp_path: Path) -> None:
    def table(values: np.ndarray, bits: int) -> Dataset:
        item = Dataset()
        item.LUTDescriptor = [len(values), 0, bits]
        item.LUTData = values.astype("<u2").tobytes()
        return item

    squares = (np.arange(256) ** 2 // 16).astype(np.uint16)
    ds = dicom(picture(), VOILUTSequence=Sequence([table(squares, 12)]))
    frame = one(save_dicom(tmp_path / "v", ds))
    np.testing.assert_array_equal(frame.pixels, squares[picture()])
    assert (frame.low, frame.high) == (0, 4095)
    ds = dicom(picture(), ModalityLUTSequence=Sequence([table(squares, 12)]), WindowCenter=2048, WindowWidth=4096)
    ds.ModalityLUTSequence[0].ModalityLUTType = "US"
    np.testing.assert_array_equal(one(save_dicom(tmp_path / "m", ds)).pixels, squares[picture()])


def test_fractional_rescale_and_padding(tmp_path: Path) -> None:
    pixels = picture(top=1000, dtype=np.int16)
    frame = one(save_dicom(tmp_path / "x", dicom(pixels, RescaleSlope=0.5, RescaleIntercept=-3)))
    np.testing.assert_allclose(frame.pixels, pixels * 0.5 - 3)
    assert frame.unit == "stored"


@pytest.mark.parametrize(
    "syntax",
    [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian, RLELossless, JPEGLSLossless,
     JPEG2000Lossless],
)  # fmt: skip
def test_transfer_syntaxes_give_the_very_pixels(tmp_path: Path, syntax: str) -> None:
    pixels = picture(height=64, width=64, top=4096, dtype=np.uint16)
    ds = dicom(pixels, bits=12, WindowCenter=2048, WindowWidth=4096)
    if syntax in (RLELossless, JPEGLSLossless, JPEG2000Lossless):
        ds.compress(syntax)
    else:
        ds.file_meta.TransferSyntaxUID = syntax
        if syntax == ExplicitVRBigEndian:
            ds.PixelData = pixels.astype(">u2").tobytes()
    np.testing.assert_array_equal(one(save_dicom(tmp_path / "x", ds)).pixels, pixels)


@pytest.mark.parametrize(
    "syntax",
    ["1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70",
     "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91",
     "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.5"],
)  # fmt: skip
def test_a_decoder_is_there_for_every_common_compression(syntax: str) -> None:
    assert get_decoder(syntax).is_available


@pytest.mark.parametrize("syntax", ["JPEGLosslessProcess14_1", "JPEGBaselineProcess1"])
def test_jpeg_written_by_an_independent_encoder(tmp_path: Path, syntax: str) -> None:
    gdcm = pytest.importorskip("gdcm")
    pixels = picture(height=64, width=64)
    save_dicom(tmp_path / "plain", dicom(pixels, PatientID="1"))
    reader = gdcm.ImageReader()
    reader.SetFileName(str(tmp_path / "plain"))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, syntax)))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(tmp_path / "x"))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()
    frame = one(tmp_path / "x")
    difference = np.abs(frame.pixels.astype(int) - pixels)
    assert difference.max() == 0 if "Lossless" in syntax else difference.mean() < 6


def test_multiframe_and_colour(tmp_path: Path) -> None:
    frames = np.stack([picture(i) for i in range(3)])
    read_back = list(read(save_dicom(tmp_path / "x", dicom(frames, frames=3))))
    assert [f.index for f in read_back] == [0, 1, 2]
    for i, frame in enumerate(read_back):
        np.testing.assert_array_equal(frame.pixels, frames[i])
    colour = np.dstack([picture(0), picture(1), picture(2)])
    frame = one(save_dicom(tmp_path / "y", dicom(colour, colour=True)))
    np.testing.assert_array_equal(frame.pixels, colour)


def test_enhanced_multiframe_takes_each_frames_own_position_and_rescale(tmp_path: Path) -> None:
    ds = dicom(np.full((3, 8, 8), 10, np.int16), ct=True, frames=3, SeriesInstanceUID=generate_uid())
    shared, orientation = Dataset(), Dataset()
    orientation.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    shared.PlaneOrientationSequence = Sequence([orientation])
    ds.SharedFunctionalGroupsSequence = Sequence([shared])
    groups = []
    for k in (2, 0, 1):
        place, rescale, group = Dataset(), Dataset(), Dataset()
        place.ImagePositionPatient = [0, 0, 4.0 * k]
        rescale.RescaleIntercept, rescale.RescaleSlope, rescale.RescaleType = -1000 + k, 1, "HU"
        group.PlanePositionSequence = Sequence([place])
        group.PixelValueTransformationSequence = Sequence([rescale])
        groups.append(group)
    ds.PerFrameFunctionalGroupsSequence = Sequence(groups)
    (tmp_path / "in").mkdir()
    save_dicom(tmp_path / "in" / "x.dcm", ds)
    images, _ = import_images(tmp_path / "in", tmp_path / "out")
    stack = volume(images, images.table["study"].iloc[0])
    assert stack[:, 0, 0].tolist() == [-990, -989, -988]


def test_missing_tags_are_warnings(tmp_path: Path) -> None:
    ds = dicom(picture(top=65536, dtype=np.uint16))
    for tag in ("PhotometricInterpretation", "BitsStored", "HighBit", "PixelRepresentation", "SamplesPerPixel",
                "Modality", "SOPClassUID"):  # fmt: skip
        delattr(ds, tag)
    frame = one(save_dicom(tmp_path / "x", ds))
    np.testing.assert_array_equal(frame.pixels, picture(top=65536, dtype=np.uint16))
    assert sum("is missing" in w for w in frame.warnings) == 4


def test_without_preamble_and_file_meta(tmp_path: Path) -> None:
    ds = dicom(picture(), PatientID="7", PatientSex="F", PatientAge="065Y", ViewPosition="PA")
    save_dicom(tmp_path / "x", ds)
    content = (tmp_path / "x").read_bytes()
    (tmp_path / "x").write_bytes(content[132 + 12 + int.from_bytes(content[140:144], "little") :])
    frame = one(tmp_path / "x")
    np.testing.assert_array_equal(frame.pixels, picture())
    assert (frame.sex, frame.age_text, frame.view, frame.patient, frame.modality) == ("F", "065Y", "PA", "7", "X-ray")


def test_xrays_that_lack_their_modality_are_no_volume(tmp_path: Path) -> None:
    for n in range(3):
        ds = dicom(picture(n), InstanceNumber=n)
        del ds.Modality, ds.SOPClassUID
        ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
        save_dicom(tmp_path / "in" / f"{n}.dcm", ds)
    images, _ = import_images(tmp_path / "in", tmp_path / "out")
    assert set(images.table["study"]) == {""}
    assert images.table["position_mm"].isna().all()


def test_placeholder_patients_are_no_patients(tmp_path: Path) -> None:
    assert one(save_dicom(tmp_path / "x", dicom(picture(), PatientID="ANONYMOUS"))).patient == ""


# volumes


def _import_slices(tmp_path: Path, order: list[int], **tags: object):
    source = tmp_path / "in"
    for n, k in enumerate(order):
        save_dicom(source / "scan" / f"{n:03d}.dcm", ct_slice(k, "1.2.826.5", **tags))
    return import_images(source, tmp_path / "out")


def test_slices_make_a_volume_by_position_whatever_their_names(tmp_path: Path) -> None:
    images, report = _import_slices(tmp_path, [3, 0, 4, 1, 2])
    assert report.counts["accepted"] == 5
    (study,) = images.table["study"].unique()
    assert volume(images, study)[:, 0, 0].tolist() == [-1000, -999, -998, -997, -996]
    assert sorted(images.table["position_mm"]) == [0, 2.5, 5, 7.5, 10]
    assert set(images.table["label"]) == {"scan"}


def test_a_missing_slice_is_noted(tmp_path: Path) -> None:
    _, report = _import_slices(tmp_path, [0, 1, 2, 4, 5])
    assert any("uneven distances" in note for note in report.notes)
    _, report = _import_slices(tmp_path / "whole", [0, 1, 2, 3, 4])
    assert not any("uneven distances" in note for note in report.notes)


def test_coronal_slices_are_sorted_along_their_own_normal(tmp_path: Path) -> None:
    source = tmp_path / "in"
    for k in range(4):
        place = {"ImagePositionPatient": [0, 3.0 * k, 50], "ImageOrientationPatient": [1, 0, 0, 0, 0, -1]}
        save_dicom(source / f"{9 - k}.dcm", ct_slice(k, "1.9", **place))
    images, _ = import_images(source, tmp_path / "out")
    assert set(images.table["view"]) == {"Coronal"}
    assert volume(images, images.table["study"].iloc[0])[:, 0, 0].tolist() == [-1000, -999, -998, -997]


@pytest.mark.parametrize(
    ("tags", "warning"),
    [({"ImagePositionPatient": None, "SliceLocation": 0}, "several slices"),
     ({"ImagePositionPatient": None}, "sorted by number")],
)  # fmt: skip
def test_without_positions_the_volume_falls_back_with_a_warning(tmp_path: Path, tags: dict, warning: str) -> None:
    images, report = _import_slices(tmp_path, [2, 0, 1], **tags)
    if "SliceLocation" in tags:  # all equal, so the instance number tells
        warning = "sorted by number"
    assert report.counts["accepted with a warning"] == 3
    assert all(warning in w for w in images.table["warning"])
    assert volume(images, images.table["study"].iloc[0])[:, 0, 0].tolist() == [-1000, -999, -998]


def test_two_series_are_two_volumes_and_no_series_is_the_folder(tmp_path: Path) -> None:
    source = tmp_path / "in"
    for series in ("1.1", "1.2"):
        for k in range(2):
            save_dicom(source / f"{series}-{k}.dcm", ct_slice(k, series))
    for k in range(2):
        ds = ct_slice(k, "1.3")
        del ds.SeriesInstanceUID
        save_dicom(source / "loose" / f"{k}.dcm", ds)
    images, _ = import_images(source, tmp_path / "out")
    assert images.table["study"].nunique() == 3
    assert images.table["warning"].str.contains("no series").sum() == 2


@pytest.mark.skipif(not (DATA / "dicom-ct").exists(), reason="needs ../shared/data/dicom-ct")
def test_real_slices_that_lack_almost_every_tag(tmp_path: Path) -> None:
    images, report = import_images(DATA / "dicom-ct", tmp_path / "out")
    assert report.counts["rejected"] == 0
    stack = volume(images, images.table["study"].iloc[0])
    assert stack.shape == (2, 512, 512)
    assert stack.min() < -1000 < 500 < stack.max()
    assert set(images.table["unit"]) == {"HU"}
