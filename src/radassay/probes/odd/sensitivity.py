"""What share of each oddity would have been found, had it been among these very images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radassay.anatomy.kinds import KINDS, decide, prepare, see
from radassay.contracts.probe import Subject
from radassay.images.phantom import Cohort
from radassay.images.phantom.anatomy import Chest
from radassay.images.phantom.views import Block
from radassay.probes.odd import colour, compression, frame, plants, shown, text
from radassay.probes.odd.look import Look, Sight
from radassay.stats.auc import Interval
from radassay.stats.proportion import share

LEAST = 0.8
"""Share of planted oddities that must surely be found before silence counts (convention)."""
FILMS, SLICES = ("frontal", "lateral"), ("axial CT", "reformatted CT")


@dataclass(frozen=True)
class Sensitivity:
    """How many planted oddities of one sort were found."""

    found: Interval
    planted: int
    untouched: float
    """Share of the set in which it was seen before anything was planted."""
    what: str
    """What was planted, in words."""

    @property
    def enough(self) -> bool:
        """Whether the interval shows that few would be missed."""
        return self.found.low >= LEAST


PLANTS: dict[str, tuple[tuple[plants.Plant, ...], str]] = {
    "no_radiograph": ((plants.notice, plants.scene), "a notice, page, empty picture or scene in place of the image"),
    "negative": ((plants.negative,), "grey scale inverted"),
    "turned": ((plants.turned,), "turned by 90, 180 or 270 degrees"),
    "panels": ((plants.screenshot,), "shown in a viewer's window"),
    "tint": ((plants.tint,), "channels 12 % of the grey value apart"),
    "coloured_marks": ((plants.drawn,), "a coloured circle, a tenth of the shorter side across"),
    "text": ((plants.text,), "nine letters, 5 % of the shorter side high, boxed, near an edge"),
    "marker": ((plants.marker,), "an L or R, 7 % of the shorter side high, boxed, in a corner"),
    "border": ((plants.border,), "bars of 4 % on two sides"),
    "enlarged": ((plants.enlarged,), "reduced to a quarter of its side and enlarged again"),
    "blocking": ((plants.blocking,), "saved as JPEG of quality 20"),
}

PIXELS: dict[str, Callable[[Look], Sight]] = {
    "panels": frame.panels,
    "tint": colour.tint,
    "coloured_marks": colour.marks,
    "border": frame.border,
    "enlarged": compression.enlarged,
    "blocking": compression.blocking,
}
"""Detectors that need nothing but the pixels."""


def sensitivities(
    subject: Subject,
    images: NDArray[np.integer[Any]],
    sights: Sequence[Mapping[str, Sight]],
    held: NDArray[np.float64],
    most: int,
    rng: np.random.Generator,
) -> dict[str, Sensitivity]:
    """Return by oddity how many were found of those planted into images of one set that do not have it yet.

    Args:
        subject: the sets.
        images: images of one set.
        sights: what was seen in each.
        held: share of each kind in the set.
        most: images into which each oddity is planted.
        rng: chooses images, and what is planted where.
    """
    main = KINDS[int(held[:-1].argmax())]
    units, strict, found = subject.table["unit"].to_numpy(dtype=str), shown.is_ct(main), {}
    order = rng.permutation(len(images))
    pictures = lru_cache(maxsize=2 * most)(lambda row: _eight_bits(look_at(subject, int(images[row]))))
    for name, (ways, what) in PLANTS.items():
        if name == "turned" and strict:
            continue
        same: tuple[str, ...] = ("text", "marker") if name in ("text", "marker") else (name, "no_radiograph")
        # which way up a slice among films belongs is not asked
        same = (*same, "other_modality") if name == "turned" else same
        has = np.array([any(s[o].seen for o in same if o in s) for s in sights])
        rows = np.sort(order[~has[order]][:most])
        if not len(rows):
            continue
        hits = []
        for k, row in enumerate(rows):
            whole, fine = pictures(int(row))
            made = ways[k % len(ways)](fine if name in ("enlarged", "blocking") else whole, rng)
            hits.append(_found(name, Look(made, (0.0, 255.0)), strict, held))
        value = share(np.array(hits), units[images[rows]])
        found[name] = Sensitivity(value, len(rows), float(has.mean()), what)
    return found | _strangers(main, held)


def _eight_bits(look: Look) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the whole picture, bounded in size, and its middle in stored pixels; small enough to be kept."""
    return np.rint(look.grey * 255).astype(np.uint8), np.rint(look.patch).astype(np.uint8)


def _found(name: str, look: Look, strict: bool, held: NDArray[np.float64]) -> bool:
    """Return whether one oddity is seen in a picture."""
    if name in PIXELS:
        return PIXELS[name](look).seen
    if name in ("text", "marker"):
        # a short line may be read as a sign, a large sign as a line: either is ink that was burned in
        words, sign, _ = text.writing(look, strict)
        return words.seen or sign.seen
    seen = see(prepare(look.grey, look.content)[None])
    if name == "no_radiograph":
        covered = text.writing(look, strict)[2]
        return shown.no_picture(look, covered).seen or decide(seen.kind, held)[0] == "none"
    return (shown.negative if name == "negative" else shown.turned)(seen, 0).seen


def _with(held: NDArray[np.float64], kind: str, share: float) -> NDArray[np.float64]:
    """Return the shares of a set with so many pictures of one kind more."""
    more = np.array([share * (k == kind) for k in KINDS])
    return np.asarray((held + more) / (1 + share))


@lru_cache(maxsize=1)
def _chests(patients: int = 20) -> dict[str, NDArray[np.float32]]:
    """Return, by the kind that simulated chests show, what the network sees in them, (patients, 5)."""
    made: dict[str, list[NDArray[np.float32]]] = {kind: [] for kind in (*FILMS, *SLICES)}
    cohort = Cohort(patients=patients, images_per_patient=1, size=128, seed=90210)
    for number in range(patients):
        picture, rng = cohort.picture(cohort.patient(number)), np.random.default_rng([90210, number])
        block = Block(Chest(picture.patient.person, picture.pose, arms=False), picture.opacities, size=88)
        made["frontal"].append(picture.grey())
        made["lateral"].append(block.lateral(picture.hospital, rng))
        made["axial CT"].append((block.cut("axial", rng.uniform(0.36, 0.7)) / 255).astype(np.float32))
        made["reformatted CT"].append((block.cut("coronal", rng.uniform(0.42, 0.62)) / 255).astype(np.float32))
    return {kind: see(np.stack([prepare(p) for p in pictures])).kind for kind, pictures in made.items()}


def _strangers(main: str, held: NDArray[np.float64]) -> dict[str, Sensitivity]:
    """Return how surely simulated chests of another kind are told from a set of which they make up 2 in 100."""
    mine, others = (SLICES, FILMS) if main in SLICES else (FILMS, SLICES)
    view = tuple(kind for kind in mine if kind != main)
    found = {}
    for name, planted in (("other_modality", others), ("other_view", view)):
        seen = np.concatenate([decide(_chests()[kind], _with(held, kind, 0.02)) for kind in planted])
        value = share(np.isin(seen, planted), np.arange(len(seen)).astype(str))
        what = "simulated chests: " + " and ".join(f"{shown.WORDS[kind]}s" for kind in planted)
        found[name] = Sensitivity(value, len(seen), 0.0, what)
    return found


def look_at(subject: Subject, image: int | np.integer[Any]) -> Look:
    """Return the look at image i of a subject."""
    images, row = subject.at(int(image))
    return Look(images.pixels(row), (float(images.table["low"].iloc[row]), float(images.table["high"].iloc[row])))
