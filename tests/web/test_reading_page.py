"""The pages in headless Chromium: read with mouse and keys, lose the network, come back, be accessible."""

from __future__ import annotations

import csv
import io
import json
import time

import pytest
from browsing import CHROMIUM, accessible
from served_studies import Server, client, free_port, study_folder

pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra 'test')")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]


@pytest.fixture
def study(tmp_path, request):
    settings = getattr(request, "param", {})
    folder = study_folder(tmp_path / "served", **{"kinds": "A", "n": 3, **settings})
    server = Server(folder.path, str(tmp_path / "reads.db"), free_port(), tmp_path / "log")
    server.start()
    yield server
    server.kill()


class Reader:
    """A reader at a page: errors of the page and requests elsewhere are collected."""

    def __init__(self, browser, server: Server, **context: object) -> None:
        self.link, self.boss = server.links()
        self.context = browser.new_context(**{"viewport": {"width": 1200, "height": 800}, **context})
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.asked: set[str] = set()
        self.page.on("pageerror", lambda e: self.errors.append(str(e)))
        self.page.on("request", lambda r: self.asked.add(r.url.split("/")[2]))
        self.page.goto(self.link.address)
        self.server = server

    def agree(self) -> None:
        self.page.click("text=I agree and take part")
        self.page.click("text=I see both squares")
        self.page.wait_for_selector("#reading:not([hidden])")

    def until(self, condition: str) -> None:
        """Wait for a condition of the page; its policy forbids Playwright's own way, which evaluates a string."""
        end = time.monotonic() + 20
        while not self.page.evaluate(condition):
            assert time.monotonic() < end, condition
            time.sleep(0.02)

    def at_case(self, n: int) -> None:
        self.until(f"document.getElementById('progress').textContent.startsWith('Case {n} ')")

    def values(self) -> str:
        self.page.evaluate("() => new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))")
        return str(self.page.inner_text(".values"))

    def rows(self) -> list[dict[str, str]]:
        text = client(self.boss).get("/api/coordinator/answers.csv").text
        return [row for row in csv.DictReader(io.StringIO(text)) if row["reader"] == self.link.id]

    def train(self) -> None:
        self.agree()
        self.page.keyboard.press("4")
        self.page.keyboard.press("Enter")
        self.until("document.getElementById('feedback').textContent.includes('synthetic')")
        self.page.keyboard.press("Enter")
        self.at_case(2)


def test_a_study_is_read_to_its_end_by_keys_and_nothing_is_asked_elsewhere(browser, study):
    r = Reader(browser, study)
    r.train()
    for case, key in ((2, "1"), (3, "6"), (4, "0")):
        r.at_case(case)
        r.page.keyboard.press(key)
        r.page.keyboard.press("Enter")
    r.page.wait_for_selector("text=All cases are read")
    assert not r.page.evaluate("location.hash")
    values = [json.loads(row["value"]) for row in r.rows()]
    assert values[:3] == [{"level": 4}, {"level": 1}, {"level": 6}]
    assert values[3]["cannot_judge"] is True
    assert r.errors == []
    assert r.asked == {f"127.0.0.1:{study.port}"}


@pytest.mark.parametrize("study", [{"depth": 12, "width": 48, "height": 40}], indirect=True)
def test_the_viewer_answers_to_mouse_wheel_and_keys_and_the_answer_tells_how(browser, study):
    r = Reader(browser, study)
    r.agree()
    assert r.values().startswith("W 1500 · C -600")
    for key, shown in (("m", "W 400 · C 40"), ("b", "W 2000 · C 300"), ("l", "W 1500 · C -600")):
        r.page.keyboard.press(key)
        assert shown in r.values()
    box = r.page.locator(".pane canvas").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    r.page.mouse.move(x, y)
    assert "slice 6 of 12" in r.values()
    r.page.mouse.wheel(0, 100)
    assert "slice 7 of 12" in r.values()
    r.page.keyboard.press("End")
    assert "slice 12 of 12" in r.values()
    r.page.mouse.down()
    r.page.mouse.move(x + 50, y, steps=4)
    r.page.mouse.up()
    assert "W 1832" in r.values()  # 1500 e^(50 / 250)
    r.page.mouse.down(button="right")
    r.page.mouse.move(x + 50, y - 60, steps=4)
    r.page.mouse.up(button="right")
    assert "zoom 1.49" in r.values()  # e^(60 / 150)
    pan = r.page.evaluate("radassay.viewer.pan.x")
    r.page.keyboard.down("Shift")
    r.page.mouse.down()
    r.page.mouse.move(x, y - 60, steps=4)
    r.page.mouse.up()
    r.page.keyboard.up("Shift")
    assert r.page.evaluate("radassay.viewer.pan.x") == pytest.approx(pan - 50, abs=1)
    r.page.keyboard.press("i")
    assert "inverted" in r.values()
    r.page.keyboard.press("r")
    assert r.values() == "W 1500 · C -600 · zoom 1.00 · slice 6 of 12"
    r.page.mouse.dblclick(x, y)
    assert r.page.evaluate("document.body.classList.contains('largest')")
    r.page.mouse.dblclick(x, y)
    assert not r.page.evaluate("document.body.classList.contains('largest')")
    r.page.keyboard.press("3")
    r.page.keyboard.press("Enter")
    r.until("document.getElementById('feedback').textContent")
    seen = json.loads(r.rows()[0]["seen"])
    assert seen["slices"] >= 3
    assert seen["inverted"] is True
    assert seen["zoom"] == pytest.approx(1.49, abs=0.01)
    assert seen["seconds"] > 0
    assert r.errors == []


def test_what_is_drawn_is_the_windowed_pixel_and_left_stays_left(browser, study):
    r = Reader(browser, study)
    r.agree()
    r.values()
    told = r.page.evaluate(
        """() => { const v = radassay.viewer, p = v.panes[0];
        return {stored: [...p.stored.slice(0, 4096)], packed: [...p.packed].map(x => x & 255), w: v.window}; }"""
    )
    low = told["w"]["center"] - told["w"]["width"] / 2
    for stored, grey in zip(told["stored"], told["packed"], strict=True):
        wanted = min(255.0, max(0.0, (stored - 1024 - low) * 255 / told["w"]["width"]))
        assert abs(grey - wanted) <= 0.5 + 1e-9
    # The first stored column is drawn leftmost.
    place = r.page.evaluate(
        "() => { const v = radassay.viewer, f = v.fit(v.panes[0]); return v.toImage(v.panes[0], {x: f.x, y: f.y}); }"
    )
    assert place == {"x": 0, "y": 0}


def test_without_network_answers_wait_here_and_are_sent_once_later(browser, study):
    r = Reader(browser, study)
    r.train()
    r.page.wait_for_timeout(300)  # the cases ahead are loaded now
    study.kill()
    for case, key in ((2, "2"), (3, "5")):
        r.at_case(case)
        r.page.keyboard.press(key)
        r.page.keyboard.press("Enter")
    r.until("document.getElementById('saved').textContent.startsWith('2 answers')")
    study.start()
    r.page.reload()
    r.at_case(4)
    r.until("document.getElementById('saved').textContent === 'All answers saved'")
    assert [json.loads(row["value"]).get("level") for row in r.rows()] == [4, 2, 5]


@pytest.mark.parametrize("study", [{"kinds": "D", "n": 1}], indirect=True)
def test_places_are_marked_by_mouse_and_by_keyboard(browser, study):
    r = Reader(browser, study)
    r.agree()
    for keys in (("1", "Shift+Digit3"), ("2", "Shift+Digit1")):
        for key in keys:
            r.page.keyboard.press(key)
    box = r.page.locator(".pane canvas").bounding_box()
    r.page.mouse.click(box["x"] + box["width"] / 2 + 1, box["y"] + box["height"] / 2 + 1)
    for key in ("3", "Shift+Digit2", "ArrowRight", "Enter", "Enter"):
        r.page.keyboard.press(key)
    r.page.wait_for_selector("text=All cases are read")
    structures = json.loads(r.rows()[0]["value"])["structures"]
    assert structures["ribs"] == {"level": 3, "place": None}
    assert structures["vessels"] == {"level": 1, "place": [32, 32, 0]}
    assert structures["heart"] == {"level": 2, "place": [36, 32, 0]}


@pytest.mark.slow
@pytest.mark.parametrize("study", [{"kinds": "ABCD", "n": 1, "back": True}], indirect=True)
def test_every_page_is_accessible_on_a_desk_and_on_a_phone(browser, study):
    # The page's own policy forbids evaluating axe, so this context sets it aside; no other test does.
    for size in ({"width": 1200, "height": 800}, {"width": 390, "height": 800}):
        r = Reader(browser, study, viewport=size, bypass_csp=True)
        r.page.wait_for_selector("#consent:not([hidden])")
        accessible(r.page)
        r.page.click("text=I agree and take part")
        r.page.wait_for_selector("#pattern:not([hidden])")
        accessible(r.page)
        r.page.click("text=I see both squares")
        for case in range(1, 6):
            r.at_case(case)
            accessible(r.page)
            assert r.page.evaluate("document.documentElement.scrollWidth") <= size["width"]
            assert r.page.evaluate("document.activeElement.id") == "question"
            r.page.keyboard.press("0")
            r.page.keyboard.press("Enter")
            if case == 1:
                r.until("document.getElementById('feedback').textContent")
                r.page.keyboard.press("Enter")
        r.page.wait_for_selector("text=All cases are read")
        accessible(r.page)
        r.page.keyboard.press("?")
        assert r.page.is_visible("#help")
        accessible(r.page)
        r.page.goto(r.boss.address)
        r.page.wait_for_selector("#rows tr")
        accessible(r.page)
        r.context.close()
