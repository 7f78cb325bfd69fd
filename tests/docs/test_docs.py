"""The documentation's code runs: Python blocks, study files, and commands (blocks marked `bash`)."""

import re
import runpy
import shlex
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from radassay.cli.main import main
from radassay.workbench.study import study_of

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(language: str) -> list:
    found = []
    for page in PAGES:
        for number, text in enumerate(re.findall(rf"```{language}\n(.*?)```", page.read_text("utf-8"), re.S)):
            found.append(pytest.param(text, id=f"{page.relative_to(ROOT)}-{number}"))
    return found


@pytest.fixture
def own_images(tmp_path, monkeypatch):
    """A folder such as a reader has: two classes, and a table beside."""
    rng = np.random.default_rng(0)
    rows = ["file,patient id,finding"]
    for folder in ("my-images", "my-synthetic"):
        for label in ("normal", "pneumonia"):
            (tmp_path / folder / label).mkdir(parents=True)
            for number in range(4):
                name = f"{label}/{number}.png"
                Image.fromarray(rng.integers(0, 255, (40, 40), dtype=np.uint8)).save(tmp_path / folder / name)
                if folder == "my-images":
                    rows.append(f"{name},{label}{number // 2},{label}")
    (tmp_path / "my-table.csv").write_text("\n".join(rows))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("text", blocks("python"))
def test_python_blocks_run(text):
    exec(compile(text, "docs", "exec"), {})


@pytest.mark.parametrize("text", blocks("toml"))
def test_study_files_are_valid(text):
    content = tomllib.loads(text)
    if "real" in content:
        study_of(content)


@pytest.mark.parametrize("text", blocks("bash"))
def test_commands_run(text, own_images, capsys):
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words:
            assert words[0] == "radassay"
            assert main(words[1:]) == 0, capsys.readouterr().err


@pytest.mark.parametrize("name", ["study.md", "plugins.md"])
def test_the_reference_says_what_the_docstrings_say(name):
    pages = runpy.run_path(str(ROOT / "docs/reference_pages.py"))["PAGES"]
    written = (ROOT / "docs/reference" / name).read_text("utf-8")
    assert written == pages[name](), "run `python docs/reference_pages.py`"


def test_links_between_pages_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"
