"""Work spread over the processes of this machine or over a Ray cluster: the same results wherever it runs."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from radassay.engine.processes import cores, processes
from radassay.errors import RadassayError, SettingsError

Job = TypeVar("Job")
Result = TypeVar("Result")

AHEAD = 2
"""Jobs that wait for each worker, so that none is idle and memory does not grow with the jobs."""
TRIES_AGAIN = 3
"""How often a job is begun again elsewhere when its process or its machine has ended under it."""
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Where:
    """Where work runs.

    Raises:
        SettingsError: a number of workers below 0.
    """

    workers: int = 1
    """Processes of this machine, or tasks at once on the cluster; 0: as many as it has processors. 1 without a cluster
    works in this process."""
    ray: str = ""
    """Address of a Ray cluster, such as `auto` or `ray://head:10001`; `local` starts one here; empty for none."""

    def __post_init__(self) -> None:
        if self.workers < 0:
            raise SettingsError("There must be a worker", got=self.workers, possible="workers >= 1, or 0 for all")


def spread(
    work: Callable[[Any, Job], Result], shared: Any, jobs: Iterable[Job], where: Where
) -> Iterator[tuple[int, Result]]:
    """Yield (number of the job, `work(shared, job)`) as results come; at most a few jobs are on their way at once.

    On Ray, a job whose process or machine ends is begun again on another. What all jobs share and the results that
    were yielded are kept by this process, so that no other machine is needed to the end.

    Args:
        work: a function of a module, so that other processes find it.
        shared: what all jobs need; sent to each process, or each machine of the cluster, once.
        jobs: taken in their order, each when there is room for it.
        where: on this machine, or on Ray.

    Raises:
        SettingsError: Ray is asked for but not installed, or no cluster answers at the address.
        RadassayError: on Ray, a job was ended from outside each time that it was tried.
        BrokenProcessPool: on this machine, a process was ended from outside.
    """
    workers = where.workers or cores()
    if where.ray:
        yield from _on_ray(work, shared, jobs, where)
    elif workers == 1:
        yield from ((number, work(shared, job)) for number, job in enumerate(jobs))
    else:
        yield from _here(work, shared, jobs, workers)


def _here(work: Callable[[Any, Job], Result], shared: Any, jobs: Iterable[Job], workers: int) -> Iterator[Any]:
    with processes(workers, _share, work, shared) as pool:
        waiting: deque[tuple[int, Future[Any]]] = deque()
        try:
            for number, job in enumerate(jobs):
                if len(waiting) >= AHEAD * workers:
                    first, future = waiting.popleft()
                    yield first, future.result()
                waiting.append((number, pool.submit(_shared_work, job)))
            while waiting:
                first, future = waiting.popleft()
                yield first, future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


_GIVEN: list[Any] = []


def _share(work: Callable[[Any, Any], Any], shared: Any) -> None:
    """Keep what all jobs need, in a process of the pool."""
    _GIVEN[:] = [work, shared]


def _shared_work(job: Any) -> Any:
    work, shared = _GIVEN
    return work(shared, job)


def _on_ray(work: Callable[[Any, Job], Result], shared: Any, jobs: Iterable[Job], where: Where) -> Iterator[Any]:
    ray = _ray(where)
    given = ray.put(shared)
    task = ray.remote(num_cpus=1, max_retries=TRIES_AGAIN)(work)
    waiting: dict[Any, int] = {}
    try:
        for number, job in enumerate(jobs):
            # asked anew each time, since machines join and leave
            while len(waiting) >= AHEAD * (where.workers or _processors(ray)):
                yield _next(ray, waiting)
            waiting[task.remote(given, job)] = number
        while waiting:
            yield _next(ray, waiting)
    finally:
        for left in waiting:
            ray.cancel(left)


def _processors(ray: Any) -> int:
    return max(1, int(ray.cluster_resources().get("CPU", 1)))


def _next(ray: Any, waiting: dict[Any, int]) -> tuple[int, Any]:
    """Return the first result that has come."""
    ready = ray.wait(list(waiting), num_returns=1)[0][0]
    number = waiting.pop(ready)
    try:
        return number, ray.get(ready)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
    except ray.exceptions.RayError as error:
        raise RadassayError(
            f"Job {number} was ended from outside {TRIES_AGAIN + 1} times on the cluster, perhaps for want of memory",
            got=str(error).splitlines()[0],
            possible="What is finished is kept; run the same command again, on machines with more memory",
        ) from None


def _ray(where: Where) -> Any:
    """Return Ray, joined to its cluster; it reports nothing about its use to anyone."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise SettingsError(
            "Ray is not installed", got=f"a cluster at {where.ray}", possible="pip install 'radassay[cluster]'"
        ) from None
    if not ray.is_initialized():
        settings: dict[str, Any] = {}
        if where.ray == "local":
            count = where.workers or cores()
            settings = {"num_cpus": count, "include_dashboard": False, "_node_ip_address": LOOPBACK}
        try:
            ray.init(address=where.ray, log_to_driver=False, configure_logging=False, **settings)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise SettingsError(f"No Ray cluster answers at {where.ray}", got=str(error).splitlines()[0]) from None
    return ray
