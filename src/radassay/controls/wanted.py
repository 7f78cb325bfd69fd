"""Which controls are run: every defect that a check can meet, or the part that somebody asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from radassay.contracts.check import Check
from radassay.contracts.defect import Defect

Plan = Mapping[str, tuple[Defect, ...]]
"""By name of a check's measure: the defects planted under it, with the doses tried."""


@dataclass(frozen=True)
class Wanted:
    """The part of the controls that is run, such as what rules name, where all of them would cost too much."""

    doses: Mapping[str, Mapping[str, tuple[float, ...]]]
    """By measure (`fidelity.kid`): the defects wanted by name, and their doses, which need not be the defect's own.

    A measure that is not named is not followed; one named without defects gets its floor alone.
    """


def plan_of(check: Check, defects: Sequence[Defect], wanted: Wanted | None = None) -> Plan:
    """Return the measures of a check that are followed and what is planted under each, in the order of both."""
    met = [d for d in defects if d.into == check.reads and (not check.meets or d.name in check.meets)]
    if wanted is None:
        return {measure: tuple(met) for measure in check.watched}
    return {
        measure: tuple(_with_doses(d, asked[d.name]) for d in met if asked.get(d.name))
        for measure in check.watched
        if (asked := wanted.doses.get(f"{check.name}.{measure}")) is not None
    }


def _with_doses(defect: Defect, doses: Sequence[float]) -> Defect:
    """Return the defect with other doses, ascending, each once."""
    changed: Defect = replace(defect, doses=tuple(sorted(set(doses))))  # type: ignore[type-var]
    return changed
