"""Nothing served or exported tells where an image came from: no file name, UID, patient, label or fingerprint."""

from __future__ import annotations

import asyncio
import json
import uuid

import httpx
import numpy as np
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

from radassay.cli.main import main
from radassay.images.imageset import ImageSet
from radassay.images.phantom import Cohort

app = pytest.importorskip("radassay.web.app")
SIZE, PATIENTS = 32, 8
LABELS = ("tuberculosis", "nothing-found")
SHORTEST = 6
"""Letters of the shortest word that is looked for: shorter ones lie in random tokens and in pixels by chance."""


def source_files(folder, arm, seed):
    """Write simulated films as DICOM files of a hospital, and return every word in them that tells one from another."""
    words = {f"{arm}-archive", f"{arm.upper()} CLINIC"}
    for n in range(PATIENTS):
        patient = Cohort(patients=PATIENTS, size=SIZE, seed=seed).patient(n)
        picture = Cohort(patients=PATIENTS, size=SIZE, seed=seed).picture(patient).pixels()
        meta = FileMetaDataset()
        meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = (
            ExplicitVRLittleEndian,
            DigitalXRayImageStorageForPresentation,
        )
        data = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        data.SOPClassUID, data.Modality = DigitalXRayImageStorageForPresentation, "DX"
        about = {
            "SOPInstanceUID": generate_uid(),
            "SeriesInstanceUID": generate_uid(),
            "StudyInstanceUID": generate_uid(),
            "PatientID": f"{'QZQZQZ' if arm == 'real' else 'XQXQXQ'}{n}",
            "PatientName": f"{arm.capitalize()}^Somebody{n}",
            "AccessionNumber": f"ACC{arm}{n}",
            "InstitutionName": f"{arm.upper()} CLINIC",
            "SeriesDescription": f"{arm} chest {n}",
        }
        for name, value in about.items():
            setattr(data, name, value)
        meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.Rows = data.Columns = SIZE
        data.BitsAllocated = data.BitsStored = 8
        data.HighBit, data.PixelRepresentation, data.PixelData = 7, 0, picture.tobytes()
        file = folder / f"{arm}-archive" / LABELS[n % 2] / f"{arm}_scan_{n:03d}.dcm"
        file.parent.mkdir(parents=True, exist_ok=True)
        data.save_as(file, enforce_file_format=True)
        words |= {*map(str, about.values()), file.name, file.stem, *LABELS}
    return words


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Return the folder of a study that was planned and exported, and every word that may not leave it."""
    root = tmp_path_factory.mktemp("silence")
    words = set()
    for arm, seed, origin in (("real", 1, "acquired"), ("made", 2, "generated")):
        words |= source_files(root, arm, seed)
        source, out = str(root / f"{arm}-archive"), str(root / arm)
        assert main(["import", source, "--out", out, "--origin", origin]) == 0
        table = ImageSet.open(root / arm).table
        assert len(table) == PATIENTS
        for column in ("image", "source", "patient", "study", "label", "site"):
            words |= set(table[column].astype(str))
    sets = [str(root / "real"), str(root / "made"), "--split", "any", "--override", "told to nobody"]
    few = ["--cases", "2", "--catch", "1", "--training", "2", "--runs", "20", "--readers", "2"]
    assert main(["reading", "plan", *sets, *few, "--out", str(root / "study")]) == 0
    assert main(["reading", "export", str(root / "study"), "--out", str(root / "out")]) == 0
    plan = json.loads((root / "study" / "plan.json").read_text())
    words |= {str(root), "told to nobody", plan["key"]}
    return root, sorted(words - {""})


def found(words, content: bytes):
    """Return the words that lie in content, in either spelling."""
    low = content.lower()
    spelt = ((word, (word.lower().encode(), word.lower().encode("utf-16-le"))) for word in words)
    return [word for word, spellings in spelt if any(spelling in low for spelling in spellings)]


def test_the_search_finds_what_it_looks_for(told):
    words = told[1]
    assert {"QZQZQZ3", "XQXQXQ3", "real_scan_003.dcm", *LABELS} <= set(words) and len(words) > 120
    assert min(map(len, words)) >= SHORTEST
    assert sum(word.startswith("1.2.826") for word in words) == 6 * PATIENTS
    for word in words:
        assert word in found(words, b"\0\1" + word.encode() + b"\xff") and word in found(
            words, word.encode("utf-16-le")
        )
    source = next((told[0] / "real-archive").rglob("*.dcm")).read_bytes()
    assert len(found(words, source)) >= 8


def test_no_served_byte_and_no_name_tells_where_an_image_came_from(told):
    root, words = told
    files = [file for file in (root / "study" / "served").rglob("*") if file.is_file()]
    assert len(files) > 10
    for file in files:
        assert found(words, file.read_bytes()) == [], file
        assert found(words, str(file.relative_to(root)).encode()) == []


def test_no_exported_byte_and_no_name_tells_where_an_image_came_from(told):
    root, words = told
    files = [file for file in (root / "out").rglob("*") if file.is_file()]
    assert len([file for file in files if file.suffix == ".dcm"]) == 2 * 12 and len(files) == 2 * 14
    for file in files:
        assert found(words, file.read_bytes()) == [], file
        assert found(words, str(file.relative_to(root)).encode()) == []


def test_no_response_to_a_reader_or_a_coordinator_tells_where_an_image_came_from(told, tmp_path):
    from radassay.web.book import Book
    from radassay.web.served import ServedFolder
    from radassay.web.serving import readers

    root, words = told
    folder, database = root / "study" / "served", str(tmp_path / "reads.db")
    reader, _, boss = readers(folder, database, 2, address="http://127.0.0.1")
    opened = ServedFolder.open(folder)
    book = Book(database, opened.fingerprint)
    heard: list[httpx.Response] = []

    async def talk() -> None:
        transport = httpx.ASGITransport(app.create(opened, book, frozenset({"127.0.0.1"})))
        for link in (reader, boss):
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as c:
                entered = await c.post("/api/enter", json={"token": link.address.split("#")[1]})
                c.headers["x-radassay-form"] = entered.json()["form"]
                heard.append(entered)
                if link is boss:
                    for address in ("/coordinator", "/api/coordinator/progress", "/api/coordinator/answers.csv"):
                        heard.append(await c.get(address))
                    continue
                heard.extend([await c.get("/"), await c.post("/api/events", json={"kind": "consent"})])
                heard.append(await c.get("/api/study"))
                while tasks := (await c.get("/api/work")).json()["tasks"]:
                    task = tasks[0]
                    heard.append(await c.get("/api/work"))
                    heard.extend([await c.get(f"/api/pixels/{image}") for image in task["images"]])
                    body = {"id": str(uuid.uuid4()), "item": task["item"], "value": {"level": 3}}
                    heard.append(await c.post("/api/answers", json=body))
                    heard.append(await c.post("/api/answers", json={**body, "item": "0" * 16}))

    asyncio.run(talk())
    book.close()
    # twelve items: work, pixels, answer and a refusal of each; the rest is the way in and the coordinator's page
    assert len(heard) == 12 * 4 + 5 + 3 and sum(r.status_code == 404 for r in heard) == 12
    for response in heard:
        assert found(words, response.content) == [], response.url
        assert found(words, str(response.headers.raw).encode()) == [], response.url


def test_images_in_the_served_folder_are_those_of_the_sets(told):
    """The search would be worth nothing on other images."""
    root, _ = told
    key = json.loads((root / "study" / "key" / "key.json").read_text())
    for image in key["images"]:
        if image["broken"]:
            continue
        images = ImageSet.open(root / ("real" if image["arm"] == "real" else "made"))
        row = int(np.flatnonzero(images.table["image"] == image["image"])[0])
        served = np.fromfile(root / "study" / "served" / "pixels" / f"{image['id']}.bin", "<u2").reshape(SIZE, SIZE)
        assert np.corrcoef(served.ravel(), images.pixels(row).ravel())[0, 1] > 0.99
