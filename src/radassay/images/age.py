"""Ages as people write them, in years."""

from __future__ import annotations

import re

YEARS_PER = {"y": 1.0, "m": 1 / 12, "w": 7 / 365.25, "d": 1 / 365.25}
_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*(\+|y|m|w|d|years?|yrs?|months?|weeks?|days?)?", re.IGNORECASE)
OLDEST = 130.0


def age_years(text: str) -> float:
    """Return the age in years, or NaN where the text gives no single number.

    `50+` gives 50 (the text itself is kept beside it), `065Y`, `18M`, `003W` and `010D` follow the Age String of
    DICOM PS3.5 6.2; `early 40s`, `60-70` and numbers above 130 give NaN.
    """
    found = _AGE.fullmatch(text.strip())
    if found is None:
        return float("nan")
    unit = (found.group(2) or "y").lower()
    years = float(found.group(1)) * (1.0 if unit == "+" else YEARS_PER[unit[0]])
    return years if years <= OLDEST else float("nan")
