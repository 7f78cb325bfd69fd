"""Everything that is looked for in one picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from radassay.anatomy.kinds import KINDS, Seen, prepare, see
from radassay.probes.odd import colour, compression, frame, shown, text
from radassay.probes.odd.look import Look, Sight

ODDITIES = {
    "no_radiograph": ("no radiograph", 1.0),
    "other_modality": ("CT among films, or a film among CT", 0.9),
    "other_view": ("another view", 0.8),
    "negative": ("negative", 0.75),
    "turned": ("turned or upside down", 0.7),
    "panels": ("several panels or a screenshot", 0.65),
    "tint": ("tinted", 0.6),
    "doubtful": ("perhaps no radiograph", 0.57),
    "enlarged": ("blown up from a thumbnail", 0.55),
    "coloured_marks": ("coloured marks", 0.5),
    "text": ("burned-in text", 0.4),
    "marker": ("side marker or sign", 0.3),
    "border": ("flat border", 0.3),
    "blocking": ("JPEG blocks", 0.3),
    "unlike": ("unlike the rest of its set", 0.25),
}
"""What is looked for: its name in words, and how much it matters when pictures are ranked (by convention)."""
BATCH = 8
"""Pictures held in memory at once."""


@dataclass(frozen=True)
class Survey:
    """What was found in one picture by itself, without the others of its set."""

    kind: NDArray[np.float32]
    """(5,) probabilities of `radassay.anatomy.kinds.KINDS` as the network gives them."""
    sights: dict[str, Sight]
    grey_as_colour: bool
    """Whether grey values are stored in three channels."""
    features: NDArray[np.float32]
    """(d,) what it is like, to be compared with the others of its set."""


def survey(looks: Sequence[Look]) -> Iterator[Survey]:
    """Yield what is found in each of a few pictures."""
    seen = see(np.stack([prepare(look.grey, look.content) for look in looks]))
    for k, look in enumerate(looks):
        yield _one(look, seen, k)


def _one(look: Look, seen: Seen, k: int) -> Survey:
    words, sign, covered = text.writing(look, strict=shown.is_ct(str(seen.best[k])))
    none = shown.no_picture(look, covered)
    if none.seen:
        # what a notice or a photograph is like in other ways is no news
        certain = np.array([kind == "none" for kind in KINDS], dtype=np.float32)
        return Survey(certain, {"no_radiograph": none}, colour.stored_as_colour(look), _features(look))
    sights = {
        "negative": shown.negative(seen, k),
        "turned": shown.turned(seen, k),
        "panels": frame.panels(look),
        "tint": colour.tint(look),
        "coloured_marks": colour.marks(look),
        "text": words,
        "marker": sign,
        "border": frame.border(look),
        "enlarged": compression.enlarged(look),
        "blocking": compression.blocking(look),
    }
    return Survey(seen.kind[k], sights, colour.stored_as_colour(look), _features(look))


def _features(look: Look) -> NDArray[np.float32]:
    """Return a coarse view of a picture, its tones, sharpness and proportions, (70,)."""
    height, width = look.grey.shape
    coarse = np.asarray(Image.fromarray(look.grey).resize((8, 8), Image.Resampling.BOX), dtype=np.float32)
    tones = np.quantile(look.grey, (0.05, 0.25, 0.75, 0.95))
    sharp = np.log(np.abs(np.diff(look.grey, axis=1, append=look.grey[:, -1:])).mean() + 1e-3)
    return np.array([*coarse.ravel(), *tones, sharp, np.log(width / height)], dtype=np.float32)
