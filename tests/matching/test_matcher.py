"""The matcher: copies are found whatever happened to them, other pictures are not, and nothing depends on the way."""

import sys
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import pytest

from radassay.matching.codebook import Codebook
from radassay.matching.described import describe
from radassay.matching.keypoints import CHANGES
from radassay.matching.matcher import THRESHOLD, match, matched_points
from radassay.matching.shortlist import shortlist

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from alterations import ALTERATIONS

HARDLY = {"noise 0.06", "JPEG 12", "screenshot"}
"""Alterations under which even a person would hesitate: the pair must rank first, no more."""


@lru_cache(maxsize=4)
def drawn(seed, size=256):
    """A picture with detail at every scale over a smooth vault."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :])
    amplitude = 1 / np.maximum(frequency, 2 / size) ** 1.7
    field = np.fft.irfft2(np.fft.rfft2(rng.normal(size=(size, size))) * amplitude, s=(size, size))
    return np.clip(0.5 + 0.18 * field / field.std(), 0, 1).astype(np.float32)


def picture(base, number):
    """A picture by number, for processes of their own."""
    return drawn(base + number)


@lru_cache(maxsize=1)
def many():
    return describe(partial(picture, 100), 24)


def rng():
    return np.random.default_rng(3)


def looked_up(pictures, among=None):
    return match(describe(pictures.__getitem__, len(pictures)), among or many(), rng=rng())


def test_every_alteration_is_found_among_others():
    names = list(ALTERATIONS)
    made = [ALTERATIONS[name](drawn(100 + k % 24), np.random.default_rng(k)) for k, name in enumerate(names)]
    found = looked_up(made)
    right = {int(i): s for (i, j), s in zip(found.pairs, found.scores, strict=True) if j == i % 24}
    others = [s for (i, j), s in zip(found.pairs, found.scores, strict=True) if j != i % 24]
    missed = [name for k, name in enumerate(names) if right.get(k, 0) < THRESHOLD and name not in HARDLY]
    assert not missed
    assert max(others, default=0) < THRESHOLD


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_turned_mirrored_and_inverted_copies_are_named_as_such(change):
    copy = drawn(105)[:, ::-1] if change.mirrored else drawn(105)
    copy = np.rot90(1 - copy if change.inverted else copy, change.turns)
    found = looked_up([np.ascontiguousarray(copy)])
    assert found.pairs[0].tolist() == [0, 5]
    assert found.scores[0] > 0.95
    # The map leads from the copy back to the original.
    back = CHANGES[0] if change.turns == 0 else change
    assert found.mirrored[0] == change.mirrored and found.inverted[0] == change.inverted
    if back is CHANGES[0]:
        assert found.turns[0] == 0
    corner = found.transforms[0] @ [0, 0, 1]
    assert np.abs(corner[:, None] - np.array([[0, 255], [0, 255]])).min(axis=1) == pytest.approx([0, 0], abs=1.5)


def test_pictures_that_share_nothing_do_not_match():
    found = match(describe(partial(picture, 500), 12), many(), rng=rng())
    assert not found.verified.any()
    assert found.compared == 12 * 24


def test_within_one_set_each_pair_comes_once_and_none_with_itself():
    pictures = [drawn(100), drawn(101), drawn(100)[10:, 10:], drawn(102), drawn(100)]
    found = match(describe(pictures.__getitem__, 5), rng=rng())
    assert {tuple(p) for p in found.pairs[found.verified].tolist()} == {(0, 2), (0, 4), (2, 4)}
    assert (found.pairs[:, 0] < found.pairs[:, 1]).all()
    assert found.compared == 10


def test_score_hardly_depends_on_which_picture_comes_first():
    copy = ALTERATIONS["republished"](drawn(103), np.random.default_rng(0))
    one = looked_up([copy])
    other = match(many(), describe([copy].__getitem__, 1), rng=rng())
    assert one.pairs[0].tolist() == [0, 3] and other.pairs[0].tolist() == [3, 0]
    assert one.scores[0] == pytest.approx(other.scores[0], abs=0.05)


def test_transform_takes_native_pixels_to_native_pixels():
    found = looked_up([drawn(104)[30:230, 20:240]])
    assert found.transforms[0] @ [0, 0, 1] == pytest.approx([20, 30], abs=0.7)
    assert found.transforms[0] @ [219, 199, 1] == pytest.approx([239, 229], abs=0.7)
    a, b = matched_points(describe([drawn(104)[30:230, 20:240]].__getitem__, 1), 0, many(), 4)
    assert len(a) == len(b) >= 20
    assert np.median(np.abs(a + np.array([20, 30]) - b)) < 0.7


def test_file_and_memory_give_the_same(tmp_path):
    filed = describe(partial(picture, 100), 24, folder=tmp_path)
    assert filed.records is None and (filed.rows(0, 24) == many().rows(0, 24)).all()
    copies = describe([drawn(100 + k)[8:, 12:] for k in range(6)].__getitem__, 6)
    one, two = (match(copies, described, rng=rng()) for described in (filed, many()))
    assert (one.pairs == two.pairs).all() and one.verified.sum() == 6
    assert one.scores.tobytes() == two.scores.tobytes()


@pytest.mark.slow
def test_processes_give_the_same():
    # More pictures than one part of the work, so that both processes have something to do.
    read = partial(picture, 120)
    one, two = describe(read, 40), describe(read, 40, processes=2)
    assert one.records.tobytes() == two.records.tobytes()
    one, two = (match(many(), one, rng=rng(), processes=count) for count in (1, 2))
    assert (one.pairs == two.pairs).all() and {(20, 0), (23, 3)} <= {tuple(p) for p in one.pairs[one.verified].tolist()}
    assert one.scores.tobytes() == two.scores.tobytes()


def test_graph_of_neighbours_finds_the_copies_that_exact_search_finds():
    copies = describe([drawn(100 + k)[8:, 12:] for k in range(24)].__getitem__, 24)
    book = Codebook.learn([many(), copies], rng())
    exact, graph, again = (shortlist(many(), copies, book, 3, exact=size) for size in (1000, 1, 1))
    wanted = {(k, k) for k in range(24)}
    assert wanted <= {tuple(p) for p in exact.pairs.tolist()}
    assert wanted <= {tuple(p) for p in graph.pairs.tolist()}
    assert (graph.pairs == again.pairs).all() and (graph.changes == again.changes).all()


def test_shortlist_holds_each_images_likeliest_few_over_all_changes():
    pictures = [drawn(300 + k, 96) for k in range(64)] + [drawn(307, 96)[:, ::-1]]
    images = describe(pictures.__getitem__, 65)
    found = shortlist(images, None, Codebook.learn([images], rng()), 3)
    listed = {(*pair, change) for pair, change in zip(found.pairs.tolist(), found.changes.tolist(), strict=True)}
    assert (7, 64) in {(i, j) for i, j, change in listed if CHANGES[change].mirrored}
    assert (found.pairs[:, 0] < found.pairs[:, 1]).all()
    assert 65 * 3 / 2 <= len(listed) <= 65 * 3


@pytest.mark.parametrize(
    "odd",
    [
        np.zeros((200, 200)),
        np.full((50, 60), np.nan),
        np.ones((1, 300)),
        np.ones((300, 1)),
        np.zeros((0, 0)),
        np.random.default_rng(0).random((5, 5)),
        np.random.default_rng(0).random((40, 30, 3)),
        np.linspace(0, 1, 4096).reshape(64, 64),
    ],
    ids=["black", "nan", "a row", "a column", "none", "five", "colour", "ramp"],
)
def test_odd_pictures_are_taken_and_match_nothing(odd):
    found = match(describe([odd, drawn(100), odd].__getitem__, 3), rng=rng())
    assert not any(1 in pair for pair in found.pairs[found.verified].tolist())


def test_nothing_to_compare():
    for count in (0, 1):
        found = match(describe(partial(picture, 0), count), rng=rng())
        assert found.pairs.shape == (0, 2) and found.transforms.shape == (0, 2, 3) and found.compared == 0


def test_thumbnails_are_found():
    found = looked_up([drawn(107).reshape(64, 4, 64, 4).mean(axis=(1, 3))])
    assert found.pairs[0].tolist() == [0, 7] and found.verified[0]
