"""Tables of the trial: endpoints by arm, comparisons with what they say of harm, other hospitals and subgroups."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from radassay.evidence import wording
from radassay.evidence.finding import Finding
from radassay.report import trial_words
from radassay.report.calibration import span, two_digits

COMPARISONS = (
    "gain_over_real",
    "gain_over_classical",
    "gain_over_best_classical",
    "gain_over_duplicates",
    "gain_over_reweighting",
    "gain_over_controls",
    "change_of_shuffled_labels",
    "gain_of_held_out_patients",
    "change_real_classical",
    "change_real_duplicates",
    "change_real_reweighting",
    "change_synthetic_only",
)
"""Paired differences of two arms, in the order of the table."""
PLACES = ("gain_external", "subgroup_gain", "worst_subgroup_gain")

MOST_SILENT = 3
"""More parts than so many without a value, for one reason, take one row."""

_WHOLE = {"harm": "harm: they are worse off", "unclear": "unclear: neither harm nor its absence is shown"}
"""What a part of the patients says of harm, where the finding gives the outcome alone."""

_SPAN = re.compile(r" \((?:interval [^)]*|without an interval)\)")


@dataclass(frozen=True)
class Cell:
    """One number of a table by arm."""

    value: str
    interval: str
    reason: str


@dataclass(frozen=True)
class EndpointLine:
    """One endpoint, over the arms."""

    endpoint: str
    note: str
    """How it is to be read."""
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Endpoints:
    """Endpoints by arm."""

    arms: tuple[str, ...]
    lines: tuple[EndpointLine, ...]


@dataclass(frozen=True)
class Comparison:
    """One difference of two arms on the same patients."""

    label: str
    part: str
    best_control: str
    """The arm it was held against, where that is the best of several."""
    value: str
    interval: str
    """By the bootstrap."""
    delong: str
    """By the covariance of areas; empty where it was not taken."""
    p: str
    """Adjusted for all doses after Holm; empty where one comparison alone is meant."""
    harm: str
    """What is said of harm, or why there is no value."""


@dataclass(frozen=True)
class Place:
    """The gain in one hospital or one part of the patients."""

    where: str
    group: str
    patients: str
    value: str
    interval: str
    delong: str
    harm: str


def endpoints(findings: Sequence[Finding]) -> Endpoints | None:
    """Return every endpoint of the arms that have more than one; None where there is none such."""
    found: dict[str, dict[str, Finding]] = {}
    for f in findings:
        name, slug = trial_words.split(f.name)
        if f.check == trial_words.TRIAL and f.role == "measurement" and f.slice == "all" and slug:
            found.setdefault(slug, {})[name] = f
    several = {slug: of for slug, of in found.items() if len(of) > 1}
    if not several:
        return None
    slugs = sorted(several, key=lambda s: trial_words.place(s, several[s].get("auc")))
    lines = []
    for name in trial_words.ENDPOINTS:
        here = [several[s].get(name) for s in slugs]
        if any(here):
            note = next((_note(name, f) for f in here if f), "")
            lines.append(EndpointLine(trial_words.ENDPOINTS[name], note, tuple(map(_cell, here))))
    return Endpoints(tuple(trial_words.arm(s, several[s].get("auc")) for s in slugs), tuple(lines))


def _cell(finding: Finding | None) -> Cell:
    if finding is None:
        return Cell("–", "", "")
    if finding.name.startswith("calibration_") and finding.value is not None:
        return Cell(two_digits(finding.value), span(finding), finding.reason)
    return Cell(trial_words.value(finding), wording.interval(finding), finding.reason)


def _note(endpoint: str, finding: Finding) -> str:
    told = finding.details
    notes = {
        "auc": "1 is best, 0.5 is chance",
        "auprc": "1 is best; chance is the share of positives",
        "brier": "0 is best",
        "calibration_slope": "1 is best; below 1: too near 0 and 1",
        "calibration_intercept": "0 is best; below 0: risks told too high",
        "sensitivity": "at the threshold fixed on validation images",
        "net_benefit": "more is better",
    }
    if endpoint == "sensitivity" and "specificity_on_validation" in told:
        return f"at {100 * told['specificity_on_validation']:.3g} % specificity on validation images"
    if endpoint == "net_benefit" and "act_at" in told:
        return f"acting from a probability of {100 * told['act_at']:.3g} %; more is better"
    return notes[endpoint]


def comparisons(findings: Sequence[Finding]) -> tuple[Comparison, ...]:
    """Return all paired differences; doses of one comparison ascending."""
    own = [f for f in findings if f.check == trial_words.TRIAL and f.role == "measurement" and f.name in COMPARISONS]
    own.sort(key=lambda f: (COMPARISONS.index(f.name), float(f.details.get("dose", 0.0))))
    return tuple(_comparison(f) for f in own)


def _comparison(finding: Finding) -> Comparison:
    against = str(finding.details.get("best_control", ""))
    dose = finding.details.get("dose")
    return Comparison(
        label=trial_words.label(finding),
        part=f"{dose:g} synthetic per real image" if dose is not None else trial_words.part(finding),
        best_control=trial_words.arm_named(against) if against else "",
        value=trial_words.value(finding),
        interval=wording.interval(finding) or ("" if finding.value is None else "none"),
        delong=delong(finding),
        p=chance(finding.details["p_of_all_doses"]) if "p_of_all_doses" in finding.details else "",
        harm=harm(finding),
    )


def delong(finding: Finding) -> str:
    """Return DeLong's limits of a difference, or nothing."""
    limits = finding.details.get("delong")
    if not limits:
        return ""
    return " to ".join(wording.number(limit, "difference") for limit in limits)


def chance(p: float) -> str:
    """Return a p-value to two digits."""
    return "< 0.001" if p < 0.001 else f"{min(p, 1.0):.2g}"


def harm(finding: Finding) -> str:
    """Return what a difference says of harm, without the arms and the interval that stand beside it."""
    if finding.value is None:
        return wording.sentence(finding.reason)
    told = str(finding.details.get("harm", ""))
    arms = f"{finding.details.get('arm')} against {finding.details.get('against')}: "
    told = _SPAN.sub("", told.removeprefix(arms)) or finding.reason
    return wording.sentence(_WHOLE.get(told, told))


def places(findings: Sequence[Finding]) -> tuple[Place, ...]:
    """Return the gain in other hospitals and parts of the patients, the worst of each last in its group."""
    own = [f for f in findings if f.check == trial_words.TRIAL and f.role == "measurement" and f.name in PLACES]
    external = [f for f in own if f.name == "gain_external"]
    many = sum(f.slice != "all" for f in external) != 1
    # the smallest gain of a single hospital is that hospital's
    kept = [f for f in own if many or f.name != "gain_external" or f.slice != "all"]
    kept.sort(key=lambda f: (PLACES.index(f.name), f.slice == "all"))
    alike = Counter(_silence(f) for f in kept)
    many_alike = {why for why, number in alike.items() if why and number > MOST_SILENT}
    rows = [_place(f) for f in kept if _silence(f) not in many_alike]
    for why in sorted(many_alike):
        silent = [_place(f) for f in kept if _silence(f) == why]
        where = trial_words.some([p.where for p in silent])
        rows.append(replace(silent[0], where=f"{len(silent)} parts: {where}", patients=""))
    return tuple(rows)


def _silence(finding: Finding) -> tuple[str, ...]:
    """Return where and why there is no value; nothing where there is one."""
    return () if finding.value is not None else (finding.name, finding.reason)


def _place(finding: Finding) -> Place:
    if finding.name == "gain_external":
        group, where = "other hospitals", trial_words.part(finding) or "the one that gains least"
    else:
        group, where = "parts of the test patients", trial_words.part(finding)
        where = where or "the part that gains least"
    worst = str(finding.details.get("worst") or finding.details.get("subgroup") or "")
    if worst and finding.slice == "all":
        where += f" ({worst.partition('=')[2] if finding.name == 'gain_external' else worst.replace('=', ': ')})"
    empty = finding.low is not None and finding.high is not None and finding.low <= -1 and finding.high >= 1
    told = "Says nothing: too few patients." if empty else harm(finding)
    count = finding.details.get("patients", None if worst else finding.n_patients)
    return Place(
        where=where,
        group=group,
        patients="" if count is None else f"{count:,}",
        value=trial_words.value(finding),
        interval="any" if empty else wording.interval(finding),
        delong=delong(finding),
        harm=told,
    )
