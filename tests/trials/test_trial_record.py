"""The record: nobody on both sides, nothing trained twice, the same scores however it ran."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from trial_samples import MeanDifference, sample, samples

from radassay.errors import RadassayError, RefusedError, SettingsError, StorageError
from radassay.trials.plan import TrialPlan
from radassay.trials.record import run_trial

PLAN = TrialPlan(seeds=2, steps=1, resamples=100)


def run(folder, plan=PLAN, classifier=None, workers=1, report=lambda p: None, **changes):
    return run_trial(
        plan, classifier or MeanDifference(), *samples(**changes), "covid", folder, report, workers=workers
    )


def test_predictions_hold_one_row_an_arm_seed_and_image(tmp_path):
    steps = []
    predictions, findings = run(tmp_path, report=steps.append)
    assert list(predictions.columns) == ["arm", "seed", "patient", "image", "label", "score"]
    assert len(predictions) == 5 * 2 * 120
    assert predictions.groupby("arm", sort=False).size().index.tolist() == list(PLAN.arms)
    assert predictions["label"].dtype == bool
    assert (steps[0].done, steps[-1].done, steps[-1].total) == (0, 10, 10)
    assert len({f.id for f in findings}) == len(findings)
    assert all(len(f.inputs) == 4 and f.check == "trial" for f in findings)


def test_the_arms_of_a_seed_share_their_start(tmp_path):
    log = tmp_path / "log"
    log.mkdir()
    run(tmp_path / "trial", classifier=MeanDifference(log=str(log)))
    seeds = [p.name.split("-")[2] for p in log.iterdir()]
    assert sorted(seeds.count(s) for s in set(seeds)) == [5, 5]


def test_a_finished_trial_trains_nothing_again(tmp_path):
    log = tmp_path / "log"
    log.mkdir()
    classifier = MeanDifference(log=str(log))
    first, findings = run(tmp_path / "trial", classifier=classifier)
    again, same = run(tmp_path / "trial", classifier=classifier)
    assert len(list(log.iterdir())) == 10
    assert first.equals(again)
    assert [f.to_json() for f in findings] == [f.to_json() for f in same]


def test_workers_change_nothing(tmp_path):
    _, alone = run(tmp_path / "one")
    predictions, side_by_side = run(tmp_path / "two", workers=2)
    assert [f.to_json() for f in alone] == [f.to_json() for f in side_by_side]
    assert np.isfinite(predictions["score"]).all()


KILLED = """
import sys
sys.path.insert(0, {here!r})
from pathlib import Path
from trial_samples import MeanDifference, samples
from radassay.trials.plan import TrialPlan
from radassay.trials.record import run_trial
classifier = MeanDifference(log={log!r}, dies_at=int(sys.argv[1]))
run_trial(TrialPlan(seeds=2, steps=1, resamples=100), classifier, *samples(), "covid", Path({folder!r}))
"""


def test_a_killed_trial_resumes_where_it_stopped(tmp_path):
    log, folder = tmp_path / "log", tmp_path / "trial"
    log.mkdir()
    code = KILLED.format(here=str(Path(__file__).parent), log=str(log), folder=str(folder))
    killed = subprocess.run([sys.executable, "-c", code, "4"])
    assert killed.returncode == 9
    assert len(list((folder / "records").glob("*.parquet"))) == 4
    (folder / "plan.json").write_text((folder / "plan.json").read_text().replace("dies_at=4", "dies_at=-1"))
    _, findings = run(folder, classifier=MeanDifference(log=str(log)))
    assert len(list(log.iterdir())) == 10
    _, undisturbed = run(tmp_path / "other")
    assert [f.to_json() for f in findings] == [f.to_json() for f in undisturbed]


def test_a_killed_worker_is_told_and_costs_no_finished_training(tmp_path):
    log, folder = tmp_path / "log", tmp_path / "trial"
    log.mkdir()
    with pytest.raises(RadassayError, match="run the same command again"):
        run(folder, classifier=MeanDifference(log=str(log), dies_at=6), workers=2)
    done = len(list((folder / "records").glob("*.parquet")))
    assert 1 <= done <= 8


ORPHANED = """
import sys, time
sys.path.insert(0, {here!r})
from pathlib import Path
from trial_samples import MeanDifference, samples
from radassay.trials.plan import TrialPlan
from radassay.trials.record import run_trial
if __name__ == "__main__":
    classifier = MeanDifference(log={log!r}, slow_s=0.5)
    plan = TrialPlan(seeds=50, steps=1, resamples=100)
    run_trial(plan, classifier, *samples(), "covid", Path({folder!r}), workers=2)
"""


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs /proc to see processes")
def test_workers_end_with_a_killed_trial(tmp_path):
    log = tmp_path / "log"
    log.mkdir()
    script = tmp_path / "script.py"
    script.write_text(ORPHANED.format(here=str(Path(__file__).parent), log=str(log), folder=str(tmp_path / "trial")))
    parent = subprocess.Popen([sys.executable, str(script)])
    try:
        wait_until(lambda: len({p.name.split("-")[1] for p in log.iterdir()}) == 2)
    finally:
        parent.kill()
        parent.wait()
    workers = {p.name.split("-")[1] for p in log.iterdir()}
    wait_until(lambda: not any(alive(pid) for pid in workers))


def alive(pid):
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


def wait_until(condition, limit_s=60.0):
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < limit_s
        time.sleep(0.05)


@pytest.mark.parametrize(
    "changes",
    [
        {"plan": TrialPlan(seeds=3, steps=1, resamples=100)},
        {"classifier": MeanDifference(diverges=True)},
        {"training": sample("training", 20, 7)},
        {"test": sample("test", 60, 7)},
        {"synthetic": sample("synthetic", 60, 7)},
    ],
)
def test_records_of_another_trial_are_refused(tmp_path, changes):
    run(tmp_path)
    with pytest.raises(SettingsError, match="records of another trial"):
        run(tmp_path, **changes)


def test_a_record_that_does_not_fit_is_named(tmp_path):
    run(tmp_path)
    record = sorted((tmp_path / "records").iterdir())[0]
    other = sorted((tmp_path / "records").iterdir())[1]
    import pandas as pd

    pd.read_parquet(other).head(3).to_parquet(record)
    with pytest.raises(StorageError, match=record.name):
        run(tmp_path)


def test_a_folder_that_cannot_be_written_is_an_error_of_ours(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        run(tmp_path / "file" / "trial")


def mixed(name, other, rows):
    """Return the sample `name` with the images of another at its end."""
    return sample(name, 20, 3).joined(other.take(rows), name)


def test_a_generated_image_in_the_test_set_is_refused_by_name(tmp_path):
    generated = sample("fake", 3, 8, origin="generated")
    with pytest.raises(RefusedError, match="test images must be acquired.*1 of 41.*fake02000000"):
        run(tmp_path, test=mixed("test", generated, [2]))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("role", ["training", "validation"])
def test_generated_images_are_refused_where_real_ones_belong(tmp_path, role):
    with pytest.raises(RefusedError, match=f"{role} images must be acquired"):
        run(tmp_path, **{role: sample(role, 20, 1, origin="generated")})


@pytest.mark.parametrize("role", ["training", "validation", "synthetic"])
def test_an_image_on_both_sides_is_refused_by_name(tmp_path, role):
    test = samples()[2]
    with pytest.raises(RefusedError, match=f"2 of 120 test images are also in {role}.*test05000000"):
        run(tmp_path, **{role: mixed(role, test, [5, 6])})


def test_a_patient_on_both_sides_is_refused_without_being_named(tmp_path):
    training = sample("training", 20, 1)
    patients = training.patients.copy()
    patients[:] = np.where(patients == "training-0", "test-7", patients)
    with pytest.raises(RefusedError, match="2 of 120 test images show a patient.*test14000000") as refused:
        run(tmp_path, training=training.changed(name="training", patients=patients))
    assert "test-7" not in str(refused.value)


@pytest.mark.parametrize("origin", ["generated", "acquired"])
def test_a_generated_image_shows_nobody(tmp_path, origin):
    synthetic = sample("synthetic", 60, 4, origin=origin)
    named_alike = synthetic.changed(name="synthetic", patients=samples()[2].patients)
    if origin == "generated":
        run(tmp_path, synthetic=named_alike)
    else:
        with pytest.raises(RefusedError, match="show a patient"):
            run(tmp_path, synthetic=named_alike)


def test_too_few_synthetic_images_are_all_used_and_told(tmp_path):
    _, findings = run(tmp_path, synthetic=sample("synthetic", 5, 4))
    dose = next(f for f in findings if f.name == "synthetic_per_real")
    assert dose.value == 10 / 40
    assert "only 10 images" in dose.reason
    assert dose.details["counts"]["synthetic_positive"] == 6


def test_a_test_set_of_one_class_is_a_finding_with_its_reason(tmp_path):
    test = samples()[2]
    _, findings = run(tmp_path, test=test.take(test.labels == "covid"))
    lacking = [f for f in findings if f.name != "synthetic_per_real"]
    assert {"gain_over_controls", "auc_real"} < {f.name for f in lacking}
    assert all(f.value is None and "one class" in f.reason for f in lacking)


def test_a_training_that_diverged_takes_its_comparisons_with_it_and_no_more(tmp_path):
    _, findings = run(tmp_path, classifier=MeanDifference(diverges=True))
    unmeasured = {f.name for f in findings if f.value is None}
    assert unmeasured == {"auc_real_classical", "gain_over_classical", "change_real_classical", "gain_over_controls"}
    assert all("diverged" in f.reason for f in findings if f.value is None)
