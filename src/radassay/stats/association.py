"""How strongly two labels of the same images go together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def cramers_v(first: NDArray[np.str_], second: NDArray[np.str_]) -> float:
    """Return Cramér's V corrected for its upward bias (Bergsma, J Korean Stat Soc 2013;42:323), in [0, 1].

    0 where either label is constant.
    """
    rows = np.unique(np.asarray(first), return_inverse=True)[1]
    columns = np.unique(np.asarray(second), return_inverse=True)[1]
    table = np.zeros((int(rows.max()) + 1, int(columns.max()) + 1))
    np.add.at(table, (rows, columns), 1)
    n, (r, c) = table.sum(), table.shape
    if min(r, c) < 2 or n < 2:
        return 0.0
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    phi = float(((table - expected) ** 2 / expected).sum() / n)
    phi = max(0.0, phi - (r - 1) * (c - 1) / (n - 1))
    r_, c_ = r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)
    return float(np.sqrt(min(1.0, phi / max(1e-12, min(r_ - 1, c_ - 1)))))
