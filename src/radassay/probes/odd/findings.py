"""Findings about the oddities of one set, and about labels that can be read off them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radassay.contracts.probe import Subject
from radassay.evidence.finding import Finding
from radassay.probes.odd.look import Sight
from radassay.probes.odd.sensitivity import LEAST, Sensitivity
from radassay.probes.odd.shown import is_ct
from radassay.probes.odd.survey import ODDITIES
from radassay.probes.tasks import tasks
from radassay.stats.auc import area
from radassay.stats.detectable import detectable_area, detectable_share
from radassay.stats.discriminant import out_of_fold, patient_folds
from radassay.stats.proportion import share

CHECK = "oddities"
BOUNDS = {
    "mixed_kinds": 0.02,
    "share_negative": 0.01,
    "share_turned": 0.01,
    "share_panels": 0.01,
    "share_tint": 0.01,
    "share_coloured_marks": 0.01,
    "share_enlarged": 0.02,
    "share_blocking": 0.05,
    "contradicted": 0.02,
}
"""Shares that the rules allow; the limit of detection is stated against them."""
AREA_BOUND = 0.65
SEEN_BY = {
    "mixed_kinds": ("no_radiograph", "other_modality", "other_view"),
    "contradicted": ("other_modality", "other_view"),
}
"""Which planted oddities a share rests on, where its name does not say so."""
Found = Mapping[str, Sensitivity]


def of_set(
    name: str, table: pd.DataFrame, sights: Sequence[Mapping[str, Sight]], found: Found, caution: str
) -> list[Finding]:
    """Return the findings of one set.

    Args:
        name: of the set.
        table: rows of its images, with `unit`, `kind`, `main` and `contradicted`.
        sights: what was seen in each.
        found: how surely each oddity would be found in this set.
        caution: what was left out, or nothing.
    """
    units, part = table["unit"].to_numpy(dtype=str), f"set={name}"
    common: dict[str, Any] = {"check": CHECK, "slice": part, "reason": caution}
    counted: dict[str, Any] = {"n_patients": len(np.unique(units)), "n_images": len(units)}
    hits = {oddity: np.array([s.get(oddity, Sight(0.0)).seen for s in sights]) for oddity in ODDITIES}
    none = hits["no_radiograph"]
    findings = [
        Finding(
            name="n_no_radiograph",
            value=float(none.sum()),
            unit="images",
            direction="lower is better",
            **counted,
            **(common | {"reason": "; ".join(t for t in ("a count of what was found", caution) if t)}),
        ),
        _fewest(found.get("no_radiograph"), common),
    ]
    kinds = {str(k): int(n) for k, n in table["kind"].value_counts().items()}
    shares: dict[str, NDArray[np.bool_]] = {"mixed_kinds": none | hits["other_modality"] | hits["other_view"]}
    shares |= {f"share_{oddity}": hit for oddity, hit in hits.items() if oddity != "no_radiograph"}
    shares["share_grey_as_colour"] = table["grey_as_colour"].to_numpy(dtype=bool)
    if is_ct(str(table["main"].iloc[0])):
        # a patient may lie on back or belly; which way up a slice belongs is not asked
        del shares["share_turned"]
        reason = "asked of films alone; most of this set are CT"
        findings.append(Finding(name="share_turned", **(common | {"reason": reason})))
    for measure, hit in shares.items():
        findings += _share(measure, hit, units, found, common, {"kinds": kinds} if measure == "mixed_kinds" else {})
    told = table["told"].to_numpy(dtype=str) != ""
    if told.any():
        findings += _share(
            "contradicted", table["contradicted"].to_numpy(dtype=bool)[told], units[told], found, common, {}
        )
    else:
        reason = "the metadata name neither view nor modality"
        findings.append(Finding(name="contradicted", **(common | {"reason": reason})))
    return findings + [_found(oddity, s, common) for oddity, s in found.items()]


def _share(
    measure: str,
    hit: NDArray[np.bool_],
    units: NDArray[np.str_],
    found: Found,
    common: dict[str, Any],
    details: dict[str, Any],
) -> list[Finding]:
    """Return a share with its interval, and its limit of detection where a rule bounds it."""
    value = share(hit, units)
    n = len(np.unique(units))
    finding = Finding(
        name=measure,
        value=value.value,
        low=value.low,
        high=value.high,
        method=value.method,
        n_patients=n,
        n_images=len(hit),
        unit="share of images",
        direction="lower is better",
        details={"images": int(hit.sum()), **details},
        **common,
    )
    if measure not in BOUNDS:
        return [finding]
    needed = [found[o] for o in SEEN_BY.get(measure, (measure.removeprefix("share_"),)) if o in found]
    return [finding, _limit(measure, n, needed, common)]


def _limit(measure: str, n: int, needed: Sequence[Sensitivity], common: dict[str, Any]) -> Finding:
    blind = _blind(needed)
    least = min((s.found.low for s in needed), default=0.0)
    value = None if blind else min(1.0, detectable_share(n, BOUNDS[measure]) / least)
    method = (
        f"smallest share that {n} patients would show to lie above {100 * BOUNDS[measure]:.0f} % 95 times in 100, if "
        "no more are found than the lower limit of the share found of those planted"
    )
    return Finding(
        name=measure,
        value=value,
        role="limit",
        control="true effect",
        unit="share of images",
        method=method,
        **(common | {"reason": blind}),
    )


def _fewest(sensitivity: Sensitivity | None, common: dict[str, Any]) -> Finding:
    """Return how many images without a radiograph there must be for one to be found 95 times in 100."""
    needed = [sensitivity] if sensitivity else []
    blind = _blind(needed)
    value = None if blind else float(math.ceil(math.log(0.05) / math.log(max(1e-9, 1 - needed[0].found.low)) - 1e-9))
    method = (
        "fewest images of which one would be found 95 times in 100, at the lower limit of the share of planted found"
    )
    return Finding(
        name="n_no_radiograph",
        value=value,
        role="limit",
        control="true effect",
        unit="images",
        method=method,
        **(common | {"reason": blind}),
    )


def _blind(needed: Sequence[Sensitivity]) -> str:
    """Return why silence does not count, or nothing."""
    weak = [s for s in needed if not s.enough]
    if not needed:
        return "nothing was planted"
    if weak:
        worst = min(weak, key=lambda s: s.found.low)
        hits = round(worst.found.value * worst.planted)
        return f"of {worst.planted} planted ({worst.what}) {hits} were found, not surely {100 * LEAST:.0f} %"
    return ""


def _found(oddity: str, s: Sensitivity, common: dict[str, Any]) -> Finding:
    details = {"planted": s.planted, "untouched": round(s.untouched, 4), "what": s.what}
    n = s.planted
    return Finding(
        name=f"found_{oddity}",
        value=s.found.value,
        low=s.found.low,
        high=s.found.high,
        method=f"{s.found.method}; planted: {s.what}",
        n_images=n,
        n_patients=n,
        unit="share of planted images",
        direction="higher is better",
        details=details,
        **common,
    )


def of_label(
    subject: Subject,
    images: NDArray[np.integer],
    sights: Sequence[Mapping[str, Sight]],
    grey: NDArray[np.bool_],
    caution: str,
) -> list[Finding]:
    """Return how well the label can be read off what is odd about the pictures, without looking at any chest."""
    row = {int(image): k for k, image in enumerate(images)}
    asked = [o for o in ODDITIES if o not in ("unlike", "doubtful")]
    flags = np.array([[s.get(o, Sight(0.0)).seen for o in asked] for s in sights], dtype=float).reshape(-1, len(asked))
    flags = np.column_stack([flags, grey])
    names = [*(ODDITIES[o][0] for o in asked), "grey stored in three channels"]
    findings = []
    for task in tasks(subject):
        common: dict[str, Any] = {"check": CHECK, "name": "auc_oddities", "slice": task.slice, "unit": "AUC"}
        kept = np.array([k for k, image in enumerate(task.images) if int(image) in row], dtype=int)
        positive, units = task.positive[kept], task.units[kept]
        counts = [len(np.unique(units[side])) for side in (positive, ~positive)]
        if task.refusal or min(counts) < 2:
            findings.append(Finding(**common, reason=task.refusal or "too few patients in the part looked at"))
            continue
        mine = flags[[row[int(image)] for image in task.images[kept]]]
        scores = out_of_fold(mine, positive[:, None].astype(float), patient_folds(positive, units))[:, 0]
        value = area(np.round(scores, 9), positive, units)
        apart = np.abs(mine[positive].mean(axis=0) - mine[~positive].mean(axis=0))
        best = int(apart.argmax())
        shares = [100 * float(mine[side, best].mean()) for side in (positive, ~positive)]
        told = f"largest difference: {names[best]}, {shares[0]:.0f} % of {task.label!r}, {shares[1]:.0f} % of others"
        findings.append(
            Finding(
                **common,
                value=value.value,
                low=value.low,
                high=value.high,
                direction="lower is better",
                method=f"{value.method}; ridge discriminant on yes-or-no flags, 5-fold over patients",
                n_patients=len(np.unique(units)),
                n_images=len(kept),
                reason="; ".join(t for t in (told, caution) if t),
            )
        )
        findings.append(
            Finding(
                **common,
                value=detectable_area(counts[0], counts[1], AREA_BOUND),
                role="limit",
                control="true effect",
                method=f"smallest AUC that would show itself above {AREA_BOUND} 95 times in 100 (Hanley & McNeil 1982)",
            )
        )
    return findings
