"""The report of an audit as one self-contained HTML page, as JSON, and as lines for a terminal."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from markupsafe import Markup

from radassay.report import audit_terms as terms
from radassay.report.audit_page import Page, part_words
from radassay.report.render import environment

MOST_LINES = 12
"""Parts of a failing rule that the terminal shows."""


def to_html(page: Page) -> str:
    """Return one HTML page that loads nothing; only the cards of the sets are links, to files beside it."""
    template = environment().get_template("audit.html")
    return template.render(page=page, terms=terms, outcome_mark=outcome_mark, part_words=part_words)


def to_json(page: Page) -> str:
    """Return the page as canonical JSON with sorted keys; it holds every finding and outcome."""
    return json.dumps(plain(page), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def to_text(page: Page) -> str:
    """Return the answer and the failing rules as short lines; the last one counts the outcomes."""
    lines = ["", page.answer, ""]
    for fault in page.faults:
        lines.append(f"  {terms.OUTCOME_WORDS['fails'][0]} {fault.failure}")
        lines += [f"       {part}: {reason}" for part, reason in fault.parts[:MOST_LINES]]
        more = len(fault.parts) - MOST_LINES
        lines += [f"       and {more} more in the report"] if more > 0 else []
    counts = {word: sum(line.whole == word for line in page.lines) for word in terms.OUTCOME_WORDS}
    told = ", ".join(f"{number} {word}" for word, number in counts.items())
    return "\n".join([*lines, "", f"Questions, each by its worst outcome: {told}"])


def plain(page: Page) -> dict[str, Any]:
    """Return the page as JSON values; pictures by name, caption and SHA-256."""
    told = asdict(page)
    for section, shown in zip(told["sections"], page.sections, strict=True):
        section["pictures"] = [{"name": p.name, "caption": p.caption, "sha256": p.sha256} for p in shown.pictures]
    told["findings"] = [json.loads(f.to_json()) | {"id": f.id} for f in page.findings]
    told["schema"] = "radassay-audit/1"
    return told


def outcome_mark(word: str) -> Markup:
    """Return an outcome as symbol and word, coloured."""
    if not word:
        return Markup("")
    symbol, text = terms.OUTCOME_WORDS[word]
    return Markup('<span class="mark {}"><span aria-hidden="true">{}</span> {}</span>').format(
        terms.STYLES[word], symbol, text
    )
