"""Plug-ins by kind and name, over entry points; built-ins use the same door as everybody else.

A package adds a plug-in with one line in its `pyproject.toml`::

    [project.entry-points."radassay.checks"]
    my-check = "my_package.module:MyCheck"
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from radassay.errors import UnknownName

KINDS = ("checks", "classifiers", "controls", "encoders", "generators", "probes", "volume-generators")


def _found(kind: str) -> dict[str, EntryPoint]:
    if kind not in KINDS:
        raise UnknownName("No such kind of plug-in", got=kind, possible="Kinds: " + ", ".join(KINDS))
    return {entry.name: entry for entry in entry_points(group=f"radassay.{kind}")}


def names(kind: str) -> list[str]:
    """Return the sorted names of all plug-ins of a kind, without importing them."""
    return sorted(_found(kind))


def load(kind: str, name: str) -> type[Any]:
    """Import and return the class of one plug-in.

    Raises:
        UnknownName: no plug-in of that kind has this name; the message lists those there are.
    """
    found = _found(kind)
    if name not in found:
        available = ", ".join(sorted(found)) or "none"
        raise UnknownName(f"No {kind.removesuffix('s')} named {name!r}", possible=f"Available: {available}")
    plugin: type[Any] = found[name].load()
    return plugin
