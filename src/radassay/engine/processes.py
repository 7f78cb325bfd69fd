"""Processes of our own: spawned, and ended with the one that started them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from typing import Any


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def one_thread() -> None:
    """Let the libraries of linear algebra that are loaded after this use one thread a process, unless told otherwise.

    Work is shared out over processes instead: small matrices gain little from threads, threads of several processes
    hold each other up, and with one thread a result does not depend on how many cores a machine has.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def processes(count: int, start: Callable[..., None] | None = None, *given: Any) -> ProcessPoolExecutor:
    """Return a pool of `count` processes, each of which calls `start(*given)` first.

    They are spawned, not forked, since a fork of a process in which torch has started threads may hang; and they end
    when this process is killed, where the pool alone would leave them waiting for ever.
    """
    return ProcessPoolExecutor(count, get_context("spawn"), _begin, (start, given))


def _begin(start: Callable[..., None] | None, given: tuple[Any, ...]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if start is not None:
        start(*given)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
