"""Every registered probe keeps the contract of `Probe`."""

import dataclasses
import importlib
import inspect
import io
import math
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from radassay import registry
from radassay.checklists.rules import read_rules
from radassay.contracts.probe import Answer
from radassay.evidence.finding import Finding
from radassay.evidence.outcome import sets_of

sys.path.insert(0, str(Path(__file__).parents[1] / "probes"))
subjects = importlib.import_module("subjects")

NAMES = registry.names("probes")


def usual():
    return subjects.subject(subjects.phantoms(30, 5, size=96), subjects.phantoms(24, 6, size=96).with_columns(site=""))


@pytest.fixture(scope="module", params=NAMES)
def probe(request):
    return registry.load("probes", request.param)()


def subject():
    first, second = usual().sets
    return subjects.subject(
        dataclasses.replace(first, name="first"), dataclasses.replace(second, name="second"), positive=("disease",)
    )


@pytest.fixture(scope="module")
def answer(probe):
    return probe.measure(subject(), np.random.default_rng(0))


def test_it_says_what_it_is_and_explains_its_settings(probe):
    assert probe.name in NAMES
    assert probe.question.endswith("?")
    assert type(probe).__dataclass_params__.frozen
    source = inspect.getsource(type(probe))
    for field in dataclasses.fields(probe):
        declared = source.split(f"\n    {field.name}: ", 1)[1].split("\n")
        assert declared[1].strip().startswith('"""'), field.name


def test_findings_keep_their_form(probe, answer):
    assert isinstance(answer, Answer)
    assert answer.findings
    for finding in answer.findings:
        assert finding.check == probe.name
        assert finding.role in ("measurement", "limit")
        assert Finding.from_json(finding.to_json()).to_json() == finding.to_json()
        assert finding.value is None or math.isfinite(finding.value)
        assert set(sets_of(finding.slice)) <= {"first", "second"}, finding.slice
        if finding.role == "measurement" and finding.value is not None:
            assert finding.low is not None or finding.reason, finding.key
        if finding.low is not None:
            assert finding.low <= finding.value <= finding.high, finding.key
            assert finding.method, finding.key
    ids = [finding.id for finding in answer.findings]
    assert len(ids) == len(set(ids))


def test_every_rule_that_needs_a_limit_finds_one(probe, answer):
    limits = {(f.key, f.slice, f.control) for f in answer.findings if f.role == "limit"}
    for rule in read_rules("audit").rules:
        if rule.finding.split(".")[0] != probe.name:
            continue
        asked = [f for f in answer.findings if f.key == rule.finding and f.role == "measurement"]
        assert asked, f"nobody measures {rule.finding}"
        if rule.sensitivity:
            for finding in asked:
                if finding.value is not None:
                    assert (finding.key, finding.slice, rule.sensitivity.control) in limits, finding.key


def test_tables_and_pictures_can_be_kept(probe, answer, tmp_path):
    for name, table in answer.tables.items():
        assert isinstance(table, pd.DataFrame)
        assert name.isidentifier()
        table.to_parquet(tmp_path / f"{name}.parquet", index=False)
    assert set(answer.captions) == set(answer.pictures)
    for name, png in answer.pictures.items():
        assert name.startswith(probe.name)
        with Image.open(io.BytesIO(png), formats=["PNG"]) as picture:
            picture.verify()
        assert len(png) < 2_000_000, name


def test_the_same_subject_and_state_give_the_same_answer(probe, answer):
    again = probe.measure(subject(), np.random.default_rng(0))
    assert [f.to_json() for f in again.findings] == [f.to_json() for f in answer.findings]
    assert again.pictures == answer.pictures
    for name, table in answer.tables.items():
        pd.testing.assert_frame_equal(again.tables[name], table)


def test_no_identifier_of_a_patient_is_told(probe):
    images = subjects.phantoms(24, 7, size=64)
    secret = images.with_columns(patient=[f"MRN4711{row:03d}" for row in range(len(images))])
    told = probe.measure(subjects.subject(secret, positive=("disease",)), np.random.default_rng(0))
    assert "MRN4711" not in "".join(f.to_json() for f in told.findings)
    assert "MRN4711" not in "".join(table.to_csv() for table in told.tables.values())


ODD = {
    "one image": lambda: subjects.drawn([np.full((40, 30), 7, np.uint8)]),
    "constant images": lambda: subjects.drawn(
        [np.full((40, 30), v, np.uint8) for v in range(24)], label=["a", "b"] * 12
    ),
    "tiny images": lambda: subjects.drawn(
        [np.random.default_rng(i).integers(0, 255, (3, 5)).astype(np.uint8) for i in range(24)], label=["a", "b"] * 12
    ),
    "colour": lambda: subjects.drawn(
        [np.random.default_rng(i).integers(0, 255, (64, 48, 3)).astype(np.uint8) for i in range(24)],
        label=["a", "b"] * 12,
    ),
    "no labels": lambda: subjects.drawn(
        [np.random.default_rng(i).integers(0, 255, (64, 48)).astype(np.uint8) for i in range(12)]
    ),
}


@pytest.mark.parametrize("kind", ODD)
def test_bad_data_are_no_exception(probe, kind):
    answer = probe.measure(subjects.subject(ODD[kind]()), np.random.default_rng(0))
    assert answer.findings
