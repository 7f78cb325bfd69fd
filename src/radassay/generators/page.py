"""The page of a training: losses, looks and the newest grid, in one file that reloads itself."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radassay.evidence.run import storage, write_atomic
from radassay.generators.grid import contact_sheet

LOSSES, WATCHED = "losses.jsonl", "watched.jsonl"
WIDTH, HEIGHT = 640, 140
STYLE = """body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:46rem;padding:0 1rem;background:#14171a;
color:#e4e7ea}h1{font-size:1.3rem}h2{font-size:1rem;margin:1.6rem 0 .3rem}svg{width:100%;background:#1b1f23;
border-radius:4px}img{max-width:100%;image-rendering:pixelated}.note{color:#a9b1b8}polyline{fill:none;stroke:#7cc4ff;
stroke-width:1.5}text{fill:#a9b1b8;font-size:11px}"""


class Page:
    """Writes `training.html`; nothing is asked of any network."""

    def __init__(self, folder: Path, about: Mapping[str, Any], total: int) -> None:
        self.folder, self.about, self.total = folder, about, total
        self.grid = b""

    def write(self, grid: NDArray[np.float32] | None, line: str, *, kept: str = "", ended: bool = False) -> None:
        """Write the page anew.

        Args:
            grid: pictures drawn now, (rows, columns, size, size); None leaves those of the last time.
            line: losses and rate.
            kept: which snapshot is kept, and by what rule.
            ended: whether the training has ended, so that the page need not reload.
        """
        if grid is not None:
            self.grid = contact_sheet(grid)
        losses, looks = _columns(self.folder / LOSSES), _columns(self.folder / WATCHED)
        seen = int(losses["images"][-1]) if losses else 0
        state = "ended" if ended else f"{seen:,} of {self.total:,} images"
        parts = [
            f"<h1>{html.escape(str(self.about.get('name', 'Training')))}: {state}</h1>",
            f"<p class=note>{html.escape(line)}<br>{html.escape(kept)}</p>",
        ]
        if self.grid:
            rows = html.escape(", ".join(self.about["classes"]))
            picture = base64.b64encode(self.grid).decode()
            parts.append(f"<h2>Drawn now, one row a class: {rows}</h2>")
            parts.append(f'<img alt="Grid of generated images" width={WIDTH} src="data:image/png;base64,{picture}">')
        for columns in (looks, losses):
            for name in columns:
                if name != "images":
                    parts.append(f"<h2>{html.escape(TITLES.get(name, f'Loss: {name}'))}</h2>")
                    parts.append(line_plot(columns["images"], columns[name]))
        reload = "" if ended else "<meta http-equiv=refresh content=5>"
        text = (
            f"<!doctype html><html lang=en><meta charset=utf-8>{reload}<title>{state}</title><style>{STYLE}</style>"
            + "\n".join(parts)
        )
        with storage(self.folder):
            write_atomic(self.folder / "training.html", text.encode())


TITLES = {
    "distance": "Kernel distance to real images kept aside (lower is nearer)",
    "diversity": "Diversity within a class, real images = 1",
    "near_copies": "Share drawn nearer to a training image than 95 in 100 real images are to each other",
}


def _columns(path: Path) -> dict[str, list[float]]:
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    names = list(dict.fromkeys(name for line in lines for name in line))
    return {name: [float(line.get(name, "nan")) for line in lines] for name in names}


def line_plot(x: list[float], y: list[float]) -> str:
    """Return an SVG of one line with its smallest and largest value written beside it."""
    values, places = np.asarray(y), np.asarray(x)
    kept = np.isfinite(values)
    values, places = values[kept], places[kept]
    if not len(values):
        return ""
    low, high = float(values.min()), float(values.max())
    left, top = 60, 10
    across = (places - places[0]) / max(float(places[-1] - places[0]), 1e-9) * (WIDTH - left - 10) + left
    up = (high - values) / max(high - low, 1e-9) * (HEIGHT - 3 * top) + top
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(across, up, strict=True))
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role=img><polyline points="{points}"/>'
        f"<text x=4 y={top + 8}>{high:.3g}</text><text x=4 y={HEIGHT - 2 * top}>{low:.3g}</text>"
        f"<text x={left} y={HEIGHT - 3}>{int(places[0]):,}</text>"
        f"<text x={WIDTH - 10} y={HEIGHT - 3} text-anchor=end>{int(places[-1]):,} images</text></svg>"
    )
