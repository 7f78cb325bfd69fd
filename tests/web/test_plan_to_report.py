"""From the plan to the report, for X-rays and for CT stacks: ten cases are read in a browser with mouse and keys."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest
from browsing import CHROMIUM
from desk_process import answers, until
from served_studies import free_port
from sklearn.metrics import roc_auc_score

from radassay.cli.main import main
from radassay.evidence.run import Run
from radassay.images.phantom import Cohort, make_phantoms
from radassay.reading.key import open_key
from radassay.reading.study import read_study

pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra 'test')")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]
PATIENTS, SLICES = 12, 6
# Two classes, two cases each and arm, one repeat and one broken image: ten cases for each of two readers.
TEN = ["--cases", "2", "--catch", "1", "--training", "0", "--readers", "2", "--runs", "20"]
ASKED = {
    "X-ray": (Cohort(patients=PATIENTS, images_per_patient=1, size=64), []),
    "CT": (
        Cohort(patients=PATIENTS, images_per_patient=SLICES, size=64, modality="CT"),
        ["--slices", str(SLICES), "--hu", "-1000", "600"],
    ),
}


@pytest.fixture(params=list(ASKED))
def planned(request, tmp_path):
    """Return the modality and the folder of a study of simulated patients, half of them as generated."""
    settings, more = ASKED[request.param]
    for name, seed, told in (
        ("real", 3, {"split": "test"}),
        ("made", 4, {"origin": "generated", "patient": ""}),
    ):
        cohort = Cohort(**{**settings.__dict__, "seed": seed})
        make_phantoms(tmp_path / name, cohort, workers=1).with_columns(**told).save(tmp_path / name)
    study = tmp_path / "study"
    sets = [str(tmp_path / "real"), str(tmp_path / "made")]
    assert main(["reading", "plan", *sets, "--out", str(study), *TEN, *more]) == 0
    return request.param, study


@pytest.fixture
def served(planned):
    """Return the links of the two readers of a server that `radassay reading serve` started."""
    port = free_port()
    serve = [sys.executable, "-m", "radassay", "reading", "serve", str(planned[1]), "--port", str(port)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            links = [process.stdout.readline().split() for _ in range(3)]
            assert [link[0] for link in links] == ["reader", "reader", "coordinator"]
            until(lambda: answers(f"http://127.0.0.1:{port}"))
            yield [link[2] for link in links[:2]]
        finally:
            process.terminate()


class Reader:
    """Somebody who reads one link to its end, by mouse and by keys in turn."""

    def __init__(self, browser, link: str, modality: str) -> None:
        self.page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        self.modality, self.errors = modality, []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(link)
        self.page.click("text=I agree and take part")
        self.page.click("text=I see both squares")

    def read(self, levels: list[int]) -> None:
        for n, level in enumerate(levels):
            told = f"Case {n + 1} of {len(levels)}"
            until(lambda told=told: self.page.inner_text("#progress") == told)
            self.look()
            if n % 2:
                self.page.click(f"#answers button:nth-of-type({level})")
                self.page.click("#save")
            else:
                self.page.keyboard.press(str(level))
                self.page.keyboard.press("Enter")
        self.page.wait_for_selector("text=All cases are read")
        assert self.errors == []

    def look(self) -> None:
        """Wheel through all slices of a stack, or drag the window of a picture and zoom it."""
        box = self.page.locator(".pane canvas").bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.page.mouse.move(x, y)
        until(lambda: self.page.evaluate("!radassay.viewer.waiting"))
        before = self.page.inner_text(".values")
        if self.modality == "CT":
            assert f"slice 3 of {SLICES}" in before and "W 1500 · C -600" in before
            for turn, at in [(100, 4), (100, 5), (100, 6), (100, 6), *((-100, at) for at in (5, 4, 3, 2, 1, 1))]:
                self.page.mouse.wheel(0, turn)
                until(lambda at=at: f"slice {at} of {SLICES}" in self.page.inner_text(".values"))
            self.page.keyboard.press("m")
            until(lambda: "W 400 · C 40" in self.page.inner_text(".values"))
        else:
            assert "slice" not in before
            self.page.mouse.down()
            self.page.mouse.move(x + 40, y, steps=2)
            self.page.mouse.up()
            self.page.mouse.wheel(0, -100)
            until(lambda: "zoom 1.18" in self.page.inner_text(".values"))
            assert self.page.inner_text(".values").split(" · ")[0] != before.split(" · ")[0]


def test_ten_cases_are_planned_served_read_with_mouse_and_keys_analysed_and_reported(
    planned, served, browser, tmp_path, capsys
):
    modality, study = planned
    key = open_key(study / "key", "the test", "to know what is right", plan=read_study(study).plan.hash)
    arm = {item.id: key.arm(item) for item in key.items}
    cases = {item.id for item in key.items if item.role == "case"}
    told = json.loads((study / "served" / "study.json").read_text())
    assert told["pixels"]["depth"] == (SLICES if modality == "CT" else 1)
    areas = []
    for number, (name, link) in enumerate(zip(sorted(told["orders"]), served, strict=True)):
        order = told["orders"][name]
        assert len(order) == 10
        # Both lean to the truth and err on the first case of an arm; how far they lean differs.
        wrong = {next(item for item in order if item in cases and arm[item] == one) for one in ("real", "synthetic")}
        levels = [(5 - number) if (arm[item] == "real") != (item in wrong) else (2 - number) for item in order]
        Reader(browser, link, modality).read(levels)
        pairs = [(arm[item] == "synthetic", -level) for item, level in zip(order, levels, strict=True) if item in cases]
        areas.append(roc_auc_score(*zip(*pairs, strict=True)))
    capsys.readouterr()
    out = tmp_path / "run"
    assert main(["reading", "analyse", str(study), "--who", "A. Smith", "--out", str(out)]) == 0
    assert "A pilot: 2 readers" in capsys.readouterr().out
    found = {(f.name, f.slice): f for f in Run.open_sealed(out).findings()}
    area = found["auc_readers", "all"]
    assert 0.5 < area.value < 1 and area.n_images == 8
    assert [found["auc_reader", f"reader=R0{n}"].value for n in (1, 2)] == pytest.approx(areas)
    assert area.value == pytest.approx(sum(areas) / 2)
    assert found["catch_share", "all"].value == 1
    report = (out / "report.html").read_text("utf-8")
    assert f"{area.value:.3f}" in report and "A. Smith" in report
    assert re.search(r"pilot.{0,40}2 readers", report)
    seen = [json.loads(row) for row in _seen(study)]
    assert len(seen) == 20
    if modality == "CT":
        assert {one["slices"] for one in seen} == {SLICES}
    assert all(len(one["windows"]) >= 1 and one["seconds"] > 0 for one in seen)


def _seen(study) -> list[str]:
    """Return how every case was looked at, as the study's own database keeps it."""
    import sqlite3

    with sqlite3.connect(study / "reads.db") as kept:
        return [row[0] for row in kept.execute("SELECT seen FROM answers")]
