"""Rules: thresholds with their sources, read from TOML and validated before anything is judged."""

from __future__ import annotations

import hashlib
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, cast, get_args

from radassay.errors import SettingsError

Compare = Literal[
    "upper limit below", "lower limit above", "interval within", "value at most", "value at least", "measured"
]
COMPARES: tuple[str, ...] = get_args(Compare)
BUILT_IN = ("local", "audit")
"""Names of the rule files that come with the package: of a study, and of an audit."""
EVERY = "*"
"""The slice of a rule that is judged on every part of the images."""


@dataclass(frozen=True)
class Number:
    """A fixed threshold."""

    value: float


@dataclass(frozen=True)
class Within:
    """Two fixed bounds, both inside the range of values that count as equal."""

    low: float
    high: float


@dataclass(frozen=True)
class OfFloor:
    """A threshold relative to what real images against real images give."""

    times: float
    """Factor on the far end of the floor's range."""
    plus: float
    """Allowance added to it."""


@dataclass(frozen=True)
class OfPlanted:
    """A threshold that is the value a known dose of a known defect gives on these very images."""

    control: str
    """Name of the planted defect."""
    dose: float
    """Its dose, in the defect's unit."""


Threshold = Number | Within | OfFloor | OfPlanted


@dataclass(frozen=True)
class Sensitivity:
    """What a check must have been able to see before its silence counts."""

    control: str
    """Name of the planted defect."""
    at_most: float
    """The largest limit of detection that will do, in the defect's unit."""


@dataclass(frozen=True)
class Rule:
    """One threshold, on the confidence limit of one finding."""

    id: str
    """Short name, unique in the file."""
    question: str
    """What the rule asks, as a radiologist would."""
    failure: str
    """What is the case when the rule is not met, a clause such as `the label can be read off the border`."""
    rung: int
    """The rung of the claim ladder, 0 to 6, that needs it."""
    finding: str
    """Key of the finding judged, such as `shortcut.auc_border`."""
    slice: str
    """Part of the images the finding is about; `*` for every part it was measured on."""
    compare: Compare
    """How the finding meets the threshold."""
    threshold: Threshold | None
    """The threshold; None for `measured`."""
    sensitivity: Sensitivity | None
    """The limit of detection that a pass needs, or None."""
    why: str
    """Where the threshold comes from."""
    advice: str
    """What to do when it is not met."""


@dataclass(frozen=True)
class RuleSet:
    """All rules of one file."""

    name: str
    version: str
    sha256: str
    """SHA-256 of the file's bytes."""
    rules: tuple[Rule, ...]

    @property
    def title(self) -> str:
        """Return name, version and the full digest, as printed on the report."""
        return f"{self.name} {self.version} (SHA-256 {self.sha256})"


def read_rules(source: str | Path = "local") -> RuleSet:
    """Return the rules of a TOML file, or the built-in ones named `local` (of a study) and `audit`.

    Raises:
        SettingsError: no such file, no TOML, or a rule that is wrong; the rule and what is possible are named.
    """
    try:
        if str(source) in BUILT_IN:
            content = files("radassay.checklists").joinpath(f"{source}.toml").read_bytes()
        else:
            content = Path(source).read_bytes()
    except OSError as error:
        raise SettingsError(
            f"Cannot read the rules {source}",
            got=error.strerror,
            possible="Give `local`, `audit` or the path of a TOML file",
        ) from None
    return parse_rules(content, str(source))


def parse_rules(content: bytes, where: str = "the rules") -> RuleSet:
    """Return the rules in the bytes of a TOML file.

    Raises:
        SettingsError: no TOML, or a rule that is wrong.
    """
    try:
        read = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{where} is no TOML file", got=str(error)) from None
    top = _Place(where, read, {"name", "version", "about", "rule"})
    tables = read.get("rule")
    if not isinstance(tables, list) or not tables or not all(isinstance(t, dict) for t in tables):
        raise SettingsError(f"{where} holds no rules", got=tables, possible="Each rule is a table under [[rule]]")
    rules = tuple(_rule(where, index, table) for index, table in enumerate(tables, start=1))
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            raise SettingsError(
                f"{where}: two rules have the same id", got=rule.id, possible="Ids are unique in a file"
            )
        seen.add(rule.id)
    return RuleSet(top.text("name"), top.text("version"), hashlib.sha256(content).hexdigest(), rules)


@dataclass(frozen=True)
class _Place:
    """A table of the file, with its name for messages; unknown keys are refused at once."""

    name: str
    table: Mapping[str, Any]
    known: frozenset[str] | set[str]

    def __post_init__(self) -> None:
        unknown = sorted(set(self.table) - self.known)
        if unknown:
            raise self.wrong("unknown setting", ", ".join(unknown), "Settings: " + ", ".join(sorted(self.known)))

    def wrong(self, what: str, got: object, possible: str = "") -> SettingsError:
        return SettingsError(f"{self.name}: {what}", got=got, possible=possible)

    def text(self, key: str, default: str | None = None) -> str:
        value = self.table.get(key, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise self.wrong(f"`{key}` must be text", value if key in self.table else "nothing")
        return value

    def real(self, key: str, default: float | None = None) -> float:
        value = self.table.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise self.wrong(f"`{key}` must be a finite number", value if key in self.table else "nothing")
        return float(value)


def _rule(where: str, index: int, table: Mapping[str, Any]) -> Rule:
    known = {*Rule.__dataclass_fields__, "requires_limit"} - {"sensitivity"}
    place = _Place(f"{where}: rule {table.get('id', index)!r}", table, known)
    compare = place.text("compare")
    if compare not in COMPARES:
        raise place.wrong("unknown `compare`", compare, "Possible: " + ", ".join(COMPARES))
    rung = table.get("rung")
    if isinstance(rung, bool) or not isinstance(rung, int) or not 0 <= rung <= 6:
        raise place.wrong("`rung` must be a rung of the ladder", rung, "Possible: 0 to 6")
    key = place.text("finding")
    if key.count(".") != 1 or not all(key.split(".")):
        raise place.wrong("`finding` must be a check and a measure", key, "For example shortcut.auc_border")
    return Rule(
        id=place.text("id"),
        question=place.text("question"),
        failure=place.text("failure"),
        rung=rung,
        finding=key,
        slice=place.text("slice", "all"),
        compare=cast("Compare", compare),
        threshold=_threshold(place, compare),
        sensitivity=_sensitivity(place),
        why=place.text("why"),
        advice=place.text("advice"),
    )


def _threshold(place: _Place, compare: str) -> Threshold | None:
    value = place.table.get("threshold")
    if compare == "measured":
        if value is not None:
            raise place.wrong("`measured` takes no threshold", value)
        return None
    if compare == "interval within":
        if not (isinstance(value, list) and len(value) == 2):
            raise place.wrong("`threshold` must be two bounds", value, "For example [-0.05, 0.05]")
        ends = _Place(place.name, {"low": value[0], "high": value[1]}, {"low", "high"})
        bounds = Within(ends.real("low"), ends.real("high"))
        if not bounds.low < bounds.high:
            raise place.wrong("the lower bound must be below the upper one", value)
        return bounds
    if not isinstance(value, dict):
        return Number(place.real("threshold"))
    if compare not in ("upper limit below", "lower limit above"):
        raise place.wrong(f"`{compare}` takes a plain number", value)
    inner = _Place(f"{place.name}: threshold", value, {"floor_times", "plus", "planted", "dose"})
    if "planted" in value and not {"floor_times", "plus"} & set(value):
        return OfPlanted(inner.text("planted"), inner.real("dose"))
    if "floor_times" in value and not {"planted", "dose"} & set(value):
        return OfFloor(inner.real("floor_times"), inner.real("plus", 0.0))
    raise inner.wrong(
        "unknown form",
        ", ".join(value),
        "Possible: a number, { floor_times = 2.0, plus = 0.0 } or { planted = 'blur', dose = 2.0 }",
    )


def _sensitivity(place: _Place) -> Sensitivity | None:
    value = place.table.get("requires_limit")
    if value is None:
        return None
    if not isinstance(value, dict):
        raise place.wrong(
            "`requires_limit` must be a table", value, "For example { control = 'copies', at_most = 0.1 }"
        )
    inner = _Place(f"{place.name}: requires_limit", value, {"control", "at_most"})
    return Sensitivity(inner.text("control"), inner.real("at_most"))
