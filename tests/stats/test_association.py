"""Cramér's V with classes that count alike: laws, coverage, and what it could have seen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radassay.stats.association import association, detectable_association

KINDS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 25)), min_size=12, max_size=80)


def alone(n):
    return np.array([f"p{i}" for i in range(n)])


def drawn(rng, shares, sizes, images=1):
    """Kinds, classes and patients; `shares` holds the share of every kind in each class."""
    kinds = np.concatenate([rng.choice(len(s), size=n, p=s) for s, n in zip(shares, sizes, strict=True)])
    labels = np.repeat(np.arange(len(sizes)), sizes)
    return (np.repeat(a, images) for a in (kinds.astype(str), labels.astype(str), alone(len(kinds))))


def test_the_uncorrected_table_of_bergsma_is_unchanged():
    first = np.array(["a"] * 30 + ["b"] * 10 + ["a"] * 10 + ["b"] * 30)
    second = np.array(["x"] * 40 + ["y"] * 40)
    phi = 0.25 - 1 / 79
    assert association(first, second, alone(80)).value == pytest.approx(np.sqrt(phi / (1 - 1 / 79)))


def test_many_kinds_are_corrected_for_chance():
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, 20, 200).astype(str)
    assert association(kinds, rng.integers(0, 2, 200).astype(str), alone(200)).value < 0.2
    assert association(kinds, kinds, alone(200)).value == pytest.approx(1.0)


@given(KINDS)
def test_the_interval_holds_the_value_and_lies_in_the_unit_range(rows):
    kinds, labels, patients = (np.array([str(row[k]) for row in rows]) for k in range(3))
    if min(len(set(kinds)), len(set(labels))) < 2:
        with pytest.raises(ValueError, match="two kinds"):
            association(kinds, labels, patients)
        return
    found = association(kinds, labels, patients)
    assert 0 <= found.low <= found.value <= found.high <= 1
    order = np.random.default_rng(0).permutation(len(kinds))
    again = association(kinds[order], labels[order], patients[order])
    assert np.allclose(found[:3], again[:3])
    renamed = association(np.char.add("k", kinds), labels, patients)
    assert np.allclose(found[:3], renamed[:3])


@pytest.mark.parametrize("rare", [12, 60, 300])
def test_two_even_kinds_of_0_2_are_an_area_of_0_6_however_rare_the_class(rare):
    kinds = np.array(["a", "b"] * 2)
    sizes = [int(0.6 * 5 * rare), int(0.4 * 5 * rare), int(0.4 * 3000), int(0.6 * 3000)]
    labels = np.array(["ill", "ill", "well", "well"])
    found = association(np.repeat(kinds, sizes), np.repeat(labels, sizes), alone(sum(sizes)))
    assert found.value == pytest.approx(0.2, abs=0.015 if rare > 12 else 0.06)


def test_a_class_told_entirely_by_its_kind_reaches_one_even_when_rare():
    labels = np.array(["ill"] * 15 + ["well"] * 900)
    found = association(labels, labels, alone(915))
    assert found.value == 1.0
    assert found.low > 0.5


def test_repeating_every_image_of_a_patient_adds_nothing():
    rng = np.random.default_rng(1)
    kinds, labels, patients = drawn(rng, [[0.6, 0.4], [0.4, 0.6]], [80, 120])
    once = association(kinds, labels, patients)
    often = association(*(np.repeat(a, 5) for a in (kinds, labels, patients)))
    assert np.allclose(once[:3], often[:3])
    assert often.effective == pytest.approx(once.effective)


@pytest.mark.parametrize("sizes", [(40, 40), (20, 400)])
@pytest.mark.parametrize("tie", [0.0, 0.2, 0.5])
def test_intervals_hold_the_truth(sizes, tie):
    rng = np.random.default_rng(7)
    shares = [[0.5 + tie / 2, 0.5 - tie / 2], [0.5 - tie / 2, 0.5 + tie / 2]]
    missed = 0
    for _ in range(200):
        found = association(*drawn(rng, shares, sizes, images=2))
        missed += not found.low <= tie <= found.high
    assert missed <= 20  # 5 % of 200, and twice that for chance


@pytest.mark.parametrize(("sizes", "images"), [((100, 100), 1), ((30, 300), 1), ((60, 60), 4)])
def test_an_effect_of_the_detectable_size_is_seen_in_95_of_100(sizes, images):
    rng = np.random.default_rng(3)
    tie = detectable_association(4 * sizes[0] * sizes[1] / sum(sizes), (2, 2), 0.2)
    shares = [[0.5 + tie / 2, 0.5 - tie / 2], [0.5 - tie / 2, 0.5 + tie / 2]]
    seen = [association(*drawn(rng, shares, sizes, images)).low >= 0.2 for _ in range(150)]
    assert np.mean(seen) >= 0.92  # 95 %, less two standard errors


def test_more_images_detect_less():
    limits = [detectable_association(n, (3, 2), 0.2) for n in (20, 60, 200, 2000)]
    assert limits == sorted(limits, reverse=True)
    assert 0.2 < limits[-1] < limits[0] <= 1
