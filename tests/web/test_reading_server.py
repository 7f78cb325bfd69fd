"""The server as an HTTP client meets it: blinding, tokens, headers, order, idempotence, kill -9."""

from __future__ import annotations

import asyncio
import csv
import io
import socket
import threading
import time
import uuid

import httpx
import pytest
from served_studies import Server, client, free_port, study_folder

from radassay.errors import EvidenceError, InputError, RefusedError, SettingsError
from radassay.web import readers, serve
from radassay.web.app import create
from radassay.web.book import Answer, Book, Person
from radassay.web.guard import HEADERS
from radassay.web.serving import renew
from radassay.web.tokens import Brake, new_token

PLANTED = ("synthetic-arm-7731", "patient-4471", "1.2.826.0.1.3680043", "generator-r3gan", "IM000123.dcm")


@pytest.fixture(scope="module")
def server(tmp_path_factory, store):
    root = tmp_path_factory.mktemp("study")
    folder = study_folder(root / "served", kinds="AC", n=3)
    # The key side as it will lie beside the folder: none of it may ever be served.
    (root / "key.json").write_text("\n".join(PLANTED))
    running = Server(folder.path, store(root), free_port(), root / "log")
    running.start()
    yield running
    running.kill()


def answer(item: str, value: dict[str, object] | None = None) -> dict[str, object]:
    return {"id": str(uuid.uuid4()), "item": item, "value": value or {"cannot_judge": True}}


def test_blinding_no_response_tells_anything_of_an_image_but_its_pixels(server):
    reader, coordinator = (client(link) for link in server.links())
    anonymous = httpx.Client(base_url=server.address)
    responses = []
    for path in ("/", "/coordinator", "/static/reader.js", "/static/viewer.js", "/static/../../key.json"):
        responses.append(anonymous.get(path))
    lengths, header_names = set(), set()
    while True:
        responses += [reader.get("/api/study"), work := reader.get("/api/work")]
        if not work.json()["tasks"]:
            break
        task = work.json()["tasks"][0]
        for image in task["images"]:
            pixels = reader.get(f"/api/pixels/{image}")
            lengths.add(len(pixels.content))
            header_names.add(tuple((k, v) for k, v in sorted(pixels.headers.items()) if k != "date"))
            responses.append(pixels)
        responses += [reader.post("/api/answers", json=answer(task["item"])), reader.get("/api/given/0")]
    responses += [reader.get(f"/api/pixels/{path}") for path in ("../study.json", "%2e%2e%2fkey.json", "0" * 16, "x")]
    responses += [coordinator.get(f"/api/coordinator/{path}") for path in ("progress", "answers.csv")]
    assert len(responses) > 30
    for r in responses:
        everything = (r.text + str(r.headers.raw)).lower()
        assert not [word for word in PLANTED if word.lower() in everything]
        for told in ("etag", "last-modified", "server", "content-encoding"):
            assert told not in r.headers
        assert str(server.folder).lower() not in everything
    # Every image comes with the same number of bytes and the very same headers.
    assert lengths == {64 * 64 * 2}
    assert len(header_names) == 1


def test_every_answer_carries_the_security_headers_and_errors_have_one_form(server):
    c = httpx.Client(base_url=server.address)
    for r in (
        c.get("/"),
        c.get("/nowhere"),
        c.get("/api/study"),
        c.delete("/api/work"),
        c.post("/api/enter", content="x"),
        c.get("/", headers={"host": "evil.example"}),
    ):
        for name, value in HEADERS.items():
            assert r.headers[name] == value
        if r.status_code >= 400:
            assert set(r.json()) == {"error"}
            assert set(r.json()["error"]) == {"code", "message", "possible"}
    assert c.get("/", headers={"host": "evil.example"}).status_code == 421
    assert c.get("/api/study").status_code == 401


def test_a_change_needs_the_form_token_the_role_and_the_same_site(server):
    reader, coordinator = (client(link) for link in server.links())
    task = reader.get("/api/work").json()["tasks"][0]
    form = reader.headers.pop("x-radassay-form")
    assert reader.post("/api/answers", json=answer(task["item"])).json()["error"]["code"] == "form-token"
    other = {"x-radassay-form": form, "origin": "http://evil.example"}
    assert reader.post("/api/answers", json=answer(task["item"]), headers=other).json()["error"]["code"] == "other-site"
    assert reader.get("/api/coordinator/progress").status_code == 403
    assert coordinator.get("/api/work").status_code == 403
    cookie = httpx.post(server.address + "/api/enter", json={"token": server.links()[0].address.split("#")[1]})
    flags = cookie.headers["set-cookie"].lower()
    assert "httponly" in flags
    assert "samesite=strict" in flags


def test_answers_come_in_order_once_and_the_same_id_changes_nothing(server):
    reader = client(server.links()[0])
    tasks = reader.get("/api/work").json()["tasks"]
    assert reader.post("/api/answers", json=answer(tasks[1]["item"])).json()["error"]["code"] == "not-yet"
    assert reader.post("/api/answers", json=answer(tasks[0]["item"], {"level": 7})).status_code == 422
    given = answer(tasks[0]["item"], {"level": 6})
    first, again = (reader.post("/api/answers", json=given) for _ in range(2))
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert first.json()["feedback"].startswith("This one was synthetic")
    changed = {**given, "value": {"level": 1}}
    assert reader.post("/api/answers", json=changed).json()["error"]["code"] == "already-answered"
    assert reader.post("/api/answers", json=answer(tasks[0]["item"])).json()["error"]["code"] == "already-answered"
    assert reader.get("/api/work").json()["done"] == 1
    far = reader.get("/api/work").json()["tasks"][-1]["place"]
    assert far == 4  # the present one and three ahead, no more


def test_nothing_is_shown_before_consent_or_after_withdrawal_and_the_export_leaves_it_out(server):
    link, boss = server.links()
    reader, coordinator = client(link, consent=False), client(boss)
    assert reader.get("/api/work").json()["error"]["code"] == "no-consent"
    reader.post("/api/events", json={"kind": "consent"})
    task = reader.get("/api/work").json()["tasks"][0]
    reader.post("/api/answers", json=answer(task["item"]))

    def exported() -> set[str]:
        rows = csv.DictReader(io.StringIO(coordinator.get("/api/coordinator/answers.csv").text))
        return {row["reader"] for row in rows}

    assert link.id in exported()
    reader.post("/api/events", json={"kind": "withdrawn"})
    assert link.id not in exported()
    for call in (lambda: reader.get("/api/work"), lambda: reader.get(f"/api/pixels/{task['images'][0]}")):
        assert call().json()["error"]["code"] == "withdrawn"


def test_a_pause_holds_new_cases_but_takes_the_answer_under_way(server):
    reader, coordinator = (client(link) for link in server.links())
    task = reader.get("/api/work").json()["tasks"][0]
    coordinator.post("/api/coordinator/hold", json={"paused": True})
    assert reader.get("/api/work").json()["tasks"] == []
    assert reader.post("/api/answers", json=answer(task["item"])).status_code == 200
    coordinator.post("/api/coordinator/hold", json={"paused": False})
    assert reader.get("/api/work").json()["tasks"]
    assert coordinator.get("/api/coordinator/progress").json()["readers"]


def test_tokens_are_hashed_expire_are_renewed_and_never_logged(server):
    link = server.links()[0]
    token = link.address.split("#")[1]
    client(link)
    for file in server.log.parent.glob("reads.db*"):
        assert token.encode() not in file.read_bytes()
    newer = renew(server.folder, server.database, link.id, address=server.address)
    assert httpx.post(server.address + "/api/enter", json={"token": token}).status_code == 401
    client(newer)
    late = readers(server.folder, server.database, address=server.address, days=1e-9)[0]
    assert httpx.post(server.address + "/api/enter", json={"token": late.address.split("#")[1]}).status_code == 401
    log = server.log.read_text()
    assert "/api/enter 200" in log
    assert token not in log


def test_guessing_is_braked(server):
    guesses = [httpx.post(server.address + "/api/enter", json={"token": new_token()}).status_code for _ in range(30)]
    assert guesses[-1] == 429
    client(server.links()[0])  # a good link still opens: others behind the same address must go on reading


def test_a_brake_refills():
    t = [0.0]
    brake = Brake(2, 1, clock=lambda: t[0])
    assert [brake.allows("a") for _ in range(3)] == [True, True, False]
    assert brake.allows("b")
    t[0] = 1.0
    assert [brake.allows("a") for _ in range(2)] == [True, False]


def test_options_that_open_too_much_are_refused(tmp_path):
    folder = study_folder(tmp_path / "served")
    with pytest.raises(SettingsError, match="names"):
        serve(folder.path, str(tmp_path / "r.db"), host="0.0.0.0")
    with pytest.raises(RefusedError, match="database"):
        readers(folder.path, str(folder.path / "reads.db"))
    readers(folder.path, str(tmp_path / "r.db"))
    other = study_folder(tmp_path / "other", n=5)
    with pytest.raises(InputError, match="another study"):
        readers(other.path, str(tmp_path / "r.db"))


def test_kill_9_under_writing_loses_and_doubles_nothing(tmp_path, store):
    folder = study_folder(tmp_path / "served", width=8, height=8, n=60)
    server = Server(folder.path, store(tmp_path), free_port(), tmp_path / "log")
    server.start()
    reader, boss = server.links()
    c = client(reader)
    confirmed: list[str] = []

    def read_all() -> None:
        pending = None
        while True:
            try:
                if pending is None:
                    tasks = c.get("/api/work").json()["tasks"]
                    if not tasks:
                        return
                    pending = answer(tasks[0]["item"])
                if c.post("/api/answers", json=pending).status_code == 200:
                    confirmed.append(str(pending["id"]))
                    pending = None
            except httpx.HTTPError:
                time.sleep(0.05)

    reading = threading.Thread(target=read_all)
    reading.start()
    for _ in range(2):
        before = len(confirmed)
        while len(confirmed) < before + 10:
            time.sleep(0.005)
        server.kill()
        server.start()
    reading.join(timeout=60)
    rows = list(csv.DictReader(io.StringIO(client(boss).get("/api/coordinator/answers.csv").text)))
    server.kill()
    assert sorted(row["answer_id"] for row in rows) == sorted(confirmed)
    assert len({row["item"] for row in rows}) == len(rows) == 61


def test_going_back_keeps_every_version(tmp_path, store):
    folder = study_folder(tmp_path / "served", back=True)
    server = Server(folder.path, store(tmp_path), free_port(), tmp_path / "log")
    server.start()
    try:
        reader, boss = (client(link) for link in server.links())
        for level in (1, 2):
            task = reader.get("/api/work").json()["tasks"][0]
            reader.post("/api/answers", json=answer(task["item"], {"level": level}))
        given = reader.get("/api/given/1").json()
        assert given["value"] == {"level": 2}
        assert reader.post("/api/answers", json=answer(given["item"], {"level": 5})).json()["version"] == 2
        assert reader.get("/api/given/1").json()["value"] == {"level": 5}
        assert reader.get("/api/given/0").status_code == 409  # a training case was answered and explained
        rows = list(csv.DictReader(io.StringIO(boss.get("/api/coordinator/answers.csv").text)))
        assert [row["version"] for row in rows if row["item"] == given["item"]] == ["1", "2"]
    finally:
        server.kill()


def test_a_book_keeps_an_answer_once(tmp_path, store):
    book = Book(store(tmp_path), "f" * 64)
    try:
        token, reader = new_token(), uuid.uuid4().hex
        book.admit(Person(reader, "reader"), token, 1)
        assert book.person(token) == Person(reader, "reader")
        given = Answer(str(uuid.uuid4()), reader, "a", uuid.uuid4().hex, 0, "", {"level": 3}, {})
        kept = book.record(given, may_change=False)
        assert book.record(given, may_change=False) == kept
        with pytest.raises(EvidenceError):
            book.record(Answer(**{**given.__dict__, "id": str(uuid.uuid4())}), may_change=False)
        assert kept in book.answers()
        book.note(reader, "withdrawn")
        assert kept not in book.answers()
    finally:
        book.close()


def test_tls_answers_with_secure_cookies(tmp_path):
    folder = study_folder(tmp_path / "served")
    book = Book(str(tmp_path / "reads.db"), folder.fingerprint)
    link = readers(folder.path, str(tmp_path / "reads.db"))[0]
    app = create(folder, book, frozenset({"localhost"}), tls=True)

    async def enter() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://localhost") as c:
            return await c.post("/api/enter", json={"token": link.address.split("#")[1]})

    told = asyncio.run(enter())
    assert "secure" in told.headers["set-cookie"].lower()
    assert told.headers["strict-transport-security"]
    book.close()


def test_a_port_that_is_taken_is_told(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SettingsError, match="cannot listen there"):
            serve(tmp_path, str(tmp_path / "reads.db"), port=taken.getsockname()[1])
