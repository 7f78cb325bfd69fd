"""Figures as SVG bytes: dose-response panels and the forest plot; the same numbers give the same bytes."""

from __future__ import annotations

import io
import math
from functools import lru_cache
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from radassay.evidence import wording
from radassay.report.planted import Panel, Plot
from radassay.report.tables import Forest, ForestRow

INK, FAINT, FLOOR, TRIAL = "#1f2328", "#6b7280", "#cfdde8", "#a83a00"
"""Ink, secondary ink, the floor's band, and the images on trial; told apart in greyscale by line style too."""

STYLE: Any = {
    # From the defaults, so that nobody's own matplotlibrc changes the bytes.
    **{k: v for k, v in matplotlib.rcParamsDefault.items() if not k.startswith("backend")},
    "svg.hashsalt": "radassay",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.edgecolor": FAINT,
    "axes.linewidth": 0.7,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "text.color": INK,
}


@lru_cache(maxsize=256)
def dose_response(plot: Plot, panel: Panel) -> bytes:
    """Return one planted defect under one measure: its curve, the floor, the limit of detection, the measured value."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(2.9, 2.0), layout="constrained")
        axes = figure.add_subplot()
        share = panel.unit.startswith("share")
        scale_x = 100.0 if share else 1.0
        scale_y = 100.0 if plot.kind == "share" else 1.0
        doses = [dose * scale_x for dose in panel.doses]
        if plot.floor:
            axes.axhspan(plot.floor[1] * scale_y, plot.floor[2] * scale_y, color=FLOOR, lw=0, zorder=0)
        for dose, ends in zip(doses, panel.ranges, strict=True):
            if ends:
                axes.plot([dose, dose], [ends[0] * scale_y, ends[1] * scale_y], color=FAINT, lw=1, zorder=2)
        axes.plot(doses, [v * scale_y for v in panel.values], "o-", color=INK, ms=3.5, lw=1.2, zorder=3)
        if plot.measured is not None:
            axes.axhline(plot.measured * scale_y, color=TRIAL, lw=1.5, ls=(0, (5, 2)), zorder=4)
        if panel.limit is not None:
            axes.axvline(panel.limit * scale_x, color=INK, lw=1, ls=":", zorder=1)
        axes.margins(x=0.06, y=0.10)
        linear = _linear_range(plot, panel)
        if linear:
            axes.set_yscale("symlog", linthresh=linear * scale_y)
            top = math.floor(math.log10(max(abs(v) for v in panel.values) * scale_y))
            first = round(math.log10(linear * scale_y))
            axes.set_yticks([0.0, *(10.0**k for k in range(top, first, -2))])
            axes.minorticks_off()
        axes.xaxis.set_major_locator(MaxNLocator(5))
        if not linear:
            axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.set_xlabel((panel.unit.replace("share", "%", 1) if share else panel.unit) or "dose")
        if plot.kind in ("share", "auc"):
            axes.set_ylabel("%" if plot.kind == "share" else "AUC")
        return to_svg(figure)


def forest(plot: Forest) -> bytes:
    """Return arms by AUC above, paired differences below with the line of no difference."""
    with matplotlib.rc_context({**STYLE, "font.size": 9}):
        groups = [rows for rows in (plot.arms, plot.differences) if rows]
        heights = [len(rows) + 1.4 for rows in groups]
        figure = Figure(figsize=(7.4, 0.30 * sum(heights) + 0.35 * len(groups)), layout="constrained")
        frames = figure.subplots(len(groups), 1, height_ratios=heights, squeeze=False)[:, 0]
        for axes, rows in zip(frames, groups, strict=True):
            arms = rows is plot.arms
            _intervals(axes, rows)
            axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
            if not arms:
                axes.axvline(0, color=INK, lw=0.9, zorder=1)
                if plot.detectable is not None:
                    axes.axvline(plot.detectable, color=FAINT, lw=1, ls=":", zorder=1)
            told = f"{plot.endpoint} on sealed test patients"
            axes.set_xlabel(told if arms else f"difference in {plot.endpoint}, paired (above 0: gain)")
        return to_svg(figure)


def _intervals(axes: Axes, rows: tuple[ForestRow, ...]) -> None:
    for place, row in enumerate(rows):
        if row.low is not None and row.high is not None:
            axes.plot([row.low, row.high], [place, place], color=INK, lw=1.4, zorder=2, solid_capstyle="butt")
        axes.plot([row.value], [place], "s", color=INK, ms=5.5, zorder=3)
        axes.text(1.02, place, row.text, transform=axes.get_yaxis_transform(), va="center", ha="left")
    axes.set_yticks(range(len(rows)), [row.label for row in rows])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.margins(x=0.06)


def alt_text(plot: Plot, panel: Panel) -> str:
    """Return the panel's content in words."""
    first, last = (wording.number(panel.values[i], plot.kind) for i in (0, -1))
    ends = f"from {first} at {wording.dose(panel.doses[0], panel.unit)} to {last} at "
    text = f"{plot.measure} under planted {panel.control}: {ends}{wording.dose(panel.doses[-1], panel.unit)}."
    if plot.floor:
        low, high = (wording.number(v, plot.kind) for v in plot.floor[1:])
        text += f" Floor of real against real images: {low} to {high}."
    seen = "not seen at any dose" if panel.limit is None else f"seen from {wording.dose(panel.limit, panel.unit)}"
    text += f" The defect is {seen}."
    if plot.measured is not None:
        text += f" The images on trial read {wording.number(plot.measured, plot.kind)}."
    return text


def _linear_range(plot: Plot, panel: Panel) -> float:
    """Return the range to be drawn linearly where values span so much that a plain axis hides the floor, or 0."""
    if plot.kind in ("auc", "share") or not plot.floor:
        return 0.0
    span = max(abs(v) for v in plot.floor)
    wide = span > 0 and max(abs(v) for v in panel.values) > 100 * span
    return 10.0 ** math.ceil(math.log10(span)) if wide else 0.0


def to_svg(figure: Figure) -> bytes:
    """Return a figure as SVG bytes without a date."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    return buffer.getvalue()
