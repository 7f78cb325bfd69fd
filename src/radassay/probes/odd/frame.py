"""Frames around the picture and panels within: letterbox, collimation, several pictures in one, a screen's bars."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from radassay.probes.odd.look import NOTHING, Look, Sight
from radassay.probes.odd.text import glyphs

STEP = 0.05
"""Difference in grey across a straight edge."""
LONG = 0.8
"""Share of a side along which an edge must run."""
EDGE = 0.4
"""Share of a frame's side along which the picture must differ from it; a body touches its air along less."""
PANEL = 0.15
"""Least height of one of several pictures, share of the side."""
SIGNS = 4
"""Letters and buttons that make a strip a bar."""
THIN = 0.015
"""Narrowest margin that counts, share of the side."""


def border(look: Look) -> Sight:
    """Say whether a flat frame lies around the picture and ends in a straight edge: padding or collimation.

    The black air around a body or a round field of view is flat too, but has no straight edge.
    """
    box, (height, width) = look.content, look.grey.shape
    sides = {
        "top": (box.top, look.grey[: box.top + 3, box.left : box.right]),
        "bottom": (height - box.bottom, look.grey[box.bottom - 3 :, box.left : box.right][::-1]),
        "left": (box.left, look.grey[box.top : box.bottom, : box.left + 3].T),
        "right": (width - box.right, look.grey[box.top : box.bottom, box.right - 3 :].T[::-1]),
    }
    found, widest = [], 0.0
    for side, (margin, strip) in sides.items():
        share = margin / (height if side in ("top", "bottom") else width)
        if share < THIN or len(strip) < 4:
            continue
        outside = float(np.median(strip[:margin]))
        if (np.abs(strip[margin:] - outside).max(axis=0) > STEP).mean() < EDGE:
            continue
        shade = "black" if outside < 0.1 else "white" if outside > 0.9 else "grey"
        found.append(f"{shade} {side} {100 * share:.0f} %")
        widest = max(widest, share)
    if not found:
        return NOTHING
    rows, columns = np.array([box.top, box.bottom - 1]), np.array([box.left, box.right - 1])
    return Sight(min(1.0, 0.5 * widest / THIN), "flat border: " + ", ".join(found), look.box(rows, columns))


def straight(shown: NDArray[np.float32]) -> NDArray[np.integer[Any]]:
    """Return the rows at which the grey steps the same way along nearly the whole width."""
    step = np.diff(shown, axis=0)
    length = np.maximum((step > STEP).mean(axis=1), (step < -STEP).mean(axis=1))
    return np.asarray(np.flatnonzero(length > LONG) + 1)


def panels(look: Look) -> Sight:
    """Say whether several pictures share one file, or a workstation's window was photographed with its picture.

    Panels: a straight edge over nearly the whole inner width or height, with a picture on both sides. Bars: an even
    grey strip along an edge, neither black nor white, with letters or buttons on it.
    """
    inner = look.grey[look.content.top : look.content.bottom, look.content.left : look.content.right]
    cuts = [("above one another", _cuts(inner)), ("side by side", _cuts(inner.T))]
    words = [f"{len(found) + 1} pictures {how}" for how, found in cuts if found]
    bars = _bars(look.grey)
    if bars:
        words.append("a window's bars: " + ", ".join(bars))
    return Sight(min(1.0, 0.6 + 0.2 * (len(words) + len(bars) - 1)), "; ".join(words)) if words else NOTHING


def _cuts(shown: NDArray[np.float32]) -> list[int]:
    """Return straight edges across the picture that have a picture on both sides."""
    cuts, last = [], 0
    least = max(8, round(PANEL * len(shown)))
    for at in [*straight(shown).tolist(), len(shown)]:
        if at - last < least or shown[last:at].std() < 0.08:
            continue
        if last:
            cuts.append(last)
        last = at
    return cuts


def _bars(shown: NDArray[np.float32]) -> list[str]:
    """Return the edges along which an even grey strip carries signs."""
    found = []
    for side, turned in (("top", shown), ("bottom", shown[::-1]), ("left", shown.T), ("right", shown.T[::-1])):
        edge = float(np.median(turned[0]))
        if not 0.05 < edge < 0.95:
            continue
        even = (np.abs(turned - edge) < 0.03).mean(axis=1) > 0.55
        deep = len(even) if even.all() else int(np.argmin(even))
        if not 0.03 * len(even) <= deep <= 0.4 * len(even) or (np.abs(turned[0] - edge) < 0.01).mean() < 0.8:
            continue
        strip = turned[: deep + 2] if side in ("top", "bottom") else turned[: deep + 2].T
        if len(glyphs(strip).top) >= SIGNS:
            found.append(side)
    return found
