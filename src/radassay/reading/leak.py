"""The leak test: can anything but the anatomy tell which of the served images are synthetic?

A reader, or a browser, that can tell real from synthetic by the border, by traces of another size, by traces of
compression, by the shares of grey values or by how slices follow each other judges how the images were stored, not
whether they are real.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radassay.errors import RefusedError
from radassay.evidence.finding import Finding
from radassay.reading.traces import TELLS, traces
from radassay.stats.crossvalidated import Question

Floats = NDArray[np.float64]
FEWEST = 10
"""Patients of either arm, below which nothing can be cross-validated."""


def leaks(
    pixels: Iterable[NDArray[np.uint16]],
    synthetic: NDArray[np.bool_],
    patients: NDArray[np.str_],
    rng: np.random.Generator,
    *,
    step: float = 1.0,
) -> list[Finding]:
    """Return for each tell the AUC at which a linear discriminant tells the arms apart, with its interval.

    Cross-validated over patients; the interval counts patients and trainings (`radassay.stats.crossvalidated`).

    Args:
        pixels: n images, each (size, size) or (slices, size, size), as they are served; read once, one at a time.
        synthetic: (n,) whether the image is synthetic.
        patients: (n,) the independent unit of each image.
        rng: where shuffled labels come from.
        step: stored units between grey levels, below which the dither lies.
    """
    units = [len(np.unique(patients[rows])) for rows in (~synthetic, synthetic)]
    if min(units) < FEWEST:
        why = f"too few patients for a leak test: {units[0]} real, {units[1]} synthetic, where {FEWEST} are needed"
        about = _about(synthetic, sum(units))
        return [Finding(check="reading", name=f"leak_{tell}", reason=why, **about) for tell in TELLS]
    return told_by(traces(pixels, step), synthetic, patients, rng)


def told_by(
    features: Mapping[str, Floats], synthetic: NDArray[np.bool_], patients: NDArray[np.str_], rng: np.random.Generator
) -> list[Finding]:
    """Return what `leaks` returns, of features (n, d) by tell."""
    question = Question.ask(synthetic, patients, rng)
    findings = []
    for tell, values in features.items():
        found = question.estimate(question.scores(values)).area()
        findings.append(
            Finding(
                check="reading",
                name=f"leak_{tell}",
                value=found.value,
                low=found.low,
                high=found.high,
                method=f"{found.method}; 5 x 5-fold cross-validation over patients, on the pixels as served",
                direction="lower is better",
                details={"features": values.shape[1], "chance": 0.5},
                **_about(synthetic, len(np.unique(patients))),
            )
        )
    return findings


def _about(synthetic: NDArray[np.bool_], patients: int) -> dict[str, Any]:
    return {"n_images": len(synthetic), "n_patients": patients, "unit": "AUC"}


def telling(findings: Sequence[Finding], limit: float) -> list[str]:
    """Return which tells have an interval that lies above the limit."""
    return [f.name.removeprefix("leak_") for f in findings if f.low is not None and f.low > limit]


def require_blind(findings: Sequence[Finding], limit: float, override: str = "") -> None:
    """Refuse a plan whose images can be told apart by how they were stored.

    Raises:
        RefusedError: the interval of a leak lies above the limit, and no reason was given to accept it.
    """
    tells = telling(findings, limit)
    if not tells or override:
        return
    told = [
        f"{f.name.removeprefix('leak_')} AUC {f.value:.3f}, 95 % interval {f.low:.3f} to {f.high:.3f}"
        for f in findings
        if f.name.removeprefix("leak_") in tells
    ]
    raise RefusedError(
        f"Real and synthetic images can be told apart by their {' and '.join(tells)}, so readers would judge that",
        got="; ".join(told),
        possible=f"Allowed: a lower limit up to {limit:g}. Give --same-pipeline to trim, smooth or equalise both arms "
        'alike, more cases (chance goes away with them, a leak does not), or --override "why" to accept and record it',
    )
