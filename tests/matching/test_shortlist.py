"""The nearest vectors of a table of likeness: the same whether blocks are passed over or not."""

import numpy as np
import pytest

from radassay.matching.shortlist import BLOCK, around, graph_of, nearest


@pytest.mark.parametrize("count", [7, BLOCK - 1, BLOCK, 7 * BLOCK, 7 * BLOCK + 1, 20 * BLOCK, 20 * BLOCK + 33])
def test_the_nearest_are_those_of_a_full_sort(count):
    rng = np.random.default_rng(count)
    a, b = (rng.standard_normal((n, 16)).astype(np.float32) for n in (40, count))
    b[count // 2] = a[3]
    rows, likeness = nearest(a, b, 7)
    table = a @ b.T
    wanted = np.argsort(-table, axis=1)[:, :7]
    np.testing.assert_array_equal(np.sort(rows, axis=1), np.sort(wanted, axis=1))
    np.testing.assert_allclose(np.take_along_axis(table, rows, axis=1), likeness, rtol=1e-5, atol=1e-5)


def test_nothing_is_like_nothing():
    a, b = np.zeros((3, 8), dtype=np.float32), np.zeros((1000, 8), dtype=np.float32)
    rows, likeness = nearest(a, b, 5)
    assert rows.shape == (3, 5)
    assert (likeness == 0).all()


def test_a_graph_finds_again_what_was_altered_a_little():
    rng = np.random.default_rng(1)
    b = rng.standard_normal((3000, 64)).astype(np.float32)
    b /= np.linalg.norm(b, axis=1, keepdims=True)
    altered = b[:300] + rng.normal(0, 0.1, (300, 64)).astype(np.float32)
    altered /= np.linalg.norm(altered, axis=1, keepdims=True)
    keys, _, compared = around(altered, graph_of(b), 7)
    assert (keys == np.arange(300)[:, None]).any(axis=1).mean() > 0.98
    assert compared < 300 * 3000
