"""How readers changed from the first case to the last, and how long they looked at either arm."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t as student

from radassay.evidence.finding import Finding
from radassay.reading.answers import Read
from radassay.reading.found import OVER, finding, of
from radassay.reading.key import REAL, SYNTHETIC
from radassay.stats.learning_effect import drift_of_readers
from radassay.stats.likert import mean_difference
from radassay.stats.mrmc import Estimate, one_modality
from radassay.stats.reader_figures import jackknife_figures, read_by_all

Floats = NDArray[np.float64]
PARTS = 5
"""Parts of a reader's sequence whose shares of right answers are told."""


def learning(read: Read) -> list[Finding]:
    """Return the change in right answers from first to last, with the shares of right answers on the way."""
    rows = read.rows[read.rows["role"] == "case"]
    try:
        found = drift_of_readers(rows["right"], rows["order"], rows["reader"])
    except ValueError as error:
        return [finding("learning_difference", reason=str(error))]
    how = "mean over readers of the change in right answers from first to last, Student's t over readers"
    limits = {"value": found.change, "low": found.low, "high": found.high}
    details = {"points": _on_the_way(rows), "readers": len(read.readers)}
    count = int(rows["item"].nunique())
    return [finding("learning_difference", **limits, method=how, n_images=count, details=details)]


def _on_the_way(rows: pd.DataFrame) -> list[list[float]]:
    """Return for each part of the sequence the mean over readers of the share right, with Student's t over readers."""
    judged = rows[rows["right"].notna()].sort_values(["reader", "order"], kind="stable")
    place = judged.groupby("reader").cumcount() * PARTS // judged.groupby("reader")["item"].transform("size")
    shares = judged.assign(part=place).pivot_table(index="reader", columns="part", values="right", aggfunc="mean")
    points = []
    for part in shares.columns:
        share = shares[part].dropna().to_numpy(dtype=np.float64)
        if len(share) < 2:
            continue
        reach = float(student.ppf(0.975, len(share) - 1)) * float(share.std(ddof=1)) / math.sqrt(len(share))
        mean = float(share.mean())
        points.append([float(part), mean, max(0.0, mean - reach), min(1.0, mean + reach)])
    return points


def times(read: Read, question: str) -> list[Finding]:
    """Return the time on a case by arm, and synthetic over real; of a choice, which shows both, all trials together.

    Times are compared as logarithms, since some cases take ten times as long as others; means are geometric.
    """
    if question == "choice":
        return []
    name, part = "reading_time_ratio", f"question={question}"
    facts, items = read.cases()
    seconds = read.matrix("seconds", items)
    whole = read_by_all(seconds) if len(read.readers) else np.zeros(0, dtype=bool)
    if not whole.any():
        reason = "no times were logged for cases that every reader judged; answer sheets know none"
        return [finding(name, slice=part, reason=reason)]
    if len(read.readers) < 2:
        return [finding(name, slice=part, reason="one reader says nothing of other readers")]
    kept, patients = facts[whole], facts["patient"][whole].to_numpy(dtype=str)
    synthetic = (kept["arm"] == SYNTHETIC).to_numpy(dtype=bool)
    logs = np.log(seconds[:, whole])
    about: dict[str, Any] = {"n_images": len(kept), "n_patients": len(set(patients))}
    medians = {
        reader: [float(np.median(seconds[n, whole][synthetic == arm])) for arm in (False, True)]
        for n, reader in enumerate(read.readers)
        if synthetic.any() and not synthetic.all()
    }
    details = {"median_seconds": medians, "order": [REAL, SYNTHETIC], "readers": len(read.readers)}
    try:
        ratio = one_modality(jackknife_figures(logs, synthetic, mean_difference, patients, (-np.inf, np.inf)))
        by_arm = [(arm, _mean(logs, synthetic == (arm == SYNTHETIC), patients)) for arm in (REAL, SYNTHETIC)]
    except ValueError as error:
        return [finding(name, slice=part, reason=str(error), details=details)]
    method = f"{OVER}, of log seconds; covariances by jackknife"
    found = [of(name, _raised(ratio), method, unit="times", slice=part, details=details, **about)]
    for arm, mean in by_arm:
        some = kept[kept["arm"] == arm]
        counts = {"n_images": len(some), "n_patients": int(some["patient"].nunique())}
        fields = {"unit": "seconds", "slice": f"{part}, arm={arm}"}
        found.append(of("reading_time", _raised(mean), f"geometric mean; {method}", **fields, **counts))
    return found


def _mean(logs: Floats, here: NDArray[np.bool_], patients: NDArray[np.str_]) -> Estimate:
    def mean(rows: Floats, some: NDArray[np.bool_]) -> Floats:
        return np.asarray(rows[:, some].mean(axis=1))

    figures = jackknife_figures(logs[:, here], np.ones(int(here.sum()), bool), mean, patients[here], (-np.inf, np.inf))
    return one_modality(figures)


def _raised(found: Estimate) -> Estimate:
    """Return an estimate of logarithms on the scale of seconds."""
    return Estimate(
        math.exp(found.value), math.exp(found.low), math.exp(found.high), found.error, found.freedom, found.p,
        found.random,
    )  # fmt: skip
