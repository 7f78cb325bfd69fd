"""`radassay verify`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro


@dataclass(frozen=True)
class Command:
    """Check that no byte of a sealed run has changed; a changed file is named.

    Example: radassay verify runs/study
    """

    run_folder: Annotated[Path, tyro.conf.Positional]
    """Folder of a sealed run."""

    def run(self) -> int:
        """Run it."""
        from radassay.evidence.run import Run

        record = Run.open_sealed(self.run_folder)
        print(f"unchanged: {len(record.findings())} findings in {self.run_folder}")
        return 0
