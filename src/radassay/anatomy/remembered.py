"""Measures of pictures met before: controls show the same pictures again and again."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Measures = NDArray[np.float64]
"""(n, d)."""


class Remembered:
    """A measure of pictures, row by row, that works each picture out once while it remembers it.

    The pictures not asked for the longest are forgotten first, so that memory stays bounded.
    """

    def __init__(self, measure: Callable[[NDArray[np.floating[Any]]], Measures], most: int = 20_000) -> None:
        """Remember up to `most` pictures' measures; `measure` maps (n, size, size) to (n, d)."""
        self._measure = measure
        self._most = most
        self._kept: OrderedDict[bytes, Measures] = OrderedDict()

    def __call__(self, pixels: NDArray[np.floating[Any]]) -> Measures:
        """Return the measures, (n, d), of n pictures; n at least 1."""
        digests = [hashlib.sha256(np.ascontiguousarray(picture).data).digest() for picture in pixels]
        unknown = {digest: row for row, digest in enumerate(digests) if digest not in self._kept}
        new = dict(zip(unknown, self._measure(pixels[list(unknown.values())]), strict=True)) if unknown else {}
        out = np.stack([new[d] if d in new else self._kept[d] for d in digests])
        self._kept.update(new)
        for digest in digests:
            self._kept.move_to_end(digest)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return out
