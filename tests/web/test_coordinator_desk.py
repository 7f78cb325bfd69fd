"""The coordinator's desk as an HTTP client meets it: blinding, refusals, links, processes that end with it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pandas as pd
import pytest
from desk_process import DeskProcess, answers, job, made, settings, until
from served_studies import client, study_folder

from radassay.errors import SettingsError
from radassay.web.guard import HEADERS
from radassay.web.servers import Reach
from radassay.web.serving import Link
from radassay.web.shelf import Shelf

sys.path.insert(0, str(Path(__file__).parents[1] / "reading"))
from reading_sets import cohort, two_sets


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    root = tmp_path_factory.mktemp("desk")
    whole = cohort(root / "store", patients=60)
    real, marked = two_sets(whole, mark=3)
    for name, images in (("real", real), ("made", two_sets(whole)[1]), ("marked", marked)):
        (root / "sets" / name).mkdir(parents=True)
        (root / "sets" / name / "pixels").symlink_to(root / "store" / "pixels")
        images.save(root / "sets" / name)
    running = DeskProcess(root / "studies", root / "sets", root / "log")
    running.start()
    yield running
    running.end()


@pytest.fixture(scope="module")
def study(desk):
    return made(desk.client(), readers=4)


def folder_of(desk: DeskProcess, c: httpx.Client, study: str) -> Path:
    return desk.studies / c.get(f"/api/desk/studies/{study}").json()["name"]


def links(c: httpx.Client, study: str, number: int = 1) -> list[Link]:
    told = c.post(f"/api/desk/studies/{study}/links", json={"number": number, "days": 1})
    assert told.status_code == 200, told.text
    return [Link(**one) for one in told.json()["links"]]


def secrets_of(desk: DeskProcess, folder: Path) -> list[str]:
    """Whatever could tell an arm: names and fingerprints of images, patients, paths, the key, the seed."""
    found = {str(desk.sets), str(desk.studies), str(json.loads((folder / "plan.json").read_text())["plan"]["seed"])}
    for file in desk.sets.glob("*/images.parquet"):
        table = pd.read_parquet(file)
        for column in ("image", "source", "patient", "study"):
            found |= {value for value in table[column].astype(str) if len(value) > 5}
    key = json.loads((folder / "key" / "key.json").read_text())
    found |= {image["patient"] for image in key["images"]}
    return sorted(found)


def test_no_response_of_the_desk_or_of_a_readers_server_tells_anything_of_an_image(desk, study):
    c, heard = desk.client(), []
    c.event_hooks["response"].append(lambda r: heard.append((r.read(), r)[1]))
    folder = folder_of(desk, c, study)
    first, second = links(c, study, 2)
    reader = client(first)
    reader.event_hooks["response"].append(lambda r: heard.append((r.read(), r)[1]))
    task = reader.get("/api/work").json()["tasks"][0]
    item = task["item"]
    assert len(reader.get(f"/api/pixels/{task['images'][0]}").content) == 48 * 48 * 2
    given = {"id": "00000000-0000-4000-8000-000000000000", "item": item, "value": {"level": 4}}
    assert reader.post("/api/answers", json=given).status_code == 200
    for path in ("/", "/new", "/study", "/api/desk/studies", f"/api/desk/studies/{study}", "/api/desk/form?again"):
        c.get(path)
    c.get(f"/api/desk/studies/{study}/answers.csv")
    c.post(f"/api/desk/studies/{study}/renew", json={"reader": second.id, "days": 1})
    for wrong in ("..", "%2e%2e%2f", f"{study}/../../{folder.name}/key/key.json", folder.name, "key"):
        for address in (f"/api/desk/studies/{wrong}", f"/static/{wrong}", f"/{wrong}/key.json"):
            c.get(address)
    assert job(c, "check", {"settings": settings(c, real="real", cases=500)})["state"] == "refused"
    secrets = secrets_of(desk, folder)
    assert len(secrets) > 100
    for r in heard:
        text = r.text + str(r.headers.raw)
        assert [word for word in secrets if word in text] == [], r.url
    # What a reader is told of the truth, in training alone, and nobody else is.
    told = [r for r in heard if re.search(r"This image is (real|synthetic)", r.text)]
    assert {str(r.url.path) for r in told} <= {"/api/answers"}
    assert not [word for word in secrets if word in desk.log.read_text()]


def test_a_study_is_made_of_a_check_alone(desk):
    c = desk.client()
    before = sorted(desk.studies.iterdir())
    told = job(c, "check", {"settings": settings(c, synthetic="marked", cases=10)})["result"]
    assert not told["blind"]
    assert "check" not in told
    assert job(c, "make", {"check": "0" * 16})["refusal"]["possible"] == "Check the study again"
    assert sorted(desk.studies.iterdir()) == before


@pytest.mark.slow
def test_nothing_is_read_before_there_are_links_and_the_seed_is_not_the_pages_to_give(desk):
    c = desk.client()
    study = made(c)
    for act in ("hold", "revoke"):
        told = c.post(f"/api/desk/studies/{study}/{act}", json={"paused": True, "reader": "0" * 16})
        assert told.json()["error"]["code"] == "not-begun"
    assert c.get(f"/api/desk/studies/{study}/answers.csv").status_code == 409
    assert not (folder_of(desk, c, study) / "reads.db").exists()
    assert job(c, "check", {"settings": {**settings(c), "seed": 1}})["refusal"]["what"].startswith("The seed is drawn")


def test_links_open_end_and_are_renewed_and_one_reader_does_not_know_the_desk(desk, study):
    c = desk.client()
    first, second = links(c, study, 2)
    assert c.post(f"/api/desk/studies/{study}/links", json={"number": 3, "days": 1}).status_code == 400
    assert client(first).get("/api/work").json()["tasks"]
    told = c.get(f"/api/desk/studies/{study}").json()
    assert [row["number"] for row in told["readers"]] == list(range(1, len(told["readers"]) + 1))
    assert told["state"] == "reading"
    assert told["served"]
    c.post(f"/api/desk/studies/{study}/revoke", json={"reader": first.id})
    address, token = first.address.split("#")
    assert httpx.post(f"{address}api/enter", json={"token": token}).status_code == 401
    newer = Link(**c.post(f"/api/desk/studies/{study}/renew", json={"reader": first.id, "days": 1}).json()["links"][0])
    assert newer.address.split("#")[0] == address
    assert client(newer).get("/api/work").json()["tasks"]
    # A reader's link opens nothing here, nor the desk's link there.
    assert httpx.post(f"{desk.address}/api/enter", json={"token": second.address.split("#")[1]}).status_code == 401
    assert httpx.post(f"{address}api/enter", json={"token": desk.link.split("#")[1]}).status_code == 401
    paused = c.post(f"/api/desk/studies/{study}/hold", json={"paused": True})
    assert paused.json() == {"paused": True}
    assert client(newer).get("/api/work").json()["tasks"] == []
    assert c.get(f"/api/desk/studies/{study}").json()["state"] == "paused"


def test_the_desk_has_the_headers_the_form_token_and_the_host_check_of_the_reading_server(desk):
    c = desk.client()
    anonymous = httpx.Client(base_url=desk.address)
    for r in (anonymous.get("/"), anonymous.get("/api/desk/studies"), c.get("/api/desk/studies"), c.get("/nowhere")):
        for name, value in HEADERS.items():
            assert r.headers[name] == value
    assert anonymous.get("/api/desk/studies").json()["error"]["code"] == "no-link"
    assert anonymous.get("/", headers={"host": "evil.example"}).status_code == 421
    form = c.headers.pop("x-radassay-form")
    assert c.post("/api/desk/check", json={"settings": {}}).json()["error"]["code"] == "form-token"
    other = {"x-radassay-form": form, "origin": "http://evil.example"}
    assert c.post("/api/desk/job/stop", json={}, headers=other).json()["error"]["code"] == "other-site"
    assert c.get("/api/desk/studies/0123456789abcdef").json()["error"]["code"] == "not-found"


@pytest.mark.slow
def test_one_piece_of_work_at_a_time_and_it_can_be_stopped(desk):
    c = desk.client()
    long = settings(c, runs=100_000)
    assert c.post("/api/desk/check", json={"settings": long}).status_code == 202
    assert c.post("/api/desk/check", json={"settings": long}).json()["error"]["code"] == "busy"
    until(lambda: c.get("/api/desk/job").json()["done"] == 1)
    c.post("/api/desk/job/stop", json={})
    until(lambda: c.get("/api/desk/job").json()["state"] == "stopped", 5)
    assert job(c, "check", {"settings": settings(c)})["state"] == "done"


@pytest.mark.slow
def test_readers_servers_end_with_a_killed_desk_and_come_back_at_the_same_address(desk, tmp_path):
    mine = DeskProcess(tmp_path / "studies", desk.sets, tmp_path / "log")
    mine.start()
    c = mine.client()
    study = made(c)
    link = links(c, study)[0]
    address = link.address.split("/#")[0]
    mine.end(signal.SIGKILL)
    until(lambda: not answers(address), 10)
    old = mine.link
    mine.start()
    try:
        until(lambda: answers(address))
        assert client(link).get("/api/work").json()["tasks"]
        assert httpx.post(f"{mine.address}/api/enter", json={"token": old.split("#")[1]}).status_code == 401
        assert [one["state"] for one in mine.client().get("/api/desk/studies").json()["studies"]] == ["reading"]
    finally:
        mine.end()
    until(lambda: not answers(address), 10)


def test_a_study_that_was_changed_is_not_served_and_says_why(tmp_path):
    plan = {"readers": 3, "questions": ["realness"], "seed": 4}
    for name, at in (("as-planned", "2026-01-01"), ("changed", "2026-01-02"), ("torn", "2026-01-03")):
        fingerprint = study_folder(tmp_path / name / "served").fingerprint
        told = {"plan": plan, "hash": "ab" * 32, "served": fingerprint, "at": at}
        (tmp_path / name / "plan.json").write_text(json.dumps(told))
    (tmp_path / "changed" / "plan.json").write_text(json.dumps({**told, "served": "0" * 64}))
    (tmp_path / "torn" / "plan.json").write_text("{")
    shelf = Shelf(tmp_path, 6)
    told = {one["name"]: one for one in shelf.tell()}
    assert told["as-planned"]["state"] == "planned"
    assert told["as-planned"]["pilot"]
    assert "seed" not in str(told)
    assert "changed after it was planned" in told["changed"]["problem"]
    assert told["torn"]["state"] == "unreadable"
    assert shelf.new_folder("../../Lungs: rÖntgen!").name == "lungs-rontgen"
    assert shelf.new_folder("Changed").name == "changed-2"
    assert shelf.new_folder("肺").name == "study"
    with pytest.raises(KeyError):
        shelf.find("changed")
    shelf.close()


LOADED = "import sys, {}; print(*(m for m in sys.modules if m.startswith('radassay.') or m in ('numpy', 'pandas')))"


def test_neither_a_readers_server_nor_the_desk_loads_what_opens_images_or_keys():
    def loaded(*modules: str) -> set[str]:
        run = subprocess.run([sys.executable, "-c", LOADED.format(", ".join(modules))], capture_output=True, check=True)
        return set(run.stdout.decode().split())

    reading = loaded("radassay.web.one_study", "radassay.web.app")
    assert not {m for m in reading if m.startswith(("radassay.reading", "radassay.images")) or m in ("numpy", "pandas")}
    desk = loaded("radassay.cli.reading_command", "radassay.web.desk_app")
    assert not {
        m for m in desk if m.startswith("radassay.images") or m in ("radassay.reading.key", "radassay.reading.pack")
    }


def test_options_of_the_readers_servers_that_do_not_fit_are_refused():
    with pytest.raises(SettingsError, match="names"):
        Reach(host="0.0.0.0")
    with pytest.raises(SettingsError, match="TLS"):
        Reach(certificate="here.pem")
    assert Reach(address="https://read.org:{port}").link(8443) == "https://read.org:8443"
    assert Reach(host="0.0.0.0", names=("read.org",), certificate="c", private_key="k").link(1) == "https://read.org:1"
