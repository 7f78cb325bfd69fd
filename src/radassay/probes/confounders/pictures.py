"""The confounding table as a picture, and age by label."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from radassay.probes.confounders.attributes import AGE_BANDS, AGE_EDGES, ATTRIBUTES
from radassay.probes.confounders.tied import BOUND, Tie
from radassay.probes.tasks import Task

Ties = Sequence[tuple[Task, Sequence[Tie]]]

INK, FAINT, PAPER = "#1b1f24", "#8a919b", "#ffffff"
STYLE: Any = {
    # From the defaults, so that nobody's own matplotlibrc changes the bytes.
    **{k: v for k, v in matplotlib.rcParamsDefault.items() if not k.startswith("backend")},
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "hatch.linewidth": 0.5,
    "text.color": INK,
}
WIDEST = 12
"""Labels shown side by side; the table has all."""


def drawn(ties: Ties, years: NDArray[np.float64]) -> tuple[dict[str, bytes], dict[str, str]]:
    """Return the pictures as PNG bytes by name, and what each shows.

    Args:
        ties: the tasks, each with its attributes.
        years: age of each image of the subject, NaN where not known.
    """
    asked = [(task, found) for task, found in ties if not task.refusal][:WIDEST]
    if not asked:
        return {}, {}
    pictures = {"confounding-table": _heat(asked)}
    captions = {
        "confounding-table": "What goes together with the label: Cramér's V (0 nothing, 1 the one tells the "
        f"other) with its 95 % interval over patients; darker is stronger, a thick frame marks intervals wholly above "
        f"{BOUND}, hatched is unknown; a last line gives the share of images of which the attribute is known"
    }
    ages = [task for task, _ in asked if np.isfinite(years[task.images]).any()]
    if ages:
        pictures["confounding-age"] = _ages(ages, years)
        captions["confounding-age"] = (
            "Age bands with and without the label, of the images whose age is known; the hatched part are children"
        )
    return pictures, captions


def column_name(task: Task) -> str:
    """Return a task as the head of a column, on short lines."""
    place = "all sets" if task.slice == "all" else task.slice.partition("set=")[2].partition(", label=")[0]
    label = task.label.rpartition("/")[2]
    return f"{place[:18]}\n{label[:18]}"


def _heat(asked: Ties) -> bytes:
    names = [a for a in ATTRIBUTES if any(one.attribute.name == a.name for _, found in asked for one in found)]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(2.1 + 1.28 * len(asked), 0.9 + 0.56 * len(names)), layout="constrained")
        axes = figure.add_subplot()
        for x, (_, found) in enumerate(asked):
            by_name = {one.attribute.name: one for one in found}
            for y, attribute in enumerate(names):
                _cell(axes, x, y, by_name.get(attribute.name))
        axes.set(xlim=(-0.5, len(asked) - 0.5), ylim=(len(names) - 0.5, -0.5))
        axes.set_xticks(range(len(asked)), [column_name(task) for task, _ in asked])
        axes.set_yticks(range(len(names)), [a.title for a in names])
        _bare(axes)
        return _png(figure)


def _cell(axes: Axes, x: int, y: int, one: Tie | None) -> None:
    place: Any = (x - 0.5, y - 0.5)
    if one is None:
        axes.add_patch(Rectangle(place, 1, 1, facecolor=PAPER, edgecolor=PAPER))
        return
    if one.found is None:
        alike = one.reason.startswith("alike")
        hatch = None if alike else "////"
        axes.add_patch(Rectangle(place, 1, 1, facecolor=PAPER, edgecolor="#c3c8ce", hatch=hatch, lw=0))
        told = "alike in all" if alike else "unknown" if not one.known.any() else "too few known"
        axes.text(x, y, told, ha="center", va="center", fontsize=7.5, bbox={"fc": PAPER, "ec": "none", "pad": 1.5})
        return
    value, low, high = one.found.value, one.found.low, one.found.high
    shade = 1 - 0.78 * value
    axes.add_patch(Rectangle(place, 1, 1, facecolor=str(shade), edgecolor=PAPER, lw=1.5))
    ink = PAPER if shade < 0.52 else INK
    share = one.known.mean()
    lines = [f"{low:.2f}–{high:.2f}", *([f"known {_percent(share)}"] if share < 1 else [])]
    axes.text(x, y - 0.1 * len(lines) - 0.02, f"{value:.2f}", ha="center", va="center", fontsize=10.5, color=ink)
    axes.text(x, y + 0.22, "\n".join(lines), ha="center", va="center", fontsize=6.8, color=ink, linespacing=1.05)
    if low >= BOUND:
        axes.add_patch(Rectangle((x - 0.46, y - 0.45), 0.92, 0.9, fill=False, edgecolor=INK, lw=1.8, zorder=3))


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if 0.01 <= share <= 0.99 else "< 1 %" if share < 0.01 else "> 99 %"


def _ages(asked: Sequence[Task], years: NDArray[np.float64]) -> bytes:
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8.2, 0.9 + 0.66 * len(asked)), layout="constrained")
        axes = figure.add_subplot()
        places: list[float] = []
        names: list[str] = []
        for number, task in enumerate(asked):
            for side, label in ((task.positive, task.label.rpartition("/")[2]), (~task.positive, "the rest")):
                known = years[task.images[side]]
                known = known[np.isfinite(known)]
                places.append(len(places) + 0.5 * number)
                names.append(f"{label[:34]} ({len(known):,})")
                _bar(axes, places[-1], np.bincount(np.digitize(known, AGE_EDGES), minlength=len(AGE_BANDS)))
        axes.set(xlim=(0, 1), ylim=(places[-1] + 0.6, -0.6))
        axes.set_yticks(places, names)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
        shades = [Rectangle((0, 0), 1, 1, **_look(band)) for band in range(len(AGE_BANDS))]
        figure.legend(
            shades, [f"{band} years" for band in AGE_BANDS], loc="outside upper center", ncols=5, frameon=False
        )
        _bare(axes)
        return _png(figure)


def _bar(axes: Axes, place: float, counts: NDArray[np.integer[Any]]) -> None:
    start = 0.0
    for band, count in enumerate(counts):
        share = float(count / max(1, counts.sum()))
        axes.barh(place, share, left=start, height=0.82, **_look(band))
        if share >= 0.06:
            ink = PAPER if band >= 3 else INK
            box = {"fc": PAPER, "ec": "none", "pad": 1.0} if band == 0 else None
            told = f"{100 * share:.0f} %"
            axes.text(start + share / 2, place, told, ha="center", va="center", fontsize=7.5, color=ink, bbox=box)
        start += share


def _look(band: int) -> dict[str, Any]:
    """Return how an age band is drawn; children are hatched."""
    shade = str(1.0 - 0.2 * band)
    return {"facecolor": shade, "edgecolor": INK, "lw": 0.6, "hatch": "////" if band == 0 else None}


def _bare(axes: Axes) -> None:
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.xaxis.tick_top()


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120, metadata={"Software": None})
    return buffer.getvalue()
