"""A thousand mutated files: no traceback, no hang, no file lost from the report, whatever they hold."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless

from radassay.images.frame import Limits
from radassay.images.importing import import_images
from radassay.images.walk import walk

from .files import ct_slice, dicom, picture, png_bytes, save_dicom, save_medmnist, save_nifti, zip_bytes

NAMES = ("x.png", "x.jpg", "x.dcm", "x.nii.gz", "x.npz", "x", "x.tif", "x.gif", "nul\tname.bmp", "ü%00.webp")


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """One good file of every format and compression."""
    folder = tmp_path_factory.mktemp("seeds")
    grey, deep = picture(height=48, width=40), picture(height=48, width=40, top=4096, dtype=np.uint16)
    out = [png_bytes(grey, f) for f in ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF", "JPEG2000")]
    out += [png_bytes(np.dstack([grey, grey, grey[::-1]]), f) for f in ("PNG", "JPEG", "WEBP")]
    out += [png_bytes(deep), png_bytes(deep, "TIFF"), png_bytes(grey, "TIFF", compression="tiff_lzw")]
    save_dicom(folder / "a", dicom(deep, bits=12, PatientID="1", WindowCenter=100, WindowWidth=200))
    save_dicom(folder / "b", ct_slice(1, "1.2.3"))
    save_dicom(folder / "c", dicom(np.stack([grey] * 3), frames=3))
    for n, syntax in enumerate((RLELossless, JPEGLSLossless, JPEG2000Lossless)):
        ds = dicom(deep, bits=12)
        ds.compress(syntax)
        save_dicom(folder / f"d{n}", ds)
    save_nifti(folder / "e.nii", np.arange(8 * 8 * 4, dtype=np.int16).reshape(8, 8, 4))
    save_nifti(folder / "f.nii.gz", np.arange(8 * 8 * 4, dtype=np.int16).reshape(8, 8, 4))
    save_medmnist(folder / "g.npz")
    return out + [path.read_bytes() for path in sorted(folder.iterdir())]


def truncated(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: rng.integers(0, len(content))]


def flipped(content: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.integers(1, 40)):
        changed[rng.integers(len(changed))] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def flipped_header(content: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.integers(1, 6)):
        changed[rng.integers(min(len(changed), 420))] = int(rng.integers(256))
    return bytes(changed)


def absurd(content: bytes, rng: np.random.Generator) -> bytes:
    """Sizes in the header become huge: two or four bytes of ones anywhere near the start."""
    changed = bytearray(content)
    at = int(rng.integers(min(len(changed), 600)))
    changed[at : at + 4] = b"\xff\xff\xff\x7f" if rng.random() < 0.5 else b"\x7f\xff\xff\xff"
    if content.startswith(b"\x89PNG") and rng.random() < 0.8:
        head = bytearray(content[:33])
        head[16:24] = struct.pack(">II", 2**31 - 1, int(rng.integers(1, 2**31)))
        head[29:33] = struct.pack(">I", zlib.crc32(bytes(head[12:29])))
        changed = head + changed[33:]
    return bytes(changed)


def nested(content: bytes, rng: np.random.Generator) -> bytes:
    kind = int(rng.integers(5))
    if kind == 0:
        return zip_bytes(**{"train_images.npy": content})
    if kind == 1:
        return zip_bytes(**{"a.zip": zip_bytes(**{"b.png": content})})
    if kind == 2:
        return gzip.compress(gzip.compress(content))
    if kind == 3:
        return gzip.compress(bytes(2**22) + content)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("../../x.png"), io.BytesIO(b""))
    return out.getvalue()


def spliced(content: bytes, rng: np.random.Generator) -> bytes:
    half = len(content) // 2
    return content[:half] + rng.bytes(int(rng.integers(0, 2000))) + content[half:]


def noise(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: rng.integers(4, 140)] + rng.bytes(int(rng.integers(0, 3000)))


def whole(content: bytes, rng: np.random.Generator) -> bytes:
    return content


MUTATIONS: tuple[Callable[[bytes, np.random.Generator], bytes], ...] = (
    truncated, flipped, flipped_header, absurd, nested, spliced, noise, whole)  # fmt: skip


def _mutants(folder: Path, seeds: list[bytes], count: int, rng: np.random.Generator) -> None:
    for n in range(count):
        content = MUTATIONS[n % len(MUTATIONS)](seeds[int(rng.integers(len(seeds)))], rng)
        path = folder / f"class{n % 3}" / f"{n:04d}-{NAMES[int(rng.integers(len(NAMES)))]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _try(tmp_path: Path, seeds: list[bytes], count: int, seed: int, seconds: float) -> None:
    _mutants(tmp_path / "in", seeds, count, np.random.default_rng(seed))
    limits = Limits(max_pixels=4_000_000, max_file_pixels=16_000_000, max_memory_bytes=3 * 2**30, seconds=10)
    started = time.monotonic()
    images, report = import_images(tmp_path / "in", tmp_path / "set", limits=limits)
    assert time.monotonic() - started < seconds
    assert sorted(report.table["path"]) == sorted(f.source for f in walk(tmp_path / "in"))
    assert len(report.table) == count
    told = report.table[report.table["status"] != "accepted"]
    assert (told["reason"] != "").all()
    assert not told["reason"].str.contains("Traceback").any()
    assert report.counts["accepted"] + report.counts["accepted with a warning"] >= count // len(MUTATIONS)
    assert report.counts["rejected"] >= count // 4
    for row in range(len(images)):
        assert images.display(row).min() >= 0
    again, _ = import_images(tmp_path / "in", tmp_path / "again", limits=limits, processes=1)
    assert again.fingerprint == images.fingerprint


def test_mutated_files_are_told_apart_and_none_is_lost(tmp_path: Path, seeds: list[bytes]) -> None:
    _try(tmp_path, seeds, 120, seed=1, seconds=60)


@pytest.mark.slow
def test_a_thousand_mutated_files(tmp_path: Path, seeds: list[bytes]) -> None:
    _try(tmp_path, seeds, 1000, seed=2, seconds=240)


def test_a_mutated_table_never_brings_a_traceback(tmp_path: Path) -> None:
    from radassay.errors import RadassayError

    rng = np.random.default_rng(0)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "x.png").write_bytes(png_bytes(picture()))
    table = b'filename,patientid,finding,age,sex\nx.png,7,COVID-19,50+,M\n"y,z.png",8,,65,F\n'
    for n in range(12):
        (tmp_path / "in" / "metadata.csv").write_bytes((truncated, flipped, spliced)[n % 3](table, rng))
        try:
            _, report = import_images(tmp_path / "in", tmp_path / f"set{n}")
        except RadassayError:
            continue
        assert {"x.png", "metadata.csv"} <= set(report.table["path"])
