"""How long work tells how far it has come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """How far long work has come; the command line draws it, tests ignore it."""

    done: int
    total: int
    unit: str
    """What is counted, such as `images` or `steps`."""
    note: str = ""
    """Losses and the like, short."""
    task: str = ""
    """Which stage of a run this is; filled in by the workbench."""


Report = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """Ignore progress."""
