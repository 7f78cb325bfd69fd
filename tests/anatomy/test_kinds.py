"""Kinds of picture: what the network is given, and how the set it is from is weighed in."""

import numpy as np
import pytest

from radassay.anatomy.content import Box, content
from radassay.anatomy.kinds import KINDS, LEARNED, SIDE, decide, given, prepare, see, shares
from radassay.images.phantom import Cohort


def some(picture):
    return see(prepare(picture)[None])


def test_the_shares_of_a_set_explain_the_probabilities():
    rng = np.random.default_rng(0)
    truth = rng.choice(5, 4000, p=[0.9, 0.06, 0.02, 0.01, 0.01])
    # what a calibrated classifier gives that learned from LEARNED: likelihoods of blurred evidence
    seen = np.eye(5)[truth] * 3.0 + rng.gumbel(size=(4000, 5))
    likelihood = np.exp(1.2 * seen)
    probability = likelihood * LEARNED
    found = shares(probability / probability.sum(axis=1, keepdims=True))
    assert found.sum() == pytest.approx(1)
    assert found[0] == pytest.approx(0.9, abs=0.06)
    assert found.argmax() == 0


def test_a_doubtful_picture_is_taken_for_what_its_set_shows():
    doubtful = np.array([[0.4, 0.05, 0.02, 0.03, 0.5]])
    frontal, equal = np.array([0.98, 0.005, 0.005, 0.005, 0.005]), np.full(5, 0.2)
    assert decide(doubtful, frontal)[0] == "frontal"
    assert given(doubtful, LEARNED)[0] == pytest.approx(doubtful[0])
    lateral = np.array([[0.005, 0.98, 0.005, 0.005, 0.005]])
    assert decide(lateral, frontal)[0] == "lateral"
    assert decide(np.array([[0.001, 0.001, 0.001, 0.001, 0.996]]), equal)[0] == "none"


def test_simulated_chests_are_seen_as_they_are_and_turned():
    cohort = Cohort(patients=8, size=128, seed=12)
    films = [cohort.picture(cohort.patient(k)).grey() for k in range(8)]
    seen = [some(film) for film in films]
    assert sum(s.best[0] == "frontal" for s in seen) >= 7
    assert sum(s.negative[0] < 0.5 for s in seen) >= 7
    assert sum(some(1 - film).negative[0] > 0.5 for film in films) >= 7
    for turns in (1, 2, 3):
        assert sum(some(np.rot90(film, turns)).turns[0].argmax() == turns for film in films) >= 7


def test_the_network_sees_the_picture_without_its_frame_and_tone():
    film = Cohort(size=128).picture(Cohort().patient(0)).grey()
    inner = film[20:110, 20:110]
    framed = np.pad(inner, 12)
    assert content(framed) == Box(12, 12, 102, 102)
    assert prepare(framed).shape == (2, SIDE, SIDE)
    assert np.abs(prepare(framed) - prepare(inner)).max() < 1e-5
    dim = prepare(inner * 0.4 + 0.3)
    assert np.abs(dim - prepare(inner)).mean() < 0.03


def test_a_flat_picture_is_left_whole():
    assert content(np.full((30, 40), 0.5)) == Box(0, 0, 30, 40)
    assert np.isfinite(see(prepare(np.zeros((3, 5)))[None]).kind).all()
    assert len(KINDS) == see(prepare(np.zeros((3, 5)))[None]).kind.shape[1]
