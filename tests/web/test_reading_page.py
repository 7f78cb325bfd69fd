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


class Fingers:
    """Fingers on a touch screen, as the browser itself takes them from the machine."""

    def __init__(self, page) -> None:
        self.page, self.session = page, page.context.new_cdp_session(page)
        box = page.locator(".pane canvas").bounding_box()
        self.x, self.y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def move(self, *paths: tuple[tuple[float, float], tuple[float, float]], steps: int = 5) -> None:
        """Put down a finger a path, relative to the middle of the image, move all together and lift them."""

        def points(part: float) -> list[dict[str, float]]:
            return [
                {"x": self.x + a[0] + part * (b[0] - a[0]), "y": self.y + a[1] + part * (b[1] - a[1]), "id": n}
                for n, (a, b) in enumerate(paths)
            ]

        self.session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": points(0)})
        for step in range(1, steps + 1):
            told = {"type": "touchMove", "touchPoints": points(step / steps)}
            self.session.send("Input.dispatchTouchEvent", told)
        self.session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


@pytest.mark.parametrize("study", [{"kinds": "AD", "n": 1, "depth": 12}], indirect=True)
def test_fingers_window_zoom_scroll_and_answer(browser, study):
    r = Reader(browser, study, viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    page = r.page
    page.tap("text=I agree and take part")
    page.tap("text=I see both squares")
    page.wait_for_selector("#reading:not([hidden])")
    assert r.values() == "W 1500 · C -600 · zoom 1.00 · slice 6 of 12"
    fingers = Fingers(page)
    fingers.move(((0, 0), (50, 0)))
    assert r.values() == "W 1832 · C -600 · zoom 1.00 · slice 6 of 12"  # 1500 e^(50 / 250)
    fingers.move(((-40, 0), (-80, 0)), ((40, 0), (80, 0)))
    assert r.values() == "W 1832 · C -600 · zoom 2.00 · slice 6 of 12"
    fingers.move(((-80, 0), (-40, 0)), ((80, 0), (40, 0)))
    assert "zoom 1.00" in r.values()
    before = page.evaluate("radassay.viewer.pan")
    fingers.move(((-40, 0), (-20, 30)), ((40, 0), (60, 30)))
    after = page.evaluate("radassay.viewer.pan")
    assert (after["x"] - before["x"], after["y"] - before["y"]) == pytest.approx((20, 30), abs=1)
    assert "zoom 1.00" in r.values()
    fingers.move(*(((x, 0), (x, 100)) for x in (-40, 0, 40)))
    assert r.values().startswith("W 1832 · C -600 · zoom 1.00") and "slice 6 of 12" not in r.values()
    # No gesture scrolled the page or answered.
    assert page.evaluate("document.getElementById('main').scrollTop") == 0
    assert page.locator("#answers [aria-pressed=true]").count() == 0
    # Chromium makes no click of a tap that comes within about a second of three lifted fingers.
    page.wait_for_timeout(1500)
    for case in (1, 2):
        r.at_case(case)
        assert page.evaluate("document.getElementById('main').scrollTop") == 0
        page.tap(f"#answers button:nth-of-type({case + 1})")
        page.tap("#save")
        if case == 1:
            r.until("document.getElementById('feedback').textContent.includes('synthetic')")
            page.tap("#save")
    r.at_case(3)
    for structure in (1, 2, 3):
        page.tap(f"#answers fieldset:nth-of-type({structure}) button:nth-of-type({3 if structure > 1 else 1})")
    page.tap("#answers fieldset:nth-of-type(1) button:nth-of-type(1)")
    page.evaluate("document.getElementById('main').scrollTo(0, 0)")
    box = page.locator(".pane canvas").bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] / 2 + 1, box["y"] + box["height"] / 2 + 1)
    r.until("document.querySelector('.place').textContent.startsWith('Marked at 32, 32')")
    page.tap("#save")
    page.wait_for_selector("text=All cases are read")
    values = [json.loads(row["value"]) for row in r.rows()]
    assert values[:2] == [{"level": 2}, {"level": 3}]
    assert values[2]["structures"]["ribs"] == {"level": 1, "place": [32, 32, 5]}
    assert r.errors == []


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
