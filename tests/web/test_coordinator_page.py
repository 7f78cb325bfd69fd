"""A study is made, read, paused and exported on pages alone, in headless Chromium."""

from __future__ import annotations

import csv
import json
import os
import re
import sys
from pathlib import Path

import pytest
from browsing import CHROMIUM, accessible
from desk_process import SMALL, DeskProcess, until

sys.path.insert(0, str(Path(__file__).parents[1] / "reading"))
from reading_sets import cohort, two_sets

pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra 'test')")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]
SHOTS = os.environ.get("RADASSAY_TEST_SHOTS", "")
"""A folder for screenshots, to be looked at by somebody."""


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    root = tmp_path_factory.mktemp("desk")
    whole = cohort(root / "store", patients=80)
    for name, images in zip(("real", "made", "marked"), (*two_sets(whole), two_sets(whole, mark=3)[1]), strict=True):
        (root / "sets" / name).mkdir(parents=True)
        (root / "sets" / name / "pixels").symlink_to(root / "store" / "pixels")
        images.save(root / "sets" / name)
    running = DeskProcess(root / "studies", root / "sets", root / "log")
    running.start()
    yield running
    running.end()


class Page:
    """Somebody at a page: errors of the page and requests elsewhere are collected."""

    def __init__(self, browser, address: str, **context: object) -> None:
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **context})
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.asked: set[str] = set()
        self.page.on("pageerror", lambda e: self.errors.append(str(e)))
        self.page.on("request", lambda r: self.asked.add(r.url.split("/")[2].split(":")[0]))
        self.page.goto(address)

    def shown(self, selector: str) -> None:
        self.page.wait_for_selector(f"{selector}:not([hidden])")

    def checked(self) -> None:
        """Check the study of the form; it can be made."""
        self.page.click("text=Check this study")
        self.page.wait_for_selector("#work:not([hidden])")
        self.page.wait_for_selector("#work", state="hidden", timeout=120_000)
        assert self.page.is_visible("#make-row"), self.words("#found")

    def look(self, name: str, *, check: bool = True) -> None:
        """Check what is shown, and keep a picture of it where somebody asked for one."""
        if SHOTS:
            self.page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)
        if check:
            accessible(self.page)
            assert self.page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    def words(self, selector: str) -> str:
        return str(self.page.inner_text(selector))


def fill(page, **settings: object) -> None:
    """Write settings into the form, opening what is folded."""
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    for name, value in settings.items():
        page.fill(f"#f-{name}", str(value))


def choose(page, arm: str, name: str) -> None:
    option = page.locator(f"#{arm} option", has_text=re.compile(f"^{name} "))
    page.select_option(f"#{arm}", value=option.get_attribute("value"))


def test_a_study_is_made_read_paused_resumed_and_exported_without_the_command_line(browser, desk, tmp_path):
    c = Page(browser, desk.link, permissions=["clipboard-read", "clipboard-write"])
    page = c.page
    until(lambda: not page.evaluate("location.hash"))
    page.click("text=Make a new study")
    c.shown("#form")
    fill(page, **SMALL)
    # A leak is refused in words, and what is asked changes before it is made.
    choose(page, "real", "real")
    choose(page, "synthetic", "marked")
    fill(page, cases=12)
    page.click("text=Check this study")
    page.wait_for_selector("#outcome .warn")
    assert "can be told apart by border" in c.words("#outcome")
    assert not page.is_visible("#make")
    choose(page, "synthetic", "made")
    fill(page, cases=8)
    c.checked()
    assert "This is a pilot" in c.words("#facts")
    assert "within the margin of 0.1" in c.words("#facts")
    told = c.words("#outcome dl")
    fill(page, margin=0.2)
    assert not page.is_visible("#make")
    fill(page, margin=0.1)
    page.click("text=Make this study")
    page.wait_for_url("**/study?study=*")
    c.shown("#invite")
    digest = c.words("#facts code")
    assert re.fullmatch("[0-9a-f]{64}", digest)
    assert digest in told
    # Links are shown once.
    assert page.input_value("#number") == "2"
    page.click("text=Make links")
    c.shown("#shown")
    links = page.eval_on_selector_all("#links input", "all => all.map(one => one.value)")
    assert len(set(links)) == 2
    page.click("text=Copy all")
    assert page.evaluate("navigator.clipboard.readText()") == f"Reader 1\t{links[0]}\nReader 2\t{links[1]}"
    page.reload()
    page.wait_for_selector("#rows tr")
    assert not page.is_visible("#shown")
    assert links[0] not in page.content()
    # A reader answers the training and two cases; the coordinator pauses and resumes.
    r = Page(browser, links[0])
    r.page.click("text=I agree and take part")
    r.page.click("text=I see both squares")
    for case in (1, 2):
        until(lambda case=case: r.words("#progress").startswith(f"Case {case} "))
        r.page.keyboard.press("4")
        r.page.keyboard.press("Enter")
        until(lambda: r.words("#feedback").startswith("This image is"))
        r.page.keyboard.press("Enter")
    until(lambda: r.words("#progress").startswith("Case 3 "))
    r.page.keyboard.press("2")
    r.page.keyboard.press("Enter")
    until(lambda: r.words("#progress").startswith("Case 4 "))
    page.click("#hold")
    until(lambda: c.words("#hold") == "Resume the study")
    r.page.keyboard.press("6")
    r.page.keyboard.press("Enter")
    r.page.wait_for_selector("text=The study is paused")
    page.click("#hold")
    until(lambda: c.words("#hold") == "Pause the study")
    r.page.click("text=Look again")
    until(lambda: r.words("#progress").startswith("Case 5 "))
    until(lambda: "4 of" in c.words("#rows tr:first-child"), 10)
    with page.expect_download() as download:
        page.click("text=Answers as CSV")
    download.value.save_as(tmp_path / "answers.csv")
    rows = list(csv.DictReader((tmp_path / "answers.csv").open(encoding="utf-8")))
    assert [json.loads(row["value"]) for row in rows] == [{"level": n} for n in (4, 4, 2, 6)]
    # Revoking ends the link; the desk lists the study.
    page.click("#rows tr:first-child >> text=Revoke")
    page.click("#sure-yes")
    until(lambda: "ended" in c.words("#rows tr:first-child"))
    r.page.reload()
    r.page.wait_for_selector("text=This link is not valid")
    page.click("text=All studies")
    page.wait_for_selector("#rows tr")
    assert "reading" in c.words("#rows tr:first-child")
    assert c.errors == r.errors == []
    assert c.asked == r.asked == {"127.0.0.1"}


@pytest.mark.slow
@pytest.mark.parametrize("size", [{"width": 1280, "height": 900}, {"width": 390, "height": 800}], ids=["desk", "phone"])
def test_every_page_of_the_coordinator_is_accessible(browser, desk, size):
    # The page's own policy forbids evaluating axe, so this context sets it aside; no other test does.
    c = Page(browser, desk.link, viewport=size, bypass_csp=True)
    page, at = c.page, size["width"]
    page.wait_for_selector("#none:not([hidden]), #rows tr")
    c.look(f"{at}-studies")
    page.goto(f"{desk.address}/new")
    c.shown("#form")
    c.look(f"{at}-new")
    fill(page, **SMALL)
    page.check("text=C. What does this image show?")
    page.check("text=D. Are these structures plausible?")
    page.select_option("#f-positive", label="disease")
    choose(page, "synthetic", "marked")
    c.look(f"{at}-new-filled")
    fill(page, runs=100_000)
    page.click("text=Check this study")
    c.shown("#work")
    until(lambda: "step 2" in c.words("#step"))
    assert page.evaluate("document.activeElement.id") == "found-heading"
    c.look(f"{at}-checking")
    page.click("text=Stop")
    c.shown("#refused")
    c.look(f"{at}-stopped")
    page.uncheck("text=C. What does this image show?")
    page.uncheck("text=D. Are these structures plausible?")
    fill(page, runs=20, cases=12)
    page.click("text=Check this study")
    page.wait_for_selector("#outcome .warn")
    c.look(f"{at}-leak")
    fill(page, cases=500)
    page.click("text=Check this study")
    c.shown("#refused")
    assert "too few" in c.words("#refused")
    c.look(f"{at}-refused")
    page.reload()
    c.shown("#form")
    assert page.input_value("#f-cases") == "500"
    fill(page, cases=8)
    choose(page, "synthetic", "made")
    c.checked()
    c.look(f"{at}-checked")
    fill(page, margin=0.2)
    c.look(f"{at}-changed")
    fill(page, margin=0.1)
    page.click("text=Make this study")
    c.shown("#invite")
    c.look(f"{at}-made")
    page.click("text=Make links")
    c.shown("#shown")
    c.look(f"{at}-links")
    page.click("#hold")
    until(lambda: c.words("#hold") == "Resume the study")
    c.look(f"{at}-paused")
    page.click("#rows tr:first-child >> text=New link")
    c.look(f"{at}-sure")
    page.click("#sure-yes")
    until(lambda: page.locator("#links li").count() == 1)
    page.goto(desk.address)
    page.wait_for_selector("#rows tr")
    c.look(f"{at}-list")
    assert c.errors == []


@pytest.mark.slow
def test_breaks_pauses_the_network_and_leaving_are_said_accessibly(browser, tmp_path):
    from datetime import UTC, datetime, timedelta

    from served_studies import Server, client, free_port, study_folder
    from sqlalchemy import create_engine, text

    folder = study_folder(tmp_path / "served", n=6, session_minutes=5)
    server = Server(folder.path, str(tmp_path / "reads.db"), free_port(), tmp_path / "log")
    server.start()
    try:
        link, boss = server.links()
        coordinator, r = client(boss), Page(browser, link.address, bypass_csp=True)
        page = r.page
        page.click("text=I agree and take part")
        page.click("text=I see both squares")
        page.wait_for_selector("#reading:not([hidden])")

        def answer(key: str) -> None:
            page.keyboard.press(key)
            page.keyboard.press("Enter")

        answer("3")
        until(lambda: "synthetic" in r.words("#feedback"))
        assert r.words("#save").startswith("Next case")
        page.keyboard.press("5")
        assert page.evaluate("document.querySelector('#answers [aria-pressed=true]').textContent").startswith("3")
        r.look("reader-explained")
        page.keyboard.press("Enter")
        until(lambda: r.words("#progress").startswith("Case 2 "))
        assert r.words("#save").startswith("Save and next")
        coordinator.post("/api/coordinator/hold", json={"paused": True})
        answer("3")
        page.wait_for_selector("text=The study is paused")
        r.look("reader-paused")
        coordinator.post("/api/coordinator/hold", json={"paused": False})
        page.click("#message-button")
        until(lambda: r.words("#progress").startswith("Case 3 "))
        with create_engine(f"sqlite:///{tmp_path / 'reads.db'}").begin() as c:
            before = (datetime.now(UTC) - timedelta(minutes=6)).isoformat(timespec="milliseconds")
            first = c.execute(text("SELECT id FROM answers ORDER BY at LIMIT 1")).scalar()
            c.execute(text("UPDATE answers SET at = :at WHERE id = :id"), {"at": before, "id": first})
        answer("3")
        page.wait_for_selector("text=Time for a break")
        r.look("reader-break")
        page.click("#message-button")
        until(lambda: r.words("#progress").startswith("Case 4 "))
        r.context.set_offline(True)
        for _ in range(4):
            answer("3")
            until(lambda: "kept here" in r.words("#saved"))
            page.wait_for_timeout(200)
        page.wait_for_selector("text=Waiting for the network")
        r.look("reader-offline")
        r.context.set_offline(False)
        page.wait_for_selector("text=All cases are read")
        page.click("#withdraw-open")
        r.look("reader-withdraw")
        page.click("#withdraw-yes")
        page.wait_for_selector("text=You have withdrawn")
        assert not page.is_visible("#withdraw-open")
        assert r.words("#saved") == ""
        r.look("reader-withdrawn")
        assert r.errors == []
    finally:
        server.kill()
