"""The parts of the Fréchet distance's expansion, against their definitions written out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radassay.stats import frechet_expansion
from radassay.stats.frechet_expansion import Axes, Side, influences


@settings(deadline=None, max_examples=50)
@given(st.floats(-30, 30), st.floats(0, 23), st.integers(1, 40))
def test_the_weights_are_one_over_twice_the_sums_of_the_roots(scale, spread, d):
    roots = np.exp(scale + np.linspace(0, spread, d))
    found = Axes((np.eye(d), np.eye(d)), roots).weights(np.float64)
    assert found @ found.T == pytest.approx(0.5 / (roots[:, None] + roots[None, :]), rel=2e-7)


def world(each: int, patients: int = 70, d: int = 6) -> tuple[Side, Axes]:
    """Return images of patients and any axes."""
    rng = np.random.default_rng(3)
    x = np.repeat(rng.normal(size=(patients, d)), each, axis=0) + rng.normal(size=(patients * each, d))
    side = Side.of(x, np.repeat(np.arange(patients), each).astype(str))
    matrix = rng.normal(size=(d, d))
    return side, Axes((matrix, matrix), np.sort(rng.uniform(0.1, 30.0, d)))


def kernel(side: Side, axes: Axes, p: int, q: int) -> float:
    """Return k(P, Q) = Σx · Σy + Σᵢⱼ (Σ uᵢuⱼ - s λᵢ δᵢⱼ)(Σ vᵢvⱼ - t λᵢ δᵢⱼ) / (2 (λᵢ + λⱼ))."""
    total, apart = [], []
    for patient in (p, q):
        rows = side.rows[side.codes == patient] - side.mean
        turned = rows @ axes.matrices[0]
        total.append(rows.sum(axis=0))
        apart.append(turned.T @ turned - len(rows) * np.diag(axes.roots))
    return float(total[0] @ total[1] + np.sum(apart[0] * apart[1] / (2 * (axes.roots[:, None] + axes.roots))))


@pytest.mark.parametrize("each", [1, 2, 4])
def test_a_patients_own_term_is_its_definition(each):
    side, axes = world(each)
    _, own = influences(side, axes, 0, np.zeros(6), 0.0)
    assert own == pytest.approx([kernel(side, axes, p, p) for p in range(70)], rel=1e-6)


@pytest.mark.parametrize("each", [1, 3])
def test_the_mean_square_is_that_of_all_pairs_where_there_are_few(each, monkeypatch):
    monkeypatch.setattr(frechet_expansion, "PAIRS", 2**16)
    side, axes = world(each)
    paired = frechet_expansion._Paired.of(side, axes.matrices[0])
    found = frechet_expansion._mean_square(paired, paired, axes.weights(np.float64), axes.trace, same=True)
    pairs = [(p, q) for p in range(70) for q in range(70) if p != q]
    assert found == pytest.approx(np.mean([kernel(side, axes, *pair) ** 2 for pair in pairs]), rel=1e-6)


def test_the_mean_square_of_some_pairs_is_near_that_of_all(monkeypatch):
    side, axes = world(1, patients=3000)
    found = []
    for images in (2**22, 2**13):
        monkeypatch.setattr(frechet_expansion, "PAIRS", images)
        monkeypatch.setattr(frechet_expansion, "PAIRED", max(2**11, images // 2**10))
        paired = frechet_expansion._Paired.of(side, axes.matrices[0])
        found.append(frechet_expansion._mean_square(paired, paired, axes.weights(float), axes.trace, same=True))
    assert found[1] == pytest.approx(found[0], rel=0.3)
