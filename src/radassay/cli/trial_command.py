"""`radassay trial`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from radassay.cli.placing import Placed
from radassay.errors import SettingsError

if TYPE_CHECKING:
    from radassay.workbench.study import Study

ANSWERS = (
    "detectable_gain",
    "gain_over_controls",
    "gain_external",
    "worst_subgroup_gain",
    "change_of_shuffled_labels",
    "gain_of_held_out_patients",
)
"""Findings that are told on the terminal, in this order."""


@dataclass(frozen=True)
class Command(Placed):
    """What synthetic images are worth to a diagnosis model, in patients: the trial alone, without the other checks.

    Diagnosis models are trained with and without the synthetic images, with one budget, beside the controls that a
    gain must beat, and tested on patients that nothing learned from. The plan is written down before any image is
    read: `--plan` prints it and its hash and does nothing else.

    Take a study file (its [checks] are left out), or name images here. Killed at any moment, the same command carries
    on; no training is done twice.

    Example: radassay trial study.toml --out runs/trial

    Or, from images:
    radassay trial real/ --generator projection-gan --positive COVID-19 --external clinic-b/ --out runs/trial
    radassay trial real/ --synthetic theirs/ --positive COVID-19 --seeds 10 --out runs/trial
    """

    real: Annotated[Path, tyro.conf.Positional]
    """A study file (.toml), or real images: a folder with one folder a class, or a table."""
    synthetic: Path | None = None
    """Synthetic images made elsewhere, in the same form."""
    generator: str = ""
    """A generator to train on the training patients instead (`radassay train --list`)."""
    positive: tuple[str, ...] = ()
    """Labels that count as positive."""
    external: tuple[Path, ...] = ()
    """Images of other hospitals with the same labels, to test on."""
    out: Path = Path("runs/trial")
    """Folder of the run."""
    size: int = 64
    """Side in pixels at which models see the images: 32, 64 or 128."""
    seeds: int | None = None
    """Trainings an arm: 5 by default, 10 or more where the exchange rate matters."""
    steps: int | None = None
    """Optimisation steps of each training, 300 by default."""
    leave_out: bool = False
    """Leave test images out, by name, that show a radiograph that the trial learns from, instead of refusing."""
    seed: int = 1
    """Seed of everything random."""
    plan: bool = False
    """Print the plan and its hash, and do nothing."""
    amend: str = ""
    """Why the plan was changed since this run began: it carries on, and the change is shown in the report."""

    def run(self) -> int:
        """Run it."""
        from radassay.cli.ending import run_and_tell

        study = self.study()
        if self.plan:
            print(told(study), end="")
            return 0
        code = run_and_tell(study, self.out, where=self.where, amend=self.amend)
        print(answered(self.out), end="")
        return code

    def study(self) -> Study:
        """Return the study that is asked for.

        Raises:
            SettingsError: images and a study file at once, or neither synthetic images nor a generator.
        """
        from radassay.workbench.study import read_study, study_of

        changes: dict[str, Any] = {"run": True}
        changes |= {name: value for name in ("seeds", "steps") if (value := getattr(self, name)) is not None}
        if self.leave_out:
            changes["duplicates"] = "leave out"
        if self.real.suffix == ".toml":
            given = [n for n in ("synthetic", "generator", "positive", "external") if getattr(self, n)]
            if given:
                raise SettingsError("A study file says this itself", got=", ".join(f"--{name}" for name in given))
            study = read_study(self.real)
            return replace(study, trial=replace(study.trial, **changes), checks=replace(study.checks, run=False))
        if bool(self.synthetic) == bool(self.generator):
            raise SettingsError(
                "Name synthetic images or a generator", possible="--synthetic FOLDER, or --generator NAME"
            )
        made = {"source": str(self.synthetic)} if self.synthetic else {"generator": self.generator}
        outside = [{"name": path.stem, "source": str(path)} for path in self.external]
        return study_of(
            {
                "name": f"trial of {self.synthetic.name if self.synthetic else self.generator} on {self.real.name}",
                "seed": self.seed,
                "size": self.size,
                "real": {"source": str(self.real), "positive": list(self.positive)},
                "synthetic": made,
                "checks": {"run": False},
                "trial": {**changes, "external": outside},
            }
        )


def answered(out: Path) -> str:
    """Return what a sealed trial found, in a few lines."""
    from radassay.evidence.run import Run
    from radassay.evidence.wording import label, with_interval

    found = {f.name: f for f in Run.open_sealed(out).findings() if f.check == "trial" and f.slice == "all"}
    asked = [found[name] for name in ANSWERS if name in found]
    lines = [f"  {label(f.name)}: {f.reason}" if f.value is None else f"  {with_interval(f)}" for f in asked]
    worth = found.get("exchange_patients")
    if worth is not None:
        lines.append(f"  in real patients: {worth.details.get('statement', worth.reason)}")
    return "\n".join(["trial:", *lines, ""])


def told(study: Study) -> str:
    """Return the plan of a study's trial as it is fixed before the images are read."""
    from dataclasses import asdict

    from radassay.trials.arms import KINDS
    from radassay.workbench.trying import plan_of

    plan = plan_of(study)
    lines = [f"plan {plan.hash}", ""]
    lines += [f"{name:12s} {value}" for name, value in asdict(plan).items() if name not in ("arms", "assumed")]
    lines += ["", "arms, all with the same number of steps and images a step:"]
    lines += [f"  {arm:20s} {KINDS[arm]}" for arm in plan.arms]
    return "\n".join(lines) + "\n"
