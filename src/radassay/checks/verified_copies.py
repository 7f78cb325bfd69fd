"""Which suspicious pairs of a generated and a training image are one picture, by geometry."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from radassay.checks.closeness import Near, contrasts, standardised
from radassay.checks.space import draws
from radassay.contracts.check import Inputs
from radassay.contracts.grey import Grey
from radassay.images.sample import Sample
from radassay.matching.false_matches import HIGHEST, clear_of
from radassay.matching.matcher import describe, verify
from radassay.stats.auc import Interval
from radassay.stats.copies import nearness
from radassay.stats.proportion import share, wilson
from radassay.stats.resample import codes

LOOKED_AT = 60
"""Images looked at in order of suspicion, and as many again at random where the last of these are still copies."""
LAST = 20
"""The last images of these."""
LEAST = 0.65
"""Least score of a copy. Lower than the audit's, whose pictures are larger; never below what other patients reach."""
SMOOTHED = 0.7
"""Standard deviation in pixels of the smoothing before keypoints are looked for: noise of copies hides fewer."""
STEP = 0.045
"""Shifts that are tried, a share of the side; pictures half as far apart still look alike on thumbnails."""
MOVES = (
    *((down, across, 1.0) for down in (-STEP, 0.0, STEP) for across in (-STEP, 0.0, STEP) if (down, across) != (0, 0)),
    *((0.0, 0.0, zoom) for zoom in (0.9, 0.8, -1.0)),
)
"""Down, across and zoom by which images are moved to find the training image they may be a copy of."""


@dataclass(frozen=True)
class Verified:
    """How many generated images have a training image that is the same picture."""

    interval: Interval
    """The share of generated images, with its limits."""
    pairs: list[tuple[int, int, float]]
    """Row of the generated image, row of the training image, score; surest first."""
    looked_at: int
    at_random: int
    """How many of those looked at were drawn at random from the less suspicious."""
    threshold: float
    """Score from which a pair is the same picture."""
    highest_held_out: float
    """Highest score below `HIGHEST` that a held-out image of another patient reaches."""


def verified_copies(inputs: Inputs, synthetic: Sample, near: Near, side: int, rng: np.random.Generator) -> Verified:
    """Return the generated images that show a training image shifted, cropped, re-windowed, mirrored or as it is.

    Each image's most suspicious training image, in features, thumbnails or moved thumbnails, is looked at by the
    matcher of the audit (`matching/matcher.py`), the most suspicious images first. How well images of other patients
    match is learnt from as many held-out images, chosen in the same way, and the threshold lies clear of them.

    At 64 pixels copies are found that were shifted by 3 pixels, mirrored, re-windowed, cut to nine tenths, blurred by
    one pixel or given noise of 1 % of the grey range; half or more of those cut to eight tenths and all with noise of
    5 % are missed. `copy_share` sees the noise. That is so on public sets; on simulated chests, which are more alike,
    shifted copies are missed too.
    """
    held, made = _suspicions(inputs, synthetic, near, side)
    first = np.argsort(made.score, kind="stable")[:LOOKED_AT]
    control = np.argsort(held.score, kind="stable")[:LOOKED_AT]
    other = _scores(inputs.held_out, inputs.training, control, held.row[control])
    other = other[other < HIGHEST]  # above it: the same radiograph under another name, as public sets have
    threshold = min(max(LEAST, clear_of(other, len(first) / max(1, len(other)))), HIGHEST)
    scores = _scores(synthetic, inputs.training, first, made.row[first])
    rest = np.setdiff1d(np.arange(len(synthetic)), first)
    drawn = np.empty(0, dtype=np.intp)
    if len(rest) and np.any(scores[-LAST:] >= threshold):
        drawn = np.sort(rng.permutation(rest)[:LOOKED_AT])
    more = _scores(synthetic, inputs.training, drawn, made.row[drawn])
    rows, all_scores = np.concatenate([first, drawn]), np.concatenate([scores, more])
    hit = np.zeros(len(synthetic), dtype=bool)
    hit[first] = scores >= threshold
    order = [k for k in np.lexsort((rows, -all_scores)).tolist() if all_scores[k] >= threshold]
    return Verified(
        _share(hit, more >= threshold, len(rest), draws(synthetic)),
        [(int(rows[k]), int(made.row[rows[k]]), float(all_scores[k])) for k in order],
        len(rows),
        len(drawn),
        threshold,
        float(other.max(initial=0.0)),
    )


@dataclass(frozen=True)
class _Suspicion:
    """The most suspicious training image of each image."""

    score: NDArray[np.float64]
    """(n,) low is near."""
    row: NDArray[np.intp]
    """(n,)"""


def _suspicions(inputs: Inputs, synthetic: Sample, near: Near, side: int) -> tuple[_Suspicion, _Suspicion]:
    """Return those of the held-out and of the generated images, each space in units of its scatter when held out."""
    held_out = [near.features["held_out"], near.pictures["held_out"]]
    made = [near.features["synthetic"], near.pictures["synthetic"]]
    found = []
    for sample, spaces in ((inputs.held_out, held_out), (synthetic, made)):
        closeness, moved_row = _moved(sample, inputs.training, side)
        found.append(
            (np.stack([*(s.closeness for s in spaces), closeness]), np.stack([*(s.row for s in spaces), moved_row]))
        )
    suspicions = []
    for close, rows in found:
        scores = np.stack([standardised(ours, held) for ours, held in zip(close, found[0][0], strict=True)])
        decided, each = np.argmin(scores, axis=0), np.arange(scores.shape[1])
        suspicions.append(_Suspicion(scores[decided, each], rows[decided, each]))
    return suspicions[0], suspicions[1]


def _moved(sample: Sample, training: Sample, side: int) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return how near thumbnails of the images come when moved, shrunk or mirrored, and the training image, (n,)."""
    patient = codes(training.patients)
    closeness, row = np.full(len(sample), np.inf), np.zeros(len(sample), dtype=np.intp)
    for down, across, zoom in MOVES:
        pixels = np.stack([_warped(picture, down, across, zoom) for picture in sample.pixels])
        found = nearness(contrasts(side, training.pixels, pixels)[1], contrasts(side, training.pixels)[0], patient)
        better = found.closeness < closeness
        closeness[better], row[better] = found.closeness[better], found.row[better]
    return closeness, row


def _warped(picture: NDArray[np.float32], down: float, across: float, zoom: float) -> NDArray[np.float32]:
    """Return a picture moved by shares of its side and zoomed about its centre; a zoom across below 0 mirrors it."""
    size = len(picture)
    half = (size - 1) / 2
    high = abs(zoom)
    matrix = np.array([[zoom, 0, half - zoom * half + across * size], [0, high, half - high * half + down * size]])
    moved = cv2.warpAffine(np.ascontiguousarray(picture), matrix, (size, size), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, dtype=np.float32)


def _scores(
    sample: Sample, training: Sample, rows: NDArray[np.intp], partners: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return the matcher's score of each row of the sample with its partner in training, (k,)."""
    if not len(rows):
        return np.empty(0)
    kept, place = np.unique(partners, return_inverse=True)
    ours, theirs = _smooth(sample.pixels[rows]), _smooth(training.pixels[kept])
    first, second = (describe(pictures.__getitem__, len(pictures)) for pictures in (ours, theirs))
    return verify(first, second, np.column_stack([np.arange(len(rows)), np.asarray(place).reshape(-1)]))


def _smooth(pixels: Grey) -> Grey:
    return np.stack([cv2.GaussianBlur(np.ascontiguousarray(p), (0, 0), SMOOTHED) for p in pixels])


def _share(hit: NDArray[np.bool_], sampled: NDArray[np.bool_], rest: int, units: NDArray[np.str_]) -> Interval:
    """Return the share of images that are hit, where of `rest` images only some were sampled.

    Wilson's interval at the effective number of images (Korn & Graubard 1998): the variance of the share among all
    images that the generator could make, plus that of the estimate for those that were not looked at.
    """
    if not len(sampled):
        return share(hit, units)
    n = len(hit)
    among = float(sampled.mean())
    value = (int(hit.sum()) + rest * among) / n
    smoothed = (sampled.sum() + 0.5) / (len(sampled) + 1)
    ratio = smoothed * (1 - smoothed) / (value * (1 - value)) if 0 < value < 1 else 1.0
    effect = 1 + (rest / n) ** 2 * n / len(sampled) * (1 - len(sampled) / rest) * ratio
    effective = len(np.unique(units)) / effect
    method = f"Wilson; {len(sampled)} of the {rest} less suspicious images looked at"
    return Interval(value, *wilson(value * effective, effective), method)
