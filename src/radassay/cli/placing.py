"""Where a command's trainings and encodings run: its `--workers` and `--ray`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from radassay.engine.spread import Where


@dataclass(frozen=True, kw_only=True)
class Placed:
    """Options of a command that trains or encodes much."""

    workers: int = 0
    """Processes side by side, or tasks at once on a cluster; 0 for as many as there are processors."""
    ray: str = ""
    """Address of a Ray cluster to work on, such as `auto` or `ray://head:10001`; `local` starts one here. Needs
    `pip install 'radassay[cluster]'`."""

    @property
    def where(self) -> Where:
        """Return where it runs.

        Raises:
            SettingsError: a number of workers below 0.
        """
        from radassay.engine.spread import Where

        return Where(self.workers, self.ray)
