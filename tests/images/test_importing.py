"""The import: nothing lost, nothing invented, the same set whatever happens on the way."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from radassay.errors import InputError, SettingsError, StorageError
from radassay.images import importing
from radassay.images.decoding import decode
from radassay.images.frame import Limits
from radassay.images.imageset import ImageSet
from radassay.images.import_report import ImportReport
from radassay.images.importing import import_images
from radassay.images.walk import walk

from .files import DATA, ct_slice, dicom, picture, png_bytes, save, save_dicom, save_medmnist, zip_bytes


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Good, odd and broken files of many kinds."""
    root = tmp_path / "mixed"
    for i in range(6):
        save(root / "ill" / f"{i}.png", picture(i))
        save(root / "well" / f"{i}.jpg", picture(10 + i), "JPEG")
    save(root / "well" / "wrong.jpg", picture(20), "PNG")
    save_dicom(root / "ill" / "x.dcm", dicom(picture(30), PatientID="SECRET-1", PatientAge="050Y", PatientSex="F"))
    for k in range(3):
        save_dicom(root / "ct" / f"{k}.dcm", ct_slice(k, "1.2.3", PatientID="SECRET-2"))
    (root / "ill" / "empty.png").write_bytes(b"")
    (root / "ill" / "cut.png").write_bytes(png_bytes(picture(40, 200, 200))[:900])
    (root / "nested.zip").write_bytes(zip_bytes(**{"a.png": png_bytes(picture())}))
    (root / "README.md").write_text("not an image\n")
    (root / "ill" / "100% sûr #1.png").write_bytes(png_bytes(picture(41)))
    (Path(os.fsdecode(os.fsencode(root / "well") + b"/caf\xe9.png"))).write_bytes(png_bytes(picture(42)))
    return root


def test_every_file_is_in_the_report_with_its_reason(mixed: Path, tmp_path: Path) -> None:
    images, report = import_images(mixed, tmp_path / "set")
    assert sorted(report.table["path"]) == sorted(f.source for f in walk(mixed))
    assert report.counts == {"accepted": 18, "accepted with a warning": 1, "rejected": 3, "ignored": 1}
    reasons = dict(zip(report.table["path"], report.table["reason"], strict=True))
    assert "named as jpeg but holds png" in reasons["well/wrong.jpg"]
    assert "empty" in reasons["ill/empty.png"]
    assert "Unpack" in reasons["nested.zip"]
    assert len(images) == report.table["images"].sum() == 19
    assert "caf\\xe9.png" in " ".join(reasons)
    assert ImportReport.open(tmp_path / "set").table.equals(report.table)
    assert "ill/cut.png" in (tmp_path / "set" / "import.txt").read_text()
    row = images.table[images.table["source"] == "ill/3.png"].index[0]
    np.testing.assert_array_equal(images.pixels(row), picture(3))


def test_nothing_that_names_a_patient_is_written(mixed: Path, tmp_path: Path) -> None:
    images, _ = import_images(mixed, tmp_path / "set")
    assert images.table["patient"].nunique() == 3  # two patients, and none
    for path in (tmp_path / "set").rglob("*"):
        if path.is_file():
            assert b"SECRET" not in path.read_bytes(), path
    keyed, _ = import_images(mixed, tmp_path / "keyed", patient_key="k")
    assert not set(images.table["patient"]) & set(keyed.table["patient"]) - {""}


def test_fingerprint_depends_on_content_not_on_order_or_processes(mixed: Path, tmp_path: Path) -> None:
    first, _ = import_images(mixed, tmp_path / "set", processes=1)
    copy = tmp_path / "elsewhere" / "mixed"
    for path in sorted(mixed.rglob("*"), reverse=True):
        if path.is_file():
            (copy / path.relative_to(mixed)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy / path.relative_to(mixed))
    second, _ = import_images(copy, tmp_path / "set2", processes=3)
    assert first.fingerprint == second.fingerprint
    save(copy / "ill" / "more.png", picture(77))
    third, _ = import_images(copy, tmp_path / "set2")
    assert third.fingerprint != first.fingerprint


def test_a_finished_import_returns_at_once_and_a_changed_source_does_not(
    mixed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, report = import_images(mixed, tmp_path / "set")
    with monkeypatch.context() as patch:
        patch.setattr(importing, "decode", lambda *_: pytest.fail("decoded again"))
        again, report_again = import_images(mixed, tmp_path / "set")
    assert again.fingerprint == first.fingerprint
    assert report_again.table.equals(report.table)
    assert report_again.notes == report.notes
    (mixed / "ill" / "0.png").unlink()
    changed, _ = import_images(mixed, tmp_path / "set")
    assert len(changed) == len(first) - 1


def test_killed_import_carries_on_and_ends_in_the_same_set(tmp_path: Path) -> None:
    source = tmp_path / "in"
    for i in range(300):
        save(source / "a" / f"{i}.png", picture(i, 96, 96))
    whole, report = import_images(source, tmp_path / "whole")
    code = (
        "import sys; from pathlib import Path; from radassay.images.importing import import_images;"
        f"import_images(Path({str(source)!r}), Path({str(tmp_path / 'set')!r}), processes=1)"
    )
    child = subprocess.Popen([sys.executable, "-c", code])
    journal = tmp_path / "set" / "import.work.jsonl"
    while child.poll() is None and (not journal.exists() or journal.read_bytes().count(b"\n") < 40):
        time.sleep(0.002)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert not (tmp_path / "set" / "set.json").exists()
    before = journal.read_bytes().count(b"\n") - 1
    decoded: list[int] = []
    again, report_again = import_images(source, tmp_path / "set", report=lambda done, *_: decoded.append(done))
    assert again.fingerprint == whole.fingerprint
    assert report_again.table.equals(report.table)
    assert 0 < len(decoded) <= 300 - before
    assert not journal.exists()


def test_generated_images_come_in_by_the_same_door(tmp_path: Path) -> None:
    images, _ = import_images(save_medmnist(tmp_path / "fake.npz"), tmp_path / "set", origin="generated")
    assert set(images.table["origin"]) == {"generated"}
    assert images.table["split"].value_counts().to_dict() == {"train": 4, "validation": 2, "test": 2}
    assert set(images.table["label"]) == {"0", "1"}
    assert images.table["source"].str.startswith("fake.npz#").all()
    with pytest.raises(SettingsError):
        import_images(tmp_path / "fake.npz", tmp_path / "set", origin="invented")


def test_labels_are_mapped_by_pattern_and_kept_as_written(tmp_path: Path) -> None:
    for name in ("Pneumonia+COVID-19", "Healthy", "Pneumonia"):
        save(tmp_path / "in" / name / "x.png", picture(len(name)))
    images, _ = import_images(tmp_path / "in", tmp_path / "set", labels={"*COVID*": "covid", "Pneu*": "other"})
    got = dict(zip(images.table["label_source"], images.table["label"], strict=True))
    assert got == {"Pneumonia+COVID-19": "covid", "Healthy": "Healthy", "Pneumonia": "other"}


def test_a_pattern_gives_no_class_to_what_is_not_labelled_yet(tmp_path: Path) -> None:
    for i in range(3):
        save(tmp_path / "in" / f"{i}.png", picture(i))
    (tmp_path / "in" / "metadata.csv").write_text("filename,finding\n0.png,COVID-19\n1.png,todo\n2.png,\n")
    images, report = import_images(tmp_path / "in", tmp_path / "set", labels={"*COVID*": "covid", "*": "other"})
    assert dict(zip(images.table["source"], images.table["label"], strict=True)) == {
        "0.png": "covid", "1.png": "", "2.png": ""}  # fmt: skip
    assert any("2 of 3 images have no label" in note for note in report.notes)


def test_no_patient_is_invented_and_the_report_says_so(tmp_path: Path) -> None:
    save(tmp_path / "in" / "a" / "patient7_001.png", picture())
    images, report = import_images(tmp_path / "in", tmp_path / "set")
    assert images.table["patient"].tolist() == [""]
    assert any("no patient" in note for note in report.notes)


def test_nothing_accepted_is_an_error_and_leaves_the_report(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "x.png").write_bytes(b"")
    with pytest.raises(InputError, match="No image was accepted"):
        import_images(tmp_path / "in", tmp_path / "set")
    assert "empty" in (tmp_path / "set" / "import.txt").read_text()
    with pytest.raises(InputError, match="nothing to import"):
        import_images(tmp_path / "absent", tmp_path / "set")


def test_the_set_cannot_be_written_into_its_source(tmp_path: Path) -> None:
    save(tmp_path / "x.png", picture())
    with pytest.raises(InputError, match="into the folder it is made from"):
        import_images(tmp_path, tmp_path / "set")


def test_a_store_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    save(tmp_path / "in" / "x.png", picture())
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "pixels").write_text("a file where the folder should be")
    with pytest.raises(StorageError):
        import_images(tmp_path / "in", tmp_path / "set")


def test_a_decoder_that_hangs_or_crashes_costs_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hook = tmp_path / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(
        "import time, os\nimport radassay.images.raster as r\nreal = r.frames\n"
        "def frames(file, *a):\n"
        "    name = os.readlink(f'/proc/self/fd/{file.fileno()}')\n"
        "    if 'hang.' in name: time.sleep(60)\n"
        "    if 'crash.' in name: os.abort()\n"
        "    if 'greedy' in name: bytearray(2**40)\n"
        "    return real(file, *a)\n"
        "r.frames = frames\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(hook))
    names = ["a.png", "hang.png", "b.png", "crash.png", "c.png", "greedy.png", "d.png"]
    paths = [save(tmp_path / "in" / name, picture(i)) for i, name in enumerate(names)]
    results = {names[r.index]: r for r in decode(paths, tmp_path / "store", Limits(seconds=0.7), processes=1)}
    assert set(results) == set(names)
    assert {n for n, r in results.items() if r.rejected} == {"hang.png", "crash.png", "greedy.png"}
    assert "0.7 s" in results["hang.png"].rejected
    assert "crashed" in results["crash.png"].rejected
    assert "memory" in results["greedy.png"].rejected


needs_cohen = pytest.mark.skipif(not (DATA / "cohen-cxr").exists(), reason="needs ../shared/data/cohen-cxr")


@needs_cohen
def test_cohen_as_it_is(tmp_path: Path) -> None:
    images, report = import_images(DATA / "cohen-cxr" / "metadata.csv", tmp_path / "set")
    assert images.name == "cohen-cxr"
    assert report.counts == {"accepted": 914, "accepted with a warning": 0, "rejected": 0, "ignored": 190}
    assert len(report.table) == 1104
    assert images.table["label_source"].eq("todo").sum() == 82
    assert not images.table["label"].eq("todo").any()
    assert images.table["sex"].value_counts().to_dict() == {"M": 532, "F": 302, "": 80}
    assert images.table["view"].value_counts()["PA"] == 339
    assert images.table["age_years"].isna().sum() == 236
    assert ImageSet.open(tmp_path / "set").fingerprint == images.fingerprint
    known = json.loads((tmp_path / "set" / "set.json").read_text())
    assert known["images"] == 914
