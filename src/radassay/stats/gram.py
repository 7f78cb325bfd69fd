"""One walk over the inner products of two samples, tile by tile: kernels and distances are made of them in passing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import array_api_compat as compat
import numpy as np
from numpy.typing import NDArray

from radassay.stats.backend import Tensor
from radassay.stats.resample import codes

Index = NDArray[np.intp]

TILE = 2048
"""Rows and columns of a tile; about six of them (16 MiB each in float32) are held at once."""


@dataclass(frozen=True)
class Rows:
    """A sample about the common centre, its rows in the order of their patients."""

    values: Tensor
    """(n, d), in the precision that was given, on the device that was given."""
    squares: Tensor
    """(n,) squared lengths."""
    along: Tensor
    """(n,) inner products with the centre."""
    codes: Index
    """(n,) patient of each row, 0 to P-1, ascending."""
    order: Index
    """(n,) row of the sample as it was given."""

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def starts(self) -> Index:
        """Return the first row of each patient, (P,)."""
        return np.searchsorted(self.codes, np.arange(self.codes[-1] + 1))

    @property
    def tiles(self) -> list[slice]:
        """Return slices of about TILE rows that split no patient."""
        edges, starts = [0], np.append(self.starts, len(self))
        while edges[-1] < len(self):
            further = starts[(starts > edges[-1]) & (starts <= edges[-1] + TILE)]
            edges.append(int(further[-1] if len(further) else starts[starts > edges[-1]][0]))
        return [slice(*pair) for pair in itertools.pairwise(edges)]


@dataclass(frozen=True)
class Two:
    """Two samples about the mean of the first, which costs fewer digits where features lie far from the origin."""

    x: Rows
    y: Rows
    centre: float
    """Squared length of the centre."""

    @classmethod
    def of(cls, x: Tensor, y: Tensor, x_units: NDArray[Any] | None = None, y_units: NDArray[Any] | None = None) -> Two:
        """Return the samples, (n, d) and (m, d) NumPy arrays or torch tensors, ordered by patient.

        Float32 and float64 are computed in as given, all else as float64. Without patients each row is its own.
        """
        xp = compat.array_namespace(x, y)
        centre = xp.mean(xp.astype(x, xp.float64), axis=0)
        if x.dtype not in (xp.float32, xp.float64) or y.dtype != x.dtype:
            x, y = xp.astype(x, xp.float64), xp.astype(y, xp.float64)
        centre = xp.astype(centre, x.dtype)
        length = float(xp.sum(xp.astype(centre, xp.float64) ** 2))
        return cls(_rows(x, x_units, centre), _rows(y, y_units, centre), length)


class Reader(Protocol):
    """What makes something of the tiles; it must not change them."""

    def within(self, side: int, rows: Rows, a: slice, b: slice, gram: Tensor) -> None:
        """Read the inner products of rows a and b of one sample (0 or 1); each pair of tiles comes once, a <= b."""

    def between(self) -> None:
        """Learn that both samples have been read and that their pairs follow."""

    def across(self, two: Two, a: slice, b: slice, gram: Tensor) -> None:
        """Read the inner products of rows a of x and rows b of y."""


def walk(two: Two, readers: Sequence[Reader]) -> None:
    """Show all inner products to the readers: half of those within a sample, which are symmetric, all between them."""
    for side, rows in enumerate((two.x, two.y)):
        for a, b in _upper(rows.tiles):
            gram = rows.values[a] @ rows.values[b].T
            for reader in readers:
                reader.within(side, rows, a, b, gram)
    for reader in readers:
        reader.between()
    for a in two.x.tiles:
        for b in two.y.tiles:
            gram = two.x.values[a] @ two.y.values[b].T
            for reader in readers:
                reader.across(two, a, b, gram)


def _upper(tiles: list[slice]) -> Iterator[tuple[slice, slice]]:
    for first, a in enumerate(tiles):
        yield from ((a, b) for b in tiles[first:])


def _rows(x: Tensor, units: NDArray[Any] | None, centre: Tensor) -> Rows:
    xp = compat.array_namespace(x)
    code = np.arange(len(x)) if units is None else codes(units)
    order = np.argsort(code, kind="stable")
    values = xp.take(x, xp.asarray(order, device=compat.device(x)), axis=0)
    values -= centre
    return Rows(values, _lengths(values), values @ centre, code[order], order)


def _lengths(values: Tensor) -> Tensor:
    """Return the squared length of each row, summed in float64, some rows at a time."""
    xp = compat.array_namespace(values)
    parts = [values[start : start + TILE] for start in range(0, len(values), TILE)]
    return xp.concat([xp.astype(xp.sum(part * part, axis=1, dtype=xp.float64), values.dtype) for part in parts])
