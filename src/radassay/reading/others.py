"""Questions B, C and D: which is real, the diagnosis on either arm, and plausible structures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from radassay.evidence.finding import Finding
from radassay.reading.answers import Read, cautions
from radassay.reading.clicks import clicks, places
from radassay.reading.curves import average, operating_points, rounded
from radassay.reading.found import OVER, counted, finding, of
from radassay.reading.key import REAL, SYNTHETIC
from radassay.reading.plan import ReadingPlan
from radassay.stats.mrmc import Random, difference, one_modality
from radassay.stats.proportion import share
from radassay.stats.reader_figures import Figures, delong_figures, of_different_cases, proportion_figures, read_by_all
from radassay.stats.signal_detection import forced_choice

Floats = NDArray[np.float64]
ARMS = (SYNTHETIC, REAL)
"""Differences are the first less the second."""


def choice(read: Read, plan: ReadingPlan) -> list[Finding]:
    """Return question B: the share of right choices, chance being one in the number of alternatives."""
    facts, items = read.cases()
    right = read.matrix("right", items)
    whole = read_by_all(right) if len(read.readers) else np.zeros(0, dtype=bool)
    patients = facts["patient"].to_numpy(dtype=str)
    details: dict[str, Any] = {"chance": 1 / plan.alternatives, "alternatives": plan.alternatives}
    about = _about(read, plan, items, patients, whole)
    findings = []
    for n, reader in enumerate(read.readers if whole.any() else ()):
        alone = share(right[n, whole] == 1, patients[whole])
        fields: dict[str, Any] = {"unit": "share", "slice": f"reader={reader}", "details": details}
        findings.append(of("choice_reader", alone, **fields, **about))
    if len(read.readers) < 2 or len(set(patients[whole])) < 2:
        return [finding("choice_correct", reason=_few(read, int(whole.sum()))), *findings]
    found = forced_choice(right[:, whole], plan.alternatives, patients[whole])
    details = {**details, "readers": len(read.readers)}
    return [
        of("choice_correct", found.correct, unit="share", details=details, **about),
        of("choice_d_prime", found.sensitivity, details=details, **about),
        of("choice_auc", found.area, unit="AUC", details={"chance": 0.5}, **about),
        *findings,
    ]


def diagnosis(read: Read, plan: ReadingPlan) -> list[Finding]:
    """Return question C: the readers' AUC of the positive class in either arm, and synthetic less real."""
    parts: list[Figures] = []
    findings, by_reader = [], []
    for arm in ARMS:
        facts, items = read.cases(arm=arm)
        certainty = read.matrix("score", items)
        scores = np.where(_said(read, items, plan.positive), certainty, -certainty)
        whole = read_by_all(scores) if len(read.readers) else np.zeros(0, dtype=bool)
        ill, patients = (facts["label"] == plan.positive).to_numpy(), facts["patient"].to_numpy(dtype=str)
        few = _few(read, int(whole.sum()))
        if not len(read.readers) or min(len(set(patients[whole & (ill == s)])) for s in (True, False)) < 2:
            return [finding("diagnosis_difference", reason=f"{arm}: {few}")]
        about = _about(read, plan, items, patients, whole)
        by_reader += _by_reader(scores[:, whole], ill[whole], patients[whole], read, arm, about)
        if len(read.readers) < 2:
            continue
        figures = delong_figures(scores[:, whole], ill[whole], patients[whole])
        curve = average([operating_points(row, ill[whole]) for row in scores[:, whole]])
        told = {"curve": rounded(curve), "readers": len(read.readers), "positive": plan.positive}
        fields = {"unit": "AUC", "direction": "higher is better", "slice": f"arm={arm}", "details": told}
        findings.append(of("auc_diagnosis", one_modality(figures), f"{OVER}; DeLong", **fields, **about))
        parts.append(figures)
    if len(parts) < len(ARMS):
        return [finding("diagnosis_difference", reason=few), *by_reader]
    found = difference(of_different_cases(*parts))
    counts = {n: sum(getattr(f, n) for f in findings) for n in ("n_images", "n_patients")}
    said_of = {"readers": len(read.readers), "p": found.p, "positive": plan.positive}
    method = f"{OVER}; synthetic less real, on different cases"
    caution = findings[0].reason
    extra = {"unit": "AUC", "direction": "near zero is better", "reason": caution, "details": said_of}
    return [of("diagnosis_difference", found, method, **extra, **counts), *findings, *by_reader]


def _by_reader(
    scores: Floats, ill: NDArray[np.bool_], patients: NDArray[np.str_], read: Read, arm: str, about: dict[str, Any]
) -> list[Finding]:
    """Return the area of each reader in one arm, with the curve it lies under."""
    findings = []
    for n, reader in enumerate(read.readers):
        found = one_modality(delong_figures(scores[[n]], ill, patients), random=Random.CASES)
        details = {"curve": rounded(operating_points(scores[n], ill))}
        fields = {"unit": "AUC", "slice": f"reader={reader}, arm={arm}", "details": details}
        findings.append(of("auc_diagnosis_reader", found, "DeLong 1988", **fields, **about))
    return findings


def _said(read: Read, items: list[str], positive: str) -> NDArray[np.bool_]:
    wide = read.rows.pivot(index="reader", columns="item", values="chosen")
    return np.asarray(wide.reindex(index=list(read.readers), columns=items) == positive)


def plausibility(read: Read, plan: ReadingPlan) -> list[Finding]:
    """Return question D: the share of images in which a structure is plausible, by arm, and synthetic less real."""
    findings = []
    levels = places(read.rows)
    for structure in plan.structures:
        some = levels[levels["structure"] == structure]
        parts: list[Figures] = []
        for arm in ARMS:
            facts, items = read.cases(arm=arm)
            wide = some.pivot(index="reader", columns="item", values="level")
            found = np.asarray(wide.reindex(index=list(read.readers), columns=items), dtype=np.float64)
            whole = read_by_all(found) if len(read.readers) else np.zeros(0, dtype=bool)
            patients = facts["patient"].to_numpy(dtype=str)
            if len(read.readers) < 2 or len(set(patients[whole])) < 2:
                reason = f"{arm}: {_few(read, int(whole.sum()))}"
                findings.append(finding("plausible_difference", slice=f"structure={structure}", reason=reason))
                break
            figures = proportion_figures((found[:, whole] == 3).astype(np.float64), patients[whole])
            fields = {"unit": "share", "slice": f"structure={structure}, arm={arm}"}
            about = {**_about(read, plan, items, patients, whole), "details": {"readers": len(read.readers)}}
            findings.append(of("plausible_share", one_modality(figures), OVER, **fields, **about))
            parts.append(figures)
        if len(parts) == len(ARMS):
            apart = difference(of_different_cases(*parts))
            fields = {"slice": f"structure={structure}", "reason": cautions(plan, len(read.readers))}
            method = f"{OVER}; synthetic less real, on different cases"
            findings.append(of("plausible_difference", apart, method, **fields))
    return [*findings, *clicks(read, plan)]


def _few(read: Read, cases: int) -> str:
    return f"{counted(len(read.readers))} answered enough, and {cases} cases were judged by all, which is too little"


def _about(
    read: Read, plan: ReadingPlan, items: list[str], patients: NDArray[np.str_], whole: NDArray[np.bool_]
) -> dict[str, Any]:
    caution = cautions(plan, len(read.readers), read.dropped(items, whole), read.left_out)
    return {"n_images": int(whole.sum()), "n_patients": len(set(patients[whole])), "reason": caution}
