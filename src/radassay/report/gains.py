"""The gain over the best control by dose, and what the trial's own controls say of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from radassay.evidence import wording
from radassay.evidence.finding import Finding
from radassay.report import trial_words

GAIN = "gain_over_controls"
SHUFFLED = "change_of_shuffled_labels"
HELD_OUT = "gain_of_held_out_patients"


@dataclass(frozen=True)
class Gain:
    """One line of the picture."""

    label: str
    value: float | None
    low: float | None
    high: float | None
    text: str
    """Value and interval as printed, or that there is none."""
    reason: str
    """Why there is no value."""


@dataclass(frozen=True)
class Gains:
    """Doses and controls, with the lines they are held against."""

    doses: tuple[Gain, ...]
    """Ascending."""
    controls: tuple[Gain, ...]
    """What must not help, then what must."""
    margin: float | None
    """Smallest gain worth having; None where no finding tells."""
    harm: float | None
    """Largest loss without harm."""
    unit: str
    told: tuple[str, ...]
    """What the controls say, a sentence each, and which gains could not be measured."""


def gains(findings: Sequence[Finding]) -> Gains | None:
    """Return the gain by dose; None where the trial has neither several doses nor controls of its own."""
    own = [f for f in findings if f.check == trial_words.TRIAL and f.role == "measurement"]
    doses = sorted((f for f in own if f.name == GAIN), key=_dose)
    controls = [f for name in (SHUFFLED, HELD_OUT) for f in own if f.name == name]
    if len(doses) < 2 and not controls:
        return None
    shown = [*doses, *controls]
    told = [said for f in controls if (said := _said(f))]
    told += [f"{_label(f)}: not measured, since {f.reason}." for f in shown if f.value is None]
    return Gains(
        doses=tuple(_gain(f) for f in doses),
        controls=tuple(_gain(f) for f in controls),
        margin=_first(shown, "smallest_gain_worth_having"),
        harm=_first(shown, "largest_loss_without_harm"),
        unit=next((f.unit for f in shown if f.unit), "AUC"),
        told=tuple(told),
    )


def _dose(finding: Finding) -> float:
    if "dose" in finding.details:
        return float(finding.details["dose"])
    key, _, value = finding.slice.partition("=")
    return float(value) if key == "dose" else 1.0


def _gain(finding: Finding) -> Gain:
    text, span = trial_words.value(finding), wording.interval(finding)
    text = f"{text} ({span})" if span else text
    return Gain(_label(finding), finding.value, finding.low, finding.high, text, finding.reason)


def _label(finding: Finding) -> str:
    if finding.name == SHUFFLED:
        return "Synthetic, labels shuffled"
    if finding.name == HELD_OUT:
        return "Held-out real patients"
    given = finding.slice != "all" or "dose" in finding.details
    return f"Real + synthetic × {_dose(finding):g}" if given else "Real + synthetic"


def _said(finding: Finding) -> str:
    """Return what a control of the trial says."""
    if finding.value is None or finding.low is None or finding.high is None:
        return ""
    number = f"{wording.number(finding.value, 'difference')}, interval {wording.interval(finding)}"
    if finding.name == HELD_OUT:
        if finding.low > 0:
            return f"Real patients kept aside must help, and did ({number}): this trial can see a gain of that size."
        return (
            f"Real patients kept aside must help, but showed no gain ({number}): this trial could not see a gain of "
            "that size, so that synthetic images without a shown gain may still have one."
        )
    if finding.low > 0:
        return (
            f"Shuffled labels must not help, but did ({number}): what looks like a gain here does not come from what "
            "the synthetic images show, and no gain of this trial may be believed."
        )
    return f"Shuffled labels must not help, and showed no gain ({number})."


def _first(findings: Sequence[Finding], key: str) -> float | None:
    return next((float(f.details[key]) for f in findings if key in f.details), None)
