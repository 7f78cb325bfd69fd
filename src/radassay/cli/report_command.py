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
    rules: str = "local"
    """`local`, or the path of a rule file."""

    def run(self) -> int:
        """Run it."""
        from radassay.workbench.path import conclude

        return tell(conclude(self.run_folder, self.rules))
