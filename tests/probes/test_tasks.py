"""Tasks: who is asked about, and why not."""

import numpy as np
from subjects import drawn, subject

from radassay.probes.tasks import tasks

RNG = np.random.default_rng(0)


def labelled(labels, name="a", patients=None):
    pictures = [RNG.integers(0, 255, (8, 8)).astype(np.uint8) for _ in labels]
    return drawn(pictures, name, label=list(labels), **({"patient": patients} if patients else {}))


def test_named_positives_make_one_task_a_set_and_leave_unlabelled_images_out():
    labels = ["covid"] * 12 + ["flu"] * 12 + [""] * 3
    (task,) = tasks(subject(labelled(labels), positive=("covid",)))
    assert task.slice == "set=a"
    assert task.refusal == ""
    assert len(task.images) == 24
    assert task.positive.sum() == 12


def test_without_positives_each_frequent_label_is_asked_about_and_images_count_through_the_sets():
    first = labelled(["x"] * 12 + ["y"] * 12 + ["z"] * 11)
    second = labelled(["x"] * 20 + ["y"] * 15, "b")
    found = tasks(subject(first, second))
    assert [t.slice for t in found] == ["set=a, label=x", "set=a, label=y", "set=a, label=z", "set=b, label=y"]
    assert found[-1].images.min() == 35
    table = subject(first, second).table
    for task in found:
        assert (table["label"].to_numpy()[task.images[task.positive]] == task.label).all()


def test_patients_are_counted_not_images():
    patients = ["p1"] * 15 + [f"q{i}" for i in range(15)]
    (task,) = tasks(subject(labelled(["ill"] * 15 + ["well"] * 15, patients=patients), positive=("ill",)))
    assert "1 with and 15 without" in task.refusal


def test_a_set_without_labels_says_so():
    (task,) = tasks(subject(labelled([""] * 5)))
    assert task.refusal == "no image has a label"
