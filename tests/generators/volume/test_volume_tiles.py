"""Tiles cover a volume, agree on it, and leave no border behind."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from radassay.generators.volume.tiles import Tiling, ramp, starts


@given(st.integers(1, 200), st.integers(2, 64), st.integers(1, 32))
def test_tiles_cover_every_voxel_and_share_enough(length, tile, overlap):
    overlap = min(overlap, tile // 2)
    begin = starts(length, tile, overlap)
    assert begin[0] == 0
    if tile >= length:
        assert begin == [0]
        return
    assert begin[-1] + tile == length
    assert all(a + tile - b >= overlap for a, b in itertools.pairwise(begin))
    assert (len(begin) - 2) * (tile - overlap) + tile < length


def test_ramps_fall_to_both_ends_and_never_to_zero():
    weight = ramp(12, 4)
    assert torch.equal(weight, weight.flip(0))
    assert weight.min() == pytest.approx(0.2)
    assert (weight[4:8] == 1).all()


def test_what_tiles_agree_on_comes_out_unchanged():
    whole = torch.rand(20, 18, 24)
    tiling = Tiling((20, 18, 24), (8, 8, 8), 3)
    blended = tiling.blended(lambda start: whole[tiling.at(start)], whole)
    torch.testing.assert_close(blended, whole)
    assert len(list(tiling)) == 4 * 3 * 5


def border_jumps(volume, tiling):
    """Return the mean jump between neighbours where a tile begins or ends, and elsewhere, along the first axis."""
    jumps = np.abs(np.diff(volume, axis=0)).mean(axis=(1, 2))
    edges = {first for first in tiling.along[0] if first} | {first + tiling.tile[0] for first in tiling.along[0]}
    at = np.array([place + 1 in edges for place in range(len(jumps))])
    return jumps[at].mean(), jumps[~at].mean()


def test_tiles_that_disagree_meet_gradually():
    tiling = Tiling((40, 16, 16), (16, 16, 16), 8)
    level = {start: float(number % 2) for number, start in enumerate(tiling)}
    like = torch.zeros(40, 16, 16)
    blended = tiling.blended(lambda start: torch.full((16, 16, 16), level[start]), like).numpy()
    assert blended.min() == 0
    assert blended.max() == 1
    assert np.abs(np.diff(blended, axis=0)).max() <= 1 / 8
    pasted = np.concatenate([np.full((n, 16, 16), v) for n, v in ((16, 0.0), (12, 1.0), (12, 0.0))])
    at, elsewhere = border_jumps(pasted, tiling)
    assert at > elsewhere
    at, elsewhere = border_jumps(blended, tiling)
    assert at <= elsewhere
