"""Pictures of a reader study: ROC curves, intervals, cases by reader, learning, clicked places."""

from __future__ import annotations

from itertools import groupby, pairwise

from markupsafe import Markup

from radassay.report.interval_rows import ROW, draw_rows, height_of, padded
from radassay.report.reading_cases import CANNOT, RIGHT, WRONG, Matrix
from radassay.report.reading_clicks import Clicked, Clicks, Structure
from radassay.report.reading_curves import Roc
from radassay.report.reading_intervals import Intervals
from radassay.report.reading_page import Learning
from radassay.report.reading_words import people
from radassay.report.svg import Drawing, Scale, axis_below, axis_left

WIDTH = 376.0
"""Of every picture, so that words keep their size on a phone."""
GLYPH = 7.0
"""Width of a digit below an axis."""
STATES = {RIGHT: "real-band", WRONG: "dot", CANNOT: "trial-dot"}
SHADES = 6
"""Steps of a map, each twice the one before, so that few clicks are seen beside many; the lowest is blank."""


def roc_plot(roc: Roc) -> Markup:
    """Return the curve of each reader, that of their mean, and the diagonal of guessing."""
    told = f"{roc.title}, {roc.basis}. Area of {'; '.join(f'{c.reader}: {c.area}' for c in roc.readers)}."
    if roc.mean:
        told += f" Mean curve: {roc.mean.area}."
    drawing = Drawing(roc.id, WIDTH, 380, roc.title, told)
    x, y = Scale(0, 1, 40, 360), Scale(0, 1, 336, 26)
    marks = [(n / 5, f"{20 * n}") for n in range(6)]
    drawing.words((0, 12), f"{roc.positive}, %", style="soft")
    for value, text in marks:
        drawing.line([(x.start, y(value)), (x.end, y(value))], "grid")
        drawing.words((x.start - 7, y(value) + 4), text, "end")
    axis_below(drawing, x, y.start, f"{roc.negative}, %", marks)
    drawing.line([(x(0), y(0)), (x(1), y(1))], "dash-line")
    for curve in roc.readers:
        drawing.line([(x(a), y(b)) for a, b in curve.points], "reader" if roc.mean else "real")
        for a, b in curve.points[1:-1]:
            said = f"{curve.reader}: {100 * b:.0f} % of {roc.positive}, {100 * a:.0f} % of {roc.negative}"
            drawing.dot((x(a), y(b)), 2.2, "faint-dot" if roc.mean else "dot", said)
    if roc.mean:
        drawing.line([(x(a), y(b)) for a, b in roc.mean.points], "mean")
    _roc_legend(drawing, roc)
    return drawing.svg()


def _roc_legend(drawing: Drawing, roc: Roc) -> None:
    lines = [("mean", f"mean, AUC {roc.mean.area.split(' (')[0]}")] if roc.mean else []
    each = f"each of {people(len(roc.readers))}" if len(roc.readers) > 1 else f"reader {roc.readers[0].reader}"
    lines += [("reader" if roc.mean else "real", each), ("dash-line", "guessing")]
    top = 326 - 18.0 * len(lines)
    drawing.area([(212, top - 4), (358, top - 4), (358, 332), (212, 332)], "paper")
    for n, (style, text) in enumerate(lines):
        y = top + 10 + 18 * n
        drawing.line([(218, y), (244, y)], style)
        drawing.words((251, y + 4), text)


def intervals_plot(picture: Intervals) -> Markup:
    """Return rows of intervals, with guessing, the margin and the interval held against it where there are such."""
    told = "; ".join(f"{row.label}: {row.text}" for row in picture.rows)
    if picture.band:
        told += f". Margin: {picture.band[0]:.2f} to {picture.band[1]:.2f}"
    drawing = Drawing(picture.id, WIDTH, height_of(picture.rows, 0), picture.title, f"{told}.")
    ends = [v for row in picture.rows for v in (row.value, row.low, row.high) if v is not None]
    lines = {} if picture.chance is None else {picture.chance: "zero"}
    low, high = padded([*ends, *lines, *(picture.band or ())], 0.05)
    if picture.within:
        low, high = max(low, picture.within[0]), min(high, picture.within[1])
    x = Scale(low, high, 96, 222)
    foot = drawing.height - 46
    if picture.band:
        left, right = (x(min(max(v, low), high)) for v in picture.band)
        drawing.area([(left, 4), (right, 4), (right, foot), (left, foot)], "real-band")
    if picture.inner:
        y = ROW * (len(picture.rows) - 1) + 13
        drawing.line([(x(picture.inner[0]), y), (x(picture.inner[1]), y)], "inner")
    share = picture.id == "choices" or picture.id == "plausible"
    draw_rows(drawing, [picture.rows], x, lines, picture.axis, _ticks(x, share=share))
    return drawing.svg()


def _ticks(x: Scale, *, share: bool) -> list[tuple[float, str]]:
    """Return about five round values with their words; where words would touch, every second, third and so on.

    Zero is kept where it is among them.
    """
    texts = ((t, f"{100 * t:.0f}" if share else f"{round(t, 9):g}") for t in x.ticks(5))
    ticks = [(t, text.replace("-", "−")) for t, text in texts]
    zero = next((n for n, (t, _) in enumerate(ticks) if abs(t) < 1e-9), 0)
    every = (ticks[zero % step :: step] for step in range(1, len(ticks) + 1))
    return next(some for some in every if not any(_touch(x, a, b) for a, b in pairwise(some)))


def _touch(x: Scale, left: tuple[float, str], right: tuple[float, str]) -> bool:
    return x(right[0]) - x(left[0]) < GLYPH * (len(left[1]) + len(right[1])) / 2 + GLYPH / 2


def matrix_plot(matrix: Matrix) -> Markup:
    """Return readers by cases of one arm, the cases that all got right first, those that all got wrong last."""
    n, readers = len(matrix.cases), len(matrix.readers)
    height = min(16.0, max(3.0, 240 / readers))
    left, width, top = 34.0, WIDTH - 36, 24.0
    foot = top + height * readers
    title = f"{matrix.arm.capitalize()} cases by reader"
    each = ", ".join(f"{r}: {row.count(RIGHT)}" for r, row in zip(matrix.readers, matrix.rows, strict=True))
    told = (
        f"{n} {matrix.arm} cases, {people(readers)}. Every reader was right in {matrix.all_right} cases and wrong in "
    )
    told += f"{matrix.all_wrong}. Right answers of {each}."
    drawing = Drawing(f"cases-{matrix.arm}", WIDTH, foot + 58, title, told)
    step = width / n
    gap = 0.8 if height > 6 else 0.0
    for state, style in STATES.items():
        tiles = [
            (left + step * start, top + height * r, step * length, height - gap)
            for r, row in enumerate(matrix.rows)
            for start, length in _runs(row, state)
        ]
        if tiles:
            drawing.tiles(tiles, style)
    drawing.words((0, 14), f"{n} {matrix.arm} cases", style="bold")
    if height >= 11:
        for r, reader in enumerate(matrix.readers):
            drawing.words((left - 5, top + height * r + height / 2 + 3.5), reader, "end")
    right, wrong = left + step * matrix.all_right, left + width - step * matrix.all_wrong
    drawing.line([(left, foot + 6), (right, foot + 6)], "real")
    drawing.line([(wrong, foot + 6), (left + width, foot + 6)], "real")
    drawing.words((left, foot + 23), f"all right: {matrix.all_right}")
    drawing.words((left + width, foot + 23), f"all wrong: {matrix.all_wrong}", "end")
    drawing.words((left + width / 2, foot + 44), "easy cases → hard cases", "middle", "soft")
    return drawing.svg()


def _runs(row: str, state: str) -> list[tuple[int, int]]:
    """Return start and length of every run of a letter."""
    found, at = [], 0
    for letter, run in groupby(row):
        length = len([*run])
        if letter == state:
            found.append((at, length))
        at += length
    return found


def learning_plot(found: Learning) -> Markup:
    """Return the share of right answers by part of the sequence."""
    told = "; ".join(
        f"part {p + 1:.0f}: {100 * v:.0f} % ({100 * a:.0f} to {100 * b:.0f})" for p, v, a, b in found.points
    )
    drawing = Drawing("learning", WIDTH, 236, "Right answers from the first case to the last", f"{told}.")
    count = len(found.points)
    x, y = Scale(-0.5, count - 0.5, 44, 366), Scale(0, 1, 192, 30)
    axis_left(drawing, y, x.start, x.end, "", [(t, f"{100 * t:.0f}") for t in (0, 0.25, 0.5, 0.75, 1)])
    drawing.words((0, 12), "right answers, %, mean over readers", style="soft")
    ticks = [(p, {0: "first fifth", count - 1: "last fifth"}.get(int(p), "")) for p, *_ in found.points]
    axis_below(drawing, x, y.start, "", ticks)
    drawing.line([(x.start, y(0.5)), (x.end, y(0.5))], "dash-line")
    drawing.words((x.end, y(0.5) + 15), "guessing", "end", "soft")
    drawing.line([(x(p), y(v)) for p, v, *_ in found.points], "reader")
    for p, value, low, high in found.points:
        drawing.line([(x(p), y(low)), (x(p), y(high))], "bar")
        drawing.dot((x(p), y(value)), 4.5, "dot", f"{100 * value:.1f} % right ({100 * low:.1f} to {100 * high:.1f})")
    return drawing.svg()


def clicks_plot(structure: Structure, found: Clicks) -> Markup:
    """Return where one structure was clicked in either arm, the whole image being the square."""
    told = "; ".join(f"{_counted(arm)}{f', {arm.where}' if arm.where else ''}" for arm in structure.arms)
    drawing = Drawing(structure.id, WIDTH, 226, f"Clicked as faulty: {structure.name}", f"{structure.name}: {told}.")
    side = 178.0
    for n, arm in enumerate(structure.arms):
        left, top = n * (WIDTH - side), 24.0
        drawing.words((left, 15), f"{arm.arm}: {arm.clicks} click{'' if arm.clicks == 1 else 's'}", style="bold")
        for style, tiles in _shades(arm, found.most, left, top, side).items():
            drawing.tiles(tiles, style)
        for third in (1, 2):
            drawing.line([(left + side * third / 3, top), (left + side * third / 3, top + side)], "grid")
            drawing.line([(left, top + side * third / 3), (left + side, top + side * third / 3)], "grid")
        for x, y in arm.points:
            drawing.diamond((left + side * x, top + side * y), 4, "trial-dot")
        corners = [(left, top), (left + side, top), (left + side, top + side), (left, top + side), (left, top)]
        drawing.line(corners, "axis")
        drawing.words((left, top + side + 17), f"{people(arm.readers)}, {arm.readings} readings", style="soft")
    return drawing.svg()


def _counted(arm: Clicked) -> str:
    return f"{arm.arm} images, {arm.clicks} clicks by {people(arm.readers)} in {arm.readings} readings"


def _shades(arm: Clicked, most: float, left: float, top: float, side: float) -> dict[str, list[tuple[float, ...]]]:
    """Return the tiles of a map by their shade, runs of one shade as one."""
    found: dict[str, list[tuple[float, ...]]] = {}
    for r, row in enumerate(arm.heat):
        shades = [_shade(value, most) for value in row]
        tile, at = side / len(row), 0
        for shade, run in groupby(shades):
            length = len([*run])
            if shade:
                place = (left + tile * at, top + tile * r, tile * length, tile)
                found.setdefault(f"heat-{shade}", []).append(place)
            at += length
    return found


def _shade(value: float, most: float) -> int:
    """Return the step of a value: the darkest for more than half of the most, the next for more than a quarter."""
    return next((s for s in range(SHADES - 1, 0, -1) if most and value > most * 2.0 ** (s - SHADES)), 0)


def clicks_scale(found: Clicks) -> Markup:
    """Return the shades of the maps with what they stand for."""
    edges = [0.0, *(found.most * 2.0 ** (n - SHADES) for n in range(1, SHADES + 1))]
    told = f"Shades from {edges[1]:.2g} to {found.most:.2g} clicks about a tile for every 100 readings, doubling."
    drawing = Drawing("clicks-scale", WIDTH, 58, "Shades of the maps", told)
    width = 40.0
    for n in range(1, SHADES):
        drawing.tiles([(width * n, 4, width, 16)], f"heat-{n}")
    drawing.line([(0, 4), (width * SHADES, 4), (width * SHADES, 20), (0, 20), (0, 4)], "axis")
    for n, edge in enumerate(edges):
        drawing.words((width * n, 36), f"{edge:.2g}", "middle" if n else "start")
    drawing.words((0, 53), "clicks for every 100 readings, by tile (1/400)", style="soft")
    return drawing.svg()
