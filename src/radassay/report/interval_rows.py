"""Intervals one under the other on one axis, each with its label before and its numbers behind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from radassay.report.exchange import signed
from radassay.report.svg import Drawing, Scale, axis_below

ROW = 25.0


@dataclass(frozen=True)
class Row:
    """One line of a picture of intervals."""

    label: str
    value: float | None
    low: float | None
    high: float | None
    text: str
    open_low: bool = False
    open_high: bool = False
    truth: float | None = None
    """What the value should be, where that is known."""
    trial: bool = True
    """Whether it is about the synthetic images, not about a control."""


def height_of(rows: Sequence[Row], heads: int) -> float:
    """Return the height of a picture of these rows under so many heads."""
    return ROW * (len(rows) + heads) + 58


def draw_rows(
    drawing: Drawing,
    groups: Sequence[Sequence[Row]],
    x: Scale,
    lines: dict[float, str],
    label: str,
    ticks: Sequence[tuple[float, str]],
    heads: Sequence[str] = (),
) -> None:
    """Draw rows of intervals under their heads, with upright lines through all of them and one axis."""
    foot = drawing.height - 46
    for value, style in lines.items():
        drawing.line([(x(value), 4), (x(value), foot)], style)
    y = 0.0
    for group, head in zip(groups, [*heads, *[""] * len(groups)], strict=False):
        if head:
            drawing.words((0, y + 17), head, style="soft")
            y += ROW
        for row in group:
            _row(drawing, row, x, y + 13)
            y += ROW
    axis_below(drawing, x, foot, label, ticks)


def _row(drawing: Drawing, row: Row, x: Scale, y: float) -> None:
    drawing.words((0, y + 4), row.label)
    drawing.words((x.end + 14, y + 4), row.text)
    bar, dot = ("trial-bar", "trial-dot") if row.trial else ("bar", "dot")
    if row.low is not None and row.high is not None:
        drawing.interval((x(row.low), y), (x(row.high), y), bar, row.open_low, row.open_high)
    if row.truth is not None:
        drawing.dot((x(row.truth), y), 6, "ring", f"the true number: {signed(row.truth)}")
    if row.value is not None:
        told = f"{row.label}: {row.text}"
        if row.trial:
            drawing.diamond((x(row.value), y), 5.5, dot, told)
        else:
            drawing.dot((x(row.value), y), 4.5, dot, told)


def padded(values: Iterable[float], share: float) -> tuple[float, float]:
    """Return the range of values, some wider; never empty."""
    every = list(values)
    pad = share * (max(every) - min(every)) or 0.01
    return min(every) - pad, max(every) + pad
