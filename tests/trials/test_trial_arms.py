"""Arms differ in the source of their extra images alone."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trial_samples import sample, sets

from radassay.errors import InputError
from radassay.trials.arms import CONTROLS, KINDS
from radassay.trials.material import Material, OnDisk
from radassay.trials.plan import TrialPlan
from radassay.trials.trial import arms_of

PLAN = TrialPlan()


def jobs(plan=PLAN, index=0, **changes):
    """Return the material and the job of every arm, by name."""
    material = Material.of(sets(**changes), "covid")
    return material, {a.name: material.job(plan, a, index, augment=False) for a in arms_of(plan, material)}


@given(st.floats(0.05, 8.0), st.integers(1, 30), st.integers(1, 80), st.booleans(), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_duplicates_match_the_synthetic_images_in_number_and_class(dose, real, made, shuffled, seed):
    training = sample("training", real + 1, 1, per_patient=1)
    synthetic = sample("synthetic", made, 4, per_patient=1, shuffled=shuffled)
    plan = TrialPlan(dose=dose, doses=(dose,), curve=(), seed=seed)
    material, found = jobs(plan, training=training, synthetic=synthetic)
    mixed, duplicates = found["real+synthetic"], found["real+duplicates"]
    np.testing.assert_array_equal(np.sort(mixed.targets), np.sort(duplicates.targets))
    assert len(mixed.rows) - len(training) == min(max(1, round(dose * len(training))), len(synthetic))
    repeats = duplicates.rows[len(training) :]
    assert (repeats < len(training)).all()
    for value in (True, False):
        uses = np.bincount(repeats, minlength=len(training))[material.targets[: len(training)] == value]
        assert np.ptp(uses) <= 1


def test_every_arm_holds_what_it_says():
    material, found = jobs()
    real, reserve = material.real, material.real + material.reserve
    for name, job in found.items():
        rows = job.rows if name == "synthetic" or name.startswith("real n=") else job.rows[real:]
        kinds = {"real": rows < real, "held-out": (rows >= real) & (rows < reserve), "synthetic": rows >= reserve}
        what = "held-out" if name == "real+held-out" else "real" if name == "real+duplicates" else "synthetic"
        if name.startswith("real n="):
            assert (kinds["real"] | kinds["held-out"]).all()
        else:
            assert kinds[what].all()
            assert job.core == (0 if name == "synthetic" else real)
        if name != "real+shuffled":
            np.testing.assert_array_equal(job.targets, material.targets[job.rows])
    shuffled, mixed = found["real+shuffled"], found["real+synthetic"]
    np.testing.assert_array_equal(shuffled.rows, mixed.rows)
    np.testing.assert_array_equal(shuffled.targets[:real], mixed.targets[:real])
    assert (shuffled.targets != mixed.targets).any() and shuffled.targets.sum() == mixed.targets.sum()
    assert found["real+reweighting"].balanced and not found["real"].balanced
    assert set(CONTROLS) < set(found) and len(found) > len(KINDS)


def test_arms_of_an_index_start_alike_and_indices_do_not():
    _, first = jobs()
    _, second = jobs(index=1)
    assert len({job.seed for job in first.values()}) == 1
    assert first["real"].seed != second["real"].seed
    assert set(first["real+synthetic"].rows) != set(second["real+synthetic"].rows)


def test_smaller_doses_are_part_of_larger_ones():
    _, found = jobs()
    doses = [set(found[f"real+synthetic{tail}"].rows.tolist()) for tail in (" x0.25", " x0.5", "", " x2")]
    assert all(a < b for a, b in pairwise(doses))


def test_doses_without_images_are_left_out_but_the_headline():
    _, found = jobs(synthetic=sample("synthetic", 10, 4))  # 20 images for 40 real ones
    assert {n for n in found if n.startswith("real+synthetic")} == {
        "real+synthetic",
        "real+synthetic x0.25",
        "real+synthetic x0.5",
    }


def test_the_learning_curve_takes_whole_patients_nested_and_training_patients_first():
    material, found = jobs()
    curve = {int(n.split("=")[1]): set(j.rows.tolist()) for n, j in found.items() if n.startswith("real n=")}
    assert sorted(curve) == [7, 12, 26, 32]
    for size, rows in curve.items():
        assert len({material.patients[r] for r in rows}) == size
        assert len(rows) == 2 * size  # every patient has two images
    assert curve[7] < curve[12] < curve[26] < curve[32]
    assert set(range(material.real)) < curve[26]


def test_without_a_reserve_nothing_asks_for_it():
    _, found = jobs(reserve=None)
    assert "real+held-out" not in found
    assert sorted(n for n in found if n.startswith("real n=")) == ["real n=12", "real n=7"]


def test_a_synthetic_class_without_real_images_is_refused():
    training = sample("training", 20, 1)
    with pytest.raises(InputError, match="lack a class"):
        jobs(training=training.take(training.labels == "other"))


def test_empty_sets_and_other_sizes_are_refused():
    small = sample("test", 4, 3)
    with pytest.raises(InputError, match="no images"):
        jobs(test=small.take([]))
    with pytest.raises(InputError, match="differ in size"):
        jobs(test=small.changed(name="t", pixels=small.pixels[:, :4, :4]))


def test_pixels_on_disk_are_the_pixels(tmp_path):
    material = Material.of(sets(external={"B": sample("B", 5, 9)}), "covid")
    read = OnDisk.written(material, tmp_path).open()
    np.testing.assert_array_equal(read.learned, material.learned)
    np.testing.assert_array_equal(read.asked, material.asked)
    assert isinstance(read.learned, np.memmap) and not read.learned.flags.writeable
    assert (read.real, read.reserve) == (material.real, material.reserve)
