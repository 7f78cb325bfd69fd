"""Every registered defect keeps the contract of `Defect`."""

import ast
import dataclasses
import inspect
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from radassay import registry
from radassay.contracts.check import Inputs
from radassay.errors import InputError
from radassay.images.sample import Sample
from radassay.images.store import pixels_id

NAMES = registry.names("controls")
SIDE = 32


def sample(name, n, seed):
    rng = np.random.default_rng(seed)
    pixels = rng.uniform(0.1, 0.9, (n, SIDE, SIDE)).astype(np.float32)
    labels = np.array(["covid" if i % 2 else "normal" for i in range(n)])
    images = np.array([pixels_id(p) for p in pixels])
    patients = np.array([f"{name}{i // 2}" for i in range(n)])
    table = pd.DataFrame({"image": images, "label": labels, "patient": patients, "site": "a"})
    return Sample(name, pixels, labels, patients, images, np.array([f"{name}/{i}.png" for i in range(n)]), table)


def fresh():
    return Inputs(sample("train", 60, 1), sample("held", 40, 2), sample("made", 50, 3), positive="covid")


@pytest.fixture
def inputs():
    return fresh()


@pytest.fixture(params=NAMES)
def defect(request):
    return registry.load("controls", request.param)()


def planted(defect, inputs, dose, seed=7):
    return defect.plant(inputs, dose, np.random.default_rng(seed))


def parts(inputs):
    return {name: getattr(inputs, name) for name in ("training", "held_out", "synthetic")}


def distance(one, other):
    """Return how far two inputs lie apart, in pixels and in labels."""
    total = 0.0
    for a, b in zip(parts(one).values(), parts(other).values(), strict=True):
        if len(a) != len(b) or list(a.sources) != list(b.sources):
            total += len(set(a.sources) ^ set(b.sources))
            continue
        total += np.abs(a.pixels - b.pixels).sum() + (a.labels != b.labels).sum()
    return total


def test_there_are_the_defects_of_the_assay_and_two_for_real_images():
    sets = {"copies", "near-copies", "collapse", "dropped-subgroup", "shuffled-labels", "corner-marker", "mirrored"}
    assert {*sets, "blur", "noise", "checkerboard", "wrong-window"} <= set(NAMES)
    assert {"corner-marker-real", "shared-images"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_a_frozen_dataclass_that_tells_its_settings(name):
    kind = registry.load("controls", name)
    assert dataclasses.is_dataclass(kind)
    assert kind.__dataclass_params__.frozen
    assert kind.name == name
    assert kind.what
    assert kind.unit
    assert kind.into in ("real", "synthetic")
    body = ast.parse(inspect.getsource(kind)).body[0].body
    for field in dataclasses.fields(kind):
        at = next(i for i, node in enumerate(body) if isinstance(node, ast.AnnAssign) and node.target.id == field.name)
        assert isinstance(body[at + 1], ast.Expr), f"{field.name} has no docstring"


def test_doses_ascend_from_above_zero(defect):
    assert defect.doses[0] > 0
    assert all(low < high for low, high in pairwise(defect.doses))


def test_dose_zero_changes_nothing(defect, inputs):
    after = planted(defect, inputs, 0.0)
    assert {k: s.fingerprint for k, s in parts(after).items()} == {k: s.fingerprint for k, s in parts(inputs).items()}


def test_a_larger_dose_is_a_worse_fault(defect, inputs):
    # Permuted labels fall on the old ones by chance, so only the mean over many plantings must grow.
    seeds = range(30) if defect.name == "shuffled-labels" else [7]
    damage = [np.mean([distance(inputs, planted(defect, inputs, d, s)) for s in seeds]) for d in (0.0, *defect.doses)]
    assert all(low <= high for low, high in pairwise(damage))
    assert damage[-1] > 0


def test_same_state_same_result(defect, inputs):
    one, two, other = (planted(defect, inputs, defect.doses[-1], seed) for seed in (1, 1, 2))
    for name in parts(one):
        assert parts(one)[name].fingerprint == parts(two)[name].fingerprint
    if not fixed(defect):
        assert distance(one, other) > 0


def fixed(defect):
    """Return whether nothing is left to chance at the largest dose."""
    everywhere = defect.name in ("blur", "noise", "checkerboard", "wrong-window")
    whole_group = defect.name.startswith("corner") or defect.name in ("mirrored", "dropped-subgroup")
    return everywhere or (whole_group and defect.doses[-1] == 1.0)


def test_it_changes_nothing_else(defect, inputs):
    before = fresh()
    after = planted(defect, inputs, defect.doses[-1])
    for name, part in parts(inputs).items():
        assert part.fingerprint == parts(before)[name].fingerprint, "the input itself was changed"
        pd.testing.assert_frame_equal(part.table, parts(before)[name].table)
    touched = {"synthetic"} if defect.into == "synthetic" else {"training", "held_out"}
    for name in set(parts(inputs)) - touched:
        assert parts(after)[name] is parts(inputs)[name]


def test_planted_images_are_images_with_their_own_ids(defect, inputs):
    after = planted(defect, inputs, defect.doses[-1])
    for name, part in parts(after).items():
        old = parts(inputs)[name]
        assert part.pixels.dtype == np.float32
        assert part.pixels.shape[1:] == old.pixels.shape[1:]
        assert 0.0 <= part.pixels.min() <= part.pixels.max() <= 1.0
        old = old.take(np.isin(old.sources, part.sources))
        assert list(part.sources) == list(old.sources), "images may be left out, not added"
        assert (part.patients == old.patients).all()
        assert list(part.images) == [pixels_id(p) for p in part.pixels]
        assert list(part.table["image"]) == list(part.images)
        assert list(part.table["label"]) == list(part.labels)
        if part.fingerprint != old.fingerprint and (part.labels == old.labels).all():
            assert set(part.images) != set(old.images)


def test_without_the_images_it_needs_it_refuses(defect, inputs):
    if defect.into == "synthetic":
        with pytest.raises(InputError, match="no synthetic images"):
            planted(defect, inputs.but(synthetic=None), defect.doses[-1])
    if defect.name.startswith("corner"):
        with pytest.raises(InputError, match="positive class"):
            planted(defect, inputs.but(positive=""), defect.doses[-1])
    with pytest.raises(InputError):
        planted(defect, inputs, -0.1)
