"""Progress on the terminal: a bar for a person, a line now and then for a log file."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from radassay.contracts.progress import Progress

LOG_SECONDS = 15.0


@contextmanager
def progress() -> Iterator[Callable[[Progress], None]]:
    """Yield a reporter that shows rate and time left on the standard error stream."""
    if sys.stderr.isatty():
        with _bars() as report:
            yield report
    else:
        yield _Log().report


class _Log:
    """One line when a task, or what it counts, begins, and one every quarter of a minute."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], tuple[float, int]] = {}
        self.last = 0.0

    def report(self, progress: Progress) -> None:
        now, counted = time.monotonic(), (progress.task, progress.unit)
        if counted in self.known and now - self.last < LOG_SECONDS:
            return
        begun, first = self.known.setdefault(counted, (now, progress.done))
        self.last = now
        done, spent = progress.done - first, now - begun
        rate = f", {done / spent:.3g} {progress.unit}/s, {left(progress, done, spent)} left" if done and spent else ""
        note = f"  {progress.note}" if progress.note else ""
        print(
            f"{progress.task or 'work'}: {progress.done}/{progress.total} {progress.unit}{rate}{note}", file=sys.stderr
        )


def left(progress: Progress, done: int, spent: float) -> str:
    """Return the time left as minutes and seconds, from the rate since this process began the task."""
    seconds = int((progress.total - progress.done) * spent / done)
    return f"{seconds // 60}:{seconds % 60:02d}"


@contextmanager
def _bars() -> Iterator[Callable[[Progress], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description:<22}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Bars(*columns, console=Console(stderr=True)) as bars:
        known: dict[tuple[str, str], tuple[TaskID, float, int]] = {}

        def report(progress: Progress) -> None:
            counted = progress.task, progress.unit
            if counted not in known:
                number = bars.add_task(progress.task, total=progress.total, unit="", rate="", note="")
                known[counted] = (number, time.monotonic(), progress.done)
            number_, begun, first = known[counted]
            spent = time.monotonic() - begun
            rate = f"{(progress.done - first) / spent:.3g}/s" if spent > 1 else ""
            bars.update(
                number_,
                completed=progress.done,
                total=progress.total,
                unit=progress.unit,
                rate=rate,
                note=progress.note,
            )

        yield report
