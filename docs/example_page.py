"""Write the results of a sealed run into its example page: `python docs/example_page.py RUN docs/examples/NAME.md`.

The page's prose is written by hand; what stands between the two markers comes from the run. Pictures of acquired
images are never copied: of the images, only the sheet of synthetic ones, made small.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from PIL import Image

from radassay.checklists.judge import judge
from radassay.checklists.rules import read_rules
from radassay.evidence.run import Run
from radassay.report.build import Report, Section, build
from radassay.report.figures import dose_response, forest

BEGIN, END = "<!-- results of the run: written by docs/example_page.py -->", "<!-- end of the results -->"
PLOTS = {
    ("shortcut", "corner marker in real images"),
    ("leakage", "shared images"),
    ("fidelity", "blur"),
    ("coverage", "collapse"),
    ("memorisation", "copies"),
}
TOLD = ("shortcut", "leakage", "memorisation", "fidelity", "coverage")


def results(report: Report, run: Run, page: Path) -> str:
    """Return the Markdown of a run's results, and write its figures beside the page."""
    figures = page.parent / "figures"
    figures.mkdir(exist_ok=True)
    lines = [BEGIN, "", f"> {report.answer}", "", "| rung | asked | status | number |", "|---|---|---|---|"]
    for rung in report.rungs:
        lines += [
            f"| L{rung.level} | {v.question} | **{v.status}** | {v.reason} |"
            for v in rung.verdicts
            if rung.level in (0, 1, 2, 4)
        ]
    sheet = Image.open(io.BytesIO(run.pictures()["grid-synthetic"]))
    sheet.resize((sheet.width * 3 // 4, sheet.height * 3 // 4), Image.Resampling.LANCZOS).save(
        figures / f"{page.stem}-synthetic.png", optimize=True
    )
    lines += ["", f"![Synthetic images, drawn at random](figures/{page.stem}-synthetic.png)", ""]
    if report.forest is not None:
        (figures / f"{page.stem}-trial.svg").write_bytes(forest(report.forest))
        lines += [f"![The trial as a forest plot](figures/{page.stem}-trial.svg)", ""]
    for section in report.sections:
        if section.id in TOLD:
            lines += told(section, figures, page.stem)
    return "\n".join([*lines, END])


def told(section: Section, figures: Path, stem: str) -> list[str]:
    """Return a check's numbers, its limits of detection and its plots."""
    lines = [f"### {section.title}", "", "| measure | images | value | 95 % interval | floor | verdict |"]
    lines += ["|---|---|---|---|---|---|"]
    lines += [
        f"| {row.label} | {row.part or 'all'} | {row.value} | {row.interval} | {row.floor} | {row.status} |"
        for row in section.rows
    ]
    if section.detected:
        lines += ["", "| planted defect | measure | limit of detection |", "|---|---|---|"]
        lines += [f"| {d.control} | {d.measure} | {d.limit} |" for d in section.detected]
    for named in section.named:
        lines += ["", f"{named.measure}: {named.total}. The likeliest of them:", ""]
        lines += [f"- `{first}` and `{second}`, {score}" for first, second, score in named.pairs[:5]]
    lines.append("")
    matching = [
        (plot, panel) for plot in section.plots for panel in plot.panels if (section.id, panel.control) in PLOTS
    ]
    for plot, panel in matching[:1]:
        name = f"{stem}-{section.id}.svg"
        (figures / name).write_bytes(dose_response(plot, panel))
        lines += [f"![{plot.measure} against planted {panel.control}](figures/{name})", ""]
    return lines


def main() -> None:
    """Rewrite the results of one page."""
    run, page = Run.open_sealed(Path(sys.argv[1])), Path(sys.argv[2])
    report = build(run, judge(run.findings(), read_rules("local")))
    text = page.read_text("utf-8") if page.exists() else f"# {page.stem}\n\n{BEGIN}\n{END}\n"
    before, rest = text.split(BEGIN)
    page.write_text(before + results(report, run, page) + rest.split(END)[1], encoding="utf-8")


if __name__ == "__main__":
    main()
