"""What the network's probabilities say of one picture: no radiograph, a negative, turned."""

from __future__ import annotations

import numpy as np

from radassay.anatomy.kinds import Seen
from radassay.probes.odd.colour import hues
from radassay.probes.odd.look import NOTHING, Look, Sight
from radassay.probes.odd.text import writing

FEW, PAGE = 12, 70
"""Grey values that hold nearly all pixels of a drawing, and of a page of text saved as JPEG; a radiograph of 8 bits
holds more."""
EMPTY = 0.6
"""Share of a page that is paper; not even the air around a body is as much of a slice, and as even."""
LIKELY = 0.7
"""Probability from which a picture counts as turned or a negative: twice as likely as not."""
WORDS = {
    "frontal": "frontal chest film",
    "lateral": "lateral chest film",
    "axial CT": "axial CT slice",
    "reformatted CT": "coronal or sagittal CT slice",
    "none": "no radiograph of a chest",
}


def is_ct(kind: str) -> bool:
    """Whether a kind is a slice."""
    return kind.endswith("CT")


def no_picture(look: Look, covered: float) -> Sight:
    """Say whether a picture is a page, a drawing, blank or coloured like a photograph, whatever else it shows.

    Args:
        look: the picture.
        covered: share of it that lines of text cover.
    """
    drawn, coloured = _drawing(look, covered), hues(look)
    if drawn[0] >= coloured:
        return Sight(*drawn) if drawn[0] else NOTHING
    return Sight(coloured, "coloured in several hues, like a photograph or a drawing")


def _drawing(look: Look, covered: float) -> tuple[float, str]:
    """Return whether a picture is blank, a page of text or a drawing of few grey values."""
    levels = np.bincount(np.rint(look.grey * 255).astype(np.intp).ravel(), minlength=256) / look.grey.size
    few = int(np.searchsorted(np.cumsum(np.sort(levels)[::-1]), 0.95)) + 1
    if few <= 2 or look.grey.std() < 0.01:
        return 1.0, "blank, or black and white without any grey"
    empty = float(np.convolve(levels, np.ones(5)).max())
    if empty > EMPTY and few <= PAGE:
        # nothing on empty ground is a vessel, so that small letters count too
        covered = max(covered, writing(look)[2])
        if covered > 0.03:
            return 1.0, f"a page: lines of text cover {100 * covered:.0f} % of it, on empty ground"
    return (1.0, f"a drawing: {few} grey values hold nearly all of it") if few <= FEW and covered else (0.0, "")


def negative(seen: Seen, k: int) -> Sight:
    """Say whether the grey scale of a film is inverted: air bright, bone dark."""
    return Sight(_raised(float(seen.negative[k])), "a negative: air is bright and bone dark")


def turned(seen: Seen, k: int) -> Sight:
    """Say whether a film lies on its side or is upside down."""
    if seen.kind[k, 2:4].sum() > seen.kind[k, :2].sum():
        return NOTHING  # a slice
    turns = seen.turns[k]
    words = ("", "turned: the head points left", "upside down", "turned: the head points right")
    return Sight(_raised(1 - float(turns[0])), words[1 + int(turns[1:].argmax())])


def _raised(probability: float) -> float:
    """Return a score that reaches 0.5 where the probability reaches `LIKELY`."""
    return float(np.interp(probability, [0, LIKELY, 1], [0, 0.5, 1]))
