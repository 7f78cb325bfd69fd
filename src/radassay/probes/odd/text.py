"""Burned-in text, side markers and arrows: ink with sharp edges that no anatomy has."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects, label, maximum_filter1d, minimum_filter1d
from scipy.sparse.csgraph import connected_components

from radassay.probes.odd.look import NOTHING, Look, Sight

INK = 0.22
"""Least contrast of ink against what surrounds it, share of the grey scale."""
SMALL, LARGE = 4, 0.14
"""Least height of a letter in pixels, and greatest as share of the shorter side."""
FLAT = 0.035
"""Spread of the ground around a letter that counts as flat."""
STILL = 0.05
"""The most where spots, such as vessels, could be taken for ink."""
TEXTURE, MOST = 150, 200
"""Spots of one polarity that make a texture, and how many are looked at."""
LINE, SIGN = 3, 0.022
"""Letters that make a line of text, and least height of a single letter or sign, share of the shorter side."""
STRICT_LINE, CORNER = 5, 0.17
"""In slices, vessels look like small letters: a line needs more of them there, and a sign must lie in a corner, whose
sides are this share of the picture's."""
STROKE = 0.035
"""Greatest width of a stroke, share of the shorter side."""


class Glyphs(NamedTuple):
    """Candidate letters: (n,) arrays, boxes in pixels of `Look.grey`."""

    top: NDArray[np.integer[Any]]
    left: NDArray[np.integer[Any]]
    bottom: NDArray[np.integer[Any]]
    right: NDArray[np.integer[Any]]
    value: NDArray[np.floating[Any]]
    """How surely each is ink, 0 to 1."""

    def at(self, rows: NDArray[Any]) -> Glyphs:
        """Return some of them."""
        return Glyphs(*(column[rows] for column in self))


def glyphs(shown: NDArray[np.float32], strict: bool = False) -> Glyphs:
    """Return components of bright and of dark ink that might be letters or signs.

    Args:
        shown: (height, width) grey values in [0, 1].
        strict: take ink on flat ground alone, as in slices, where vessels look like ink.
    """
    most = LARGE * min(shown.shape)
    found: list[tuple[int, int, int, int, float]] = []
    for picture in (shown, 1 - shown):
        parts, number = label(
            picture - _ground(picture, max(7, round(STROKE * min(shown.shape)))) > INK, np.ones((3, 3))
        )
        boxes = find_objects(parts, number)
        # as many spots as this are texture: vessels, noise
        kept = [(k + 1, (w[0], w[1])) for k, w in enumerate(boxes) if SMALL <= w[0].stop - w[0].start <= most]
        kept = [(k, w) for k, w in kept if 1 <= w[1].stop - w[1].start <= 1.5 * most]
        careful = strict or len(kept) > TEXTURE
        if careful:
            kept = [(k, w) for k, w in kept if _free(w, shown.shape)]
        for k, where in kept[:MOST]:
            sure = _ink(picture, parts, k, where, careful)
            if sure > 0:
                found.append((where[0].start, where[1].start, where[0].stop, where[1].stop, sure))
    table = np.array(found, dtype=float).reshape(-1, 5)
    top, left, bottom, right = (table[:, k].astype(int) for k in range(4))
    return Glyphs(top, left, bottom, right, table[:, 4])


def _free(where: tuple[slice, slice], shape: tuple[int, ...]) -> bool:
    """Whether a box lies off the edge of the picture, where a table or the skin may be cut to look like ink."""
    down, across = where
    return bool(min(down.start, across.start) > 1 and down.stop < shape[0] - 1 and across.stop < shape[1] - 1)


def _ink(picture: NDArray[np.float32], parts: NDArray[Any], k: int, where: tuple[slice, slice], strict: bool) -> float:
    """Return how surely a component is ink: sharp at its edge, and bright, or on flat ground."""
    rows, columns = where
    frame = _around(picture, where)[_around(parts, where) == 0]
    if len(frame) < 6:
        return 0.0
    spread, ground = float(frame.std()), float(np.sort(frame)[len(frame) // 2])
    if spread > (STILL if strict else 0.5):
        return 0.0
    box = slice(max(0, rows.start - 2), rows.stop + 2), slice(max(0, columns.start - 2), columns.stop + 2)
    part, mine = picture[box], parts[box] == k
    ink = np.sort(part[mine])
    top = float(ink[int(0.9 * (len(ink) - 1))])
    contrast = top - ground
    if contrast < INK or len(ink) > 0.9 * (rows.stop - rows.start) * (columns.stop - columns.start):
        return 0.0
    near = _grown(mine)
    # the step from ink to ground takes no more than two pixels: few pixels lie between the two
    between = (part > ground + 0.25 * contrast) & (part < ground + 0.75 * contrast) & near
    edge = float(between.sum()) / max(int((near & ~mine).sum()), 1)
    sharp = np.clip((1.1 - edge) / 0.6, 0, 1)
    even = np.clip(1.5 - spread / (0.35 * contrast), 0, 1)
    bright = np.clip((top - 0.75) / 0.2, 0, 1) if spread > FLAT else 1.0
    return float(sharp * even * bright)


def _ground(picture: NDArray[np.float32], reach: int) -> NDArray[np.float32]:
    """Return what is left of a picture without bright spots narrower than `reach`: its opening, at half the size."""
    height, width = picture.shape
    even = np.pad(picture, ((0, height % 2), (0, width % 2)), mode="edge")
    small = np.minimum(np.minimum(even[::2, ::2], even[1::2, ::2]), np.minimum(even[::2, 1::2], even[1::2, 1::2]))
    size = reach // 2 | 1
    small = minimum_filter1d(minimum_filter1d(small, size, axis=0), size, axis=1)
    small = maximum_filter1d(maximum_filter1d(small, size, axis=0), size, axis=1)
    return np.repeat(np.repeat(small, 2, axis=0), 2, axis=1)[:height, :width]


def _groups(found: Glyphs) -> list[NDArray[np.integer[Any]]]:
    """Return letters that stand in one line, across or upwards, as lists of their numbers."""
    n = len(found.top)
    linked = np.eye(n, dtype=bool)
    for start, stop, low, high in (
        (found.left, found.right, found.top, found.bottom),
        (found.top, found.bottom, found.left, found.right),
    ):
        tall = high - low
        gap = np.maximum(start[:, None], start[None]) - np.minimum(stop[:, None], stop[None])
        shared = np.minimum(high[:, None], high[None]) - np.maximum(low[:, None], low[None])
        taller, smaller = np.maximum(tall[:, None], tall[None]), np.minimum(tall[:, None], tall[None])
        linked |= (gap <= 0.9 * taller) & (shared >= 0.6 * smaller) & (taller <= 2.2 * smaller) & (smaller >= SMALL)
    count, group = connected_components(linked, directed=False)
    return [np.flatnonzero(group == k) for k in range(count)]


def writing(look: Look, strict: bool = False) -> tuple[Sight, Sight, float]:
    """Say whether text was burned in, whether there is a side marker or another sign, and how much text covers.

    Text is a line of three letters or more; fewer are a marker or sign where they are tall enough to be read.

    Returns:
        text, marker, share of the picture that lines of text cover.
    """
    found = glyphs(look.grey, strict)
    found = found.at(found.value > 0.3)
    lines, signs, short = [], [], min(look.grey.shape)
    line = STRICT_LINE if strict else LINE
    for group in _groups(found):
        part = found.at(group)
        tall = int((part.bottom - part.top).max())
        if len(group) >= line and (not strict or _straight(part)):
            lines.append((float(part.value.mean()), part))
        elif len(group) < line and part.value.max() > 0.5 and tall >= max(SMALL + 1, SIGN * short):
            if strict and not _cornered(part, look.grey.shape):
                continue
            signs.append((float(part.value.max()), part))
    covered = sum((p.bottom.max() - p.top.min()) * (p.right.max() - p.left.min()) for _, p in lines) / look.grey.size
    letters = sum(len(p.top) for _, p in lines)
    text = _sight(
        look, lines, f"burned-in text: {letters} letters in {len(lines)} {'line' if len(lines) == 1 else 'lines'}"
    )
    sign = _sight(look, signs, f"{len(signs)} {'marker or sign' if len(signs) == 1 else 'markers or signs'}")
    return text, sign, float(covered)


def _cornered(part: Glyphs, shape: tuple[int, ...]) -> bool:
    """Whether letters lie in a corner of the picture."""
    middle = ((part.top.min() + part.bottom.max()) / 2 / shape[0], (part.left.min() + part.right.max()) / 2 / shape[1])
    return all(min(v, 1 - v) < CORNER for v in middle)


def _straight(part: Glyphs) -> bool:
    """Whether letters share a base line and a height, to a quarter of it."""
    tall = float(np.median(part.bottom - part.top))
    apart = min(np.median(np.abs(edge - np.median(edge))) for edge in (part.bottom, part.top, part.left, part.right))
    return bool(apart <= 0.15 * tall and np.quantile(part.bottom - part.top, 0.8) <= 1.4 * tall)


def _sight(look: Look, parts: list[tuple[float, Glyphs]], reason: str) -> Sight:
    """Return what was found as one sight; its box is that of the surest part."""
    if not parts:
        return NOTHING
    value, best = max(parts, key=lambda p: (len(p[1].top), p[0]))
    rows, columns = np.array([best.top.min(), best.bottom.max() - 1]), np.array([best.left.min(), best.right.max() - 1])
    return Sight(min(1.0, 0.5 + value / 2), reason, look.box(rows, columns))


def _around(values: NDArray[Any], where: tuple[slice, slice]) -> NDArray[Any]:
    """Return the pixels of a frame three pixels outside a box, where they lie in the picture."""
    height, width = values.shape
    top, bottom, left, right = where[0].start - 3, where[0].stop + 2, where[1].start - 3, where[1].stop + 2
    rows, columns = slice(max(0, top), bottom + 1), slice(max(0, left), right + 1)
    sides = [values[k, columns] for k in (top, bottom) if 0 <= k < height]
    return np.concatenate([*sides, *(values[rows, k] for k in (left, right) if 0 <= k < width), values[:0, 0]])


def _grown(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    wide = np.pad(mask, 1)
    tall = wide[:, 1:-1] | wide[:, :-2] | wide[:, 2:]
    return np.asarray(tall[1:-1] | tall[:-2] | tall[2:])
