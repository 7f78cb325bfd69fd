"""Parts of work shared out over processes, the results in the order of the parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from radassay.engine.processes import processes as pool_of

Part = TypeVar("Part")
Result = TypeVar("Result")


def shared(work: Callable[[Part], Result], parts: Sequence[Part], processes: int) -> Iterator[Result]:
    """Yield `work` of each part in turn; with several processes a few parts ahead, so that memory stays bounded."""
    if processes <= 1 or len(parts) < 2:
        yield from map(work, parts)
        return
    with pool_of(processes) as pool:
        for start in range(0, len(parts), 4 * processes):
            yield from pool.map(work, parts[start : start + 4 * processes])
