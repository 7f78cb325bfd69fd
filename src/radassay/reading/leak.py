"""The leak test: can anything but the anatomy tell which of the served images are synthetic?

A reader, or a browser, that can tell real from synthetic by the border, by traces of another size, by traces of
compression or by the shares of grey values judges how the images were stored, not whether they are real.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radassay.anatomy.features import SIDE, histogram
from radassay.anatomy.regions import border, thumbnails
from radassay.errors import RefusedError
from radassay.evidence.finding import Finding
from radassay.stats.crossvalidated import Question

Floats = NDArray[np.float64]
TELLS = ("border", "size", "compression", "histogram")
FEWEST = 10
"""Patients of either arm, below which nothing can be cross-validated."""
BLOCK = 8
"""Side of the blocks that JPEG compresses."""


def leaks(
    pixels: NDArray[np.uint16], synthetic: NDArray[np.bool_], patients: NDArray[np.str_], rng: np.random.Generator
) -> list[Finding]:
    """Return for each of `TELLS` the AUC at which a linear discriminant tells the arms apart, with its interval.

    Cross-validated over patients; the interval counts patients and trainings (`radassay.stats.crossvalidated`).

    Args:
        pixels: (n, size, size) as they are served.
        synthetic: (n,) whether the image is synthetic.
        patients: (n,) the independent unit of each image.
        rng: where shuffled labels come from.
    """
    units = [len(np.unique(patients[rows])) for rows in (~synthetic, synthetic)]
    about: dict[str, Any] = {"n_images": len(pixels), "n_patients": sum(units), "unit": "AUC"}
    if min(units) < FEWEST:
        why = f"too few patients for a leak test: {units[0]} real, {units[1]} synthetic, where {FEWEST} are needed"
        return [Finding(check="reading", name=f"leak_{tell}", reason=why, **about) for tell in TELLS]
    question = Question.ask(synthetic, patients, rng)
    features = features_of(pixels)
    findings = []
    for tell in TELLS:
        found = question.estimate(question.scores(features[tell])).area()
        findings.append(
            Finding(
                check="reading",
                name=f"leak_{tell}",
                value=found.value,
                low=found.low,
                high=found.high,
                method=f"{found.method}; 5 x 5-fold cross-validation over patients, on the pixels as served",
                direction="lower is better",
                details={"features": features[tell].shape[1], "chance": 0.5},
                **about,
            )
        )
    return findings


def telling(findings: Sequence[Finding], limit: float) -> list[str]:
    """Return which of `TELLS` have an interval that lies above the limit."""
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
        'alike, or --override "why" to accept and record it',
    )


def features_of(pixels: NDArray[np.uint16]) -> dict[str, Floats]:
    """Return the features behind each of `TELLS`, (n, d), one image at a time so that memory stays bounded."""
    rows: dict[str, list[Floats]] = {tell: [] for tell in TELLS}
    for stored in pixels:
        picture = stored.astype(np.float64) / 65535
        rows["border"].append(thumbnails(picture[None], SIDE)[0, border(SIDE)])
        rows["size"].append(np.concatenate([_bars(picture), _resolution(picture)]))
        rows["compression"].append(np.concatenate([_blocking(picture), _fine(picture), _levels(stored)]))
        rows["histogram"].append(histogram(picture[None].astype(np.float32))[0])
    return {tell: np.stack(values) for tell, values in rows.items()}


def _bars(picture: Floats) -> Floats:
    """Return how much of each edge is a bar of one grey value, as padding leaves it, (4,)."""
    out = []
    for turned in (picture, picture[::-1], picture.T, picture.T[::-1]):
        varied = np.flatnonzero(np.ptp(turned, axis=1) > 1e-3)
        out.append((varied[0] if len(varied) else len(turned)) / len(turned))
    return np.array(out)


def _resolution(picture: Floats) -> Floats:
    """Return the share of equal neighbours and the logarithm of what halving the size takes away, (3,)."""
    side = len(picture) // 2 * 2
    even = picture[:side, :side]
    half = even.reshape(side // 2, 2, side // 2, 2).mean(axis=(1, 3))
    lost = float(((even - half.repeat(2, axis=0).repeat(2, axis=1)) ** 2).mean())
    same = [float((np.diff(picture, axis=axis) == 0).mean()) for axis in (0, 1)]
    return np.array([*same, np.log(lost / (picture.var() + 1e-9) + 1e-9)])


def _blocking(picture: Floats) -> Floats:
    """Return how rough the picture is at each of the 8 places of a block, by row and column, (16,)."""
    out: list[Floats] = []
    for axis in (0, 1):
        rough = np.abs(np.diff(picture, n=2, axis=axis)).mean(axis=1 - axis)
        at = np.array([rough[place::BLOCK].mean() for place in range(BLOCK)])
        out.append(np.log((at + 1e-9) / (at.mean() + 1e-9)))
    return np.concatenate(out)


def _fine(picture: Floats) -> Floats:
    """Return the logarithm of the share of power in 6 rings of fine detail, (6,)."""
    n = len(picture)
    window = np.hanning(n)[:, None] * np.hanning(n)[None, :]
    power = np.abs(np.fft.rfft2((picture - picture.mean()) * window)) ** 2
    frequency = np.hypot(np.fft.fftfreq(n)[:, None], np.fft.rfftfreq(n)[None, :]) / 0.5
    edges = np.linspace(0.4, 1.0, 7)
    total = power.sum() + 1e-12
    rings = [power[(frequency >= low) & (frequency < high)].sum() / total for low, high in pairwise(edges)]
    return np.log(np.array(rings) + 1e-12)


def _levels(stored: NDArray[np.uint16]) -> Floats:
    """Return how many grey values there are and how unevenly neighbouring ones are used, (2,)."""
    values, counts = np.unique(stored, return_counts=True)
    uneven = np.abs(np.diff(counts)).sum() / (2 * counts.sum()) if len(counts) > 1 else 0.0
    return np.array([np.log(len(values)), uneven])
