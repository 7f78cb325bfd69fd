import math

import pytest

from radassay.images.age import age_years


@pytest.mark.parametrize(
    ("text", "years"),
    [("65", 65), ("65.0", 65), ("50+", 50), ("065Y", 65), ("18M", 1.5), ("018M", 1.5), ("7 weeks", 49 / 365.25),
     ("0", 0), (" 33 ", 33), ("2 years", 2)],
)  # fmt: skip
def test_ages_that_give_a_number(text: str, years: float) -> None:
    assert age_years(text) == pytest.approx(years)


@pytest.mark.parametrize("text", ["", "early 40s", "60-70", "unknown", "-3", "411", "1e9", "nan", "٣٣x"])
def test_ages_that_give_none(text: str) -> None:
    assert math.isnan(age_years(text))
