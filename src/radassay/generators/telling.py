"""What a training tells while it runs: losses, images a second, and alarms."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from radassay.contracts.progress import Progress, Report

REPORT_SECONDS = 0.3
"""Shortest time between two reports of progress."""


class Telling:
    """Reports progress in images, a few times a second at most."""

    def __init__(self, report: Report, total: int, done: int, note: str) -> None:
        self.report, self.total = report, total
        self.first, self.began, self.last = done, time.monotonic(), 0.0
        self.standing = ""
        self.line = note
        report(Progress(done, total, "images", note))

    def tell_once(self, note: str) -> None:
        """Report something that changed, and keep it at the end of the line from now on."""
        self.standing = note
        self.report(Progress(self.first, self.total, "images", note))

    def tell(self, seen: int, numbers: Mapping[str, float], alarms: Sequence[str], *, last: bool) -> None:
        """Report losses, rate and alarms, unless that was just done."""
        now = time.monotonic()
        if now - self.last < REPORT_SECONDS and not last:
            return
        rate = (seen - self.first) / max(now - self.began, 1e-9)
        parts = [f"{name[0].upper()} {value:.2f}" for name, value in numbers.items() if name != "diversity"]
        self.line = " ".join([*parts, f"{rate:.0f}/s", *alarms, *filter(None, [self.standing])])
        self.report(Progress(seen, self.total, "images", self.line))
        self.last = now
