"""`radassay list`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import tyro

Kind = Literal["checks", "classifiers", "controls", "encoders", "generators", "probes", "volume-generators"]


@dataclass(frozen=True)
class Command:
    """The plug-ins there are, each in a sentence.

    Example: radassay list checks
    """

    kinds: Annotated[tuple[Kind, ...], tyro.conf.Positional] = ()
    """Which kinds; all when none is named."""

    def run(self) -> int:
        """Run it."""
        from radassay import registry

        for kind in self.kinds or registry.KINDS:
            print(f"{kind}:")
            for name in registry.names(kind):
                plugin = registry.load(kind, name)
                told = (plugin.__doc__ or "").strip().splitlines()
                print(f"  {name:<18} {told[0] if told else ''}{lacking(plugin)}")
        return 0


def lacking(plugin: type[Any]) -> str:
    """Return what a plug-in still needs before it can be used, such as weights; nothing where it is ready."""
    missing = plugin().missing if hasattr(plugin, "missing") else ""
    return f" [not ready: {missing}]" if missing else ""
