"""The likelihood gap sees copies, and is near zero without them."""

import numpy as np
import pytest

from radassay.stats import likelihood
from radassay.stats.likelihood import likelihood_gap


def samples(seed, n=200, d=20):
    return np.random.default_rng(seed).normal(size=(3, n, d)) * np.linspace(0.2, 3, d) + 5


def test_copies_lower_the_gap_by_their_share():
    training, held_out, fresh = samples(0)
    gaps = []
    for share in (0.0, 0.2, 0.6):
        generated = fresh.copy()
        generated[: int(share * 200)] = training[: int(share * 200)] + 0.01
        gaps.append(likelihood_gap(training, held_out, generated).value)
    assert gaps[0] > gaps[1] + 20 > gaps[2] + 40


def test_the_fit_climbs_and_the_parts_make_the_gap():
    training, held_out, fresh = samples(1)
    gap = likelihood_gap(training, held_out, fresh)
    assert gap.value == pytest.approx(gap.training.mean() - gap.held_out.mean())
    assert gap.training.shape == gap.held_out.shape == (200,)
    one = likelihood._Mixture.fit(*(samples(1)[i].astype(np.float32) for i in (0, 2)))
    blocks = likelihood._distances(training.astype(np.float32), fresh.astype(np.float32))
    values = []
    for _ in range(5):
        variances, mean = one._step(training.astype(np.float32), blocks)
        values.append(mean)
        one = likelihood._Mixture(one.centres, variances, one.mean, one.variance)
    assert np.all(np.diff(values) > -1e-6)


def test_neither_units_nor_blocks_nor_exact_copies_matter(monkeypatch):
    training, held_out, fresh = samples(2)
    gap = likelihood_gap(training, held_out, fresh).value
    assert likelihood_gap(training * 7 - 3, held_out * 7 - 3, fresh * 7 - 3).value == pytest.approx(gap, rel=1e-3)
    monkeypatch.setattr(likelihood, "KEPT", 0)
    monkeypatch.setattr(likelihood, "BLOCK_ROWS", 33)
    assert likelihood_gap(training, held_out, fresh).value == pytest.approx(gap, rel=1e-4)
    assert np.isfinite(likelihood_gap(training, held_out, training).value)
    with pytest.raises(ValueError, match="two held-out"):
        likelihood_gap(training, held_out[:1], fresh)
