"""`radassay run`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from radassay.cli.ending import run_and_tell
from radassay.cli.placing import Placed


@dataclass(frozen=True)
class Command(Placed):
    """The whole assay on your images: import, split by patient, generator, checks with controls, trial, report.

    Killed at any moment, the same command carries on and ends in the same findings.

    Example: radassay run study.toml --out runs/study
    """

    study: Annotated[Path, tyro.conf.Positional]
    """The study file; `radassay demo --show-study` prints one to start from."""
    out: Path | None = None
    """Folder of the run; `runs/NAME` by default."""
    amend: str = ""
    """Why the plan of the trial was changed since the run began: it carries on, and the report shows the change."""

    def run(self) -> int:
        """Run it."""
        from radassay.workbench.study import read_study

        study = read_study(self.study)
        return run_and_tell(study, self.out or Path("runs") / study.name, where=self.where, amend=self.amend)
