"""The report as one self-contained HTML page, as JSON, and as lines for a terminal."""

from __future__ import annotations

import base64
import json
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from radassay.evidence import wording
from radassay.report import figures, reading_pictures, terms, trial_pictures
from radassay.report.build import Report, plain
from radassay.report.heatmap import heat_map


def to_html(report: Report) -> str:
    """Return one HTML page that loads nothing: styles, figures and pictures are inside; no script is needed."""
    template = environment().get_template("report.html")
    return template.render(
        report=report,
        glossary=terms.GLOSSARY,
        forest=figures.forest(report.forest) if report.forest else None,
        heat_map=heat_map(report.sensitivity) if report.sensitivity else None,
        dose=wording.dose,
    )


def to_json(report: Report) -> str:
    """Return the report as canonical JSON with sorted keys; it holds every finding and verdict."""
    return json.dumps(plain(report), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def to_text(report: Report) -> str:
    """Return the answer and the ladder as short lines; the last one names the rung."""
    lines = ["", report.answer, ""]
    for rung in report.rungs:
        mark, word = terms.STATUS_WORDS[rung.status]
        lines.append(f"  L{rung.level} {mark} {word:<14} {rung.name}")
        lines += [
            f"       {terms.STATUS_WORDS[v.status][0]} {v.rule}: {v.reason}"
            for v in rung.verdicts
            if rung.level == report.reached + 1 and v.status != "met"
        ]
    lines += ["", report.next_step, "", f"Verdict: {reached_words(report)}"]
    return "\n".join(lines)


def reached_words(report: Report) -> str:
    """Return the rung reached, with its claim."""
    if report.reached < 0:
        return "no rung reached"
    return f"L{report.reached}, {report.rungs[report.reached].name}"


@cache
def environment() -> Environment:
    """Return the templates of the report with their filters."""
    made = Environment(
        loader=PackageLoader("radassay.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["capitalise"] = wording.sentence
    made.filters["code"] = code
    made.filters["data_uri"] = data_uri
    made.filters["panel_svg"] = lambda panel, plot: figures.dose_response(plot, panel)
    made.filters["panel_alt"] = lambda panel, plot: figures.alt_text(plot, panel)
    made.filters["exchange_curve"] = trial_pictures.exchange_curve
    made.filters["exchange_rows"] = trial_pictures.exchange_rows
    made.filters["gain_rows"] = trial_pictures.gain_rows
    made.filters["calibration_plot"] = trial_pictures.calibration_plot
    made.filters["reading_roc"] = reading_pictures.roc_plot
    made.filters["reading_intervals"] = reading_pictures.intervals_plot
    made.filters["reading_matrix"] = reading_pictures.matrix_plot
    made.filters["reading_learning"] = reading_pictures.learning_plot
    made.filters["reading_clicks"] = reading_pictures.clicks_plot
    made.filters["reading_scale"] = reading_pictures.clicks_scale
    made.filters["difference"] = lambda value: wording.number(value, "difference")
    made.globals.update(mark=mark, reached_words=reached_words, status_words=terms.STATUS_WORDS)
    return made


def code(text: str) -> Markup:
    """Return text with what stands between backticks as code."""
    parts = text.split("`")
    marked = [Markup("<code>{}</code>").format(part) if place % 2 else part for place, part in enumerate(parts)]
    return Markup("").join(marked)


def data_uri(content: bytes, kind: str) -> str:
    """Return bytes as a data URI of this media type."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def mark(status: str) -> Markup:
    """Return a status as symbol and word, coloured."""
    if not status:
        return Markup("")
    symbol, word = terms.STATUS_WORDS[status]
    style = status.replace(" ", "-")
    return Markup('<span class="mark {}"><span aria-hidden="true">{}</span> {}</span>').format(style, symbol, word)
