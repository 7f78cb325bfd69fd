"""A trial on a cluster of two machines, one of which is killed: the findings of an undisturbed run in one process."""

import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from trial_samples import MeanDifference, sets

from radassay.engine.spread import Where
from radassay.trials.plan import TrialPlan
from radassay.trials.trial import run_trial

PLAN = TrialPlan(
    arms=("real", "real+classical", "real+duplicates", "real+synthetic", "synthetic"),
    doses=(1.0,),
    curve=(),
    seeds=4,
    steps=1,
    resamples=100,
)
TRAININGS = 20
LOOPBACK = "127.0.0.1"
NOTICED_SOON = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 500, "health_check_failure_threshold": 2}


def run(folder, log, where, report=lambda p: None):
    log.mkdir()
    # slow enough to be killed in the midst of a training
    classifier = MeanDifference(log=str(log), slow_s=0.0 if where == Where() else 0.7)
    outcome = run_trial(PLAN, classifier, sets(), "covid", folder, report, where=where)
    return outcome.predictions, [f.to_json() for f in outcome.findings]


@pytest.fixture
def bounded():
    def out_of_time(*_):
        raise TimeoutError("the trial on the cluster did not end")

    before = signal.signal(signal.SIGALRM, out_of_time)
    signal.alarm(120)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def cluster(bounded, monkeypatch):
    """A head with this process and one more node, both on loopback, one training at a time each."""
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'radassay[cluster]'")
    from ray.cluster_utils import Cluster

    # otherwise Ray takes loopback for the address by which other machines reach this one
    monkeypatch.setattr("ray._private.ray_constants.ENABLE_RAY_CLUSTER", False)
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    # workers on a cluster import what they run by its name
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    alike = {"num_cpus": 1, "node_ip_address": LOOPBACK, "object_store_memory": 100 << 20}
    made = Cluster()
    try:
        made.add_node(**alike, include_dashboard=False, _system_config=NOTICED_SOON)
        second = made.add_node(**alike)
        made.wait_for_nodes(timeout=60)
        yield made.address, second
    finally:
        ray.shutdown()
        made.shutdown()


@dataclass
class Killer:
    """Kills a node with all its processes when some records are written and it has just begun another training."""

    node: object
    log: Path
    records: Path
    killed: bool = False
    kept: dict = field(default_factory=dict)

    def __call__(self, progress):
        if self.killed or progress.done < 3:
            return
        before = set(self.log.iterdir())
        started = time.monotonic()
        while not any(pid_of(p) in self.pids() for p in set(self.log.iterdir()) - before):
            if time.monotonic() - started > 3:
                return
            time.sleep(0.02)
        self.kept = {p: p.stat().st_mtime_ns for p in self.records.rglob("*.parquet")}
        for pid in sorted(self.pids()):
            psutil.Process(pid).kill()
        self.killed = True

    def pids(self):
        raylet = self.node.all_processes["raylet"][0].process
        return {raylet.pid} | {child.pid for child in psutil.Process(raylet.pid).children(recursive=True)}


def pid_of(logged):
    return int(logged.name.split("-")[1])


@pytest.mark.slow
def test_a_killed_node_changes_no_finding(cluster, tmp_path):
    address, second = cluster
    predictions, findings = run(tmp_path / "alone", tmp_path / "log-alone", Where())
    killer = Killer(second, tmp_path / "log", tmp_path / "spread")
    spread_out, same = run(tmp_path / "spread", tmp_path / "log", Where(0, address), killer)
    assert killer.killed
    assert same == findings
    assert spread_out.equals(predictions)
    assert len({pid_of(p) for p in (tmp_path / "log").iterdir()}) > 1
    # the training that was lost was done anew, and none whose record was there
    assert TRAININGS < len(list((tmp_path / "log").iterdir())) <= TRAININGS + 2
    assert len(killer.kept) >= 3
    assert {p: p.stat().st_mtime_ns for p in killer.kept} == killer.kept
