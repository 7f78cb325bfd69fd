"""Parts of work shared out over processes, the results in the order of the parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from radassay.engine.processes import processes as pool_of

Part = TypeVar("Part")
Result = TypeVar("Result")
_given: list[Callable[[Any], Any]] = []


def shared(work: Callable[[Part], Result], parts: Sequence[Part], processes: int) -> Iterator[Result]:
    """Yield `work` of each part in turn; with several processes a few parts ahead, so that memory stays bounded.

    What `work` holds, such as described images, goes to each process once.
    """
    if processes <= 1 or len(parts) < 2:
        yield from map(work, parts)
        return
    with pool_of(processes, _take, work) as pool:
        for start in range(0, len(parts), 8 * processes):
            yield from pool.map(_do, parts[start : start + 8 * processes])


def _take(work: Callable[[Any], Any]) -> None:
    _given[:] = [work]


def _do(part: Any) -> Any:
    return _given[0](part)
