"""What two encoders say of the same images, side by side."""

import pytest

from radassay.evidence.finding import Finding
from radassay.report.encoders import encoders


def kid(value, half, slice="all", **fields):
    limits = {"low": value - half, "high": value + half, "direction": "lower is better"}
    details = {"encoder": f"{'second' if '=' in slice else 'main'} 0123456789ab"}
    return Finding(check="fidelity", name="kid", value=value, slice=slice, details=details, **{**limits, **fields})


def floor(high, slice="all"):
    return Finding(check="fidelity", name="kid", value=0.0, low=-high, high=high, role="floor", slice=slice)


SECOND = "encoder=second"


def test_one_encoder_gives_no_table():
    assert encoders([kid(0.5, 0.1), floor(0.1)]) is None


@pytest.mark.parametrize(("second", "agreement"), [(0.6, "agree"), (0.05, "differ")])
def test_they_agree_where_both_lie_on_the_same_side_of_their_floors(second, agreement):
    told = encoders([kid(0.5, 0.1), floor(0.1), kid(second, 0.1, SECOND), floor(0.2, SECOND)])
    assert (told.first, told.second) == ("main", "second")
    assert [row.agreement for row in told.rows] == [agreement]
    assert told.rows[0].first == "0.500 (0.400–0.600)"
    assert told.rows[0].first_told == "beyond real against real"
    assert told.known == 1
    assert told.agreeing == (agreement == "agree")


def test_without_a_floor_nobody_knows():
    told = encoders([kid(0.5, 0.1), floor(0.1), kid(0.5, 0.1, SECOND)])
    assert told.rows[0].agreement == "not known"
    assert told.known == 0
