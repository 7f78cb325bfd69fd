"""The exchange rate as a reader needs it: what synthetic images were worth in real patients, in numbers and words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from radassay.evidence.finding import Finding
from radassay.report import trial_words

NAME = "exchange_patients"
HELD_OUT = "held-out patients"
TORN = "estimate and interval contradict each other, the curve of real patients being too uncertain to be read"


@dataclass(frozen=True)
class Curve:
    """What the picture shows beside the answer."""

    sizes: tuple[float, ...]
    """Real patients of the measured points."""
    areas: tuple[tuple[float, ...], ...]
    """(sizes, trainings) AUC of each."""
    at: tuple[tuple[float, float, float, float], ...]
    """Patients, AUC and its limits along the fitted curve."""
    area: tuple[float, float, float]
    """AUC of the arm with synthetic images, with its limits."""


@dataclass(frozen=True)
class Exchange:
    """What one arm was worth."""

    arm: str
    dose: float
    slice: str
    base: int
    """Real training patients that the arm had anyway."""
    held_out: int
    """Further real patients that the trial kept for itself."""
    patients: float | None
    """None where it lies beyond the curve."""
    low: float | None
    """None where it is open."""
    high: float | None
    seen: tuple[float, float]
    """Fewest and most further patients that the curve can express."""
    beyond: str
    """`above` or `below` where the arm lies beyond the curve."""
    level: float
    curve: Curve

    @property
    def interval(self) -> str:
        """Return the interval in words."""
        low = f"{signed(self.seen[0])} or fewer" if self.low is None else signed(self.low)
        high = f"{signed(self.seen[1])} or more" if self.high is None else signed(self.high)
        return f"{low} to {high}"

    @property
    def value(self) -> str:
        """Return the estimate in words, whatever it is worth."""
        if self.patients is not None:
            return signed(self.patients)
        return f"more than {signed(self.seen[1])}" if self.beyond == "above" else f"less than {signed(self.seen[0])}"

    @property
    def is_silent(self) -> bool:
        """Return whether the interval covers all that the curve can tell."""
        return self.low is None and self.high is None

    @property
    def is_torn(self) -> bool:
        """Return whether the estimate lies outside its own interval: the curve is too uncertain to be read."""
        best = self.patients if self.patients is not None else self.seen[1 if self.beyond == "above" else 0]
        below = self.low is not None and best < self.low
        return below or (self.high is not None and best > self.high)


@dataclass(frozen=True)
class Worth:
    """The exchange rate of a trial."""

    main: Exchange | None
    """Of the dose that the plan names first; None where it was not measured."""
    rows: tuple[Exchange, ...]
    """Of every dose, ascending, and of the held-out patients, last."""
    answer: str
    check: str
    """What the curve makes of real patients whose number is known; empty where none were held out."""
    missing: tuple[tuple[str, str], ...]
    """Arms without an answer, and why."""


def worth(findings: Sequence[Finding]) -> Worth | None:
    """Return the exchange rate of a trial; None where no trial asked for it."""
    own = [f for f in findings if f.check == trial_words.TRIAL and f.name == NAME and f.role == "measurement"]
    if not own:
        return None
    found = [e for e in map(_exchange, own) if e is not None]
    rows = sorted(found, key=lambda e: (e.slice == HELD_OUT, e.dose))
    main = next((e for e in rows if e.slice == "all"), None)
    held_out = next((e for e in rows if e.slice == HELD_OUT), None)
    missing = tuple((trial_words.part(f) or "all", f.reason) for f in own if _exchange(f) is None)
    why = next((f.reason for f in own if f.slice == "all"), own[0].reason)
    return Worth(
        main=main,
        rows=tuple(rows),
        answer=answer(main) if main else f"What they were worth in real patients was not measured: {why}.",
        check=_check(held_out) if held_out else "",
        missing=missing,
    )


def answer(found: Exchange) -> str:
    """Return in one or two sentences what the synthetic images were worth."""
    span = f"{100 * found.level:.3g} % interval {found.interval}"
    if found.is_silent or found.is_torn:
        why = "the interval covers all that the curve of real patients can tell" if found.is_silent else TORN
        nothing = "This trial cannot say what the synthetic images were worth in real patients"
        return f"{nothing}: {why} (estimate {found.value}, {span})."
    images, model = "The synthetic images were worth", "With the synthetic images the model did"
    fewest, most = f"{-found.seen[0]:.0f}", f"{found.seen[1]:.0f}"
    if found.patients is None and found.beyond == "above":
        told = f"{images} more than {most} further real patients, which is beyond the curve"
    elif found.patients is None:
        told = f"{model} worse than with {fewest} real patients fewer, which is beyond the curve"
    elif round(found.patients) == 0:
        told = f"{images} no further real patients"
    elif found.patients > 0:
        told = f"{images} about {found.patients:.0f} further real {_people(found.patients)}"
    else:
        told = f"{model} only as well as with about {-found.patients:.0f} real {_people(found.patients)} fewer"
    return f"{told} ({span}). {_certainty(found)}"


def _certainty(found: Exchange) -> str:
    if found.low is not None and found.low > 0:
        return "The whole interval lies above zero: they were worth real patients."
    if found.high is not None and found.high < 0:
        return "The whole interval lies below zero: they did harm."
    return "The interval includes zero: neither a gain nor a loss is shown."


def _check(found: Exchange) -> str:
    """Return how far the curve can be trusted: it is asked for a number that is known."""
    told = (
        f"As a check of the method, {found.held_out} real patients kept aside were added instead of synthetic images; "
        f"the curve reads them as {found.value} ({100 * found.level:.3g} % interval {found.interval})."
    )
    if found.is_silent or found.is_torn:
        return f"{told} The interval says nothing, so neither does the check."
    holds = (found.low is None or found.low <= found.held_out) and (found.high is None or found.held_out <= found.high)
    return f"{told} The interval {'holds' if holds else 'misses'} the true number."


def signed(patients: float) -> str:
    """Return whole patients with their sign; 0 has none."""
    whole = round(patients)
    return f"{whole:+d}".replace("-", "−") if whole else "0"


def _people(number: float) -> str:
    return "patient" if abs(round(number)) == 1 else "patients"


def _exchange(finding: Finding) -> Exchange | None:
    """Return what a finding tells; None where it was not measured."""
    told = finding.details
    if finding.value is None and not told.get("beyond"):
        return None
    if any(key not in told for key in ("seen", "curve", "sizes", "areas", "area", "base")):
        return None
    curve = Curve(
        sizes=tuple(told["sizes"]),
        areas=tuple(tuple(row) for row in told["areas"]),
        at=tuple((x, y, low, high) for x, y, low, high in zip(*told["curve"], strict=True)),
        area=(told["area"][0], told["area"][1], told["area"][2]),
    )
    return Exchange(
        arm=str(told.get("arm", "")),
        dose=float(told.get("dose", 0.0)),
        slice=finding.slice,
        base=int(told["base"]),
        held_out=int(told.get("reserve", 0)),
        patients=finding.value,
        low=told.get("low", finding.low),
        high=told.get("high", finding.high),
        seen=(told["seen"][0], told["seen"][1]),
        beyond=str(told.get("beyond", "")),
        level=finding.level,
        curve=curve,
    )
