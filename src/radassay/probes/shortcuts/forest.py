"""Forest plots: all areas of a probe with their intervals, chance and the bounds of their rules, one picture a set."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from radassay.evidence import wording
from radassay.evidence.finding import Finding

INK, FAINT, PAPER, ALARM = "#1b1f24", "#8a919b", "#ffffff", "#b3261e"
STYLE: Any = {
    # From the defaults, so that nobody's own matplotlibrc changes the bytes.
    **{k: v for k, v in matplotlib.rcParamsDefault.items() if not k.startswith("backend")},
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "text.color": INK,
}
MOST_SETS = 6
"""Sets drawn, those with the highest areas."""
LEFT = 0.3
"""Lowest area on the axis."""


def drawn(
    probe: str, findings: Sequence[Finding], bounds: Mapping[str, float], what: str
) -> tuple[dict[str, bytes], dict[str, str]]:
    """Return one forest plot a set as PNG bytes by name, and what each shows.

    Args:
        probe: name of the probe, with which the names begin.
        findings: all of the probe; areas with an interval are drawn.
        bounds: bound of the rule of a measure, where it has one.
        what: what the areas are about, for the caption.
    """
    areas = [f for f in findings if f.name.startswith("auc") and f.role == "measurement" and f.low is not None]
    sets = {place: list(of) for place, of in groupby(areas, key=_set)}
    worst = sorted(sets, key=lambda place: (-max(f.value or 0 for f in sets[place]), place))[:MOST_SETS]
    names = {place: f"{probe}-{'-'.join(_words(place).split())}" for place in sets if place in worst}
    captions = {
        name: f"{what}, {_words(place)}: area under the ROC curve with 95 % intervals over patients; the line is "
        "chance, the short dashes are the bounds set beforehand; red lies wholly beyond its bound, hollow within it"
        for place, name in names.items()
    }
    return {name: _forest(sets[place], bounds) for place, name in names.items()}, captions


def png(figure: Figure) -> bytes:
    """Return a figure as PNG bytes, the same for the same figure."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120, metadata={"Software": None})
    return buffer.getvalue()


def _set(finding: Finding) -> str:
    return finding.slice.partition(", label=")[0]


def _words(place: str) -> str:
    return "all sets" if place == "all" else place.removeprefix("set=").removeprefix("sets=")


def _forest(areas: list[Finding], bounds: Mapping[str, float]) -> bytes:
    names = list(dict.fromkeys(f.name for f in areas))
    slices = list(dict.fromkeys(f.slice for f in areas))
    rows = sum(1.0 for _ in areas) + (0.9 * len(names) if len(slices) > 1 else 0)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8.6, 1.0 + 0.23 * rows), layout="constrained")
        axes = figure.add_subplot()
        axes.axvline(0.5, color=FAINT, lw=1.0, zorder=0)
        place, ticks = 0.0, []
        for name in names:
            mine = [f for f in areas if f.name == name]
            if len(slices) > 1:
                ticks.append((place, wording.label(name), True))
                place += 0.9
            for finding in mine:
                told = _label(finding) if len(slices) > 1 else wording.label(name)
                ticks.append((place, told, False))
                _row(axes, place, finding, bounds.get(name))
                place += 1
        _finish(axes, ticks, place)
        figure.legend(handles=_legend(), loc="outside lower center", ncols=4, frameon=False, fontsize=7.5)
        return png(figure)


def _label(finding: Finding) -> str:
    return finding.slice.partition(", label=")[2].rpartition("/")[2][:36] or _words(finding.slice)[:36]


def _row(axes: Axes, place: float, finding: Finding, bound: float | None) -> None:
    assert finding.value is not None
    assert finding.low is not None
    assert finding.high is not None
    beyond = bound is not None and finding.low >= bound
    within = bound is not None and finding.high < bound
    colour = ALARM if beyond else INK if bound is not None else FAINT
    axes.plot([max(finding.low, LEFT), finding.high], [place, place], color=colour, lw=1.4, solid_capstyle="butt")
    look: dict[str, Any] = {"marker": "o" if bound is not None else "D", "ms": 5 if bound is not None else 4}
    axes.plot(max(finding.value, LEFT), place, color=colour, mfc=PAPER if within else colour, **look)
    if bound is not None:
        axes.plot([bound, bound], [place - 0.38, place + 0.38], color=INK, lw=1.0, ls=(0, (2, 1.2)))
    told = f"{finding.value:.2f} ({finding.low:.2f}–{finding.high:.2f})"
    axes.text(1.02, place, told, va="center", fontsize=7.5, color=colour, transform=axes.get_yaxis_transform())


def _finish(axes: Axes, ticks: list[tuple[float, str, bool]], end: float) -> None:
    axes.set(xlim=(LEFT, 1.005), ylim=(end - 0.3, -0.7), xlabel="Area under the ROC curve (0.5 is chance)")
    axes.set_yticks([at for at, _, _ in ticks], [words for _, words, _ in ticks])
    for label, (_, _, heading) in zip(axes.get_yticklabels(), ticks, strict=True):
        label.set_fontweight("bold" if heading else "normal")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#e6e8eb", lw=0.6)
    axes.set_axisbelow(True)


def _legend() -> list[Line2D]:
    looks = (
        ("o", ALARM, ALARM, "beyond its bound"),
        ("o", INK, INK, "may be either"),
        ("o", INK, PAPER, "within its bound"),
        ("D", FAINT, FAINT, "not judged"),
    )
    return [Line2D([], [], color=c, marker=m, mfc=f, ms=5, lw=1.4, label=words) for m, c, f, words in looks]
