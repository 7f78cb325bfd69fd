"""Intervals of a reader study, picture by picture: by reader, by arm, by measure of agreement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from radassay.evidence import wording
from radassay.evidence.finding import Finding
from radassay.report.interval_rows import Row
from radassay.report.reading_words import QUESTIONS, basis, numbers, parts

EVERYONE = "All readers"


@dataclass(frozen=True)
class Intervals:
    """One picture of intervals."""

    id: str
    title: str
    axis: str
    rows: tuple[Row, ...]
    note: str
    """What it rests on, and how it is to be read."""
    chance: float | None = None
    """Where guessing lies."""
    band: tuple[float, float] | None = None
    """The margin of equivalence."""
    inner: tuple[float, float] | None = None
    """The 90 % interval that is held against the margin."""
    within: tuple[float, float] | None = None
    """The smallest and largest value there can be."""


def areas(own: Sequence[Finding], readers: int) -> Intervals | None:
    """Return the area of every reader and over readers, against the margin fixed in the plan."""
    whole = _one(own, "auc_readers")
    rows = _by_reader(own, "auc_reader")
    if not rows:
        return None
    first = next(f for f in own if f.name == "auc_reader" and f.value is not None)
    note = basis(whole if whole else first, readers)
    if whole is None:
        return Intervals("auc-readers", "AUC by reader", "AUC; 0.5 is guessing", rows, note, 0.5, within=(0, 1))
    margin, narrow = whole.details.get("margin"), whole.details.get("interval_90")
    return Intervals(
        id="auc-readers",
        title="AUC by reader, and the margin",
        axis="AUC; 0.5 is guessing",
        rows=(*rows, _row(whole, EVERYONE, trial=True)),
        note=note,
        chance=0.5,
        band=(0.5 - margin, 0.5 + margin) if margin else None,
        inner=(narrow[0], narrow[1]) if narrow else None,
        within=(0, 1),
    )


def choices(own: Sequence[Finding], readers: int) -> Intervals | None:
    """Return the share of right choices of every reader and over readers, against guessing."""
    rows, whole = _by_reader(own, "choice_reader"), _one(own, "choice_correct")
    if not rows:
        return None
    first = next(f for f in own if f.name == "choice_reader")
    many, chance = int(first.details["alternatives"]), float(first.details["chance"])
    rows += (_row(whole, EVERYONE, trial=True),) if whole else ()
    title, axis = f"Right choices among {many} images", f"per cent; {100 * chance:.3g} is guessing"
    return Intervals("choices", title, axis, rows, basis(whole or first, readers), chance, within=(0, 1))


def diagnoses(own: Sequence[Finding]) -> Intervals | None:
    """Return the area of the diagnosis on either arm, and their difference told."""
    rows = []
    for f in own:
        if f.name == "auc_diagnosis_reader" and f.value is not None and parts(f)["arm"] == "real":
            reader = parts(f)["reader"]
            other = _one(own, "auc_diagnosis_reader", reader=reader, arm="synthetic")
            rows.append(_row(f, f"{reader}, real"))
            rows += [_row(other, "synthetic", trial=True)] if other else []
    for arm in ("real", "synthetic"):
        whole = _one(own, "auc_diagnosis", arm=arm)
        if whole:
            rows.append(_row(whole, f"All, {arm}" if arm == "real" else "synthetic", trial=arm == "synthetic"))
    if not rows:
        return None
    difference = _one(own, "diagnosis_difference")
    note = f"Synthetic less real, over readers: {numbers(difference)}." if difference else ""
    title = "Diagnosis by reader, on real and on synthetic images"
    return Intervals("diagnoses", title, "AUC; 0.5 is guessing", tuple(rows), note, 0.5, within=(0, 1))


def agreement(own: Sequence[Finding]) -> Intervals | None:
    """Return how far readers agree with each other, and all of them with themselves."""
    names = {
        "fleiss_kappa": "Fleiss' kappa",
        "gwet_ac1": "Gwet's AC1",
        "krippendorff_alpha": "Kripp. alpha",
        "intra_reader_kappa": "With self",
    }
    found = [(f, label) for name, label in names.items() if (f := _one(own, name))]
    if not found:
        return None
    rows = tuple(_row(f, label, trial=f.name == "intra_reader_kappa") for f, label in found)
    return Intervals("agreement", "Agreement", "0 is chance, 1 is full agreement", rows, "", 0.0, within=(-1, 1))


def with_self(own: Sequence[Finding]) -> Intervals | None:
    """Return how far each reader agrees with themselves on the hidden repeats."""
    rows = _by_reader(own, "intra_reader_kappa")
    if not rows:
        return None
    title = "Each reader with themselves, on hidden repeats"
    first = next(f for f in own if f.name == "intra_reader_kappa" and f.value is not None)
    note = f"{first.n_images} cases seen twice" if first.n_images else ""
    return Intervals("with-self", title, "weighted kappa; 0 is chance", rows, note, 0.0, within=(-1, 1))


def detections(own: Sequence[Finding]) -> tuple[Intervals, ...]:
    """Return d' and criterion of every reader and over readers."""
    told = (
        ("d_prime", "d′: how well they tell the two apart", "d′; 0 is guessing"),
        ("criterion", "Criterion: what they call it when in doubt", "below 0: “synthetic” · above 0: “real”"),
    )
    pictures = []
    for name, title, axis in told:
        rows, whole = _by_reader(own, f"{name}_reader"), _one(own, name)
        if rows:
            rows += (_row(whole, EVERYONE, trial=True),) if whole else ()
            pictures.append(Intervals(name.replace("_", "-"), title, axis, rows, "", 0.0))
    return tuple(pictures)


def plausible(own: Sequence[Finding]) -> Intervals | None:
    """Return by structure how much more or less often it is plausible in synthetic images."""
    some = [f for f in own if f.name == "plausible_difference" and f.value is not None]
    if not some:
        return None
    rows = tuple(_row(f, _short(parts(f)["structure"])) for f in some)
    return Intervals(
        "plausible", "Plausible readings, synthetic less real", "percentage points; below 0: less often", rows, "", 0.0
    )


def times(own: Sequence[Finding]) -> Intervals | None:
    """Return the time on a case by question and arm."""
    rows, notes = [], []
    for f in own:
        if f.name == "reading_time" and f.value is not None:
            told = parts(f)
            name = {"diagnosis": "Diagnosis", "plausibility": "Structures", "realness": "Realness"}[told["question"]]
            synthetic = told["arm"] == "synthetic"
            rows.append(_row(f, "synthetic" if synthetic else f"{name}, real", trial=synthetic))
        if f.name == "reading_time_ratio" and f.value is not None:
            notes.append(f"{QUESTIONS[parts(f)['question']]}: {numbers(f)} times")
    note = f"Synthetic over real: {'; '.join(notes)}." if notes else ""
    title = "Time on a case"
    return Intervals("times", title, "seconds, geometric mean", tuple(rows), note) if rows else None


def _one(own: Sequence[Finding], name: str, **wanted: str) -> Finding | None:
    return next((f for f in own if f.name == name and parts(f) == wanted and f.value is not None), None)


def _by_reader(own: Sequence[Finding], name: str) -> tuple[Row, ...]:
    return tuple(
        _row(f, parts(f)["reader"]) for f in own if f.name == name and "reader" in parts(f) and f.value is not None
    )


def _row(finding: Finding, label: str, *, trial: bool = False) -> Row:
    assert finding.value is not None
    return Row(label, finding.value, finding.low, finding.high, written(finding), trial=trial)


def written(finding: Finding) -> str:
    """Return value and interval as they stand in a picture: AUC to 3 decimals, shares as per cent, others to 2."""
    every = [v for v in (finding.value, finding.low, finding.high) if v is not None]
    if finding.name == "plausible_difference":
        told = [f"{100 * v:+.0f}" if round(100 * v) else "0" for v in every]
    elif wording.kind(finding) in ("auc", "share"):
        return numbers(finding)
    else:
        digits = 1 if finding.unit == "seconds" else 2
        told = [f"{round(v, digits) or 0.0:.{digits}f}" for v in every]
    told = [text.replace("-", "−") for text in told]
    return f"{told[0]} ({told[1]} to {told[2]})" if len(told) == 3 else told[0]


def _short(name: str, most: int = 16) -> str:
    return name if len(name) <= most else f"{name[: most - 1].rstrip()}…"
