"""The heat map of what each measure sees, as SVG bytes; every cell says in a word what its colour says."""

from __future__ import annotations

from functools import lru_cache

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from radassay.report.figures import FAINT, INK, STYLE, to_svg
from radassay.report.sensitivity import Cell, Sensitivity

DARK, PALE = (0.11, 0.31, 0.47), (0.82, 0.89, 0.94)
"""Colour of a defect seen at the smallest dose, and of one seen at the largest alone."""
EMPTY, LINE = "#eceef0", "#d5d9de"


@lru_cache(maxsize=4)
def heat_map(table: Sensitivity) -> bytes:
    """Return measures by planted defects: dark cells see small doses, white ones are blind, grey ones untried."""
    rows, columns = len(table.lines), len(table.defects)
    with matplotlib.rc_context(STYLE):
        longest = max(len(line.label) for line in table.lines)
        left, right, top = 0.075 * longest + 0.2, 1.05, 1.35  # inches
        size = (left + 0.56 * columns + right, top + 0.27 * rows + 0.08)
        figure = Figure(figsize=size)
        axes = figure.add_axes((left / size[0], 0.05 / size[1], 0.56 * columns / size[0], 0.27 * rows / size[1]))
        axes.set_xlim(0, columns)
        axes.set_ylim(rows, 0)
        for y, line in enumerate(table.lines):
            for x, cell in enumerate(line.cells):
                _draw(axes, x, y, cell, bold=y == 0)
        axes.axhline(1, color=INK, lw=1.2)
        axes.set_yticks([y + 0.5 for y in range(rows)], [line.label for line in table.lines])
        axes.get_yticklabels()[0].set_fontweight("bold")
        axes.xaxis.tick_top()
        heads = [f"{d.name[:1].upper()}{d.name[1:]}, {_unit(d.unit)}" for d in table.defects]
        axes.set_xticks([x + 0.42 for x in range(columns)], heads, rotation=38, ha="left", rotation_mode="anchor")
        axes.tick_params(length=0, pad=3)
        for spine in axes.spines.values():
            spine.set_visible(False)
        return to_svg(figure)


def _unit(unit: str) -> str:
    return {"pixels": "px"}.get(unit, unit)


def _draw(axes: Axes, x: int, y: int, cell: Cell, bold: bool) -> None:
    """Draw one cell with its word."""
    seen = tuple(p * cell.rank + d * (1 - cell.rank) for d, p in zip(DARK, PALE, strict=True))
    face: object = {"seen": seen, "not planted": EMPTY}.get(cell.state, "white")
    axes.add_patch(Rectangle((x, y), 1, 1, facecolor=face, edgecolor=LINE, lw=0.7))
    ink = "white" if cell.state == "seen" and cell.rank < 0.6 else INK if cell.state == "seen" else FAINT
    weight = "bold" if bold else "normal"
    axes.text(x + 0.5, y + 0.53, cell.text, ha="center", va="center", color=ink, fontsize=8, fontweight=weight)
