"""The page in a real browser without a network: it opens, asks for nothing, fits a phone, and prints."""

from __future__ import annotations

import html
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from radassay.report.build import Report
from radassay.report.render import to_html

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]


def chromium(folder: Path, *arguments: str) -> str:
    """Run headless Chromium that can reach no network, and return what it prints."""
    assert CHROMIUM is not None
    quiet = ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update"]
    done = subprocess.run(
        [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            *quiet,
            "--disable-sync",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={folder / 'profile'}",
            *arguments,
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout


@pytest.fixture(scope="module")
def page(whole: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(to_html(whole), encoding="utf-8")
    return path


def test_it_prints_to_a_pdf_that_holds_the_answer(page: Path, tmp_path: Path) -> None:
    pdf = tmp_path / "report.pdf"
    chromium(tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={pdf}", page.as_uri())
    assert pdf.read_bytes().startswith(b"%PDF-")
    if shutil.which("pdftotext") is None:
        pytest.skip("no pdftotext on this machine; the PDF was written")
    text = subprocess.run(["pdftotext", "-layout", str(pdf), "-"], capture_output=True, text=True, check=True).stdout
    words = " ".join(text.split())
    for part in ("No clinical value shown", "0.919–0.958", "What was not measured", "Provenance", "Limit of detection"):
        assert part in words
    pages = text.count("\f")
    assert 8 <= pages <= 20


def test_it_fits_a_phone_and_every_picture_decodes(page: Path, tmp_path: Path) -> None:
    probe = (
        "<script>addEventListener('load', () => document.title = 'PROBE ' + JSON.stringify({"
        "wide: document.documentElement.scrollWidth, window: innerWidth,"
        "broken: [...document.images].filter(i => !i.complete || !i.naturalWidth).length,"
        "asked: performance.getEntriesByType('resource').filter(e => !e.name.startsWith('data:')).length}))</script>"
    )
    content = page.read_text("utf-8")
    # The page forbids scripts, so the copy that is probed must be allowed this one.
    content = content.replace("style-src 'unsafe-inline'", "style-src 'unsafe-inline'; script-src 'unsafe-inline'")
    probed = tmp_path / "probed.html"
    probed.write_text(content.replace("</head>", probe + "</head>"), encoding="utf-8")
    frame = tmp_path / "phone.html"
    frame.write_text(
        f"<iframe src='{probed.name}' width=390 height=800></iframe><script>addEventListener('load', () => "
        "{ document.title = frames[0].document.title })</script>",
        encoding="utf-8",
    )
    dom = chromium(tmp_path, "--allow-file-access-from-files", "--dump-dom", frame.as_uri())
    found = json.loads(html.unescape(dom[dom.index("PROBE ") + 6 : dom.index("</title>")]))
    assert found == {"wide": found["wide"], "window": 390, "broken": 0, "asked": 0}
    assert found["wide"] <= 390
