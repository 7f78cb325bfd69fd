"""ROC curves of readers and of their mean, as the findings tell them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from radassay.evidence.finding import Finding
from radassay.report.reading_words import basis, numbers, parts

Curve = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class ReaderCurve:
    """The curve of one reader, or of their mean."""

    reader: str
    """Code; empty for the mean."""
    points: Curve
    """False and true positive rate, from (0, 0) to (1, 1)."""
    area: str
    """With its interval."""


@dataclass(frozen=True)
class Roc:
    """The curves of one question."""

    id: str
    title: str
    positive: str
    """What the upward axis counts as found."""
    negative: str
    """What the level axis counts as false alarm."""
    readers: tuple[ReaderCurve, ...]
    mean: ReaderCurve | None
    basis: str
    """Readers, cases and patients."""


def rocs(own: Sequence[Finding]) -> tuple[Roc, ...]:
    """Return the curves of real or synthetic, and of the diagnosis on real and on synthetic images."""
    found = [
        _roc(
            own,
            ("auc_readers", "auc_reader", ""),
            "Telling synthetic from real images",
            "synthetic images called synthetic",
            "real images called synthetic",
        )
    ]
    for arm in ("real", "synthetic"):
        names = ("auc_diagnosis", "auc_diagnosis_reader", arm)
        ill = next((str(f.details["positive"]) for f in own if f.name == names[0] and "positive" in f.details), "")
        ill = ill or "the disease"
        title = f"Diagnosis on {arm} images"
        found.append(_roc(own, names, title, f"{ill} found", f"others called {ill}"))
    return tuple(roc for roc in found if roc)


def _roc(own: Sequence[Finding], names: tuple[str, str, str], title: str, positive: str, negative: str) -> Roc | None:
    overall, single, arm = names
    here = [f for f in own if parts(f).get("arm", "") == arm and f.value is not None and "curve" in f.details]
    readers = tuple(_curve(f, parts(f).get("reader", "")) for f in here if f.name == single)
    mean = next((f for f in here if f.name == overall), None)
    first = next((f for f in here if f.name == single), None)
    if first is None:
        return None
    name = f"roc-{arm}" if arm else "roc"
    told = basis(mean or first, len(readers))
    return Roc(name, title, positive, negative, readers, _curve(mean, "") if mean else None, told)


def _curve(finding: Finding, reader: str) -> ReaderCurve:
    points = tuple((float(x), float(y)) for x, y in finding.details["curve"])
    return ReaderCurve(reader, points, numbers(finding))
