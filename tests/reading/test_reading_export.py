"""What a reader takes to a viewer of their own: the served pixels, in order, and nothing that tells what they are."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pydicom
import pytest
from reading_sets import answers

from radassay.cli.reading_export import Export, with_sheets
from radassay.errors import SettingsError
from radassay.images.phantom import Cohort, make_phantoms
from radassay.reading.analyse import analyse
from radassay.reading.answers import read_answers
from radassay.reading.asked import Asked, PixelFormat, ReaderList, Window
from radassay.reading.dicom_export import dicom_files
from radassay.reading.key import open_key
from radassay.reading.pack import pack
from radassay.reading.plan import ReadingPlan
from radassay.reading.study import write_study

served = pytest.importorskip("radassay.web.served")
QUESTIONS = ("realness", "choice", "diagnosis", "plausibility")
PLAN = ReadingPlan(questions=QUESTIONS, positive="disease", cases=4, readers=2, catch=2, training=2, right_on_left=True)


def written(folder, packed):
    """Write a study and return its folder."""
    study = served.Study.model_validate(packed.study)
    write_study(
        folder, packed.plan, packed.key, [], lambda at: served.write_served(at, study, packed.pixels).fingerprint
    )
    return folder


@pytest.fixture(scope="module")
def planned(chests, tmp_path_factory):
    """Return the folder of a study and what was packed."""
    packed = pack(PLAN, *chests)
    return written(tmp_path_factory.mktemp("planned") / "study", packed), packed


@pytest.fixture(scope="module")
def exported(planned, tmp_path_factory):
    out = tmp_path_factory.mktemp("exported") / "out"
    assert Export(planned[0], out).run() == 0
    return out


def test_every_reader_gets_the_served_pixels_in_reading_order(planned, exported):
    packed = planned[1]
    folders = sorted(exported.iterdir())
    assert len(folders) == PLAN.readers
    side = packed.study["pixels"]["width"]
    known = {content: name for name, content in packed.pixels.items()}
    by_image = {image: item for item in packed.key.items for image in item.images}
    for folder, order in zip(folders, (packed.study["orders"][r] for r in sorted(packed.study["orders"])), strict=True):
        seen = []
        for item in sorted((folder / "dicom").iterdir()):
            for file in sorted(item.iterdir()):
                data = pydicom.dcmread(file)
                assert data.pixel_array.shape == (side, side) and data.pixel_array.dtype == np.uint16
                assert list(data.PatientOrientation) == ["L", "F"]
                assert data.pixel_array.astype("<u2").tobytes() in known
                seen.append(data.StudyInstanceUID)
        assert len(set(seen)) == len(list((folder / "dicom").iterdir()))
        items = [i for i in order if i in {k.id for k in packed.key.items}]
        training = [i.id for i in packed.key.items if i.role == "training"]
        assert len(set(seen)) == len(items) + len(training)
    assert set(by_image) == set(packed.pixels)


def test_nothing_tells_what_an_image_is(planned, exported):
    packed = planned[1]
    secrets = {image.image for image in packed.key.images} | {
        image.patient.split(":")[1] for image in packed.key.images
    }
    files = [file for file in exported.rglob("*") if file.is_file()]
    assert len({file.stat().st_size for file in files if file.suffix == ".dcm"}) == 1
    assert len({file.stat().st_mtime for file in exported.rglob("*")}) == 1
    for file in files:
        content = file.read_bytes()
        assert not any(secret.encode() in content for secret in secrets if len(secret) > 8)
        if file.suffix == ".dcm":
            head = content[: content.rindex(b"\xe0\x7f\x10\x00")].lower()
            assert not any(word in head for word in (b"synthetic", b"generated", b"real", b"repeat", b"catch"))
            assert not any(element.tag.is_private for element in pydicom.dcmread(file))


def test_the_same_answers_by_sheet_and_by_page_give_the_same_findings(planned, exported, capsys):
    folder, packed = planned
    table = answers(packed.study, packed.key, np.random.default_rng(5), seen=1.0)
    page = table.to_csv(index=False).encode()
    given = {(row.reader, row.item): json.loads(row.value) for row in table.itertuples()}
    files = []
    for sheet in sorted(exported.rglob("answers-*.csv")):
        rows = list(csv.DictReader(io.StringIO(sheet.read_text(encoding="utf-8-sig"))))
        for row in rows:
            value = given.get((row["reader"].replace("-", ""), row["item"].replace("-", "")))
            if value is not None:
                chosen = packed.pixels.get(value.get("image", ""))
                letters = _images(sheet, row)
                _fill(row, value, next((letter for letter, pixels in letters.items() if pixels == chosen), ""))
        out = io.StringIO()
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
        files.append(folder.parent / sheet.name)
        files[-1].write_text(out.getvalue(), encoding="utf-8")
    capsys.readouterr()
    back = with_sheets(folder, tuple(files), b"")
    # Training items were not answered: two of realness and two of diagnosis.
    rows = len(packed.study["orders"][min(packed.study["orders"])]) + 4
    lines = [f"{file}: {rows - 4} of {rows} rows filled by reader {file.stem[8:]}" for file in files]
    assert capsys.readouterr().out.splitlines() == lines
    key = open_key(folder / "key", "A. Smith", "test", plan=packed.plan.hash)
    found = [analyse(packed.plan, key, read_answers(content)) for content in (page, back)]
    kept = [one.findings for one in found]
    assert len(kept[0]) > 20
    assert [(f.name, f.slice, f.value, f.low, f.high) for f in kept[0]] == [
        (f.name, f.slice, f.value, f.low, f.high) for f in kept[1]
    ]
    assert len(pd.read_csv(io.BytesIO(back))) == len(table)


def _images(sheet, row):
    """Return the pixels of a row's images by their letter."""
    item = sheet.parent / "dicom" / f"{int(row['number']):03d}"
    return {file.name[0]: pydicom.dcmread(file).PixelData for file in sorted(item.iterdir())}


def _fill(row, value, letter):
    if "level" in value:
        row["level"] = str(value["level"])
    elif "image" in value:
        row["choice"] = letter
    elif "option" in value:
        row["diagnosis"], row["certainty"] = value["option"], str(value["certainty"])
    else:
        for structure, told in value["structures"].items():
            row[f"structure: {structure}"] = {3: "yes", 2: "doubtful", 1: "no"}[told["level"]]
            if told["place"]:
                row[f"where: {structure}"] = " ".join(str(n) for n in told["place"][:2])


@pytest.mark.parametrize(("slices", "orientation"), [(1, ""), (4, "LP")])
def test_hounsfield_units_are_exported_as_ct_in_single_slices_and_in_stacks(tmp_path, slices, orientation):
    sets = []
    for name, seed, told in (("real", 3, {"split": "test"}), ("made", 4, {"origin": "generated", "patient": ""})):
        cohort = Cohort(patients=8, images_per_patient=slices, size=32, modality="CT", seed=seed)
        sets.append(make_phantoms(tmp_path / name, cohort, workers=1).with_columns(**told))
    plan = ReadingPlan(cases=2, readers=1, catch=0, training=0, slices=slices, right_on_left=True)
    assert Export(written(tmp_path / "study", pack(plan, *sets)), tmp_path / "out").run() == 0
    files = [pydicom.dcmread(file) for file in (tmp_path / "out").rglob("*.dcm")]
    assert len(files) == 9 * slices  # two cases of two classes in two arms, and a repeat
    for data in files:
        assert (data.Modality, data.RescaleType) == ("CT", "HU")
        assert "".join(data.PatientOrientation or "") == orientation
        air = data.pixel_array[0, 0] * float(data.RescaleSlope) + float(data.RescaleIntercept)
        assert -1100 < air < -900
        assert "Lung" in data.WindowCenterWidthExplanation


def test_grey_values_are_no_hounsfield_units_whatever_they_show(chests):
    about = PixelFormat(8, 8, 1, 1.0, 0.0, None, True, "CT", False, (Window("Full range", 255.0, 127.5),))
    asked = Asked(1, "a" * 32, ("b" * 32,), "realness", "realness", "Real?")
    told = {}
    for modality, depth in (("CT", 1), ("X-ray", 1), ("", 1), ("", 2)):
        form = replace(about, modality=modality, depth=depth)
        _, content = next(dicom_files(ReaderList("c" * 32, (asked,)), asked, 0, bytes(128 * depth), form))
        data = pydicom.dcmread(io.BytesIO(content))
        assert data.RescaleType == "US"
        told[modality, depth] = (data.Modality, "".join(data.PatientOrientation or ""))
    assert told == {("CT", 1): ("CT", ""), ("X-ray", 1): ("OT", "LF"), ("", 1): ("OT", "LF"), ("", 2): ("OT", "LP")}


def test_one_reader_alone_gets_the_same_folder_as_among_all(planned, exported, tmp_path, capsys):
    assert Export(planned[0], tmp_path / "one", reader=2).run() == 0
    assert "items for reader 2 of 2" in capsys.readouterr().out
    (folder,) = (tmp_path / "one").iterdir()
    same = exported / folder.name
    assert folder.name.startswith("reader-02-")
    files = sorted(file.relative_to(folder) for file in folder.rglob("*") if file.is_file())
    assert files == sorted(file.relative_to(same) for file in same.rglob("*") if file.is_file())
    assert all((folder / file).read_bytes() == (same / file).read_bytes() for file in files)
    for number in (3, -1):
        with pytest.raises(SettingsError, match="There is no such reader"):
            Export(planned[0], tmp_path / "none", reader=number).run()
    assert not (tmp_path / "none").exists()


def test_a_folder_that_holds_something_is_refused(planned, tmp_path):
    (tmp_path / "mine").write_text("kept")
    with pytest.raises(SettingsError, match="not empty"):
        Export(planned[0], tmp_path).run()
    assert (tmp_path / "mine").read_text() == "kept"
