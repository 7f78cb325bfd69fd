"""d', criterion and forced choices against textbook values and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from radassay.stats.auc import auc
from radassay.stats.mrmc import Random
from radassay.stats.reader_figures import jackknife_figures
from radassay.stats.signal_detection import (
    area_of_sensitivity,
    correct_of_sensitivity,
    criterion_above,
    detection,
    forced_choice,
    sensitivity_above,
    sensitivity_of_area,
    sensitivity_of_choice,
)


def answers(hits, signals, false_alarms, noises):
    said = np.r_[np.arange(signals) < hits, np.arange(noises) < false_alarms]
    return said, np.arange(signals + noises) < signals


def test_uncorrected_shares_and_textbook_values_of_many_cases():
    found = detection(*answers(80_000, 100_000, 40_000, 100_000))
    assert found.sensitivity.value == pytest.approx(norm.ppf(0.8) - norm.ppf(0.4), abs=1e-3)  # 1.095
    assert found.criterion.value == pytest.approx(-0.294, abs=1e-3)


def test_log_linear_correction_keeps_all_right_finite():
    found = detection(*answers(20, 20, 0, 20))
    assert found.hits == pytest.approx(20.5 / 21) and found.false_alarms == pytest.approx(0.5 / 21)
    assert found.sensitivity.value == pytest.approx(2 * norm.ppf(20.5 / 21))


def test_who_calls_everything_real_has_no_sensitivity_but_a_criterion():
    found = detection(*answers(0, 50, 0, 50))
    assert found.sensitivity.value == pytest.approx(0, abs=1e-12) and found.criterion.low > 1


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 30), st.integers(0, 30))
def test_saying_the_opposite_turns_the_sign(hits, false_alarms):
    said, signal = answers(hits, 30, false_alarms, 30)
    one, two = detection(said, signal), detection(~said, signal)
    assert one.sensitivity.value == pytest.approx(-two.sensitivity.value)
    assert one.criterion.value == pytest.approx(-two.criterion.value)


def test_intervals_hold_the_truth():
    rng, held = np.random.default_rng(0), 0
    signal = np.arange(200) < 100
    truth = 0.8
    for _ in range(400):
        found = detection(rng.standard_normal(200) + truth * signal > 0.6, signal)
        held += found.sensitivity.low <= truth <= found.sensitivity.high
    assert 0.925 <= held / 400 <= 0.98


def test_figures_for_the_jackknife_are_those_of_one_reader():
    rng = np.random.default_rng(1)
    signal = np.arange(40) < 20
    ratings = rng.integers(1, 7, (3, 40))
    plain = detection(ratings[1] > 3.5, signal)
    bounds = (-math.inf, math.inf)
    sensitivity = jackknife_figures(ratings, signal, sensitivity_above(3.5), bounds=bounds)
    criterion = jackknife_figures(ratings, signal, criterion_above(3.5), bounds=bounds)
    assert sensitivity.values[0, 1] == pytest.approx(plain.sensitivity.value)
    assert criterion.values[0, 1] == pytest.approx(plain.criterion.value)


@pytest.mark.parametrize(
    ("alternatives", "sensitivity", "correct"), [(2, 1.0, 0.7602), (4, 0.0, 0.25), (4, 1.0, 0.5520)]
)
def test_choices_among_alternatives(alternatives, sensitivity, correct):
    rng = np.random.default_rng(2)
    shown = rng.standard_normal((200_000, alternatives))
    shown[:, 0] += sensitivity
    simulated = (shown.argmax(axis=1) == 0).mean()
    found = correct_of_sensitivity(sensitivity, alternatives)
    assert found == pytest.approx(correct, abs=5e-4) and found == pytest.approx(simulated, abs=4e-3)
    assert sensitivity_of_choice(found, alternatives) == pytest.approx(sensitivity, abs=1e-6)


def test_two_alternatives_measure_the_area():
    rng = np.random.default_rng(3)
    positive = np.arange(20_000) < 10_000
    scores = rng.standard_normal(20_000) + 0.9 * positive
    paired = (scores[positive] > scores[~positive]).mean()
    area = auc(scores, positive)
    assert area == pytest.approx(area_of_sensitivity(0.9), abs=0.01) and paired == pytest.approx(area, abs=0.015)
    assert sensitivity_of_area(area_of_sensitivity(0.9)) == pytest.approx(0.9)


def test_forced_choices_vary_over_readers_and_trials():
    rng = np.random.default_rng(4)
    correct = rng.random((8, 100)) < np.linspace(0.2, 0.4, 8)[:, None]
    both = forced_choice(correct, 4).correct
    only = forced_choice(correct, 4, random=Random.CASES).correct
    assert both.value == pytest.approx(correct.mean())
    assert both.low < only.low < only.high < both.high
    found = forced_choice(correct, 4)
    assert found.sensitivity.low < found.sensitivity.value < found.sensitivity.high
    assert forced_choice(correct, 2).area[:3] == pytest.approx(forced_choice(correct, 2).correct[:3])


def test_all_right_is_not_certainty():
    found = forced_choice(np.ones((6, 40)), 4)
    assert found.correct.value == 1 and 0.85 < found.correct.low < 1 and found.sensitivity.high == 12


def test_what_cannot_be_said_is_refused():
    with pytest.raises(ValueError, match="signal and noise"):
        detection(np.ones(4, dtype=bool), np.ones(4, dtype=bool))
    with pytest.raises(ValueError, match="two alternatives"):
        forced_choice(np.ones((3, 4)), 1)
