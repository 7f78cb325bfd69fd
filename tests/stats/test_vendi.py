"""Laws of the Vendi score."""

import numpy as np
import pytest

from radassay.stats.vendi import vendi


def test_it_counts_orthogonal_rows_and_ignores_their_repeats():
    assert vendi(np.eye(7)) == pytest.approx(7)
    assert vendi(np.repeat(np.eye(7), 5, axis=0) * np.linspace(1, 9, 35)[:, None]) == pytest.approx(7)
    assert vendi(np.ones((20, 3))) == pytest.approx(1)


@pytest.mark.parametrize(("n", "d"), [(40, 9), (9, 40)])
def test_either_dual_is_the_entropy_of_the_kernel(n, d):
    x = np.random.default_rng(n).normal(size=(n, d))
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    shares = np.linalg.svd(unit @ unit.T / n, compute_uv=False)
    shares = shares[shares > 1e-14]
    assert vendi(x) == pytest.approx(np.exp(-np.sum(shares * np.log(shares))), rel=1e-9)


def test_modes_lost_lower_it():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 20))
    assert vendi(x[rng.integers(0, 10, 300)] + 0.01 * rng.normal(size=(300, 20))) < vendi(x) - 5


def test_a_row_without_direction_is_refused():
    with pytest.raises(ValueError, match="direction"):
        vendi(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="a row"):
        vendi(np.zeros((0, 3)))
