"""Questions B, C and D: which is real, the diagnosis on either arm, and plausible structures."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radassay.evidence.finding import Finding
from radassay.reading.answers import Read, cautions
from radassay.reading.key import REAL, SYNTHETIC
from radassay.reading.plan import ReadingPlan
from radassay.reading.realness import OVER, finding, of
from radassay.stats.mrmc import difference, one_modality
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
    if len(read.readers) < 2 or len(set(patients[whole])) < 2:
        return [finding("choice_correct", reason=_few(read, int(whole.sum())))]
    found = forced_choice(right[:, whole], plan.alternatives, patients[whole])
    about = _about(read, plan, patients, whole)
    details = {"chance": 1 / plan.alternatives, "alternatives": plan.alternatives}
    return [
        of("choice_correct", found.correct, unit="share", details=details, **about),
        of("choice_d_prime", found.sensitivity, details=details, **about),
        of("choice_auc", found.area, unit="AUC", details={"chance": 0.5}, **about),
    ]


def diagnosis(read: Read, plan: ReadingPlan) -> list[Finding]:
    """Return question C: the readers' AUC of the positive class in either arm, and synthetic less real."""
    parts: list[Figures] = []
    findings = []
    for arm in ARMS:
        facts, items = read.cases(arm=arm)
        certainty = read.matrix("score", items)
        said = _said(read, items, plan.positive)
        scores = np.where(said, certainty, -certainty)
        whole = read_by_all(scores) if len(read.readers) else np.zeros(0, dtype=bool)
        ill, patients = (facts["label"] == plan.positive).to_numpy(), facts["patient"].to_numpy(dtype=str)
        if len(read.readers) < 2 or min(len(set(patients[whole & (ill == s)])) for s in (True, False)) < 2:
            reason = _few(read, int(whole.sum()))
            return [finding("diagnosis_difference", reason=f"{arm}: {reason}")]
        figures = delong_figures(scores[:, whole], ill[whole], patients[whole])
        about = _about(read, plan, patients, whole)
        fields = {"unit": "AUC", "direction": "higher is better", "slice": f"arm={arm}"}
        findings.append(of("auc_diagnosis", one_modality(figures), f"{OVER}; DeLong", **fields, **about))
        parts.append(figures)
    found = difference(of_different_cases(*parts))
    counts = {n: sum(getattr(f, n) for f in findings) for n in ("n_images", "n_patients")}
    said_of = {"readers": len(read.readers), "p": found.p, "positive": plan.positive}
    method = f"{OVER}; synthetic less real, on different cases"
    caution = findings[0].reason
    extra = {"unit": "AUC", "direction": "near zero is better", "reason": caution, "details": said_of}
    return [of("diagnosis_difference", found, method, **extra, **counts), *findings]


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
            about = _about(read, plan, patients, whole)
            findings.append(of("plausible_share", one_modality(figures), OVER, **fields, **about))
            parts.append(figures)
        if len(parts) == len(ARMS):
            apart = difference(of_different_cases(*parts))
            fields = {"slice": f"structure={structure}", "reason": cautions(plan, len(read.readers))}
            method = f"{OVER}; synthetic less real, on different cases"
            findings.append(of("plausible_difference", apart, method, **fields))
    return findings


def places(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a row a reader, item and structure of question D: its level, and the place clicked in pixels."""
    out: list[dict[str, Any]] = []
    for row in rows[(rows["block"] == "plausibility") & (rows["structures"] != "")].itertuples():
        for structure, rated in json.loads(str(row.structures)).items():
            place = rated.get("place") or (np.nan,) * 3
            told = {"reader": row.reader, "item": row.item, "role": row.role, "arm": row.arm, "image": row.image}
            where = dict(zip(("column", "row", "slice"), map(float, place), strict=True))
            out.append({**told, "structure": structure, "level": float(rated["level"]), **where})
    columns = ["reader", "item", "role", "arm", "image", "structure", "level", "column", "row", "slice"]
    return pd.DataFrame(out, columns=columns)


def _few(read: Read, cases: int) -> str:
    return f"{len(read.readers)} readers answered enough and all of them judged {cases} cases, which is too little"


def _about(read: Read, plan: ReadingPlan, patients: NDArray[np.str_], whole: NDArray[np.bool_]) -> dict[str, Any]:
    caution = cautions(plan, len(read.readers), int((~whole).sum()), read.left_out)
    return {"n_images": int(whole.sum()), "n_patients": len(set(patients[whole])), "reason": caution}
