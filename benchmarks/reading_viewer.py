"""Frames a second of the reading page in headless Chromium, drawn in software: a CT stack of 512 x 512 x 64.

The page is opened as a reader opens it. Then, for 192 frames each: another slice every frame, another window, both.
A frame is timed as the work of drawing it plus reading one pixel back, which waits for the rasteriser.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "web"))
from served_studies import Server, free_port, study_folder

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FRAMES = """(kind) => {
  const v = radassay.viewer, times = [];
  for (let n = 0; n < 192; n++) {
    const begun = performance.now();
    if (kind !== 'window') v.goTo(n % v.depth);
    if (kind !== 'slice') v.setWindow(1000 + 5 * n, -600 + n);
    v.drawNow();
    v.panes[0].canvas.getContext('2d').getImageData(0, 0, 1, 1);
    times.push(performance.now() - begun);
  }
  return times; }"""
WHEEL = """() => new Promise(done => {
  const v = radassay.viewer, canvas = v.panes[0].canvas, first = v.frames, begun = performance.now();
  const turn = () => {
    canvas.dispatchEvent(new WheelEvent('wheel', { deltaY: v.slice === 63 ? -6300 : 100, cancelable: true }));
    if (performance.now() - begun < 3000) requestAnimationFrame(turn);
    else done((v.frames - first) / (performance.now() - begun) * 1000);
  };
  turn(); })"""


def main() -> None:
    """Measure and print."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        print("not measured: no Chromium on this machine")
        return
    with tempfile.TemporaryDirectory() as root, sync_playwright() as p:
        folder = study_folder(Path(root) / "served", width=512, height=512, depth=64, n=1)
        server = Server(folder.path, f"{root}/reads.db", free_port(), Path(root) / "log")
        server.start()
        browser = p.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(server.links()[0].address)
        page.click("text=I agree and take part")
        page.click("text=I see both squares")
        page.wait_for_selector("#reading:not([hidden])")
        page.wait_for_timeout(1000)
        print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, {page.inner_text('.values')}")
        for kind in ("slice", "window", "both"):
            times = np.array(page.evaluate(FRAMES, kind)[16:])
            slow = np.percentile(times, 95)
            print(
                f"{kind}: {np.median(times):.1f} ms a frame, p95 {slow:.1f} ms: {1e3 / np.median(times):.0f} a second"
            )
        print(f"wheel at every frame of the browser: {page.evaluate(WHEEL):.0f} frames a second shown")
        browser.close()
        server.kill()


if __name__ == "__main__":
    main()
