"""Every registered check keeps the contract of `Check`."""

import dataclasses
import inspect
import math
from types import FunctionType

import numpy as np
import pandas as pd
import pytest

from radassay import registry
from radassay.contracts.check import Inputs
from radassay.evidence.finding import Finding
from radassay.images.imageset import NUMBER_COLUMNS, TEXT_COLUMNS
from radassay.images.sample import Sample
from radassay.images.store import pixels_id

NAMES = registry.names("checks")
SIDE = 32


def sample(name, n, seed, *, patients=True):
    """Smooth pictures; the sick have a bright place, and two images each come from one patient."""
    rng = np.random.default_rng(seed)
    labels = np.array(["covid" if (i // 2) % 2 else "normal" for i in range(n)], dtype=str)
    coarse = rng.normal(0.5, 0.15, (n, 4, 4))
    coarse[labels == "covid", 1, 1] += 0.15
    pixels = np.kron(coarse, np.ones((8, 8))) + rng.normal(0, 0.03, (n, SIDE, SIDE))
    pixels = np.clip(pixels, 0, 1).astype(np.float32)
    images = np.array([pixels_id(p) for p in pixels], dtype=str)
    codes = np.array([f"{name}{i // 2}" for i in range(n)], dtype=str)
    table = pd.DataFrame({column: [""] * n for column in TEXT_COLUMNS} | {c: [np.nan] * n for c in NUMBER_COLUMNS})
    table = table.assign(image=images, label=labels, label_source=labels, origin="acquired", format="png")
    table = table.assign(patient=codes if patients else "", height=64.0, width=64.0, channels=1.0, bits=8.0)
    table = table.assign(source=[f"{name}/{i}.png" for i in range(n)], low=0.0, high=255.0, site="a", split="train")
    units = codes if patients else np.char.add("image:", images)
    return Sample(name, pixels, labels, units, images, table["source"].to_numpy(dtype=str), table, patients)


def encode(pixels):
    n, size = len(pixels), pixels.shape[1] // 4
    return pixels.reshape(n, 4, size, 4, size).mean(axis=(2, 4)).reshape(n, 16).astype(np.float32)


def inputs(n=60, **changes):
    fields = {
        "training": sample("train", 2 * n, 1),
        "held_out": sample("held", n, 2),
        "synthetic": sample("made", n, 3, patients=False),
        "encode": encode,
        "encoder": "means",
        "positive": "covid",
    }
    return Inputs(**(fields | changes))


@pytest.fixture(scope="module", params=NAMES)
def check(request):
    return registry.load("checks", request.param)()


@pytest.fixture(scope="module")
def usual():
    return inputs()


@pytest.fixture(scope="module")
def findings(check, usual):
    return check.measure(usual, np.random.default_rng(0))


def holds_the_form(check, findings):
    assert isinstance(findings, list)
    assert findings
    for finding in findings:
        assert isinstance(finding, Finding)
        assert finding.check == check.name
        assert finding.role == "measurement"
        assert finding.control == ""
        assert finding.dose is None
        assert Finding.from_json(finding.to_json()).to_json() == finding.to_json()
        if finding.value is None:
            assert finding.reason
    ids = [finding.id for finding in findings]
    assert len(ids) == len(set(ids))


def test_it_says_what_it_is(check):
    assert check.name in NAMES
    assert check.question.endswith("?")
    assert check.reads in ("real", "synthetic")
    assert isinstance(check.matched, bool)
    assert isinstance(check.encoded, bool)
    assert set(check.watched.values()) <= {"higher", "lower"}
    assert dataclasses.is_dataclass(check)
    assert type(check).__dataclass_params__.frozen


def test_settings_are_explained(check):
    source = inspect.getsource(type(check))
    for field in dataclasses.fields(check):
        declared = source.split(f"\n    {field.name}: ", 1)[1].split("\n")
        assert declared[1].strip().startswith('"""'), field.name


def test_findings_have_a_value_with_an_interval_or_a_reason(check, findings):
    holds_the_form(check, findings)
    for finding in findings:
        if finding.value is not None:
            assert math.isfinite(finding.value)
            assert finding.low is not None or finding.reason, finding.key
            assert finding.inputs, finding.key
        if finding.low is not None:
            assert finding.low <= finding.value <= finding.high, finding.key
            assert finding.method, finding.key
            assert finding.n_patients, finding.key


def test_what_the_controls_watch_is_measured(check, findings):
    overall = {finding.name for finding in findings if finding.slice == "all"}
    assert set(check.watched) <= overall


def test_the_same_inputs_and_state_give_the_same_bytes(check, findings):
    again = check.measure(inputs(), np.random.default_rng(0))
    assert [f.to_json() for f in again] == [f.to_json() for f in findings]


def test_quick_gives_the_same_values_without_intervals(check, usual, findings):
    quick = check.quick()
    assert type(quick) is type(check)
    values = {f.id: f.value for f in findings}
    swift = quick.measure(usual, np.random.default_rng(0))
    holds_the_form(check, swift)
    assert {f.name for f in swift if f.slice == "all"} >= set(check.watched)
    for finding in swift:
        assert finding.value == values[finding.id], finding.key
    watched = [f for f in swift if f.name in check.watched and f.slice == "all"]
    assert all(f.low is None for f in watched)


def test_it_leaves_inputs_and_global_randomness_alone(check):
    given = inputs()
    before = [s.pixels.copy() for s in (given.training, given.held_out, given.synthetic)]
    state = np.random.get_state()[1].copy()  # noqa: NPY002 - that nobody uses it is the point
    check.measure(given, np.random.default_rng(0))
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    for old, now in zip(before, (given.training, given.held_out, given.synthetic), strict=True):
        np.testing.assert_array_equal(old, now.pixels)


def _flat(s):
    return s.changed(name=s.name, pixels=np.full_like(s.pixels, 0.5))


def _holed(s):
    pixels = s.pixels.copy()
    pixels[0, 3, 3] = np.nan
    return s.changed(name=s.name, pixels=pixels)


def _one_label(s):
    return s.changed(name=s.name, labels=np.full(len(s), "normal"), table=s.table.assign(label="normal"))


def _one_patient(s):
    return s.changed(name=s.name, patients=np.full(len(s), "p"), table=s.table.assign(patient="p"))


def _repeated(s):
    return s.take(np.zeros(len(s), dtype=int))


def _every(change):
    def bad():
        good = inputs()
        return good.but(
            training=change(good.training), held_out=change(good.held_out), synthetic=change(good.synthetic)
        )

    return bad


BAD = {
    "no synthetic images": lambda: inputs(synthetic=None),
    "one synthetic image": lambda: inputs(synthetic=sample("made", 1, 3)),
    "few synthetic images": lambda: inputs(synthetic=sample("made", 9, 3)),
    "few real images": lambda: inputs(training=sample("train", 4, 1), held_out=sample("held", 4, 2)),
    "no encoder": lambda: inputs(encode=None),
    "small sets": lambda: inputs(n=14),
    "flat images": _every(_flat),
    "images with a hole": _every(_holed),
    "one label": _every(_one_label),
    "one patient": _every(_one_patient),
    "one image again and again": _every(_repeated),
    "collapsed synthetic images": lambda: inputs(synthetic=_repeated(sample("made", 60, 3, patients=False))),
    "flat synthetic images": lambda: inputs(synthetic=_flat(sample("made", 60, 3))),
    "unknown labels": lambda: inputs(synthetic=sample("made", 60, 3).changed(name="made", labels=np.full(60, "other"))),
    "synthetic images are the training images": lambda: inputs(synthetic=sample("train", 120, 1)),
    "held-out images are the training images": lambda: inputs(held_out=sample("train", 120, 1)),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_data_are_no_exception(check, case):
    bad = BAD[case]()
    for form in (check, check.quick()):
        holds_the_form(form, form.measure(bad, np.random.default_rng(0)))


def test_no_check_knows_that_controls_exist(check):
    module = inspect.getmodule(type(check))
    known = [
        v.__module__ if isinstance(v, (FunctionType, type)) else getattr(v, "__name__", "")
        for v in vars(module).values()
    ]
    assert not any("controls" in str(name) for name in known)
