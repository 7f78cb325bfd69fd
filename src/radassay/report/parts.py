"""Pieces that every page is made of: pictures, counts, and what a run says of itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from radassay.evidence.run import Run


@dataclass(frozen=True)
class Picture:
    """A PNG of the run with its caption."""

    name: str
    caption: str
    png: bytes = field(repr=False)

    @property
    def width(self) -> int:
        """Return its width in pixels, from the header of the PNG."""
        return int.from_bytes(self.png[16:20], "big")

    @property
    def sha256(self) -> str:
        """Return the digest of the PNG bytes."""
        return hashlib.sha256(self.png).hexdigest()


def mapping(value: Any) -> dict[str, Any]:
    """Return the value where it is a table, or an empty one."""
    return value if isinstance(value, dict) else {}


def counted(value: Any) -> str:
    """Return a count with its thousands apart; nothing for None."""
    return f"{value:,}" if isinstance(value, int) else "" if value is None else str(value)


def counts(value: Any) -> str:
    """Return a table of counts on one line."""
    return ", ".join(f"{k}: {counted(v)}" for k, v in value.items()) if isinstance(value, dict) else ""


def seconds(notes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the wall times that a run has noted."""
    spent = notes.get("seconds")
    return {"wall time": {str(k): f"{v} s" for k, v in spent.items()}} if isinstance(spent, dict) else {}


def seal_of(run: Run) -> Iterator[tuple[str, str]]:
    """Yield every sealed file with its SHA-256, the seal last."""
    path = run.path / "seal.json"
    if path.exists():
        yield from sorted(json.loads(path.read_text())["sha256"].items())
        yield "seal.json", hashlib.sha256(path.read_bytes()).hexdigest()


def flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield nested settings as `outer.inner` and text; empty ones are left out."""
    if isinstance(value, dict):
        for key in value:
            yield from flat(value[key], f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for place, item in enumerate(value, start=1):
            yield from flat(item, f"{name}.{place}")
    elif value not in ("", None, []):
        yield name, ", ".join(str(v) for v in value) if isinstance(value, list) else str(value)
