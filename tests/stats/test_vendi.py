"""Laws of the Vendi score."""

import numpy as np
import pytest

from radassay.stats.vendi import log_ratio_parts, log_vendi_moves, vendi


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


def test_only_what_the_spaces_have_in_common_for_all_rows_is_added():
    rng = np.random.default_rng(0)
    rows, halves = rng.normal(size=(2, 60)), rng.normal(size=10)
    still = [[row] * 11 for row in rows]
    of_rows = rows.var(axis=1, ddof=1).sum() / 60
    assert log_ratio_parts(*still) == [(pytest.approx(of_rows), 59), (pytest.approx(0.0), 9)]
    together = [still[0], [rows[1], *(rows[1] + half for half in halves)]]
    assert log_ratio_parts(*together)[1] == (pytest.approx(halves.var(ddof=1)), 9)
    assert log_ratio_parts(together[1], still[0])[1] == (pytest.approx(halves.var(ddof=1)), 9)


def test_what_spaces_show_of_these_very_rows_is_not_counted_twice():
    rng = np.random.default_rng(1)
    found, plain = [], []
    for _ in range(200):
        moves = [rng.normal(size=(11, 60)) for _ in range(2)]
        found.append(log_ratio_parts(*map(list, moves))[1][0])
        plain.append((moves[1] - moves[0])[1:].mean(axis=1).var(ddof=1))
    # a variance of 0 cut off at 0, of nine degrees of freedom, is a fifth of what it was taken off on average
    assert np.mean(found) < 0.3 * np.mean(plain)


def test_the_moves_have_the_scatter_of_the_score():
    x = np.random.default_rng(2).normal(size=(300, 80, 4)) * np.array([4.0, 2.0, 1.0, 0.5])
    scores = [np.log(vendi(rows)) for rows in x]
    told = [log_vendi_moves(rows).var(ddof=1) / 80 for rows in x]
    assert np.mean(told) == pytest.approx(np.var(scores, ddof=1), rel=0.25)
