"""Train several generators on public sets with one budget each, put them on trial, and write what was found.

    python docs/example_generators.py RUNS                  # trains and judges; carries on where it was stopped
    python docs/example_generators.py RUNS --write docs/examples/generators.md

Each run is a study like those in `docs/examples/*.toml` with another generator, fewer checks and small controls.
Lengths of training are chosen so that every generator costs about as much processor time; what each took is in the
table.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from radassay.cli.progress import progress
from radassay.evidence import wording
from radassay.evidence.run import Run
from radassay.images.imageset import ImageSet
from radassay.workbench.path import run
from radassay.workbench.study import Checks, Synthetic, Trial, read_study

HERE = Path(__file__).parent / "examples"
SETS = ("darkcovidnet", "cohen-cxr", "covid-ct")
BUDGET: dict[str, dict[str, object]] = {
    "projection-gan": {"images_seen": 24_000, "grid_every": 4_000},
    "dcgan": {"images_seen": 20_000, "grid_every": 4_000},
    "acgan": {"images_seen": 20_000, "grid_every": 4_000, "drawn_names": 1.0},
    "edm": {"images_seen": 10_000, "grid_every": 5_000, "guidance": 1.0},
}
"""Settings of each generator; AC-GAN as published, diffusion without guidance."""
CHECKS = Checks(
    names=["coverage", "fidelity", "memorisation", "two-sample"],
    encoder_settings={"images_seen": 16_000},
    second="",
    blanks=10,
    repeats=3,
    control_images=100,
)
SHOWN = (
    "fidelity.kid",
    "fidelity.label_agreement",
    "two-sample.auc_two_sample",
    "coverage.precision",
    "coverage.recall",
    "coverage.coverage",
    "memorisation.copy_share",
    "memorisation.verified_copies",
    "trial.gain_over_controls",
)
COLUMNS, CELL = 12, 64
BEGIN, END = "<!-- results of the runs: written by docs/example_generators.py -->", "<!-- end of the results -->"


def tried(name: str, generator: str, folder: Path) -> None:
    """Do one run."""
    study = read_study(HERE / f"{name}.toml")
    study = replace(
        study,
        name=f"{name}-{generator}",
        others=[],
        synthetic=Synthetic(generator=generator, settings=BUDGET[generator]),
        checks=CHECKS,
        trial=Trial(seeds=5, steps=300),
    )
    with progress() as report:
        run(study, folder, report)


def told(run: Run, key: str) -> str:
    """Return value and interval of one measure."""
    found = next((f for f in run.findings() if (f.key, f.slice, f.role) == (key, "all", "measurement")), None)
    if found is None or found.value is None:
        return "not measured"
    words = wording.number(found.value, wording.kind(found))
    return f"{words} ({wording.interval(found)})" if found.low is not None else words


def grid(runs: dict[str, Path]) -> Image.Image:
    """Return two rows of pictures a generator, one a label, the same rows for everyone: nobody chose them."""
    rows = []
    for folder in runs.values():
        images = ImageSet.open(folder / "work" / "sets" / "synthetic")
        labels, sources = (images.table[c].to_numpy(dtype=str) for c in ("label", "source"))
        for label in sorted(set(labels)):
            chosen = np.flatnonzero(labels == label)
            first = chosen[np.argsort(sources[chosen], kind="stable")][:COLUMNS]
            rows.append(np.concatenate(list(images.take(first).load(CELL)), axis=1))
    return Image.fromarray(np.rint(np.concatenate(rows) * 255).astype(np.uint8))


def results(runs: Path, figures: Path) -> str:
    """Return the Markdown of all runs, and draw the grids."""
    lines = [BEGIN]
    for name in SETS:
        there = {g: runs / f"{name}-{g}" for g in BUDGET if (runs / f"{name}-{g}" / "seal.json").exists()}
        if not there:
            continue
        sealed = {generator: Run.open_sealed(folder) for generator, folder in there.items()}
        lines += ["", f"## {name}", "", "| | " + " | ".join(f"`{g}`" for g in there) + " |"]
        lines += ["|---" * (1 + len(there)) + "|"]
        for key in SHOWN:
            label = wording.label(key.partition(".")[2])
            lines.append(f"| {label} | " + " | ".join(told(found, key) for found in sealed.values()) + " |")
        seen = [f"{BUDGET[g]['images_seen']:,}" for g in there]
        seconds = [f"{found.about['notes']['seconds']['synthetic']:.0f}" for found in sealed.values()]
        lines.append("| training images shown | " + " | ".join(seen) + " |")
        lines.append("| seconds to train and draw, 2 cores | " + " | ".join(seconds) + " |")
        grid(there).save(figures / f"{name}-generators.png", optimize=True)
        order = ", ".join(f"`{g}`" for g in there)
        lines += ["", f"![Generated images of {name}](figures/{name}-generators.png)", ""]
        lines += [f"From above, two rows each, one a label: {order}. The first pictures drawn, not chosen."]
    return "\n".join([*lines, "", END])


def main() -> None:
    """Run or write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--generators", nargs="*", default=list(BUDGET))
    options = parser.parse_args()
    if options.write:
        text = options.write.read_text(encoding="utf-8")
        before, rest = text.split(BEGIN, 1)
        made = results(options.runs, options.write.parent / "figures")
        options.write.write_text(before + made + rest.split(END, 1)[1], encoding="utf-8")
        return
    options.runs.mkdir(parents=True, exist_ok=True)
    for name in SETS:
        for generator in options.generators:
            folder = options.runs / f"{name}-{generator}"
            if not (folder / "seal.json").exists():
                tried(name, generator, folder)


if __name__ == "__main__":
    main()
