import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

from radassay.errors import NotReproducible, RunAltered, RunUnfinished, SettingsError, StorageError
from radassay.evidence.finding import Finding
from radassay.evidence.run import Run

PLAN = {"study": {"name": "s"}, "seed": 1}


def findings(stage: str, count: int = 3) -> list[Finding]:
    return [Finding(check=stage, name=f"m{i}", value=float(i)) for i in range(count)]


def finished(path) -> Run:
    run = Run.start(path, PLAN, {"python": "3"})
    run.record("one", findings("one"), tables={"t": pd.DataFrame({"a": [1]})}, pictures={"p": b"png"})
    run.record("two", findings("two"))
    run.seal()
    return run


def test_what_is_recorded_is_read_back(tmp_path):
    finished(tmp_path / "run")
    run = Run.open_sealed(tmp_path / "run")
    assert [f.key for f in run.findings()] == ["one.m0", "one.m1", "one.m2", "two.m0", "two.m1", "two.m2"]
    assert run.table("t")["a"].tolist() == [1]
    assert run.pictures() == {"p": b"png"}
    assert run.stages() == ["one", "two"]


SEALED = ["run.json", "findings.jsonl", "stages.jsonl", "tables/t.parquet", "pictures/p.png", "seal.json"]


@pytest.mark.parametrize("name", SEALED)
def test_one_changed_bit_is_refused_by_name(tmp_path, name):
    finished(tmp_path)
    path = tmp_path / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 128
    path.write_bytes(content)
    with pytest.raises(RunAltered, match=name):
        Run.open_sealed(tmp_path)


def test_a_file_added_or_removed_under_the_seal_is_refused(tmp_path):
    finished(tmp_path)
    extra = tmp_path / "tables" / "extra.parquet"
    extra.write_bytes(b"x")
    with pytest.raises(RunAltered, match="extra.parquet was added"):
        Run.open_sealed(tmp_path)
    extra.unlink()
    (tmp_path / "pictures" / "p.png").unlink()
    with pytest.raises(RunAltered, match="p.png is missing"):
        Run.open_sealed(tmp_path)


def test_an_unfinished_run_is_not_read_as_evidence(tmp_path):
    with pytest.raises(RunUnfinished, match="holds no run"):
        Run.open_sealed(tmp_path / "nothing")
    Run.start(tmp_path / "run", PLAN)
    with pytest.raises(RunUnfinished, match="no seal"):
        Run.open_sealed(tmp_path / "run")


def test_recording_a_stage_twice_changes_nothing(tmp_path):
    run = Run.start(tmp_path, PLAN)
    run.record("one", findings("one"))
    before = (tmp_path / "findings.jsonl").read_bytes()
    run.record("one", findings("one"))
    assert (tmp_path / "findings.jsonl").read_bytes() == before


def test_a_stage_cut_off_before_its_mark_is_completed_not_doubled(tmp_path):
    run = Run.start(tmp_path, PLAN)
    run.record("one", findings("one"))
    whole = (tmp_path / "findings.jsonl").read_bytes()
    (tmp_path / "stages.jsonl").write_bytes(b"")
    (tmp_path / "findings.jsonl").write_bytes(whole[: len(whole) - 25])
    run._lock.close()
    again = Run.start(tmp_path, PLAN)
    assert len(again.findings()) == 2
    again.record("one", findings("one"))
    assert (tmp_path / "findings.jsonl").read_bytes() == whole


def test_a_repeated_stage_with_other_findings_is_refused(tmp_path):
    run = Run.start(tmp_path, PLAN)
    run.record("one", findings("one"))
    (tmp_path / "stages.jsonl").write_bytes(b"")
    with pytest.raises(NotReproducible, match=r"one\.m0"):
        run.record("one", [Finding(check="one", name="m0", value=9.0)])


def test_another_plan_is_refused_and_names_what_differs(tmp_path):
    Run.start(tmp_path, PLAN)._lock.close()
    with pytest.raises(SettingsError, match="other seed"):
        Run.start(tmp_path, {**PLAN, "seed": 2})


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path):
    (tmp_path / "thesis.docx").write_text("precious")
    with pytest.raises(SettingsError, match=r"thesis\.docx"):
        Run.start(tmp_path, PLAN)
    assert (tmp_path / "thesis.docx").read_text() == "precious"


def test_two_processes_cannot_work_in_one_run(tmp_path):
    run = Run.start(tmp_path, PLAN)
    with pytest.raises(StorageError, match="Another process"):
        Run.start(tmp_path, PLAN)
    assert run.stages() == []


def test_nothing_is_added_after_the_seal(tmp_path):
    run = finished(tmp_path)
    with pytest.raises(RunAltered, match="sealed"):
        run.record("three", findings("three"))


FULL = """
import resource, sys
from pathlib import Path
from radassay.errors import StorageError
from radassay.evidence.finding import Finding
from radassay.evidence.run import Run
run = Run.start(Path(sys.argv[1]), {"p": 1})
run.record("one", [Finding(check="one", name="m", value=1.0)])
resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))
try:
    run.record("two", [Finding(check="two", name=f"m{i}", value=1.0) for i in range(50)])
except StorageError as error:
    print("refused:", error)
"""


def test_a_full_disk_is_an_error_that_loses_no_finding(tmp_path):
    told = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True)
    assert "refused: Cannot write in" in told.stdout
    assert "Findings already recorded are safe" in told.stdout
    run = Run.start(tmp_path, {"p": 1})
    assert [f.key for f in run.findings()] == ["one.m"]
    assert run.stages() == ["one"]


KILLED = """
import sys, time
from pathlib import Path
from radassay.evidence.finding import Finding
from radassay.evidence.run import Run
run = Run.start(Path(sys.argv[1]), {"p": 1})
print("up", flush=True)
for stage in range(200):
    run.record(f"s{stage}", [Finding(check=f"s{stage}", name=f"m{i}", value=float(i)) for i in range(5)])
run.seal()
"""


def test_killed_again_and_again_it_ends_in_the_same_findings(tmp_path):
    for wait in (0.02, 0.1, 0.25, 0.4):
        child = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path / "cut")], stdout=subprocess.PIPE)
        child.stdout.readline()
        time.sleep(wait)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
    for name in ("cut", "whole"):
        subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / name)], check=True, stdout=subprocess.DEVNULL)
    assert (tmp_path / "cut/findings.jsonl").read_bytes() == (tmp_path / "whole/findings.jsonl").read_bytes()
    assert Run.open_sealed(tmp_path / "cut").stages() == [f"s{i}" for i in range(200)]
