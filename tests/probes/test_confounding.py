"""Confounding: planted ties fail, independent ones do not, and what is unknown is told."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from subjects import drawn, phantoms, subject

import radassay.checklists
from radassay.checklists.audit import judge_audit
from radassay.checklists.rules import read_rules
from radassay.images.age import age_years
from radassay.probes.confounders.attributes import ATTRIBUTES, BY_NAME, age_band, naming, pooled, shape_band, size_band
from radassay.probes.confounders.confounding import Confounding
from radassay.probes.confounders.tied import findings, tie
from radassay.probes.tasks import tasks
from radassay.stats.association import detectable_association

RULES = read_rules(Path(radassay.checklists.__file__).parent / "audit.toml")
N = 240
EVEN = {"sex": ("F", "M"), "site": ("north", "south"), "view": ("PA", "AP"), "modality": ("X-ray", "CT")}
EVEN |= {"format": ("png", "jpeg")}


@lru_cache(maxsize=2)
def pictures(n=N):
    rng = np.random.default_rng(0)
    return tuple(rng.integers(0, 255, (16, 16)).astype(np.uint8) for _ in range(n))


def cohort(seed, tied="", tie=0.0, n=N, **columns):
    """Patients with two even kinds of everything, all independent of the label but `tied`, which has this V."""
    rng = np.random.default_rng(seed)
    ill = rng.permutation(np.arange(n) % 2 == 0)
    known = {}
    for column, kinds in EVEN.items():
        share = np.where(ill, 0.5 + tie / 2, 0.5 - tie / 2) if column == tied else np.full(n, 0.5)
        known[column] = np.where(rng.random(n) < share, *kinds).tolist()
    years = rng.integers(18, 90, n).astype(float)
    if tied == "age":
        years = np.where(rng.random(n) < np.where(ill, 0.5 + tie / 2, 0.5 - tie / 2), 70.0, 30.0)
    if tied == "children":
        years = np.where((rng.random(n) < tie) & ~ill, 5.0, years)
    known |= {"age_years": years.tolist(), "patient": [f"p{i}" for i in range(n)]}
    return drawn(pictures(n), label=np.where(ill, "ill", "well").tolist(), **{**known, **columns})


def answer(*sets, positive=("ill",)):
    return Confounding().measure(subject(*sets, positive=positive), np.random.default_rng(0))


def attribute_alone(images, name):
    asked = subject(images, positive=("ill",))
    (task,) = tasks(asked)
    return list(findings(task, tie(task, asked.table, BY_NAME[name]), "confounding"))


def outcomes(findings, part="set=drawn"):
    """What every rule says of one part of the images."""
    judged = judge_audit(findings, RULES).outcomes
    return {o.rule: o.outcome for o in judged if o.probe == "confounding" and o.slice == part}


def found(findings, name, role="measurement", part="set=drawn"):
    return next(f for f in findings if f.name == name and f.role == role and f.slice == part)


def test_what_is_independent_of_the_label_does_not_fail():
    fails = [
        rule for seed in range(4) for rule, word in outcomes(answer(cohort(seed)).findings).items() if word == "fails"
    ]
    assert not fails


@pytest.mark.parametrize(
    ("tied", "rule"),
    [
        ("site", "place-tied-to-label"),
        ("sex", "sex-tied-to-label"),
        ("view", "view-tied-to-label"),
        ("modality", "modality-tied-to-label"),
        ("format", "file-type-tied-to-label"),
        ("age", "age-tied-to-label"),
    ],
)
def test_a_planted_tie_fails_at_and_above_the_stated_limit(tied, rule):
    limit = detectable_association(N, (2, 2), 0.2)
    stated = attribute_alone(cohort(0), "sex")
    assert found(stated, "association_sex", role="limit").value == pytest.approx(limit, abs=0.01)
    for tie_ in (limit, 0.8, 1.0):
        words = [outcomes(attribute_alone(cohort(seed, tied, tie_), tied))[rule] for seed in range(20, 30)]
        assert words.count("fails") >= 9


def test_a_planted_tie_is_the_only_fault_told():
    words = outcomes(answer(cohort(20, "view", 0.8)).findings)
    assert {rule for rule, word in words.items() if word == "fails"} <= {
        "view-tied-to-label",
        "stable-when-matched-by-patient",
    }
    assert words["view-tied-to-label"] == "fails"


def test_children_among_the_healthy_alone_fail_at_and_above_the_stated_limit():
    stated = found(answer(cohort(0)).findings, "paediatric_difference", role="limit").value
    for share in (stated, 0.6):
        words = [outcomes(answer(cohort(seed, "children", share)).findings) for seed in range(2)]
        assert [w["children-as-controls"] for w in words] == ["fails"] * 2


def test_an_age_known_of_one_class_only_is_a_tie_of_its_own():
    images = cohort(1)
    years = images.table["age_years"].where(images.table["label"] == "ill")
    told = answer(images.with_columns(age_years=years))
    assert outcomes(told.findings)["age-known-of-one-class"] == "fails"
    assert "120 patients with and 0 without" in found(told.findings, "association_age").reason
    assert "age band known of 120 of 240 images" in found(told.findings, "auc_matched").reason


def test_what_nobody_knows_is_not_run_with_the_count():
    blank = dict.fromkeys(("sex", "site", "view", "modality"), "") | {"age_years": float("nan")}
    told = answer(cohort(2, **blank))
    assert found(told.findings, "association_age").reason == "age band known of 0 of 240 images"
    assert found(told.findings, "change_matched").reason.startswith("age band known of 0 of 240 images")
    words = outcomes(told.findings)
    assert (
        words["age-tied-to-label"]
        == words["stable-when-matched-by-patient"]
        == words["children-as-controls"]
        == "not run"
    )
    assert words["file-type-tied-to-label"] in ("passes", "inconclusive")


def test_sets_with_different_classes_are_tied_to_the_label():
    images = cohort(3)
    ill = images.table["label"].to_numpy() == "ill"
    one, two = images.take(np.flatnonzero(ill)), images.take(np.flatnonzero(~ill))
    both = [type(images)(name, part.table, part.store) for name, part in (("here", one), ("there", two))]
    told = answer(*both)
    assert found(told.findings, "association_source", part="all").value == 1.0
    assert outcomes(told.findings, "all")["source-tied-to-label"] == "fails"
    unnamed = answer(*both, positive=())
    assert (
        "fewer than two labels are in several sets" in found(unnamed.findings, "association_source", part="all").reason
    )


def test_matching_takes_away_what_thumbnails_owe_to_the_view():
    images = cohort(4, "view", 0.8)
    rng = np.random.default_rng(0)
    ap = images.table["view"].to_numpy() == "AP"
    shown = [rng.integers(0, 120, (16, 16)).astype(np.uint8) + np.uint8(90 * a) for a in ap]
    columns = {c: images.table[c].tolist() for c in ("label", "view", "patient")}
    told = answer(drawn(shown, **columns))
    assert found(told.findings, "auc_thumbnail").value > 0.8
    assert found(told.findings, "auc_matched").high > 0.5 > found(told.findings, "auc_matched").low
    assert outcomes(told.findings)["stable-when-matched-by-patient"] == "fails"
    rows = told.tables["confounding_matched"]
    assert rows["matched_on"].tolist() == ["view"]
    assert rows["images"].tolist() == [N]


@pytest.mark.slow
def test_simulated_hospitals_tied_to_the_disease_fail_and_independent_ones_do_not():
    words = {
        tie: outcomes(answer(phantoms(160, tie=tie, seed=5), positive=("disease",)).findings, "set=phantoms")
        for tie in (0.0, 0.9)
    }
    assert words[0.9]["place-tied-to-label"] == "fails"
    assert "fails" not in words[0.0].values()


def test_the_same_images_in_another_order_give_the_same_numbers():
    images = cohort(5, "site", 0.5)
    order = np.random.default_rng(1).permutation(len(images))
    one, other = answer(images), answer(images.take(order))
    values = [{(f.name, f.role): f.value for f in told.findings} for told in (one, other)]
    assert values[0].keys() == values[1].keys()
    for key, value in values[0].items():
        assert value == values[1][key] or value == pytest.approx(values[1][key], abs=1e-6), key


def test_the_table_counts_every_class_and_the_pictures_are_the_same_again():
    told, again = answer(cohort(6)), answer(cohort(6))
    table = told.tables["confounding"]
    assert set(table["attribute"]) == {a.name for a in ATTRIBUTES} - {"source"}
    assert (table["with_label"] + table["without_label"] == N).all()
    kinds = told.tables["confounding_kinds"]
    for _, part in kinds.groupby("attribute"):
        assert part[["with_label", "without_label"]].to_numpy().sum() == N
    assert told.pictures.keys() == told.captions.keys() == {"confounding-table", "confounding-age"}
    assert told.pictures == again.pictures
    assert all(picture.startswith(b"\x89PNG") for picture in told.pictures.values())


def test_of_very_many_images_a_part_is_looked_at_whole_patients():
    images = cohort(7, patient=[f"p{i // 4}" for i in range(N)])
    probe = Confounding(most=100)
    rows, pixels = probe._thumbnails(subject(images), np.random.default_rng(2))
    assert len(rows) == len(pixels) == 100
    assert set(images.table["patient"].iloc[rows].value_counts()) == {4}
    told = probe.measure(subject(images, positive=("ill",)), np.random.default_rng(2))
    assert "a random part, 100 of 240 images" in found(told.findings, "change_matched").reason
    assert found(told.findings, "association_sex").n_images == N


@given(st.lists(st.one_of(st.none(), st.floats(0, 120)), min_size=1, max_size=30))
def test_every_age_has_one_band(years):
    bands = age_band(pd.DataFrame({"age_years": pd.array(years, dtype="float64")}))
    for year, band in zip(years, bands, strict=True):
        if year is None:
            assert band == ""
        else:
            low, _, high = str(band).replace("+", "-200").partition("-")
            assert int(low) <= year < int(high) + 1


@given(st.lists(st.tuples(st.integers(1, 9000), st.integers(1, 9000)), min_size=1, max_size=20))
def test_sizes_and_proportions_always_have_a_band(sides):
    table = pd.DataFrame(sides, columns=["height", "width"], dtype=float)
    assert (size_band(table) != "").all()
    assert set(shape_band(table)) <= {"tall", "somewhat tall", "square", "somewhat wide", "wide"}


def test_file_names_keep_their_pattern_alone():
    sources = ["a/00001801_000.png", "b/COVID-19 (3).jpeg", "c/scan.dcm#12", "noël7.png"]
    assert naming(pd.DataFrame({"source": sources})).tolist() == ["0_0", "a-0 (0)", "a", "a0"]
    assert age_years("50+") == 50.0


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 6)), min_size=1, max_size=40))
def test_pooling_keeps_the_kinds_of_many_patients_whole(rows):
    kinds, units = np.array([k for k, _ in rows]), np.array([str(u) for _, u in rows])
    together = pooled(kinds, units, 3)
    for kind in set(kinds):
        many = len(set(units[kinds == kind])) >= 3
        assert set(together[kinds == kind]) == {kind if many else "other"}
