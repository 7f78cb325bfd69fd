"""Pairs become groups."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from radassay.matching.groups import groups, members


def test_a_chain_of_pairs_is_one_group_and_the_largest_comes_first():
    pairs = np.array([[0, 9], [3, 4], [4, 5], [2, 7]])
    assert groups(pairs, 10).tolist() == [2, 0, 3, 1, 1, 1, 0, 3, 0, 2]


def test_without_pairs_every_image_is_alone():
    assert groups(np.empty((0, 2), dtype=np.intp), 4).tolist() == [0, 0, 0, 0]


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 30), st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), max_size=40))
def test_groups_are_the_classes_of_the_pairs(count, pairs):
    pairs = [(a % count, b % count) for a, b in pairs]
    found = groups(np.array(pairs, dtype=np.intp).reshape(-1, 2), count)
    root = list(range(count))  # merged by hand
    for a, b in pairs:
        old, new = root[a], root[b]
        root = [new if r == old else r for r in root]
    for a in range(count):
        for b in range(count):
            assert (root[a] == root[b]) == (a == b or (found[a] == found[b] != 0))


def test_images_with_the_same_pixels_stand_together():
    order, start, number = members(np.array(["x", "b", "x", "a", "b"]))
    assert order.tolist() == [0, 2, 1, 4, 3]
    assert start.tolist() == [0, 2, 4, 5]
    assert number.tolist() == [0, 1, 0, 2, 1]
