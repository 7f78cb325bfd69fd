"""Where controls are run: a blank is drawn, a fault planted, and all checks that ask for it measure, in any process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from threadpoolctl import threadpool_limits

from radassay.contracts.check import Check, Inputs
from radassay.contracts.defect import Defect
from radassay.controls.floor import blank
from radassay.controls.responses import Reading, readings
from radassay.controls.rows import RememberedRows
from radassay.controls.streams import Streams
from radassay.errors import RadassayError


@dataclass(frozen=True)
class Job:
    """The repeats of one dose of one defect; pictures altered alike come again within them."""

    kind: Literal["real", "synthetic"]
    """What the checks read."""
    defect: Defect | None
    """None for blanks."""
    dose: float
    repeats: tuple[int, ...]
    checks: tuple[str, ...]
    """Names of the checks that ask for it."""

    @property
    def name(self) -> str:
        """Return the defect's name; empty for blanks."""
        return self.defect.name if self.defect else ""


class Answer(NamedTuple):
    """What one check read in one repeat, or why it could not."""

    check: str
    read: dict[str, Reading] | str


@dataclass(frozen=True)
class Bench:
    """Everything that a job needs besides itself."""

    inputs: Mapping[str, Inputs]
    """The images that blanks are made of, by what the checks read."""
    checks: Mapping[str, Check]
    random: Streams
    images: int
    """Images on each side of a blank, at most."""
    encoders: dict[str, RememberedRows] = field(default_factory=dict)
    """The features met so far; made by the process that uses them."""

    def do(self, job: Job) -> list[Answer]:
        """Return the answers of a job's checks, repeat by repeat."""
        # One thread, so that the numbers are the same in this process and in one beside others.
        with threadpool_limits(1):
            answers = [answer for repeat in job.repeats for answer in self._repeat(job, repeat)]
        self._rows(job.kind).forget()
        return answers

    def _repeat(self, job: Job, repeat: int) -> list[Answer]:
        where = (job.name, float(job.dose), repeat)
        try:
            any_check = self.checks[job.checks[0]]
            planted = blank(self.inputs[job.kind], any_check, self.random("blank", job.kind, *where), self.images)
            if job.defect is not None:
                planted = job.defect.plant(planted, job.dose, self.random("plant", *where))
        except Exception as error:
            return [Answer(name, _why(error)) for name in job.checks]
        planted = self._rows(job.kind).attached(planted)
        return [Answer(name, self._read(self.checks[name], planted, *where)) for name in job.checks]

    def _read(self, check: Check, planted: Inputs, *where: Any) -> dict[str, Reading] | str:
        try:
            return readings(check, check.quick().measure(planted, self.random("measure", check.name, *where)))
        except Exception as error:
            return _why(error)

    def _rows(self, kind: str) -> RememberedRows:
        if kind not in self.encoders:
            self.encoders[kind] = RememberedRows(self.inputs[kind])
        return self.encoders[kind]


def _why(error: Exception) -> str:
    """Return the reason for a missing value; a user's error says it itself."""
    return str(error) if isinstance(error, RadassayError) else f"{type(error).__name__}: {error}"


_here: list[Bench] = []
"""The bench of this process, where it is one of several."""


def sit_down(bench: Bench) -> None:
    """Keep the bench for the jobs that come to this process."""
    _here[:] = [bench]


def at_bench(job: Job) -> list[Answer]:
    """Do a job at the bench of this process."""
    return _here[0].do(job)
