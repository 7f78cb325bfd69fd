"""Readers: right pixels, chosen by content, and a reason for everything that cannot be read."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from radassay.errors import UnreadableImage
from radassay.images.frame import Frame, Limits
from radassay.images.reader import read

from .files import dicom, picture, png_bytes, save, save_dicom, save_medmnist, save_nifti, zip_bytes


def one(path: Path, limits: Limits | None = None) -> Frame:
    (frame,) = read(path, limits)
    return frame


@pytest.mark.parametrize("format", ["PNG", "TIFF", "BMP", "GIF", "WEBP", "JPEG2000"])
def test_lossless_formats_give_the_very_pixels(tmp_path: Path, format: str) -> None:
    pixels = picture()
    options = {"lossless": True} if format == "WEBP" else {}
    frame = one(save(tmp_path / "x", pixels, format, **options))
    assert frame.format == format.lower()
    np.testing.assert_array_equal(frame.pixels, pixels)
    assert (frame.low, frame.high, frame.bits, frame.index) == (0, 255, 8, None)


def test_jpeg_is_near(tmp_path: Path) -> None:
    frame = one(save(tmp_path / "x.jpg", picture(), "JPEG", quality=95))
    assert np.abs(frame.pixels.astype(int) - picture()).mean() < 6
    assert frame.warnings == ()


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_sixteen_bits_are_kept(tmp_path: Path, format: str) -> None:
    pixels = picture(top=65536, dtype=np.uint16)
    frame = one(save(tmp_path / "x", pixels, format))
    np.testing.assert_array_equal(frame.pixels, pixels)
    assert (frame.low, frame.high, frame.bits, frame.warnings) == (0, 65535, 16, ())


def test_twelve_bits_in_sixteen_are_shown_by_their_range_with_a_warning(tmp_path: Path) -> None:
    frame = one(save(tmp_path / "x.png", picture(top=4096, dtype=np.uint16)))
    assert (frame.low, frame.high) == (0, 4095)
    assert "display window" in frame.warnings[0]


def test_equal_channels_become_one_and_colours_stay(tmp_path: Path) -> None:
    grey = picture()
    assert one(save(tmp_path / "a.png", np.dstack([grey] * 3))).pixels.shape == (24, 20)
    colour = np.dstack([grey, grey[::-1], grey])
    np.testing.assert_array_equal(one(save(tmp_path / "b.png", colour)).pixels, colour)


def test_palette_alpha_bilevel_and_cmyk(tmp_path: Path) -> None:
    grey = Image.fromarray(picture())
    grey.convert("P").save(tmp_path / "p.png")
    np.testing.assert_array_equal(one(tmp_path / "p.png").pixels, picture())
    opaque = np.dstack([picture()] * 3 + [np.full((24, 20), 255, np.uint8)])
    np.testing.assert_array_equal(one(save(tmp_path / "o.png", opaque)).pixels, picture())
    opaque[:5, :, 3] = 0
    hidden = one(save(tmp_path / "h.png", opaque))
    assert hidden.pixels[:5].max() == 0
    np.testing.assert_array_equal(hidden.pixels[5:], picture()[5:])
    assert hidden.warnings == ("transparent parts are shown black",)
    grey.convert("1").save(tmp_path / "1.png")
    assert set(np.unique(one(tmp_path / "1.png").pixels)) == {0, 255}
    grey.convert("CMYK").save(tmp_path / "c.tif")
    cmyk = one(tmp_path / "c.tif")
    assert "CMYK" in cmyk.warnings[0]
    assert np.abs(cmyk.pixels.astype(int) - picture()).max() <= 1


def test_exif_orientation_turns_the_picture(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    frame = one(save(tmp_path / "x.png", picture(), exif=exif))
    np.testing.assert_array_equal(frame.pixels, np.rot90(picture(), -1))
    assert "EXIF" in frame.warnings[0]


def test_pages_and_animation_frames_are_rows(tmp_path: Path) -> None:
    pages = [Image.fromarray(picture(i)) for i in range(3)]
    pages[0].save(tmp_path / "x.tif", save_all=True, append_images=pages[1:])
    frames = list(read(tmp_path / "x.tif"))
    assert [f.index for f in frames] == [0, 1, 2]
    for i, frame in enumerate(frames):
        np.testing.assert_array_equal(frame.pixels, picture(i))


def test_float_tiff_with_nan(tmp_path: Path) -> None:
    pixels = picture().astype(np.float32) / 7
    pixels[3, 3] = np.nan
    frame = one(save(tmp_path / "x.tif", pixels))
    assert np.isfinite(frame.pixels).all()
    assert any("finite" in w for w in frame.warnings)


def test_a_wrong_extension_is_read_with_a_warning(tmp_path: Path) -> None:
    frame = one(save(tmp_path / "x.jpg", picture(), "PNG"))
    assert frame.warnings == ("named as jpeg but holds png",)
    np.testing.assert_array_equal(frame.pixels, picture())
    save_dicom(tmp_path / "y.png", dicom(picture()))
    assert one(tmp_path / "y.png").warnings[0] == "named as png but holds dicom"


# NPZ and NIfTI


def test_medmnist_npz(tmp_path: Path) -> None:
    frames = list(read(save_medmnist(tmp_path / "x.npz")))
    assert [f.split for f in frames] == ["train"] * 4 + ["validation"] * 2 + ["test"] * 2
    assert [f.label for f in frames] == ["0", "1", "0", "1", "0", "1", "0", "1"]
    assert [f.index for f in frames] == list(range(8))
    np.testing.assert_array_equal(frames[3].pixels, picture(3, 28, 28))


def test_npz_colour_volume_and_multilabel(tmp_path: Path) -> None:
    colour = np.random.default_rng(0).integers(0, 255, (2, 8, 8, 3), dtype=np.uint8)
    np.savez(tmp_path / "c.npz", train_images=colour, train_labels=np.array([[1, 0, 1], [0, 0, 0]]))
    frames = list(read(tmp_path / "c.npz"))
    assert [f.label for f in frames] == ["0+2", "none"]
    np.testing.assert_array_equal(frames[1].pixels, colour[1])
    np.savez(tmp_path / "v.npz", images=np.zeros((2, 5, 8, 8), np.uint8))
    frames = list(read(tmp_path / "v.npz"))
    assert len(frames) == 10
    assert len({f.volume for f in frames}) == 2


def test_npz_never_unpickles(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", train_images=np.array([{"a": 1}], dtype=object))
    with pytest.raises(UnreadableImage, match="pickle"):
        one(tmp_path / "x.npz")


@pytest.mark.parametrize("name", ["x.nii", "x.nii.gz"])
@pytest.mark.parametrize("flip", [(1, 1, 1), (-1, 1, 1), (1, -1, -1)])
def test_nifti_slices_are_shown_as_radiologists_see_them(tmp_path: Path, name: str, flip: tuple[int, ...]) -> None:
    # value = 100 right + 10 front + head, in voxels of the patient, whatever way the file stores them
    i, j, k = np.mgrid[0:4, 0:5, 0:6]
    truth = (100 * i + 10 * j + k).astype(np.int16)
    affine = np.diag([2.0, 2.0, 3.0, 1.0])
    affine[:3, 3] = [-10, 5, 7]
    stored = truth[:: flip[0], :: flip[1], :: flip[2]]
    for axis, sign in enumerate(flip):
        if sign < 0:
            affine[axis, 3] += affine[axis, axis] * (truth.shape[axis] - 1)
            affine[axis, axis] *= -1
    frames = list(read(save_nifti(tmp_path / name, stored, affine)))
    assert [f.positions["position"] for f in frames] == [7 + 3 * n for n in range(6)]
    for n, frame in enumerate(frames):
        assert frame.pixels.shape == (5, 4)
        assert frame.pixels[0, 0] == 100 * 3 + 10 * 4 + n  # top left: patient's right and front
        assert frame.pixels[-1, -1] == n
        assert frame.spacing_mm == 2


def test_nifti_in_hounsfield_units_is_told_by_range_with_a_warning(tmp_path: Path) -> None:
    volume = np.linspace(-1024, 900, 4 * 4 * 2).reshape(4, 4, 2).astype(np.float32)
    frame = next(read(save_nifti(tmp_path / "x.nii", volume)))
    assert (frame.unit, frame.low, frame.high) == ("HU", -1350, 150)
    assert any("Hounsfield" in w for w in frame.warnings)


# what cannot be read


def bad(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(UnreadableImage) as caught:
        list(read(path, Limits(max_pixels=10_000, max_file_pixels=50_000, max_frames=100)))
    return str(caught.value)


def test_every_bad_file_has_its_reason(tmp_path: Path) -> None:
    x = tmp_path / "x.png"
    png = png_bytes(picture(height=100, width=90))
    assert "empty" in bad(x, b"")
    assert "text" in bad(x, b"hello, no picture here\n")
    assert "no known kind" in bad(x, bytes(range(256)) * 4)
    assert "cut off" in bad(x, png[: len(png) // 2]) or "truncated" in bad(x, png[: len(png) // 2])
    assert "Unpack it first" in bad(x, zip_bytes(**{"a.png": png}))
    assert "Unpack it first" in bad(x, gzip.compress(png))
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.png"), io.BytesIO(b""))
    assert "Unpack it first" in bad(x, tar.getvalue())
    assert "larger picture than is allowed" in bad(x, png_bytes(np.zeros((400, 400), np.uint8)))
    assert "PDF" in bad(x, b"%PDF-1.7\n\0\0")


def test_bombs_stop_at_the_limit(tmp_path: Path) -> None:
    big = io.BytesIO()
    np.savez_compressed(big, train_images=np.zeros((2000, 28, 28), np.uint8))
    assert "allowed" in bad(tmp_path / "x.npz", big.getvalue())
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (100, 20, 20)})
    lying = zip_bytes(**{"train_images.npy": header.getvalue() + b"\0" * 50})
    assert "cut off" in bad(tmp_path / "y.npz", lying)
    save_nifti(tmp_path / "v.nii", np.zeros((8, 8, 8), np.uint8))
    raw = bytearray((tmp_path / "v.nii").read_bytes())
    raw[42:48] = (30000).to_bytes(2, "little") * 3
    assert "allowed" in bad(tmp_path / "v.nii", bytes(raw))
    assert "allowed" in bad(tmp_path / "v.nii.gz", gzip.compress(bytes(raw)))
    raw[42:48] = (20).to_bytes(2, "little") * 3
    assert "cut off" in bad(tmp_path / "v.nii.gz", gzip.compress(bytes(raw)))


def test_dicom_without_pixels_or_with_too_few(tmp_path: Path) -> None:
    ds = dicom(picture())
    ds.PixelData = ds.PixelData[:100]
    save_dicom(tmp_path / "a.dcm", ds)
    assert "cut off" in bad(tmp_path / "a.dcm", (tmp_path / "a.dcm").read_bytes())
    del ds.PixelData
    save_dicom(tmp_path / "b.dcm", ds)
    assert "no pixels" in bad(tmp_path / "b.dcm", (tmp_path / "b.dcm").read_bytes())
    ds = dicom(picture(), Rows=60000, Columns=60000)
    save_dicom(tmp_path / "c.dcm", ds)
    assert "allowed" in bad(tmp_path / "c.dcm", (tmp_path / "c.dcm").read_bytes())


def test_pipes_are_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.png")
    with pytest.raises(UnreadableImage, match="regular"):
        one(tmp_path / "x.png")


def test_reasons_do_not_quote_what_the_file_says_of_the_patient(tmp_path: Path) -> None:
    ds = dicom(picture(), PatientID="SECRET-77", PatientName="Doe^Jane", WindowCenter="1", WindowWidth="2")
    save_dicom(tmp_path / "x.dcm", ds)
    content = (tmp_path / "x.dcm").read_bytes()
    for cut in range(200, len(content), 37):
        (tmp_path / "x.dcm").write_bytes(content[:cut])
        words = ""
        try:
            list(read(tmp_path / "x.dcm"))
        except UnreadableImage as error:
            words = str(error)
        assert "SECRET" not in words
        assert "Doe" not in words
