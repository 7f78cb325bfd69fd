"""Work gives the same results in this process, in several, and on a cluster."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

from radassay.engine.spread import Where, spread
from radassay.errors import RadassayError, SettingsError


def product(matrix, vector):
    return matrix @ vector


def slow_first(_, job):
    time.sleep(0.5 if job == 0 else 0.0)
    return os.getpid()


def fail(_, job):
    if job == 3:
        raise ValueError("job 3 cannot be done")
    return job


def die(_, job):
    os._exit(9)


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


def test_no_worker_named_is_one_a_processor():
    assert dict(spread(slow_first, None, range(1, 3), Where(0))).keys() == {0, 1}
    with pytest.raises(SettingsError, match="worker"):
        Where(-1)


def test_ray_is_asked_for_by_name_where_it_is_not_installed(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(SettingsError, match=r"radassay\[cluster\]"):
        list(spread(product, MATRIX, JOBS, Where(ray="auto")))


@pytest.fixture(scope="module")
def local_ray():
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'radassay[cluster]'")
    with pytest.MonkeyPatch.context() as patch:
        # workers on a cluster import what they run by its name
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))
        yield
        ray.shutdown()


@pytest.mark.slow
def test_ray_gives_what_one_process_gives(local_ray):
    here, found = results(Where()), results(Where(2, "local"))
    assert sorted(found) == list(range(9))
    for number in here:
        np.testing.assert_array_equal(found[number], here[number])


@pytest.mark.slow
def test_a_failure_on_ray_is_told_as_it_was(local_ray):
    with pytest.raises(ValueError, match="job 3"):
        list(spread(fail, None, range(8), Where(2, "local")))


@pytest.mark.slow
def test_what_ends_its_process_every_time_is_given_up_on_ray(local_ray):
    with pytest.raises(RadassayError, match="Job 0 was ended from outside 4 times"):
        list(spread(die, None, [0], Where(2, "local")))
