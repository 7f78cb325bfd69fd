"""`radassay list`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

Kind = Literal["checks", "classifiers", "controls", "encoders", "generators", "probes"]


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
                told = (registry.load(kind, name).__doc__ or "").strip().splitlines()
                print(f"  {name:<18} {told[0] if told else ''}")
        return 0
