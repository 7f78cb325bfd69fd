"""Groups of images that show one radiograph, made of pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def groups(pairs: NDArray[np.integer[Any]], count: int) -> NDArray[np.intp]:
    """Return the group of each image: from 1, the largest first, equally large ones by their first image; 0 is alone.

    Two images are in one group where a chain of pairs joins them.

    Args:
        pairs: (m, 2) positions of images.
        count: number of images.

    Returns:
        (count,) numbers of groups.
    """
    links = coo_array((np.ones(len(pairs), dtype=bool), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    _, component = connected_components(links, directed=False)
    _, first, size = np.unique(component, return_index=True, return_counts=True)
    order = np.lexsort((first, -size))
    order = order[size[order] > 1]
    number = np.zeros(len(size), dtype=np.intp)
    number[order] = np.arange(1, len(order) + 1)
    return np.asarray(number[component], dtype=np.intp)


def members(keys: NDArray[np.str_]) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return which positions have the same key, such as the same pixels.

    Returns:
        order: (n,) positions, those of one key together and ascending, keys in the order of their first position.
        start: (k + 1,) where each key begins in `order`.
        number: (n,) the number of the key of each position.
    """
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.intp)
    rank[np.argsort(first)] = np.arange(len(first))
    number = rank[inverse]
    order = np.argsort(number, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(number, minlength=len(first)))])
    return order.astype(np.intp), start.astype(np.intp), number
