"""Write what trials of real, copied and made images found into their page.

    python docs/example_trials_table.py RUNS docs/examples/trials.md

RUNS holds sealed runs called SET-KIND, such as `darkcovidnet-copies`, made of what `docs/example_trials.py` prepares.
The page's prose is written by hand; what stands between the two markers comes from the runs. No picture is copied.
"""

from __future__ import annotations

import sys
from pathlib import Path

from radassay.checklists.judge import judge
from radassay.checklists.rules import read_rules
from radassay.evidence import wording
from radassay.evidence.finding import Finding
from radassay.evidence.run import Run
from radassay.report.heatmap import heat_map
from radassay.report.sensitivity import sensitivity

BEGIN, END = "<!-- results of the runs: written by docs/example_trials_table.py -->", "<!-- end of the results -->"
KINDS = {
    "others": "real images of other patients",
    "copies": "copies of the training images",
    "gan": "the default GAN's",
}
SHOWN = (
    "fidelity.kid",
    "fidelity.frechet",
    "two-sample.auc_two_sample",
    "appearance.swd_fine",
    "appearance.spectrum_distance",
    "radiomics.frechet_radiomic",
    "coverage.precision",
    "coverage.recall",
    "coverage.coverage",
    "diversity.vendi_ratio",
    "plausibility.implausible_share",
    "memorisation.copy_share",
    "memorisation.verified_copies",
    "privacy.membership_auc",
    "privacy.likelihood_gap",
)
ASKED = (
    "closer-than-blur",
    "covers-the-variety",
    "labels-kept",
    "no-copies",
    "no-verified-copies",
    "membership-not-inferable",
)


def told(findings: dict[tuple[str, str, str], Finding], key: str) -> str:
    """Return value, interval and floor of one measure."""
    found = findings.get((key, "all", "measurement"))
    if found is None or found.value is None:
        return "not measured"
    words = wording.number(found.value, wording.kind(found))
    words += f" ({wording.interval(found)})" if found.low is not None else ""
    floor = findings.get((key, "all", "floor"))
    apart = floor is not None and found.low is not None and (found.low > floor.high or found.high < floor.low)
    return f"**{words}**" if apart else words


def results(runs: Path, figures: Path) -> str:
    """Return the Markdown of all runs."""
    lines = [BEGIN]
    for name in sorted({path.name.rpartition("-")[0] for path in runs.iterdir() if (path / "seal.json").exists()}):
        there = {kind: Run.open_sealed(runs / f"{name}-{kind}") for kind in KINDS if (runs / f"{name}-{kind}").exists()}
        found = {
            kind: {(f.key, f.slice, f.role): f for f in run.findings() if f.role in ("measurement", "floor")}
            for kind, run in there.items()
        }
        lines += ["", f"### {name}", "", "| measure | " + " | ".join(KINDS[kind] for kind in there) + " |"]
        lines += ["|---" * (1 + len(there)) + "|"]
        for key in SHOWN:
            label = wording.label(key.partition(".")[2])
            lines.append(f"| {label} | " + " | ".join(told(found[kind], key) for kind in there) + " |")
        verdicts = {kind: _verdicts(run) for kind, run in there.items()}
        for rule in ASKED:
            lines.append(f"| rule `{rule}` | " + " | ".join(verdicts[kind].get(rule, "") for kind in there) + " |")
        seconds = {kind: sum(run.about["notes"]["seconds"].values()) for kind, run in there.items()}
        lines.append("| seconds, beside other work | " + " | ".join(f"{seconds[kind]:.0f}" for kind in there) + " |")
        seen = sensitivity(there["others"].findings())
        if seen is not None:
            (figures / f"{name}-trials-seen.svg").write_bytes(heat_map(seen))
            lines += ["", f"![What each measure would have seen on {name}](figures/{name}-trials-seen.svg)"]
    return "\n".join([*lines, "", END])


def _verdicts(run: Run) -> dict[str, str]:
    judged = judge(run.findings(), read_rules("local"))
    return {v.rule: v.status for rung in judged.rungs for v in rung.verdicts}


def main() -> None:
    """Write the results into the page."""
    runs, page = Path(sys.argv[1]), Path(sys.argv[2])
    text = page.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN, 1)
    page.write_text(before + results(runs, page.parent / "figures") + rest.split(END, 1)[1], encoding="utf-8")


if __name__ == "__main__":
    main()
