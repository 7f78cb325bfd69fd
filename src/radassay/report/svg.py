"""Inline pictures: SVG with real text, readable alone and on the page, in light and dark, in colour and in grey."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup, escape

Point = tuple[float, float]

STYLE = Markup("""
.drawn { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, "DejaVu Sans", sans-serif; }
.drawn text { fill: var(--ink, #1b1f24); } .drawn .soft { fill: var(--soft, #525a65); } .drawn .bold { font-weight: 650; }
.drawn .trial-text { fill: var(--trial, #a83a00); font-weight: 650; }
.drawn .axis { stroke: var(--soft, #525a65); stroke-width: 1; fill: none; }
.drawn .grid { stroke: var(--line, #d5d9de); stroke-width: 1; fill: none; }
.drawn .real { stroke: var(--ink, #1b1f24); stroke-width: 2; fill: none; }
.drawn .bar { stroke: var(--ink, #1b1f24); stroke-width: 1.6; fill: none; }
.drawn .real-band { fill: var(--floor, #cfdde8); stroke: none; }
.drawn .dot { fill: var(--ink, #1b1f24); } .drawn .faint-dot { fill: none; stroke: var(--soft, #525a65); }
.drawn .trial { stroke: var(--trial, #a83a00); stroke-width: 2; stroke-dasharray: 7 3; fill: none; }
.drawn .trial-bar { stroke: var(--trial, #a83a00); stroke-width: 2.4; fill: none; }
.drawn .trial-edge { stroke: var(--trial, #a83a00); stroke-width: 1; stroke-dasharray: 2 3; fill: none; }
.drawn .trial-band { fill: var(--trial, #a83a00); fill-opacity: .09; stroke: none; }
.drawn .trial-dot { fill: var(--trial, #a83a00); } .drawn .ring { fill: var(--paper, #fff); stroke: var(--trial, #a83a00); stroke-width: 2; }
.drawn .mark-line { stroke: var(--soft, #525a65); stroke-width: 1.2; stroke-dasharray: 1.5 3; fill: none; }
.drawn .dash-line { stroke: var(--soft, #525a65); stroke-width: 1.2; stroke-dasharray: 6 3; fill: none; }
.drawn .zero { stroke: var(--ink, #1b1f24); stroke-width: 1.2; fill: none; }
.drawn .reader { stroke: var(--soft, #525a65); stroke-width: 1; stroke-opacity: .7; fill: none; } .drawn .mean { stroke: var(--trial, #a83a00); stroke-width: 3; fill: none; }
.drawn .inner { stroke: var(--trial, #a83a00); stroke-width: 7; stroke-opacity: .45; fill: none; } .drawn .paper { fill: var(--paper, #fff); fill-opacity: .85; }
.drawn .heat-1, .drawn .heat-2, .drawn .heat-3, .drawn .heat-4, .drawn .heat-5 { fill: var(--trial, #a83a00); fill-opacity: .14; } .drawn .heat-2 { fill-opacity: .3; } .drawn .heat-3 { fill-opacity: .5; } .drawn .heat-4 { fill-opacity: .72; } .drawn .heat-5 { fill-opacity: 1; }
@media (prefers-color-scheme: dark) { svg:root { background: #15181c; --paper: #15181c; --ink: #e8eaed; --soft: #aab2bd; --line: #343a42; --floor: #2c4459; --trial: #ff9a5c; } }
""")  # noqa: E501 - one rule a line
"""Colours come from the page where it has them. `svg:root` is a picture in a file of its own, which may be dark."""


@dataclass(frozen=True)
class Scale:
    """A straight scale from values to places, in pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the place of a value."""
        return self.start + (self.end - self.start) * (value - self.low) / (self.high - self.low)

    def ticks(self, about: int) -> list[float]:
        """Return round values on the scale, some `about` of them."""
        rough = (self.high - self.low) / max(about, 1)
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * k for k in (1, 2, 5, 10) if power * k >= rough * (1 - 1e-9))
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [k * step for k in range(first, last + 1)]


@dataclass
class Drawing:
    """One picture being drawn; `text` is its whole content."""

    id: str
    """Unique on its page."""
    width: float
    height: float
    title: str
    description: str
    parts: list[Markup] = field(default_factory=list)

    def line(self, points: Sequence[Point], style: str) -> None:
        """Draw a line through points."""
        self.parts.append(Markup('<path class="{}" d="M{}"/>').format(style, " L".join(map(_pair, points))))

    def area(self, points: Sequence[Point], style: str) -> None:
        """Fill the polygon with these corners."""
        self.parts.append(Markup('<path class="{}" d="M{} Z"/>').format(style, " L".join(map(_pair, points))))

    def tiles(self, tiles: Sequence[Sequence[float]], style: str) -> None:
        """Fill upright rectangles, each left, top, width and height, as one shape."""
        drawn = "".join(f"M{_place(x)} {_place(y)}h{_place(w)}v{_place(h)}H{_place(x)}Z" for x, y, w, h in tiles)
        self.parts.append(Markup('<path class="{}" d="{}"/>').format(style, drawn))

    def dot(self, at: Point, radius: float, style: str, told: str = "") -> None:
        """Draw a round marker; what it tells appears under the pointer."""
        self.parts.append(
            Markup('<circle class="{}" cx="{}" cy="{}" r="{}">{}</circle>').format(
                style, _place(at[0]), _place(at[1]), _place(radius), _title(told)
            )
        )

    def diamond(self, at: Point, radius: float, style: str, told: str = "") -> None:
        """Draw a marker that grey print tells from a round one."""
        x, y = at
        corners = [(x, y - radius), (x + radius, y), (x, y + radius), (x - radius, y)]
        self.parts.append(
            Markup('<path class="{}" d="M{} Z">{}</path>').format(style, " L".join(map(_pair, corners)), _title(told))
        )

    def words(self, at: Point, text: str, anchor: str = "start", style: str = "") -> None:
        """Write text; `anchor` is start, middle or end."""
        self.parts.append(
            Markup('<text x="{}" y="{}" text-anchor="{}" class="{}">{}</text>').format(
                _place(at[0]), _place(at[1]), anchor, style, text
            )
        )

    def interval(self, low: Point, high: Point, style: str, open_low: bool = False, open_high: bool = False) -> None:
        """Draw a level interval: a stroke across at an end that is known, an arrow where it goes on."""
        self.line([low, high], style)
        for (x, y), towards, is_open in ((low, 1.0, open_low), (high, -1.0, open_high)):
            if is_open:
                self.line([(x + 6 * towards, y - 4), (x, y), (x + 6 * towards, y + 4)], style)
            else:
                self.line([(x, y - 4), (x, y + 4)], style)

    def arrow(self, start: Point, tip: Point, short: float, style: str) -> None:
        """Draw a level arrow that ends `short` pixels before its tip; none where there is no room for one."""
        towards = 1.0 if tip[0] > start[0] else -1.0
        end = tip[0] - towards * short
        if (end - start[0]) * towards < 12:
            return
        self.line([start, (end, start[1])], style)
        self.line([(end - 7 * towards, start[1] - 5), (end, start[1]), (end - 7 * towards, start[1] + 5)], style)

    def svg(self) -> Markup:
        """Return the picture; the same content gives the same text."""
        head = Markup(
            '<svg xmlns="http://www.w3.org/2000/svg" class="drawn" role="img" viewBox="0 0 {} {}" '
            'aria-labelledby="{}-title {}-desc"><title id="{}-title">{}</title><desc id="{}-desc">{}</desc>'
            "<style>{}</style>"
        ).format(
            _place(self.width), _place(self.height), self.id, self.id, self.id, self.title, self.id, self.description,
            STYLE,
        )  # fmt: skip
        return head + Markup("\n").join(self.parts) + Markup("</svg>")


def axis_below(drawing: Drawing, x: Scale, y: float, label: str, ticks: Sequence[tuple[float, str]]) -> None:
    """Draw a level axis under a plot."""
    drawing.line([(x.start, y), (x.end, y)], "axis")
    for value, text in ticks:
        drawing.line([(x(value), y), (x(value), y + 4)], "axis")
        drawing.words((x(value), y + 17), text, "middle")
    drawing.words(((x.start + x.end) / 2, y + 35), label, "middle", "soft")


def axis_left(drawing: Drawing, y: Scale, x: float, end: float, label: str, ticks: Sequence[tuple[float, str]]) -> None:
    """Draw an upright axis left of a plot, with faint lines across; its label stands above it."""
    for value, text in ticks:
        drawing.line([(x, y(value)), (end, y(value))], "grid")
        drawing.words((x - 7, y(value) + 4), text, "end")
    drawing.words((x - 7, y.end - 10), label, "end", "soft")


def _title(told: str) -> Markup:
    return Markup("<title>{}</title>").format(told) if told else Markup("")


def _pair(point: Point) -> str:
    return f"{_place(point[0])} {_place(point[1])}"


def _place(value: float) -> str:
    return str(escape(f"{value:.2f}".rstrip("0").rstrip(".")))
