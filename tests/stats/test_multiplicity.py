"""Corrections for many arms, statements of harm, and the worst subgroup."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated_arms import arms

from radassay.stats.multiplicity import holm, p_value
from radassay.stats.noninferiority import Outcome, outcome, statement
from radassay.stats.subgroups import subgroup_differences


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.floats(0.001, 0.5))
def test_holm_rejects_what_stepping_down_rejects(values, alpha):
    """The procedure as it is told: the smallest against alpha/m, the next against alpha/(m-1), until one stands."""
    rejected = set()
    for step, i in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        if values[i] * (len(values) - step) > alpha:
            break
        rejected.add(i)
    assert {i for i, p in enumerate(holm(values)) if p <= alpha} == rejected


def test_holm_of_an_example_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([1.2])


def test_p_values_agree_with_intervals():
    assert p_value(1.959963984540054, 1.0, 1e9) == pytest.approx(0.05)
    assert p_value([0.0, 1.0], [0.0, 0.0], [3, 3]).tolist() == [1.0, 0.0]


@given(st.floats(-0.5, 0.5), st.floats(0, 0.5), st.floats(0, 0.2))
def test_exactly_one_thing_is_said_and_never_more_than_the_interval_shows(low, width, margin):
    found = outcome(low, low + width, margin)
    if found is Outcome.HARM:
        assert low + width < 0
    if found is Outcome.NO_HARM:
        assert low > -margin
        assert low + width >= 0
    if found is Outcome.UNCLEAR:
        assert low <= -margin <= 0 <= low + width


def test_no_interval_is_unclear_and_nothing_is_ever_called_equal():
    assert outcome(None, None, 0.02) is Outcome.UNCLEAR
    for limits in (None, (-0.1, 0.1), (-0.01, 0.1), (-0.2, -0.1)):
        said = statement("synthetic", "classical", limits, 0.02).lower()
        assert not any(word in said for word in ("equal", "same", "significant", "no difference"))
    with pytest.raises(ValueError, match="margin"):
        outcome(0, 1, -0.1)


def halves(rng, losses, patients=80, trainings=4):
    """Return scores of two arms, labels, patients and subgroups, each with its own loss of the first arm."""
    drawn = [arms(rng, patients, trainings, loss) for loss in losses]
    scores = np.concatenate([d[0] for d in drawn], axis=2)
    labels = np.concatenate([d[1] for d in drawn])
    units = np.concatenate([np.char.add(f"{k}-", d[2]) for k, d in enumerate(drawn)])
    groups = np.repeat([f"sex={name}" for name in "ABCDEFGH"[: len(losses)]], patients)
    return scores[0], scores[1], labels, units, groups


def test_a_generator_that_harms_one_sex_is_caught():
    found = subgroup_differences(*halves(np.random.default_rng(0), [0.0, 1.0], 200), margin=0.02)
    assert found.harm is Outcome.HARM
    assert found.worst.name == "sex=B"
    assert found.worst.high < 0
    assert next(s for s in found.every if s.name == "sex=A").high > 0


def test_a_subgroup_without_both_classes_has_a_reason_and_leaves_harm_unclear():
    first, second, labels, units, groups = halves(np.random.default_rng(1), [-0.8, -0.8], 200)
    groups = np.where(~labels & (groups == "sex=B"), "", groups)
    found = subgroup_differences(first, second, labels, units, groups, margin=0.02)
    assert found.every[1].value is None
    assert "fewer than 5 patients" in found.every[1].reason
    assert found.harm is Outcome.UNCLEAR
    assert subgroup_differences(first, second, labels, units, np.full(len(labels), ""), 0.02).worst is None


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="do not fit"):
        subgroup_differences(
            np.zeros((2, 3)), np.zeros((2, 4)), np.zeros(4, bool), np.zeros(4, str), np.zeros(4, str), 0
        )


@pytest.mark.slow
def test_the_interval_of_the_worst_holds_the_worst_and_harm_is_rarely_cried():
    """Six subgroups without any loss: the naive interval of the smallest would miss zero far too often."""
    rng = np.random.default_rng(2)
    held = harm = 0
    for _ in range(300):
        found = subgroup_differences(*halves(rng, [0.0] * 6, 50, 3), margin=0.02)
        held += found.worst.low <= 0 <= found.worst.high
        harm += found.harm is Outcome.HARM
    assert held / 300 >= 0.93
    assert harm / 300 <= 0.06
