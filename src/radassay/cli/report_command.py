"""`radassay report`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from radassay.cli.ending import tell


@dataclass(frozen=True)
class Command:
    """Judge a sealed run again and draw its report; nothing is measured again.

    Example: radassay report runs/study --rules strict.toml
    """

    run_folder: Annotated[Path, tyro.conf.Positional]
    """Folder of a sealed run."""
    rules: str = ""
    """`local` (of a study), `audit`, or the path of a rule file; by default the built-in one of the run's kind."""

    def run(self) -> int:
        """Run it."""
        from radassay.workbench import audit, path

        if audit.is_audit(self.run_folder):
            return tell(audit.conclude(self.run_folder, self.rules or "audit"))
        return tell(path.conclude(self.run_folder, self.rules or "local"))
