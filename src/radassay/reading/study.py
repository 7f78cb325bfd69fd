"""The folder of a reader study: served, key and plan.json side by side."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from radassay.errors import InputError, RefusedError, SettingsError
from radassay.evidence.finding import Finding
from radassay.evidence.run import storage, write_atomic
from radassay.reading.key import Key, write_key
from radassay.reading.plan import ReadingPlan

PLAN = "plan.json"


@dataclass(frozen=True)
class Planned:
    """A study that was planned."""

    plan: ReadingPlan
    served: str
    """SHA-256 of `study.json` as it was written."""
    before: tuple[Finding, ...]
    """Leak test and power."""
    at: str
    """When it was planned."""


def require_new(folder: Path) -> None:
    """Refuse a folder that holds something: a study is planned once.

    Raises:
        SettingsError: it is not empty.
    """
    if folder.exists() and any(folder.iterdir()):
        raise SettingsError(f"{folder} is not empty", possible="Give a new folder with --out")


def write_study(
    folder: Path, plan: ReadingPlan, key: Key, before: Sequence[Finding], serve: Callable[[Path], str]
) -> None:
    """Write a study; `plan.json` comes last, so that a folder without it was never finished.

    Args:
        folder: new or empty.
        plan: the plan.
        key: which image is which.
        before: leak test and power.
        serve: writes the served folder and returns the SHA-256 of its `study.json`.

    Raises:
        StorageError: the folder cannot be written.
    """
    with storage(folder):
        folder.mkdir(parents=True, exist_ok=True)
        served = serve(folder / "served")
    content = {
        "plan": asdict(plan),
        "hash": plan.hash,
        "served": served,
        "key": write_key(folder / "key", key, folder / "served"),
        "before": [json.loads(finding.to_json()) for finding in before],
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    with storage(folder):
        write_atomic(folder / PLAN, (json.dumps(content, indent=1, sort_keys=True) + "\n").encode())


def read_study(folder: Path) -> Planned:
    """Return a planned study.

    Raises:
        InputError: there is none.
        RefusedError: the plan or what is served was changed since.
    """
    try:
        told = json.loads((folder / PLAN).read_bytes())
        fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in told["plan"].items()}
        plan = ReadingPlan(**fields)
        before = tuple(Finding.from_json(json.dumps(line)) for line in told["before"])
        planned = Planned(plan, told["served"], before, told["at"])
        served = hashlib.sha256((folder / "served" / "study.json").read_bytes()).hexdigest()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"No reader study can be read in {folder}",
            got=error,
            possible="Give the folder that `radassay reading plan` wrote",
        ) from None
    if plan.hash != told["hash"]:
        raise RefusedError("The plan was changed after it was hashed", got=plan.hash, possible=f"It was {told['hash']}")
    if served != planned.served:
        raise RefusedError("The served study was changed after it was planned", got=served, possible=planned.served)
    return planned
