"""Write what three trials found into the page on diagnosis.

    radassay trial docs/examples/trial-darkcovidnet.toml --out RUNS/darkcovidnet        # and so on, for each set
    python docs/example_diagnosis.py RUNS docs/examples/diagnosis.md

The page's prose is written by hand; what stands between the two markers comes from the sealed runs.
"""

from __future__ import annotations

import sys
from pathlib import Path

from radassay.evidence import wording
from radassay.evidence.finding import Finding
from radassay.evidence.run import Run
from radassay.report import trial_words
from radassay.report.trial_page import trial_page
from radassay.report.trial_pictures import exchange_curve

SETS = ("darkcovidnet", "cohen-cxr", "covid-ct")
BEGIN, END = "<!-- results of the runs: written by docs/example_diagnosis.py -->", "<!-- end of the results -->"
ASKED = (
    ("gain_over_controls", "dose=0.25"),
    ("gain_over_controls", "dose=0.5"),
    ("gain_over_controls", "all"),
    ("gain_over_controls", "dose=2"),
    ("gain_over_controls", "dose=4"),
    ("gain_over_real", "all"),
    ("gain_over_classical", "all"),
    ("gain_over_duplicates", "all"),
    ("change_synthetic_only", "all"),
    ("change_of_shuffled_labels", "all"),
    ("gain_of_held_out_patients", "all"),
    ("auc_trained_real_tested_synthetic", "all"),
    ("gain_external", "site=figure1"),
    ("gain_external", "site=cohen-cxr"),
    ("worst_subgroup_gain", "all"),
    ("detectable_gain", "all"),
    ("n_left_out_of_test", "all"),
)


def results(runs: Path, figures: Path) -> str:
    """Return the Markdown of all runs, and write their pictures."""
    lines = [BEGIN, ""]
    every = {name: Run.open_sealed(runs / name) for name in SETS}
    found = {name: {(f.name, f.slice): f for f in run.findings() if f.check == "trial"} for name, run in every.items()}
    lines += ["| | " + " | ".join(SETS) + " |", "|---|" + "---|" * len(SETS)]
    arms = [key for key in found[SETS[0]] if key[0].startswith("auc_") and key not in ASKED]
    for key in (*arms, *ASKED):
        some = next((found[name][key] for name in SETS if key in found[name]), None)
        if some is not None:
            cells = " | ".join(_told(found[name].get(key)) for name in SETS)
            lines.append(f"| {trial_words.label(some)}{_part(key[1])} | {cells} |")
    minutes = [every[name].about["notes"]["seconds"] for name in SETS]
    lines.append("| minutes, of them the trial | " + " | ".join(_minutes(m) for m in minutes) + " |")
    for name, run in every.items():
        worth = trial_page(run.findings()).worth
        lines += ["", f"### {name}", ""]
        if worth is None or worth.main is None:
            lines.append("The exchange rate was not measured.")
            continue
        (figures / f"{name}-exchange.svg").write_text(str(exchange_curve(worth.main, worth.answer)))
        lines += [f"![{name}: what the synthetic images are worth in real patients](figures/{name}-exchange.svg)", ""]
        lines.append(f"> {worth.answer}")
    return "\n".join([*lines, "", END])


def _told(finding: Finding | None) -> str:
    if finding is None:
        return "–"
    if finding.value is None:
        return "not measured"
    how = wording.kind(finding)
    span = wording.interval(finding)
    text = wording.number(finding.value, how) + (f" ({span})" if span else "")
    return (
        f"**{text}**" if finding.low is not None and finding.low * (finding.high or 0) > 0 and _gain(finding) else text
    )


def _gain(finding: Finding) -> bool:
    return finding.name.startswith(("gain", "change", "worst"))


def _part(part: str) -> str:
    return "" if part == "all" else f", {part.replace('=', ' ')}"


def _minutes(seconds: dict[str, float]) -> str:
    return f"{sum(seconds.values()) / 60:.0f}, {seconds['trial'] / 60:.0f}"


def main() -> None:
    """Write the results into the page."""
    runs, page = map(Path, sys.argv[1:])
    text = page.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    page.write_text(before + results(runs, page.parent / "figures") + after, encoding="utf-8")


if __name__ == "__main__":
    main()
