"""Write the worked example of an audit from a sealed run: `python docs/example_audit.py RUN docs/examples/audit.md`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

MARKS = {"fails": "✗ fails", "inconclusive": "? open", "not run": "– not run", "passes": "✓ passes", "": "·"}
HEAD = """# What an audit finds in public sets

Five public collections that studies of COVID-19 trained on, audited together with `radassay audit` and no setting but
their folders. Written by `python docs/example_audit.py` from the sealed run; no image of the sets is shown.
"""


def page(told: dict) -> str:
    """Return the page from the content of `report.json`."""
    lines = [HEAD, "## The answer", "", f"> {told['answer']}", "", "## The sets", ""]
    lines += ["| set | images | patients | labels |", "|---|---|---|---|"]
    lines += [f"| {s['name']} | {s['images']} | {s['patients']} | {s['labels']} |" for s in told["sets"]]
    lines += ["", "## What is wrong", ""]
    for fault in told["faults"]:
        lines += [f"**{fault['failure']}**", ""]
        lines += [f"- {part}: {reason}" for part, reason in fault["parts"][:5]]
        more = len(fault["parts"]) - 5
        lines += [f"- and {more} more"] if more > 0 else []
        lines += ["", f"*{fault['advice']}*", ""]
    names = [s["name"] for s in told["sets"]]
    lines += ["## Every question, every set", "", "| question | " + " | ".join(names) + " |"]
    lines += ["|---" * (len(names) + 1) + "|"]
    for line in told["lines"]:
        lines.append(f"| {line['question']} | " + " | ".join(MARKS[cell] for cell in line["cells"]) + " |")
    seconds = dict(map(tuple, told["provenance"])).get("wall time.audit", "")
    lines += ["", f"Wall time: {seconds}. Rules: {told['rules']}.", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    run, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.write_text(page(json.loads((run / "report.json").read_text("utf-8"))), encoding="utf-8")
