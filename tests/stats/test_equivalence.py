"""Cannot tell is shown, never assumed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student

from radassay.stats.equivalence import Told, statement, told, two_one_sided


@pytest.mark.parametrize(
    ("within", "around", "expected"),
    [
        ((0.45, 0.56), (0.44, 0.57), Told.CANNOT),
        ((0.52, 0.58), (0.51, 0.59), Told.BARELY),
        ((0.62, 0.75), (0.60, 0.77), Told.CAN),
        ((0.30, 0.42), (0.29, 0.43), Told.CAN),
        ((0.38, 0.62), (0.36, 0.64), Told.UNCLEAR),
        ((0.51, 0.63), (0.49, 0.65), Told.UNCLEAR),
    ],
)
def test_four_outcomes(within, around, expected):
    assert told(within, around, 0.1) is expected


def test_nothing_found_in_a_small_study_is_not_equality():
    found = told((0.25, 0.75), (0.20, 0.80), 0.1)
    assert found is Told.UNCLEAR
    assert "neither a difference nor its absence" in statement((0.25, 0.75), (0.20, 0.80), 0.1, 2)


def test_the_sentence_names_interval_margin_and_pilot():
    sentence = statement((0.45, 0.56), (0.44, 0.57), 0.1, 3)
    assert "0.450 to 0.560" in sentence and "0.40 to 0.60" in sentence and "pilot" in sentence
    assert "pilot" not in statement((0.45, 0.56), (0.44, 0.57), 0.1, 6)


@given(st.floats(0.3, 0.7), st.floats(0.01, 0.1), st.floats(2, 200))
def test_two_one_sided_tests_are_the_90_per_cent_interval(value, error, freedom):
    reach = student.ppf(0.95, freedom) * error
    inside = told((value - reach, value + reach), (0.0, 1.0), 0.1) is Told.CANNOT
    p = two_one_sided(value, error, freedom, 0.1)
    if abs(p - 0.05) > 1e-9:
        assert inside == (p < 0.05)


def test_a_margin_is_above_zero():
    with pytest.raises(ValueError, match="above zero"):
        told((0.4, 0.6), (0.4, 0.6), 0)
    with pytest.raises(ValueError, match="above zero"):
        two_one_sided(0.5, 0.0, 5, 0.1)
