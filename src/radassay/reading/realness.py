"""Question A: real or synthetic, with confidence; what readers can tell, how they agree, and whether they looked."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radassay.evidence.finding import Finding
from radassay.reading.answers import LEVELS, Dropped, Read, cautions
from radassay.reading.curves import average, operating_points, rounded
from radassay.reading.found import OVER, counted, finding, of
from radassay.reading.key import REAL, SYNTHETIC
from radassay.reading.pace import learning
from radassay.reading.plan import ReadingPlan
from radassay.reading.unanimous import extremes
from radassay.stats.agreement import (
    Scale,
    answer_counts,
    bootstrapped,
    fleiss_kappa,
    gwet,
    intra_reader,
    krippendorff_alpha,
    similarity,
    weighted_kappa,
)
from radassay.stats.equivalence import LEVEL, statement, told, two_one_sided
from radassay.stats.mrmc import Estimate, Random, one_modality
from radassay.stats.proportion import share
from radassay.stats.reader_figures import delong_figures, jackknife_figures, read_by_all
from radassay.stats.signal_detection import criterion_above, detection, sensitivity_above

Floats = NDArray[np.float64]
MIDDLE = LEVELS / 2 + 0.5
"""Scores above it say synthetic."""


def realness(read: Read, plan: ReadingPlan, rng: np.random.Generator) -> list[Finding]:
    """Return all findings of question A.

    Args:
        read: answers to `realness`.
        plan: gives the margin.
        rng: of the bootstrap.
    """
    facts, items = read.cases()
    scores = read.matrix("score", items)
    whole = read_by_all(scores) if len(read.readers) else np.zeros(len(items), dtype=bool)
    few = f"{counted(len(read.readers))} answered enough; the area over readers needs two"
    if not len(read.readers) or not len(items):
        return [finding("auc_readers", reason=few)]
    if min(np.unique(facts["patient"][whole & (facts["arm"] == arm)]).size for arm in (REAL, SYNTHETIC)) < 2:
        reason = "too few cases of an arm were judged by every reader"
        return [finding("auc_readers", reason=reason)]
    dropped = read.dropped(items, whole)
    about: dict[str, Any] = {
        "n_images": int(whole.sum()),
        "n_patients": int(facts["patient"][whole].nunique()),
        "reason": cautions(plan, len(read.readers), dropped, read.left_out),
    }
    rated, kept = scores[:, whole], facts[whole]
    alone = len(read.readers) < 2
    over = [finding("auc_readers", reason=few)] if alone else _areas(rated, kept, plan, about, read, dropped)
    return [
        *over,
        *_areas_by_reader(rated, kept, about, read.readers),
        *_detections(rated, kept, about, read.readers),
        *_agreement(scores, facts, rng, about["reason"]),
        *_repeats(read, plan, rng),
        *_catch(read),
        *learning(read),
        *extremes((rated > MIDDLE) == _truth(kept)[0], kept, about["reason"]),
    ]


def _areas(
    scores: Floats, facts: pd.DataFrame, plan: ReadingPlan, about: dict[str, Any], read: Read, dropped: Dropped
) -> list[Finding]:
    """Return the area over readers and cases, whether it is equivalent to chance, and the area of each class."""
    readers = len(read.readers)
    synthetic, patients = _truth(facts)
    figures = delong_figures(scores, synthetic, patients)
    wide, narrow = one_modality(figures), one_modality(figures, level=LEVEL)
    within, around = (narrow.low, narrow.high), (wide.low, wide.high)
    said = statement(within, around, plan.margin, readers)
    details = {
        "statement": said,
        "told": str(told(within, around, plan.margin)),
        "margin": plan.margin,
        "interval_90": list(within),
        "chance": 0.5,
        "readers": readers,
        "dropped": asdict(dropped),
        "curve": rounded(average([operating_points(row, synthetic) for row in scores])),
    }
    method = f"{OVER}; covariances by DeLong"
    findings = [of("auc_readers", wide, method, unit="AUC", details=details, **about)]
    findings.append(finding("margin", value=plan.margin, unit="AUC", method="fixed before the first reading, exact"))
    findings.append(_distance(narrow, plan.margin, about))
    if wide.error > 1e-12:
        p = two_one_sided(wide.value, wide.error, wide.freedom, plan.margin)
        how = f"two one-sided tests of AUC 0.5 within {plan.margin:g} (Schuirmann 1987), {OVER}"
        findings.append(finding("equivalence_p", value=p, method=how, details={"statement": said}, **about))
    else:
        findings.append(finding("equivalence_p", reason="no reader and no case varied, so there is no test"))
    for label in sorted(set(facts["label"])):
        some = (facts["label"] == label).to_numpy()
        if len(set(facts["label"])) > 1 and min(len(set(patients[some & (synthetic == s)])) for s in (True, False)) > 1:
            found = one_modality(delong_figures(scores[:, some], synthetic[some], patients[some]))
            counts = {"n_images": int(some.sum()), "n_patients": len(set(patients[some]))}
            fields = {**about, **counts, "unit": "AUC", "slice": f"label={label}"}
            findings.append(of("auc_label", found, method, **fields))
    return findings


def _distance(narrow: Estimate, margin: float, about: dict[str, Any]) -> Finding:
    """Return how far the area lies from chance, in margins of the plan: what rules read and the statement says."""
    scaled = {name: (getattr(narrow, name) - 0.5) / margin for name in ("value", "low", "high")}
    method = f"(AUC - 0.5) / {margin:g}; {OVER}; covariances by DeLong"
    fields = {"unit": "margins", "direction": "near zero is better", "level": LEVEL, "method": method}
    return finding("distance_in_margins", **scaled, **fields, **about)


def _areas_by_reader(
    scores: Floats, facts: pd.DataFrame, about: dict[str, Any], readers: tuple[str, ...]
) -> list[Finding]:
    """Return the area of each reader, with the curve it lies under."""
    synthetic, patients = _truth(facts)
    findings = []
    for n, reader in enumerate(readers):
        found = one_modality(delong_figures(scores[[n]], synthetic, patients), random=Random.CASES)
        details = {"curve": rounded(operating_points(scores[n], synthetic))}
        fields = {"unit": "AUC", "slice": f"reader={reader}", "details": details}
        findings.append(of("auc_reader", found, "DeLong 1988", **fields, **about))
    return findings


def _truth(facts: pd.DataFrame) -> tuple[NDArray[np.bool_], NDArray[np.str_]]:
    return (facts["arm"] == SYNTHETIC).to_numpy(dtype=bool), facts["patient"].to_numpy(dtype=str)


def _detections(scores: Floats, facts: pd.DataFrame, about: dict[str, Any], readers: tuple[str, ...]) -> list[Finding]:
    """Return d' and criterion: a reader who calls everything real fools nobody but has a d' of 0."""
    synthetic, patients = _truth(facts)
    findings = []
    for name, figure in (("d_prime", sensitivity_above(MIDDLE)), ("criterion", criterion_above(MIDDLE))):
        figures = jackknife_figures(scores, synthetic, figure, patients, (-np.inf, np.inf))
        try:
            findings.append(of(name, one_modality(figures), f"{OVER}; covariances by jackknife", **about))
        except ValueError as error:
            findings.append(finding(name, reason=str(error)))
    for n, reader in enumerate(readers):
        found = detection(scores[n] > MIDDLE, synthetic)
        findings.append(of("d_prime_reader", found.sensitivity, slice=f"reader={reader}", **about))
        findings.append(of("criterion_reader", found.criterion, slice=f"reader={reader}", **about))
    return findings


def _agreement(scores: Floats, facts: pd.DataFrame, rng: np.random.Generator, caution: str) -> list[Finding]:
    """Return how far readers agree, missing answers included; of readers who guess it is nothing."""
    patients = facts["patient"].to_numpy(dtype=str)
    said = np.where(np.isnan(scores), np.nan, (scores > MIDDLE).astype(np.float64))
    two, six = answer_counts(said.T, [0, 1]), answer_counts(scores.T, np.arange(1, LEVELS + 1))
    plain = similarity([0, 1], Scale.NOMINAL)
    measures = {
        "fleiss_kappa": ("real or synthetic", lambda w: fleiss_kappa(two, w, plain)),
        "gwet_ac1": ("real or synthetic", lambda w: gwet(two, w, plain)),
        "krippendorff_alpha": ("six levels, ordinal", lambda w: krippendorff_alpha(six, w, Scale.ORDINAL)),
    }
    findings = []
    for name, (what, coefficient) in measures.items():
        try:
            found = bootstrapped(coefficient, len(facts), rng, patients)
        except ValueError as error:
            findings.append(finding(name, reason=str(error)))
            continue
        counts = {"n_images": len(facts), "n_patients": len(set(patients))}
        findings.append(of(name, found, f"{what}; {found.method}", reason=caution, **counts))
    return findings


def _repeats(read: Read, plan: ReadingPlan, rng: np.random.Generator) -> list[Finding]:
    """Return how far readers agree with themselves on the hidden repeats."""
    again = read.rows[read.rows["role"] == "repeat"].drop_duplicates("item").sort_values("item")
    if again.empty:
        return [finding("intra_reader_kappa", reason="nobody has read a repeat")]
    levels = np.arange(1, LEVELS + 1)
    second = read.matrix("score", list(again["item"]))
    first = read.matrix("score", list(again["repeats"]))
    patients = again["patient"].to_numpy(dtype=str)
    findings = []
    for n, reader in enumerate(read.readers):
        try:
            kappa, _ = intra_reader(first[n], second[n], levels, rng, patients)
        except ValueError as error:
            findings.append(finding("intra_reader_kappa", slice=f"reader={reader}", reason=str(error)))
            continue
        how = f"quadratic weights; {kappa.method}"
        findings.append(of("intra_reader_kappa", kappa, how, slice=f"reader={reader}", n_images=len(again)))
    whole = read_by_all(first) & read_by_all(second)
    if not whole.any():
        return [*findings, finding("intra_reader_kappa", reason="no repeat was judged twice by every reader")]
    alike = similarity(levels, Scale.INTERVAL)
    pairs = [(answer_counts(a[:, None], levels), answer_counts(b[:, None], levels))
             for a, b in zip(first[:, whole], second[:, whole], strict=True)]  # fmt: skip

    def mean(weights: Floats) -> Floats:
        return np.asarray(np.mean([weighted_kappa(a, b, weights, alike) for a, b in pairs], axis=0))

    found = bootstrapped(mean, int(whole.sum()), rng, patients[whole])
    how = f"mean over readers, quadratic weights; {found.method}"
    caution = cautions(plan, len(read.readers))
    return [*findings, of("intra_reader_kappa", found, how, n_images=int(whole.sum()), reason=caution)]


def _catch(read: Read) -> list[Finding]:
    """Return how many of the broken images were called synthetic: whether readers looked."""
    rows = read.rows[(read.rows["role"] == "catch") & ~read.rows["cannot_judge"].astype(bool)]
    if rows.empty:
        return [finding("catch_share", reason="there were no catch trials, or nobody judged them")]
    findings = []
    for part, some in [("all", rows), *((f"reader={r}", rows[rows["reader"] == r]) for r in read.readers)]:
        if len(some):
            found = share(some["right"].to_numpy() == 1, some["patient"].to_numpy(dtype=str))
            fields = {"unit": "share", "direction": "higher is better", "slice": part}
            findings.append(of("catch_share", found, n_images=int(some["item"].nunique()), **fields))
    return findings
