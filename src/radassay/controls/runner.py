"""The runner of controls: blanks and planted defects go through the checks, limits of detection come out.

No check knows of it. A check of real images meets the defects that go into real images, a check of synthetic images
those that go into synthetic ones. Every repeat draws a new blank and plants once; all checks see the same pictures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from radassay.contracts import Check, Defect, Inputs, Progress, Report, silent
from radassay.controls.floor import blank
from radassay.controls.responses import BLANK, Condition, Responses
from radassay.controls.rows import RememberedRows
from radassay.errors import RadassayError, SettingsError
from radassay.evidence.finding import Finding


@dataclass(frozen=True)
class Controls:
    """How thoroughly the controls are run.

    Raises:
        SettingsError: too few blanks, repeats or draws.
    """

    blanks: int = 20
    """Runs without any fault; the limit of blank and the floor come from them."""
    repeats: int = 5
    """Runs at each dose of each planted defect."""
    draws: int = 1000
    """Bootstrap draws behind the interval of a limit of detection."""

    def __post_init__(self) -> None:
        for name, fewest in (("blanks", 3), ("repeats", 2), ("draws", 100)):
            if getattr(self, name) < fewest:
                raise SettingsError(
                    f"Controls need at least {fewest} {name}", got=getattr(self, name), possible=f"Raise {name}"
                )


class Streams:
    """Random streams by name, so that a new defect or check changes no other's numbers."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._root = int(rng.integers(2**63))

    def __call__(self, *names: object) -> np.random.Generator:
        """Return the stream of these names, always from its beginning."""
        digest = hashlib.sha256(repr(names).encode()).digest()
        words = [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 32, 4)]
        return np.random.default_rng(np.random.SeedSequence([self._root, *words]))


def run_controls(
    checks: Sequence[Check],
    defects: Sequence[Defect],
    inputs: Inputs,
    settings: Controls,
    rng: np.random.Generator,
    report: Report = silent,
) -> dict[str, list[Finding]]:
    """Return floor, planted values and limits of detection, by name of the check.

    The numbers of a check depend neither on the other checks nor on the other defects given; an exception in a check
    or a defect becomes a finding without value, and the others go on.

    Args:
        checks: the checks as they measure; the controls use their `quick` form.
        defects: the faults to plant; each check meets those of its kind.
        inputs: the user's images; blanks are made of the real ones.
        settings: numbers of repeats.
        rng: source of all randomness; one number is drawn from it.
        report: told after each planting.
    """
    return dict(each_check(checks, defects, inputs, settings, rng, report))


def each_check(
    checks: Sequence[Check],
    defects: Sequence[Defect],
    inputs: Inputs,
    settings: Controls,
    rng: np.random.Generator,
    report: Report = silent,
) -> Iterator[tuple[str, list[Finding]]]:
    """Yield the name and the findings of `run_controls` check by check, in the order given.

    Checks of one kind are worked on together when the first of them is due; those that watch nothing give nothing.
    """
    random = Streams(rng)
    kinds = {check.reads for check in checks if check.watched}
    total = sum(len(_conditions(kind, defects, settings)) for kind in kinds)
    done = 0
    finished: dict[str, list[Responses]] = {}
    for check in checks:
        kind = check.reads
        if not check.watched:
            yield check.name, []
            continue
        if kind not in finished:
            group = [Responses(one) for one in checks if one.reads == kind and one.watched]
            _respond(group, defects, inputs, settings, random, report, (done, total))
            done += len(_conditions(kind, defects, settings))
            finished[kind] = group
        responses = next(r for r in finished[kind] if r.check is check)
        fitting = [defect for defect in defects if _meets(check, defect)]
        yield check.name, responses.findings(fitting, inputs, random, settings.draws)


def _meets(check: Check, defect: Defect) -> bool:
    """Return whether a defect is planted for a check."""
    return defect.into == check.reads and (not check.meets or defect.name in check.meets)


def _conditions(kind: str, defects: Sequence[Defect], settings: Controls) -> list[tuple[Defect | None, Condition, int]]:
    """Return every run to be made: the defect (None: a blank), its condition, and the number of the repeat."""
    runs: list[tuple[Defect | None, Condition, int]] = [(None, BLANK, i) for i in range(settings.blanks)]
    for defect in defects:
        if defect.into == kind:
            runs += [(defect, (defect.name, dose), i) for dose in defect.doses for i in range(settings.repeats)]
    return runs


def _respond(
    group: Sequence[Responses],
    defects: Sequence[Defect],
    inputs: Inputs,
    settings: Controls,
    random: Streams,
    report: Report,
    progress: tuple[int, int],
) -> None:
    """Run all checks of one kind under every condition."""
    kind = group[0].check.reads
    encoder = RememberedRows(inputs)
    done, total = progress
    everyone = group
    for defect, condition, repeat in _conditions(kind, defects, settings):
        where = (*condition, repeat)
        done += 1
        group = [r for r in everyone if defect is None or _meets(r.check, defect)]
        if not group:
            continue
        try:
            clean = blank(inputs, group[0].check, random("blank", kind, *where))
            planted = clean if defect is None else defect.plant(clean, condition[1], random("plant", *where))
        except Exception as error:
            for responses in group:
                responses.fail(condition, _why(error))
        else:
            planted = encoder.attached(planted)
            for responses in group:
                check = responses.check
                try:
                    responses.note(condition, check.quick().measure(planted, random("measure", check.name, *where)))
                except Exception as error:
                    responses.fail(condition, _why(error))
            encoder.forget()
        report(Progress(done, total, "controls", condition[0] or "blank"))


def _why(error: Exception) -> str:
    """Return the reason for a missing value; a user's error says it itself."""
    return str(error) if isinstance(error, RadassayError) else f"{type(error).__name__}: {error}"
