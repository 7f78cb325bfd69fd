"""Weights are brought over https or by hand, whole and checked, or not at all."""

import hashlib
import http.client
import threading
import urllib.request
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from radassay.encoders import weights
from radassay.encoders.fetching import HttpsOnly, get
from radassay.encoders.weights import Known, catalogue, find, folder, known
from radassay.errors import InputError, SettingsError, StorageError, UnknownName

CONTENT = bytes(range(256)) * 20_000
SHA = hashlib.sha256(CONTENT).hexdigest()
ENTRY = Known(
    name="made-up",
    what="",
    file="made-up.pth",
    url="https://weights.example/made-up.pth",
    sha256=SHA,
    vouched="",
    bytes=len(CONTENT),
    licence="",
    paper="",
    input="",
    seen="",
    caution="",
)


class Server:
    """Stands for an https server, on this machine; urllib's own code asks it."""

    def __init__(self):
        self.content, self.etag, self.asked = CONTENT, '"one"', []
        self.stops_after = self.redirect = None
        self.tells_length = True
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(dict(self.headers))
                outer.answer(self)

            def log_message(self, *told):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def answer(self, to):
        if self.redirect:
            to.send_response(302)
            to.send_header("Location", self.redirect)
            self.redirect = None
            to.end_headers()
            return
        begin = 0
        if "Range" in to.headers and to.headers.get("If-Range") == self.etag:
            begin = int(to.headers["Range"].removeprefix("bytes=").rstrip("-"))
        to.send_response(206 if begin else 200)
        if self.etag:
            to.send_header("ETag", self.etag)
        if self.tells_length:
            to.send_header("Content-Length", str(len(self.content) - begin))
        to.end_headers()
        to.wfile.write(self.content[begin : self.stops_after])

    def connect(self, request, seconds):
        port = self.http.server_port

        class Loopback(urllib.request.HTTPSHandler):
            def https_open(self, req):
                return self.do_open(lambda host, **_: http.client.HTTPConnection("127.0.0.1", port, timeout=5), req)

        return urllib.request.build_opener(Loopback, HttpsOnly).open(request, timeout=seconds)


@pytest.fixture
def server():
    it = Server()
    yield it
    it.http.shutdown()


@pytest.fixture(autouse=True)
def place(monkeypatch, tmp_path):
    monkeypatch.setenv("RADASSAY_WEIGHTS", str(tmp_path / "weights"))
    return tmp_path / "weights"


def no_network(request, seconds):
    raise AssertionError("a network was used")


def left(place):
    return sorted(p.name for p in place.iterdir())


def test_a_file_is_downloaded_checked_and_recorded(server, place):
    told = []
    assert get(ENTRY, connect=server.connect, report=told.append) == (place / "made-up.pth", SHA)
    assert (place / "made-up.pth").read_bytes() == CONTENT
    assert (place / "made-up.pth.sha256").read_text() == f"{SHA}  made-up.pth\n"
    assert left(place) == ["made-up.pth", "made-up.pth.sha256"]
    assert told[-1].done == told[-1].total > 0


def test_a_file_in_place_is_not_downloaded_again(server, place):
    get(ENTRY, connect=server.connect)
    assert get(ENTRY, connect=no_network)[1] == SHA
    (place / "made-up.pth").write_bytes(b"altered")
    with pytest.raises(InputError, match="not the weights"):
        get(ENTRY, connect=no_network)


def test_another_file_than_published_is_never_put_in_place(server, place):
    server.content = CONTENT[:-1] + b"x"
    with pytest.raises(InputError, match="not the weights of made-up"):
        get(ENTRY, connect=server.connect)
    assert left(place) == []
    server.content = CONTENT
    get(ENTRY, connect=server.connect)


def test_a_broken_download_carries_on_where_it_stopped(server, place):
    server.stops_after = 3_000_000
    with pytest.raises(InputError, match="3000000 of 5120000 bytes"):
        get(ENTRY, connect=server.connect)
    assert "made-up.pth" not in left(place)
    server.stops_after = None
    get(ENTRY, connect=server.connect)
    assert server.asked[1]["Range"] == "bytes=3000000-"
    assert (place / "made-up.pth").read_bytes() == CONTENT


def test_a_broken_download_never_takes_the_place_of_a_file_that_is_there(server, place):
    server.stops_after = 3_000_000
    with pytest.raises(InputError):
        get(ENTRY, connect=server.connect)
    (place / "made-up.pth").write_bytes(CONTENT)
    assert get(ENTRY, connect=no_network)[1] == SHA
    assert (place / "made-up.pth").read_bytes() == CONTENT
    assert left(place) == ["made-up.pth", "made-up.pth.sha256"]


def test_a_download_begins_anew_where_the_file_has_changed_or_has_no_tag(server, place):
    for etag, later in (('"one"', '"two"'), ("", ""), ('W/"weak"', 'W/"weak"')):
        server.etag, server.stops_after, server.content = etag, 3_000_000, bytes(len(CONTENT))
        with pytest.raises(InputError):
            get(ENTRY, connect=server.connect)
        server.etag, server.stops_after, server.content = later, None, CONTENT
        assert get(ENTRY, connect=server.connect)[1] == SHA
        for name in left(place):
            (place / name).unlink()


def test_a_file_that_is_too_large_stops_the_download(server, place):
    server.content = CONTENT + b"more"
    with pytest.raises(InputError, match="larger than made-up may be"):
        get(ENTRY, connect=server.connect)
    server.tells_length = False
    with pytest.raises(InputError, match="larger than made-up may be"):
        get(ENTRY, connect=server.connect)
    assert "made-up.pth" not in left(place)


def test_https_alone_is_used(server):
    with pytest.raises(InputError, match="https"):
        get(replace(ENTRY, url="http://weights.example/x"), connect=no_network)
    for elsewhere in ("http://weights.example/x", "ftp://weights.example/x", "file:///etc/passwd"):
        server.redirect = elsewhere
        with pytest.raises(InputError):
            get(ENTRY, connect=server.connect)
    server.redirect = "https://elsewhere.example/x"
    assert get(ENTRY, connect=server.connect)[1] == SHA


def test_without_a_network_it_says_how_to_bring_the_file(server):
    server.http.server_close()

    def offline(request, seconds):
        raise urllib.error.URLError("Name or service not known")

    with pytest.raises(InputError) as told:
        get(ENTRY, connect=offline)
    assert "radassay weights get made-up --file PATH" in str(told.value)
    assert ENTRY.url in str(told.value)


def test_a_file_brought_by_hand_is_checked_like_a_download(place, tmp_path):
    stick = tmp_path / "stick.pth"
    stick.write_bytes(b"something else")
    with pytest.raises(InputError, match="not the weights"):
        get(ENTRY, file=stick, connect=no_network)
    assert not (place / "made-up.pth").exists()
    stick.write_bytes(CONTENT)
    assert get(ENTRY, file=stick, connect=no_network)[1] == SHA
    with pytest.raises(InputError, match="none.pth"):
        get(ENTRY, file=tmp_path / "none.pth", connect=no_network)


class TestWithoutAPublishedSum:
    entry = replace(ENTRY, sha256="", bytes=0)

    def test_nothing_is_taken_unasked(self):
        with pytest.raises(SettingsError, match="--accept-unverified"):
            get(self.entry, connect=no_network)

    def test_the_first_use_is_recorded_and_held_to(self, server, place):
        get(self.entry, accept_unverified=True, connect=server.connect)
        assert self.entry.pinned == SHA
        (place / "made-up.pth").unlink()
        server.content = CONTENT[:-1] + b"x"
        with pytest.raises(InputError, match="not the weights"):
            get(self.entry, accept_unverified=True, connect=server.connect)

    def test_a_sum_that_the_user_trusts_is_enough(self, server):
        for wrong in ("abc", "g" * 64):
            with pytest.raises(SettingsError, match="64 hexadecimal digits"):
                get(self.entry, sha256=wrong, connect=no_network)
        with pytest.raises(InputError, match="not the weights"):
            get(self.entry, sha256="0" * 64, connect=server.connect)
        assert get(self.entry, sha256=SHA.upper(), connect=server.connect)[1] == SHA

    def test_a_sum_against_the_published_one_is_refused(self):
        with pytest.raises(SettingsError, match=SHA):
            get(ENTRY, sha256="0" * 64, connect=no_network)


def test_an_altered_file_is_noticed_when_it_is_used(monkeypatch, server, place):
    monkeypatch.setattr(weights, "catalogue", lambda: {"made-up": ENTRY, "pinned": unpublished})
    unpublished = replace(ENTRY, name="pinned", file="pinned.pth", sha256="")
    for entry in (ENTRY, unpublished):
        get(entry, accept_unverified=True, connect=server.connect)
        assert find(entry.name).sha256 == SHA
        entry.path.write_bytes(CONTENT + b"x")
        with pytest.raises(InputError, match="is not the file"):
            find(entry.name)


def test_a_folder_that_cannot_be_written_is_said(monkeypatch, tmp_path, server):
    (tmp_path / "a-file").write_text("")
    monkeypatch.setenv("RADASSAY_WEIGHTS", str(tmp_path / "a-file" / "weights"))
    with pytest.raises(StorageError, match="a-file"):
        get(ENTRY, connect=server.connect)


def test_the_folder_is_that_of_the_environment(monkeypatch, tmp_path):
    monkeypatch.delenv("RADASSAY_WEIGHTS")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert folder() == tmp_path / "radassay" / "weights"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert folder() == tmp_path / ".cache" / "radassay" / "weights"


def test_the_catalogue_is_whole():
    for name, entry in catalogue().items():
        assert entry.url.startswith("https://"), name
        assert not entry.sha256 or (len(entry.sha256) == 64 and set(entry.sha256) <= set("0123456789abcdef")), name
        for told in (entry.what, entry.file, entry.vouched, entry.licence, entry.paper, entry.input, entry.seen):
            assert told, name
        assert "/" not in entry.file
    assert len({entry.file for entry in catalogue().values()}) == len(catalogue())
    # by the convention of PyTorch's hub the name holds the first digits of the sum
    assert known("inception").sha256[:8] in known("inception").file
    with pytest.raises(UnknownName, match="inception"):
        known("inceptoin")
