"""`radassay demo`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from radassay.cli.ending import run_and_tell


@dataclass(frozen=True)
class Command:
    """The whole assay on simulated chests, without any download: about four minutes on two cores.

    Example: radassay demo --out runs/demo
    """

    out: Path = Path("runs/demo")
    """Folder of the run."""
    show_study: bool = False
    """Print the demo's study file, to start your own from, and do nothing else."""

    def run(self) -> int:
        """Run it."""
        from importlib.resources import files

        path = files("radassay.workbench") / "demo.toml"
        if self.show_study:
            print(path.read_text(encoding="utf-8"), end="")
            return 0
        import tomllib

        from radassay.workbench.study import study_of

        return run_and_tell(study_of(tomllib.loads(path.read_text(encoding="utf-8"))), self.out)
