"""A headless Chromium that asks nothing of other sites, and what every page must satisfy."""

from __future__ import annotations

import shutil
from importlib.resources import files

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
"""Sets of rules of axe-core (Deque, MPL 2.0), which a package of the test extra brings."""

NAMES = """() => [...document.querySelectorAll('button, a, input, select, canvas, [role=img]')]
  .filter(e => e.offsetParent && !(e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.length))
  .map(e => e.outerHTML)"""
CONTRAST = """() => {
  const linear = v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = c => { const [r, g, b] = c.map(linear);
    return .2126 * r + .7152 * g + .0722 * b; };
  const parse = s => s.match(/[\\d.]+/g).map(Number);
  const own = e => parse(getComputedStyle(e).backgroundColor);
  const back = e => { while (e && (own(e)[3] ?? 1) < 1) e = e.parentElement; return e ? own(e) : [0, 0, 0]; };
  const poor = [];
  for (const e of document.querySelectorAll('body *')) {
    if (!e.offsetParent || ![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
    const a = light(parse(getComputedStyle(e).color).slice(0, 3)), b = light(back(e).slice(0, 3));
    if ((Math.max(a, b) + .05) / (Math.min(a, b) + .05) < 4.5) poor.push(e.outerHTML.slice(0, 90));
  }
  return poor; }"""
SMALL = """() => [...document.querySelectorAll('button, select, a')].filter(e => e.offsetParent)
  .filter(e => e.getBoundingClientRect().height < 24 || e.getBoundingClientRect().width < 24).map(e => e.outerHTML)"""


def accessible(page) -> None:
    """Names, contrast and target size by hand (WCAG 2.2: 4.1.2, 1.4.3, 2.5.8), and all that axe-core knows."""
    assert page.evaluate(NAMES) == []
    assert page.evaluate(CONTRAST) == []
    assert page.evaluate(SMALL) == []
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8"))
    found = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
    assert [(v["id"], [node["html"] for node in v["nodes"]]) for v in found["violations"]] == []
    # A page on which axe found nothing to check would pass as well.
    assert len(found["passes"]) > 10
