"""Amendments: what was changed in a plan after it was written down, when, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from radassay.errors import SettingsError


@dataclass(frozen=True)
class Amend:
    """Leave to change a plan that is written down already."""

    reason: str
    """Why, in the words of whoever changes it."""
    fields: tuple[str, ...]
    """Parts of the plan that may change, such as `trial`."""


@dataclass(frozen=True)
class Amendment:
    """One change of a plan."""

    at: str
    """When, in UTC."""
    reason: str
    changes: dict[str, list[Any]]
    """What it was and what it is, by dotted name."""
    after_stages: list[str]
    """What had been recorded by then: whoever changed it may have seen that."""


def amended(
    known: Mapping[str, Any], plan: Mapping[str, Any], amend: Amend, stages: Sequence[str]
) -> dict[str, Any] | None:
    """Return the amendment that makes one plan of the other as JSON values, or None where they are the same.

    Args:
        known: the plan that was written down.
        plan: the one that is asked for.
        amend: the leave to change it.
        stages: what is recorded already.

    Raises:
        SettingsError: the change touches other fields, or gives no reason.
    """
    changes = dict(differences(known, plan))
    if not changes:
        return None
    touched = sorted({name.split(".")[0] for name in changes})
    other = [name for name in touched if name not in amend.fields]
    if other:
        raise SettingsError(
            "An amendment cannot change this part of the plan",
            got=", ".join(other),
            possible=f"It may change: {', '.join(amend.fields)}. For anything else give a new folder with --out",
        )
    if not amend.reason.strip():
        raise SettingsError("An amendment needs a reason", possible='Such as --amend "sex is known after all"')
    return asdict(Amendment(datetime.now(UTC).isoformat(timespec="seconds"), amend.reason, changes, list(stages)))


def differences(old: Any, new: Any, name: str = "") -> Iterator[tuple[str, list[Any]]]:
    """Yield what differs between two JSON values by dotted name, as [old, new]; what is absent is None."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            yield from differences(old.get(key), new.get(key), f"{name}.{key}" if name else str(key))
    elif old != new:
        yield name, [old, new]
