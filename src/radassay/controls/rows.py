"""Features of images met before: controls show the same pictures again and again."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from radassay.contracts.check import Inputs
from radassay.contracts.grey import Grey


class RememberedRows:
    """An encoder that encodes each picture once; encoders work row by row, so that rows can be put together anew.

    Features of the real images stay; those of planted images go at `forget`, so that memory stays bounded.
    """

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs
        self._kept: dict[bytes, NDArray[np.float32]] = {}
        self._passing: dict[bytes, NDArray[np.float32]] = {}

    def __call__(self, pixels: Grey) -> NDArray[np.float32]:
        """Return the features, (n, d), of images (n, size, size)."""
        assert self._inputs.encode is not None
        if not self._kept:
            for sample in (self._inputs.training, self._inputs.held_out):
                self._kept.update(zip(_digests(sample.pixels), self._inputs.features(sample), strict=True))
        digests = _digests(pixels)
        unknown = {d: i for i, d in enumerate(digests) if d not in self._kept and d not in self._passing}
        if unknown:
            self._passing.update(zip(unknown, self._inputs.encode(pixels[list(unknown.values())]), strict=True))
        return np.stack([self._kept[d] if d in self._kept else self._passing[d] for d in digests])

    def forget(self) -> None:
        """Drop the features of images that are not among the real ones."""
        self._passing.clear()

    def attached(self, inputs: Inputs) -> Inputs:
        """Return inputs that use this encoder, with a cache of their own."""
        return inputs.but(encode=None if self._inputs.encode is None else self, cache={})


def _digests(pixels: Grey) -> list[bytes]:
    return [hashlib.sha256(picture.tobytes()).digest() for picture in pixels]
