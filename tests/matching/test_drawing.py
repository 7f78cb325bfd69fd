"""Pairs are drawn small, alike every time, with points where they belong."""

import io

import numpy as np
import pytest
from PIL import Image

from radassay.matching.drawing import GAP, LINE, MARGIN, Shown, draw_pair, draw_sheet


def pair(**fields):
    tall, wide = np.zeros((200, 100), dtype=np.float32), np.ones((50, 100), dtype=np.float32)
    return Shown(tall, wide, ("set: a.png", "other: " + "x" * 200 + ".png"), ("Score 3", "told " * 60), **fields)


def opened(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=int)


def test_points_are_drawn_where_they_lie_in_either_picture():
    corner, centre = np.array([[0.0, 0.0]]), np.array([[49.5, 24.5]])
    drawn = opened(draw_pair(pair(points=(corner, centre)), side=200))
    orange = np.argwhere(np.abs(drawn - LINE).max(axis=2) < 60)
    low, high = orange.min(axis=0), orange.max(axis=0)
    # The tall picture is 100 of 200 pixels wide, in the middle of its square; the wide one is drawn twice as large.
    assert abs(low[1] - (MARGIN + 50)) <= 4
    assert abs(high[1] - (MARGIN + 200 + GAP + 100)) <= 4
    assert high[0] - low[0] == pytest.approx(100, abs=6)


def test_a_pair_without_points_has_no_lines_and_the_same_bytes_every_time():
    first = draw_pair(pair())
    assert first == draw_pair(pair())
    assert np.ptp(opened(first), axis=2).max() < 8


def test_a_sheet_of_real_detail_is_small():
    rng = np.random.default_rng(0)
    noise = [rng.random((320, 320)).astype(np.float32) for _ in range(2)]
    points = (rng.random((80, 2)) * 319, rng.random((80, 2)) * 319)
    noisy = Shown(*noise, ("a", "b"), ("score",), points)
    assert len(draw_pair(noisy)) < 200_000
    assert len(draw_sheet([noisy] * 4)) < 200_000


def test_an_empty_sheet_is_refused():
    with pytest.raises(ValueError, match="at least one pair"):
        draw_sheet([])
