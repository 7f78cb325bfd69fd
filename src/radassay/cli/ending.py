"""How a run ends on the terminal: the answer, the ladder, the report's path."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from radassay.cli.progress import progress

if TYPE_CHECKING:
    from radassay.engine.spread import Where
    from radassay.evidence.finding import Finding
    from radassay.workbench.study import Study


class Ended(Protocol):
    """What a run or an audit ends in."""

    @property
    def text(self) -> str:
        """The answer, for the terminal."""

    @property
    def report(self) -> Path:
        """The HTML report."""

    @property
    def broken(self) -> tuple[Finding, ...]:
        """What failed and was recorded as not measured."""


def run_and_tell(study: Study, out: Path, *, where: Where | None = None, amend: str = "") -> int:
    """Run a study with progress and tell its outcome; see `radassay.workbench.path.run`."""
    from radassay.workbench.path import run

    with progress() as report:
        outcome = run(study, out, report, where=where, amend=amend)
    return tell(outcome)


def tell(outcome: Ended) -> int:
    """Print the verdict and the report's path last; return 1 when a check broke, else 0."""
    for broken in outcome.broken:
        print(f"not measured: {broken.check}: {broken.reason}", file=sys.stderr)
    print(outcome.text)
    print(f"report: {outcome.report}")
    return 1 if outcome.broken else 0
