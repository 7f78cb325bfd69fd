import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radassay.evidence.finding import Finding

numbers = st.floats(allow_nan=False, allow_infinity=False)


@given(value=numbers, low=numbers, high=numbers, dose=numbers, text=st.text(max_size=30))
def test_a_finding_survives_its_line_of_json(value, low, high, dose, text):
    finding = Finding(
        check="c",
        name="n",
        value=value,
        low=low,
        high=high,
        dose=dose,
        reason=text,
        slice=text,
        inputs=("a", "b"),
        details={"pairs": [["x", "y", 1.5]]},
    )
    line = finding.to_json()
    assert "\n" not in line
    assert Finding.from_json(line) == finding
    assert Finding.from_json(line).to_json() == line


def test_a_finding_without_value_needs_a_reason():
    with pytest.raises(ValueError, match="neither a value nor a reason"):
        Finding(check="c", name="n")


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_refused(bad):
    with pytest.raises(ValueError, match="leave it None"):
        Finding(check="c", name="n", value=bad)


def test_half_an_interval_is_refused():
    with pytest.raises(ValueError, match="half an interval"):
        Finding(check="c", name="n", value=1.0, low=0.5)


def test_the_id_tells_what_was_measured_not_the_result():
    one = Finding(check="c", name="n", value=1.0)
    assert one.id == Finding(check="c", name="n", value=2.0).id
    assert one.id != Finding(check="c", name="n", value=1.0, slice="label=x").id
    assert one.id != Finding(check="c", name="n", value=1.0, role="planted", control="blur", dose=1.0).id


def test_numpy_numbers_become_plain_json():
    line = Finding(check="c", name="n", value=np.float64(0.1), details={"curve": np.arange(3)}).to_json()
    assert json.loads(line)["details"]["curve"] == [0, 1, 2]
