"""One measured number, or the reason there is none."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Role = Literal["measurement", "floor", "planted", "limit"]
Direction = Literal["higher is better", "lower is better", "near zero is better", "neither"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One number with everything needed to judge it and to trace it.

    A finding without a value must say why (`reason`); one with a value must be finite.

    Raises:
        ValueError: neither value nor reason, a value that is not finite, or half an interval.
    """

    check: str
    """Who measured: the name of the check, control or study, such as `shortcut`."""
    name: str
    """What was measured, such as `auc_border`."""
    value: float | None = None
    """The estimate; None where nothing could be measured."""
    reason: str = ""
    """Why there is no value, or a caution about the one there is."""
    low: float | None = None
    """Lower limit of the interval."""
    high: float | None = None
    """Upper limit of the interval."""
    level: float = 0.95
    """Nominal coverage of the interval."""
    method: str = ""
    """How the interval was made, such as `bootstrap over patients, 500 resamples`; with the source."""
    n_patients: int | None = None
    """Independent units behind the number: patients, or images where no patient is known."""
    n_images: int | None = None
    """Images behind the number."""
    unit: str = ""
    """Unit of the value; empty for a plain number."""
    direction: Direction = "neither"
    """Which way is good."""
    slice: str = "all"
    """Part of the images that the number is about, such as `label=covid`."""
    role: Role = "measurement"
    """A measurement, the real-against-real floor, a planted defect, or a limit of detection."""
    control: str = ""
    """Name of the planted defect for the roles `planted` and `limit`."""
    dose: float | None = None
    """Dose of the planted defect, in the defect's own unit (see its docstring)."""
    inputs: tuple[str, ...] = ()
    """Fingerprints of the image sets that went in."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """Small JSON evidence: `pairs` as [image id, image id, score], `curve`, `counts`, ..."""

    def __post_init__(self) -> None:
        if self.value is None and not self.reason:
            raise ValueError(f"finding {self.check}.{self.name} has neither a value nor a reason")
        for number in (self.value, self.low, self.high, self.dose):
            if number is not None and not math.isfinite(number):
                raise ValueError(f"finding {self.check}.{self.name} holds {number}; leave it None with a reason")
        if (self.low is None) != (self.high is None):
            raise ValueError(f"finding {self.check}.{self.name} has half an interval")

    @property
    def key(self) -> str:
        """Return `check.name`, by which rules find this number."""
        return f"{self.check}.{self.name}"

    @property
    def id(self) -> str:
        """Return a short id made of what was measured on what, not of the result."""
        what = [self.check, self.name, self.slice, self.role, self.control, self.dose, list(self.inputs)]
        return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:12]

    def to_json(self) -> str:
        """Return one canonical line of JSON: sorted keys, no spaces, no NaN."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), allow_nan=False, default=_plain)

    @classmethod
    def from_json(cls, line: str) -> Finding:
        """Return the finding written by `to_json`."""
        fields = json.loads(line)
        fields["inputs"] = tuple(fields["inputs"])
        return cls(**fields)


def _plain(value: Any) -> Any:
    """Return the Python number or list behind a numpy value."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is no JSON value")
