"""Served copies: every file is made when it is asked for, and no two have equal bytes.

A case that comes again would otherwise be the same file under another name, and whoever opens the browser's developer
tools could see that. Every copy gets a dither of its own, far below one grey level: no display shows it, and rounding
to grey levels takes it away again. It depends on nothing but the seed and the random id, so it says nothing of the arm.
Pixels that are alike stay alike, of course: whoever writes a program that compares pictures finds repeats.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from radassay.reading.pipeline import TOP, Pipeline, Scale, Shown, Stack

PART = 16
"""The dither reaches one such part of a grey level, or one stored unit where levels lie closer."""


class ServedPixels(Mapping[str, bytes]):
    """Unsigned 16-bit little-endian pixels by opaque id, slices then rows then columns, all of one length.

    Nothing is kept: one image is in memory while it is asked for, and asking again gives the same bytes.
    """

    def __init__(self, pipeline: Pipeline, shown: Mapping[str, Shown], seed: int) -> None:
        """Take what is shown under each id, and the seed of the dither."""
        self._pipeline, self._shown, self._seed = pipeline, dict(shown), seed

    def __getitem__(self, name: str) -> bytes:
        return self.stack(name).astype("<u2").tobytes()

    def __iter__(self) -> Iterator[str]:
        return iter(self._shown)

    def __len__(self) -> int:
        return len(self._shown)

    @property
    def scale(self) -> Scale:
        """Return what the stored values stand for."""
        return self._pipeline.scale

    def stack(self, name: str) -> Stack:
        """Return one image as it is served, (slices, size, size)."""
        one = self._shown[name]
        rng = np.random.default_rng(np.random.SeedSequence([self._seed, int(name, 16)]))
        return dithered(self._pipeline.served(one), self.scale.step, rng)

    def stacks(self, names: Iterable[str]) -> Iterator[Stack]:
        """Yield images as they are served, one at a time."""
        return (self.stack(name) for name in names)


def dithered(stack: Stack, step: float, rng: np.random.Generator) -> Stack:
    """Return values moved at random by at most a sixteenth of a grey level.

    Args:
        stack: stored values at levels `step` apart.
        step: stored units between levels.
        rng: of this copy.
    """
    reach = max(1, int(step / PART))
    out = np.empty_like(stack)
    for n, picture in enumerate(stack):
        moved = picture.astype(np.int32) + rng.integers(-reach, reach + 1, picture.shape, dtype=np.int16)
        out[n] = np.clip(moved, 0, TOP)
    return out


def undithered(stack: Stack, step: float) -> Stack:
    """Return the levels that `dithered` started from, as integers from 0; the values where levels lie too close."""
    if step <= 3:
        return stack
    return np.asarray(np.rint(stack / step), dtype=np.uint16)
