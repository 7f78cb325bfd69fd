"""Everything the report says of a trial beyond its list of findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from radassay.evidence.finding import Finding
from radassay.report import trial_tables
from radassay.report.calibration import Calibration, calibrations
from radassay.report.exchange import Worth, worth
from radassay.report.gains import Gains, gains

REFITTED = "trial.generator_refitted"


@dataclass(frozen=True)
class Amended:
    """One change of the plan after it was written down."""

    at: str
    reason: str
    changes: tuple[tuple[str, str, str], ...]
    """What was changed, by dotted name; before and after."""
    after: str
    """What had been recorded by then."""


@dataclass(frozen=True)
class TrialPage:
    """The trial in pictures and tables; what is not there was not measured."""

    worth: Worth | None
    gains: Gains | None
    calibration: tuple[Calibration, ...]
    endpoints: trial_tables.Endpoints | None
    comparisons: tuple[trial_tables.Comparison, ...]
    places: tuple[trial_tables.Place, ...]
    cautions: tuple[str, ...]
    """What no interval of the trial covers."""

    @property
    def is_told(self) -> bool:
        """Return whether there is more than the list of findings; a trial of an older run has none of it."""
        return bool(self.worth or self.gains or self.calibration or self.endpoints)


def trial_page(findings: Sequence[Finding]) -> TrialPage:
    """Return the pictures' numbers and the tables of a trial."""
    return TrialPage(
        worth=worth(findings),
        gains=gains(findings),
        calibration=calibrations(findings),
        endpoints=trial_tables.endpoints(findings),
        comparisons=trial_tables.comparisons(findings),
        places=trial_tables.places(findings),
        cautions=tuple(f.reason for f in findings if f.key == REFITTED and f.value is None),
    )


def amended(amendments: Sequence[Mapping[str, Any]]) -> tuple[Amended, ...]:
    """Return the changes of a plan, as `Run.amendments` has them, in words."""
    return tuple(
        Amended(
            at=_minute(str(a["at"])),
            reason=str(a["reason"]),
            changes=tuple((name, _text(old), _text(new)) for name, (old, new) in a["changes"].items()),
            after=", ".join(str(stage) for stage in a.get("after_stages", [])) or "nothing",
        )
        for a in amendments
    )


def _minute(at: str) -> str:
    """Return a time to the minute, in UTC."""
    return datetime.fromisoformat(at).astimezone(UTC).strftime("%Y-%m-%d %H:%M")


def _text(value: Any) -> str:
    if value in (None, "", [], {}):
        return "nothing"
    return ", ".join(str(v) for v in value) if isinstance(value, list) else str(value)
