"""The record: nobody on both sides, nothing trained twice, the same scores however it ran."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from trial_samples import MeanDifference, sample, sets

from radassay.engine.spread import Where
from radassay.errors import RadassayError, RefusedError, SettingsError, StorageError
from radassay.stats.auc import auc
from radassay.trials.plan import TrialPlan
from radassay.trials.record import AT_ONCE, parted
from radassay.trials.trial import run_trial

PLAN = TrialPlan(
    arms=("real", "real+classical", "real+duplicates", "real+synthetic", "synthetic"),
    doses=(1.0,),
    curve=(),
    seeds=2,
    steps=1,
    resamples=100,
)


def run(folder, plan=PLAN, classifier=None, workers=1, report=lambda p: None, twins=(), **changes):
    outcome = run_trial(
        plan,
        classifier or MeanDifference(),
        sets(**changes),
        "covid",
        folder,
        report,
        twins=twins,
        where=Where(workers),
    )
    return outcome.predictions, outcome.findings


def records(folder):
    return sorted(folder.glob("records/*/*.parquet"))


def test_predictions_hold_one_row_an_arm_seed_and_scored_image(tmp_path):
    steps = []
    predictions, findings = run(tmp_path, report=steps.append)
    assert list(predictions.columns) == [
        *("arm", "seed", "fold", "image", "patient", "site", "sex", "age", "view", "label", "score")
    ]
    counts = predictions.groupby("fold", sort=False).size().to_dict()
    assert counts == {"validation": 10 * 20, "test": 10 * 120, "synthetic": 10 * 120}
    assert predictions.groupby("arm", sort=False).size().index.tolist() == list(PLAN.arms)
    assert predictions["label"].dtype == bool
    assert (steps[0].done, steps[-1].done, steps[-1].total) == (0, 10, 10)
    assert len({f.id for f in findings}) == len(findings)
    assert all(len(f.inputs) == 5 and f.check == "trial" for f in findings)


def test_the_arms_of_a_seed_share_their_start(tmp_path):
    log = tmp_path / "log"
    log.mkdir()
    run(tmp_path / "trial", classifier=MeanDifference(log=str(log)))
    seeds = [p.name.split("-")[2] for p in log.iterdir()]
    assert sorted(seeds.count(s) for s in set(seeds)) == [5, 5]


@pytest.mark.parametrize("worse", [False, True])
def test_all_other_arms_are_augmented_where_that_is_better_on_validation_images(tmp_path, worse):
    log = tmp_path / "log"
    log.mkdir()
    run(tmp_path / "trial", classifier=MeanDifference(log=str(log), diverges=worse))
    augmented = [p.name.split("-")[4] == "True" for p in sorted(log.iterdir(), key=lambda p: int(p.name.split("-")[0]))]
    assert augmented[:4] == [False, True, False, True]
    assert set(augmented[4:]) == {not worse}


def test_a_finished_trial_trains_nothing_again(tmp_path):
    log = tmp_path / "log"
    log.mkdir()
    classifier = MeanDifference(log=str(log))
    first, findings = run(tmp_path / "trial", classifier=classifier)
    again, same = run(tmp_path / "trial", classifier=classifier)
    assert len(list(log.iterdir())) == 10
    assert first.equals(again)
    assert [f.to_json() for f in findings] == [f.to_json() for f in same]


def test_more_seeds_and_another_margin_keep_what_was_trained(tmp_path):
    log = tmp_path / "log"
    log.mkdir()
    classifier = MeanDifference(log=str(log))
    run(tmp_path / "trial", classifier=classifier)
    run(tmp_path / "trial", replace(PLAN, seeds=3, margin=0.1, doses=(1.0, 2.0)), classifier)
    assert len(list(log.iterdir())) == 10 + 5 + 3


def test_workers_change_nothing(tmp_path):
    _, alone = run(tmp_path / "one")
    predictions, side_by_side = run(tmp_path / "two", workers=2)
    assert [f.to_json() for f in alone] == [f.to_json() for f in side_by_side]
    assert np.isfinite(predictions["score"]).all()


KILLED = """
import sys
sys.path.insert(0, {here!r})
from pathlib import Path
from trial_samples import MeanDifference, sets
from test_trial_record import PLAN
from radassay.trials.trial import run_trial
classifier = MeanDifference(log={log!r})
run_trial(PLAN, classifier, sets(), "covid", Path({folder!r}))
"""


def test_a_killed_trial_resumes_where_it_stopped(tmp_path):
    log, folder = tmp_path / "log", tmp_path / "trial"
    log.mkdir()
    code = KILLED.format(here=str(Path(__file__).parent), log=str(log), folder=str(folder))
    killed = subprocess.run([sys.executable, "-c", code], env={**os.environ, "DIES_AT": "4"})
    assert killed.returncode == 9
    assert len(records(folder)) == 4
    _, findings = run(folder, classifier=MeanDifference(log=str(log)))
    assert len(list(log.iterdir())) == 10
    _, undisturbed = run(tmp_path / "other")
    assert [f.to_json() for f in findings] == [f.to_json() for f in undisturbed]


def test_a_killed_worker_is_told_and_costs_no_finished_training(tmp_path, monkeypatch):
    log, folder = tmp_path / "log", tmp_path / "trial"
    log.mkdir()
    monkeypatch.setenv("DIES_AT", "6")
    with pytest.raises(RadassayError, match="run the same command again"):
        run(folder, classifier=MeanDifference(log=str(log)), workers=2)
    assert 1 <= len(records(folder)) <= 8


ORPHANED = """
import sys, time
sys.path.insert(0, {here!r})
from pathlib import Path
from dataclasses import replace
from trial_samples import MeanDifference, sets
from test_trial_record import PLAN
from radassay.engine.spread import Where
from radassay.trials.trial import run_trial
if __name__ == "__main__":
    classifier = MeanDifference(log={log!r}, slow_s=0.5)
    run_trial(replace(PLAN, seeds=50), classifier, sets(), "covid", Path({folder!r}), where=Where(2))
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
        {"plan": replace(PLAN, steps=2)},
        {"classifier": MeanDifference(slow_s=0.001)},
        {"training": sample("training", 20, 7)},
        {"test": sample("test", 60, 7)},
        {"synthetic": sample("synthetic", 60, 7)},
    ],
)
def test_trainings_of_another_recipe_are_kept_apart(tmp_path, changes):
    run(tmp_path)
    before = records(tmp_path)
    run(tmp_path, **changes)
    assert len(records(tmp_path)) == 20 and set(before) < set(records(tmp_path))


def test_a_record_that_does_not_fit_is_named(tmp_path):
    run(tmp_path)
    record, other = records(tmp_path)[:2]
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
    with pytest.raises(RefusedError, match="images of test must be acquired.*1 of 41.*fake02000000"):
        run(tmp_path, test=mixed("test", generated, [2]))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("role", ["training", "validation", "reserve"])
def test_generated_images_are_refused_where_real_ones_belong(tmp_path, role):
    with pytest.raises(RefusedError, match=f"images of {role} must be acquired"):
        run(tmp_path, **{role: sample(role, 20, 1, origin="generated")})


@pytest.mark.parametrize("role", ["training", "validation", "synthetic", "reserve"])
def test_an_image_on_both_sides_is_refused_by_name(tmp_path, role):
    with pytest.raises(RefusedError, match=f"2 of 120 images of test are also in {role}.*test05000000"):
        run(tmp_path, **{role: mixed(role, sets().test, [5, 6])})


@pytest.mark.parametrize("where", ["test", "B"])
def test_a_patient_on_both_sides_is_refused_without_being_named(tmp_path, where):
    training, outside = sample("training", 20, 1), sample("B", 60, 9)
    patients = np.where(training.patients == "training-0", f"{where}-7", training.patients)
    plan = replace(PLAN, external=("B",))
    with pytest.raises(RefusedError, match=f"2 of 120 images of {where} show a patient.*{where}14") as refused:
        run(
            tmp_path,
            plan,
            training=training.changed(name="training", patients=patients),
            external={"B": outside},
        )
    assert f"{where}-7" not in str(refused.value)


def test_a_radiograph_on_both_sides_is_refused_by_name(tmp_path):
    test, training = sets().test.images, sets().training.images
    with pytest.raises(RefusedError, match="1 test images show a radiograph.*test03"):
        run(tmp_path, twins=[(str(test[3]), str(training[0])), (str(test[3]), str(training[1]))])
    run(tmp_path, twins=[("of an image that was left out", str(training[0]))])


@pytest.mark.parametrize("origin", ["generated", "acquired"])
def test_a_generated_image_shows_nobody(tmp_path, origin):
    synthetic = sample("synthetic", 60, 4, origin=origin)
    named_alike = synthetic.changed(name="synthetic", patients=sets().test.patients)
    if origin == "generated":
        run(tmp_path, synthetic=named_alike)
    else:
        with pytest.raises(RefusedError, match="show a patient"):
            run(tmp_path, synthetic=named_alike)


def test_a_plan_and_the_external_sets_must_agree(tmp_path):
    with pytest.raises(SettingsError, match="external sets"):
        run(tmp_path, replace(PLAN, external=("B",)))


def test_too_few_synthetic_images_are_all_used_and_told(tmp_path):
    _, findings = run(tmp_path, synthetic=sample("synthetic", 5, 4))
    dose = next(f for f in findings if f.name == "synthetic_per_real")
    assert dose.value == 10 / 40
    assert "only 10 images" in dose.reason
    assert dose.details["counts"]["synthetic_positive"] == 6


def test_a_test_set_of_one_class_is_a_finding_with_its_reason(tmp_path):
    test = sets().test
    _, findings = run(tmp_path, test=test.take(test.labels == "covid"))
    lacking = [f for f in findings if f.name != "synthetic_per_real"]
    assert {"gain_over_controls", "auc_real"} < {f.name for f in lacking}
    assert all(f.value is None and "one class" in f.reason for f in lacking)


def test_a_training_that_diverged_takes_its_comparisons_with_it_and_no_more(tmp_path):
    _, findings = run(tmp_path, classifier=MeanDifference(diverges=True))
    unmeasured = {f.name for f in findings if f.value is None and "diverged" in f.reason}
    assert unmeasured == {"auc_real_classical", "gain_over_classical", "change_real_classical", "gain_over_controls"}
    assert next(f for f in findings if f.name == "gain_over_real").value is not None


@pytest.mark.parametrize("diverges", [True, False])
def test_the_best_classical_arm_is_augmented_as_the_arm_with_synthetic_images(tmp_path, diverges):
    predictions, findings = run(tmp_path, classifier=MeanDifference(diverges=diverges))
    seen = predictions[(predictions["fold"] == "validation") & predictions["score"].notna()]
    areas = {
        arm: np.mean([auc(part["score"].to_numpy(), part["label"].to_numpy()) for _, part in one.groupby("seed")])
        for arm, one in seen.groupby("arm")
    }
    augmented = areas.get("real+classical", -1) >= areas["real"]
    assert augmented != diverges
    against = next(f for f in findings if f.name == "gain_over_best_classical").details["against"]
    assert against == ("real+classical" if augmented else "real")
    assert all(("augmented" in path.name) == augmented for path in records(tmp_path) if "synthetic" in path.name)


@pytest.mark.parametrize(("seeds", "arms", "workers"), [(1, 12, 2), (10, 12, 2), (10, 10, 16), (1, 12, 7), (3, 2, 2)])
def test_groups_hold_every_training_once_of_one_seed_and_as_many_for_each_worker(seeds, arms, workers):
    trainings = [[(seed, arm) for arm in range(arms)] for seed in range(seeds)]
    groups = parted(trainings, workers)
    assert [each for group in groups for each in group] == [each for same in trainings for each in same]
    assert all(len({seed for seed, _ in group}) == 1 for group in groups)
    assert max(map(len, groups)) <= AT_ONCE and max(map(len, groups)) - min(map(len, groups)) <= 1
    assert len(groups) % workers == 0


def test_nothing_to_train_makes_no_group():
    assert parted([], 2) == []


def test_trainings_of_a_seed_are_handed_over_together(tmp_path):
    handed = []

    class Watched(MeanDifference):
        def fit_scores(self, pixels, jobs, validation, test, *, steps):
            handed.append([job.seed for job in jobs])
            yield from super().fit_scores(pixels, jobs, validation, test, steps=steps)

    run(tmp_path, classifier=Watched())
    assert [len(seeds) for seeds in handed] == [2, 2, 3, 3]
    assert all(len(set(seeds)) == 1 for seeds in handed)
