"""Work gives the same results in this process, in several, and on a cluster."""

import os
import time

import numpy as np
import pytest
from scipy.spatial.distance import euclidean

from radassay.engine.spread import Where, spread
from radassay.errors import SettingsError


def product(matrix, vector):
    return matrix @ vector


def slow_first(_, job):
    time.sleep(0.5 if job == 0 else 0.0)
    return os.getpid()


def fail(_, job):
    if job == 3:
        raise ValueError("job 3 cannot be done")
    return job


MATRIX = np.random.default_rng(0).random((30, 30))
JOBS = [np.random.default_rng(i).random(30) for i in range(9)]


def results(where):
    return dict(spread(product, MATRIX, JOBS, where))


def test_several_processes_give_what_one_gives():
    one, two = results(Where()), results(Where(2))
    assert sorted(two) == list(range(9))
    for number, job in enumerate(JOBS):
        np.testing.assert_array_equal(one[number], MATRIX @ job)
        np.testing.assert_array_equal(two[number], one[number])


def test_other_processes_do_the_work():
    pids = set(dict(spread(slow_first, None, range(4), Where(2))).values())
    assert os.getpid() not in pids
    assert set(dict(spread(slow_first, None, range(1, 3), Where())).values()) == {os.getpid()}


@pytest.mark.parametrize("workers", [1, 2])
def test_jobs_are_made_when_there_is_room_for_them(workers):
    made = []

    def jobs():
        for number in range(40):
            made.append(number)
            yield JOBS[0]

    run = spread(product, MATRIX, jobs(), Where(workers))
    next(run)
    assert len(made) <= 2 * workers + 1
    run.close()


def test_a_failure_in_another_process_is_told_here():
    with pytest.raises(ValueError, match="job 3"):
        list(spread(fail, None, range(8), Where(2)))


def test_without_a_worker_nothing_can_be_done():
    with pytest.raises(SettingsError, match="worker"):
        Where(0)


def test_ray_is_asked_for_by_name_where_it_is_not_installed(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(SettingsError, match=r"radassay\[cluster\]"):
        list(spread(product, MATRIX, JOBS, Where(ray="auto")))


@pytest.mark.slow
def test_ray_gives_what_one_process_gives():
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'radassay[cluster]'")
    # a function that workers can import: they do not know the folder of tests
    here = dict(spread(euclidean, MATRIX[0], JOBS, Where()))
    try:
        found = dict(spread(euclidean, MATRIX[0], JOBS, Where(2, "local")))
    finally:
        ray.shutdown()
    assert found == here
    assert sorted(found) == list(range(9))
