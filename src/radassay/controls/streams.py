"""Random streams by name."""

from __future__ import annotations

import hashlib

import numpy as np


class Streams:
    """Random streams by name, so that a new defect or check changes no other's numbers."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._root = int(rng.integers(2**63))

    def __call__(self, *names: object) -> np.random.Generator:
        """Return the stream of these names, always from its beginning."""
        digest = hashlib.sha256(repr(names).encode()).digest()
        words = [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 32, 4)]
        return np.random.default_rng(np.random.SeedSequence([self._root, *words]))
