"""How surely copies are found on the user's own images, and how large the groups of copies are, as findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from radassay.contracts.probe import Subject
from radassay.evidence.finding import Finding
from radassay.matching.groups import groups
from radassay.matching.matcher import Matches
from radassay.probes.radiographs.counts import CHECK, COUNTED, Seen
from radassay.probes.radiographs.planted import Planted
from radassay.stats.auc import Interval
from radassay.stats.proportion import share

FEWEST = 20
"""Planted copies from which a set speaks for itself; smaller ones borrow those of all sets."""
BOUND = 0.8
"""Share of planted copies that the rule of `planted_found` asks for; the limit of detection is made for it."""


def sureness(subject: Subject, planted: Sequence[Planted]) -> dict[str, Seen]:
    """Return how surely copies are found in each set and in `all`."""
    of_image = subject.table["set"].to_numpy(dtype=str)
    found = _share(subject, planted).low if planted else 0.0
    seen = {"all": Seen(found, f"{len(planted)} copies planted in all sets")}
    for images in subject.sets:
        own = [copy for copy in planted if of_image[copy.image] == images.name]
        if len(own) < FEWEST:
            seen[images.name] = seen["all"]
        else:
            seen[images.name] = Seen(_share(subject, own).low, f"{len(own)} copies planted in {images.name}")
    return seen


def planted_findings(subject: Subject, planted: Sequence[Planted]) -> Iterator[Finding]:
    """Yield the share of planted copies found, of all sets and of each, and the share at which its rule would fail."""
    of_image = subject.table["set"].to_numpy(dtype=str)
    parts = {"all": list(planted)}
    if len(subject.sets) > 1:
        parts |= {f"set={s.name}": [c for c in planted if of_image[c.image] == s.name] for s in subject.sets}
    for where, copies in parts.items():
        inputs = tuple(s.fingerprint[:16] for s in subject.sets if where in ("all", f"set={s.name}"))
        fields: dict[str, Any] = {"check": CHECK, "name": "planted_found", "slice": where, "inputs": inputs}
        fields |= {"unit": "share of copies", "direction": "higher is better"}
        if not copies:
            yield Finding(**fields, reason="there is no image to copy")
            continue
        found = _share(subject, copies)
        by_kind = pd.DataFrame(copies).groupby("alteration")["found"].agg(["sum", "size"])
        missed = [copy for copy in copies if not copy.found]
        paths = subject.table["path"].to_numpy(dtype=object)
        units = len({subject.table["unit"].iloc[copy.image] for copy in copies})
        yield Finding(
            **fields,
            value=found.value,
            low=found.low,
            high=found.high,
            method=found.method,
            n_images=len(copies),
            n_patients=units,
            reason=f"{len(copies)} images were copied, each altered in one way, and looked for among all others",
            details={
                "by alteration": {name: f"{hits} of {of}" for name, hits, of in by_kind.itertuples(name=None)},
                "missed": [[str(paths[copy.image]), copy.alteration] for copy in missed],
            },
        )
        spread = np.sqrt(BOUND * (1 - BOUND) / units) * (norm.ppf(0.975) + norm.ppf(0.95))
        yield Finding(
            **fields,
            value=max(0.0, float(BOUND - spread)),
            role="limit",
            control="true effect",
            method=f"the share found that lies below {BOUND:g} for sure, 95 times in 100 (normal theory)",
        )


def false_finding(subject: Subject, matches: Matches) -> Finding:
    """Return how many of all pairs compared may have been taken for the same radiograph though they are not."""
    fields: dict[str, Any] = {
        "check": CHECK,
        "name": "false_matches_expected",
        "unit": "pairs",
        "direction": "lower is better",
        "inputs": tuple(images.fingerprint[:16] for images in subject.sets),
        "n_images": len(subject),
        "n_patients": int(subject.table["unit"].nunique()),
    }
    told = {"threshold": float(matches.threshold), "pairs compared": int(matches.compared)}
    estimate = matches.false
    if estimate is None:
        reason = "too few different radiographs have anything in common by which false matches could be estimated"
        return Finding(**fields, reason=reason, details=told)
    return Finding(
        **fields,
        value=float(estimate.expected),
        low=0.0,
        high=float(max(estimate.high, estimate.expected)),
        method=f"peaks over threshold, one-sided upper limit, from the {estimate.used} highest scores of other pairs",
        reason=f"of {matches.compared:,} pairs compared; it is assumed that {estimate.assumes}",
        details={
            **told,
            "rate": estimate.expected / matches.compared,
            "rate, upper limit": estimate.high / matches.compared,
        },
    )


def group_findings(subject: Subject, pairs: pd.DataFrame) -> Iterator[Finding]:
    """Yield the number of groups of images that show one radiograph, and the size of the largest."""
    sure = pairs[pairs["verified"]]
    number = groups(sure[["a", "b"]].to_numpy(), len(subject))
    table = subject.table.assign(group=number)[number > 0]
    sizes = table["group"].value_counts()
    crossing = {
        f"with several {column}s": int((table[table[column] != ""].groupby("group")[column].nunique() > 1).sum())
        for column in ("set", "label", "split")
    }
    fields: dict[str, Any] = {
        "check": CHECK,
        "inputs": tuple(images.fingerprint[:16] for images in subject.sets),
        "n_images": len(subject),
        "n_patients": int(subject.table["unit"].nunique()),
        "reason": COUNTED,
        "direction": "lower is better",
    }
    spare = int(sizes.sum()) - len(sizes)
    details = {"images in groups": int(sizes.sum()), "images that repeat another": spare, **crossing}
    yield Finding(**fields, name="groups", value=float(len(sizes)), unit="radiographs", details=details)
    yield Finding(**fields, name="largest_group", value=float(sizes.max() if len(sizes) else 0), unit="images")


def _share(subject: Subject, planted: Sequence[Planted]) -> Interval:
    units = subject.table["unit"].to_numpy(dtype=str)
    return share(np.array([copy.found for copy in planted]), np.array([units[copy.image] for copy in planted]))
