"""Pictures of the trial: the exchange rate on the learning curve, intervals in rows, calibration."""

from __future__ import annotations

from markupsafe import Markup

from radassay.report.calibration import Calibration
from radassay.report.exchange import HELD_OUT, Exchange, Worth, signed
from radassay.report.gains import Gain, Gains
from radassay.report.interval_rows import Row, draw_rows, height_of, padded
from radassay.report.svg import Drawing, Point, Scale, axis_below, axis_left
from radassay.report.trial_words import ARMS

WIDTH = 640.0
FOOT = 378.0
"""Where the axis of the exchange rate lies, under the lane with its interval."""


def exchange_curve(found: Exchange, answer: str) -> Markup:
    """Return AUC against real patients: curve of real images, level of the arm, and where they meet."""
    title = "What the synthetic images are worth in real patients"
    drawing = Drawing("exchange", WIDTH, FOOT + 42, title, _desc(found, answer))
    x = Scale(*padded(found.curve.sizes, 0.05), 52, WIDTH - 18)
    y = Scale(*_heights(found), FOOT - 52, 70)
    axis_left(drawing, y, x.start, x.end, "AUC", [(t, f"{t:.2f}") for t in y.ticks(5)])
    _bands(drawing, found, x, y)
    ticks = [(float(t), f"{t:,.0f}") for t in x.ticks(6) if t > 0]
    axis_below(drawing, x, FOOT, "real training patients", ticks)
    _base(drawing, found, x, y)
    drawing.line([(x(n), y(v)) for n, v, _, _ in found.curve.at], "real")
    for size, areas in zip(found.curve.sizes, found.curve.areas, strict=True):
        mean = sum(areas) / len(areas)
        for area in areas:
            drawing.dot((x(size), y(area)), 2, "faint-dot")
        drawing.dot((x(size), y(mean)), 4.5, "dot", f"{size:.0f} real patients: AUC {mean:.3f}")
    _meeting(drawing, found, x, y)
    _legend(drawing, _dosed(found.dose))
    return drawing.svg()


def _desc(found: Exchange, answer: str) -> str:
    points = ", ".join(
        f"{sum(areas) / len(areas):.3f} with {size:.0f}"
        for size, areas in zip(found.curve.sizes, found.curve.areas, strict=True)
    )
    value, low, high = found.curve.area
    return (
        f"AUC of real images alone, by real training patients: {points}. With synthetic images and {found.base} real "
        f"patients: {value:.3f}, interval {low:.3f} to {high:.3f}. {answer}"
    )


def _heights(found: Exchange) -> tuple[float, float]:
    """Return the range of AUC that holds points and bands."""
    points = [area for row in found.curve.areas for area in row]
    ends = [v for _, _, low, high in found.curve.at for v in (low, high)]
    low, high = padded([*points, *ends, *found.curve.area], 0.03)
    return max(low, 0.0), min(high, 1.0)


def _bands(drawing: Drawing, found: Exchange, x: Scale, y: Scale) -> None:
    """Draw the uncertainty of the curve, and that of the arm over it."""

    def inside(value: float) -> float:
        return y(min(max(value, y.low), y.high))

    at, (value, low, high) = found.curve.at, found.curve.area
    lower, upper = [(x(n), inside(v)) for n, _, v, _ in at], [(x(n), inside(v)) for n, _, _, v in at]
    drawing.area([*lower, *reversed(upper)], "real-band")
    top, bottom = inside(high), inside(low)
    drawing.area([(x.start, top), (x.end, top), (x.end, bottom), (x.start, bottom)], "trial-band")
    for edge in (top, bottom):
        drawing.line([(x.start, edge), (x.end, edge)], "trial-edge")
    drawing.line([(x.start, y(value)), (x.end, y(value))], "trial")


def _base(drawing: Drawing, found: Exchange, x: Scale, y: Scale) -> None:
    at = x(found.base)
    drawing.line([(at, FOOT), (at, y.end - 6)], "mark-line")
    side = "end" if at > (x.start + x.end) / 2 else "start"
    drawing.words((at, y.end - 10), f"this study: {found.base} patients", side, "bold")


def _meeting(drawing: Drawing, found: Exchange, x: Scale, y: Scale) -> None:
    """Mark where the level of the arm passes the curve, or towards which side it would, with the interval."""
    level, here = y(found.curve.area[0]), x(found.base)
    drawing.diamond((here, level), 6, "trial-dot", f"{found.base} real patients and synthetic ones: AUC "
                    f"{found.curve.area[0]:.3f}")  # fmt: skip
    low = found.base + (found.seen[0] if found.low is None else found.low)
    high = found.base + (found.seen[1] if found.high is None else found.high)
    row = FOOT - 13
    drawing.interval((x(low), row), (x(high), row), "trial-bar", found.low is None, found.high is None)
    drawing.words((x.start, row - 17), f"worth in real patients: {short(found)}", style="trial-text")
    if found.patients is None:
        clear = level - 8 if found.beyond == "above" else level + 16
        drawing.words((x.start + 6, clear), "meets the curve nowhere", style="trial-text")
        return
    meets = x(found.base + found.patients)
    drawing.line([(meets, level), (meets, row)], "trial-edge")
    drawing.arrow((here, level), (meets, level), 7, "trial-bar")
    drawing.dot(
        (meets, level), 7, "ring", f"the curve meets the arm at {found.base + found.patients:.0f} real patients"
    )
    drawing.diamond((meets, row), 5, "trial-dot", f"{found.value} real patients ({found.interval})")


def _legend(drawing: Drawing, arm: str) -> None:
    y = 14.0
    drawing.line([(52, y), (80, y)], "real")
    drawing.dot((66, y), 4.5, "dot")
    drawing.words((86, y + 4), "real images only, with its band")
    drawing.line([(320, y), (348, y)], "trial")
    drawing.diamond((334, y), 6, "trial-dot")
    drawing.words((354, y + 4), f"{arm}, with its band")
    drawing.dot((66, y + 20), 2, "faint-dot")
    drawing.words((86, y + 24), "single trainings", style="soft")


def exchange_rows(found: Worth) -> Markup:
    """Return what each dose was worth in real patients, the held-out real patients last."""
    ends = [end for e in found.rows for end in e.seen]
    rows = [_exchange_row(e) for e in found.rows]
    told = "; ".join(f"{row.label}: {row.text}" for row in rows)
    drawing = Drawing("exchange-doses", WIDTH, height_of(rows, 0), "Worth in real patients by dose", f"{told}.")
    x = Scale(*padded([*ends, 0.0], 0.04), 190, 385)
    ticks = [(t, signed(t)) for t in x.ticks(4)]
    draw_rows(drawing, [rows], x, {0.0: "zero"}, "further real patients", ticks)
    return drawing.svg()


def _exchange_row(found: Exchange) -> Row:
    held_out = found.slice == HELD_OUT
    text = short(found)
    low = found.seen[0] if found.low is None else found.low
    high = found.seen[1] if found.high is None else found.high
    label = f"{found.held_out} held-out real patients" if held_out else _dosed(found.dose)
    return Row(
        label, found.patients, low, high, text, found.low is None, found.high is None,
        truth=float(found.held_out) if held_out else None, trial=not held_out,
    )  # fmt: skip


def gain_rows(found: Gains) -> Markup:
    """Return the gain over the best control by dose, with the trial's own controls below."""
    groups = [[_gain_row(g, True) for g in found.doses], [_gain_row(g, False) for g in found.controls]]
    groups = [rows for rows in groups if rows]
    every = [row for rows in groups for row in rows]
    lines = {0.0: "zero"}
    if found.margin is not None:
        lines[found.margin] = "mark-line"
    if found.harm is not None:
        lines[-found.harm] = "dash-line"
    told = "; ".join(f"{row.label}: {row.text}" for row in every)
    height = height_of(every, len(groups))
    drawing = Drawing(
        "gain-doses", WIDTH, height, "Gain over the best control, by dose and in the controls", f"{told}."
    )
    ends = [v for row in every for v in (row.value, row.low, row.high) if v is not None]
    x = Scale(*padded([*ends, *lines], 0.05), 190, 440)
    ticks = [(t, f"{round(t, 9):+g}".replace("-", "−") if round(t, 9) else "0") for t in x.ticks(4)]
    heads = ["Doses of synthetic images", "Controls of the trial itself"][: len(groups)]
    label = f"difference in {found.unit}, paired (above 0: gain)"
    draw_rows(drawing, groups, x, lines, label, ticks, heads if found.doses else heads[1:])
    return drawing.svg()


def _gain_row(gain: Gain, trial: bool) -> Row:
    return Row(gain.label, gain.value, gain.low, gain.high, gain.text, trial=trial)


def short(found: Exchange) -> str:
    """Return estimate and interval for a place with little room."""
    value = found.value.replace("more than", ">").replace("less than", "<")
    if found.is_silent or found.is_torn:
        return f"cannot be told (estimate {value})"
    low = f"≤ {signed(found.seen[0])}" if found.low is None else signed(found.low)
    high = f"≥ {signed(found.seen[1])}" if found.high is None else signed(found.high)
    return f"{value} ({low} to {high})"


def _dosed(dose: float) -> str:
    return f"{ARMS['real_synthetic']} × {dose:g}"


def calibration_plot(found: Calibration, number: int) -> Markup:
    """Return the share observed against the probability told, with the diagonal on which both are the same."""
    told = "; ".join(f"{g.probability:.2f}: {g.observed:.2f} ({g.low:.2f} to {g.high:.2f})" for g in found.groups)
    title = f"Calibration: {found.arm}"
    drawing = Drawing(f"calibration-{number}", 250, 250, title, f"Share with the disease by probability: {told}.")
    x, y = Scale(0, 1, 42, 240), Scale(0, 1, 206, 24)
    marks: list[tuple[float, str]] = [(0.0, "0"), (0.5, "0.5"), (1.0, "1")]
    for value, text in marks:
        drawing.line([(x.start, y(value)), (x.end, y(value))], "grid")
        drawing.words((x.start - 7, y(value) + 4), text, "end")
    drawing.words((0, 12), "share with the disease", style="soft")
    axis_below(drawing, x, y.start, "probability told", marks)
    drawing.line([(x(0), y(0)), (x(1), y(1))], "dash-line")
    points: list[Point] = [(x(g.probability), y(g.observed)) for g in found.groups]
    for group, at in zip(found.groups, points, strict=True):
        drawing.line([(at[0], y(group.low)), (at[0], y(group.high))], "bar")
        said = f"told {group.probability:.2f}, observed {group.observed:.2f} in {group.images} images"
        drawing.dot(at, 4, "dot", said)
    return drawing.svg()
