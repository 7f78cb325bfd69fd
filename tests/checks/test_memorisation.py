"""Copies are found, fresh images are not accused."""

import dataclasses

import numpy as np
import pytest
from drawn_images import by_name, copied, encode, fresh, of, repainted
from real_images import textures
from scipy.ndimage import gaussian_filter, shift, zoom

from radassay.checks.memorisation import Memorisation
from radassay.contracts.check import Inputs


def measured(inputs, seed=0, quick=True):
    check = Memorisation().quick() if quick else Memorisation()
    return by_name(check.measure(inputs, np.random.default_rng(seed)))


def test_fresh_images_are_not_accused():
    p = np.array([measured(fresh(seed, 150))["copy_excess_p"].value for seed in range(40)])
    assert np.sum(p <= 0.05) <= 5  # 2 of 40 expected; the chance of more than 5 is 1 %


@pytest.mark.slow
def test_false_alarms_keep_to_five_per_cent():
    p = np.array([measured(fresh(seed, 200, 120))["copy_excess_p"].value for seed in range(400)])
    assert np.mean(p <= 0.05) <= 0.075


@pytest.mark.parametrize(("share", "found"), [(0.03, 8), (0.05, 10), (0.1, 10)])
def test_planted_copies_are_found(share, found):
    results = [measured(copied(fresh(seed), share, seed)) for seed in range(10)]
    assert sum(r["copy_excess_p"].value <= 0.05 for r in results) >= found
    assert np.mean([r["copy_share"].value for r in results]) == pytest.approx(share, abs=0.02)


def test_the_interval_holds_the_planted_share_and_excludes_none():
    share = measured(copied(fresh(1), 0.1), quick=False)["copy_share"]
    assert 0.02 < share.low <= 0.1 <= share.high < 0.2
    assert measured(fresh(1), quick=False)["copy_share"].low == 0.0


def test_the_named_pairs_are_the_copies():
    share = measured(copied(fresh(2), 0.05))["copy_share"]
    assert len(share.details["pairs"]) == 8
    for made, training, correlation in share.details["pairs"]:
        assert made.removeprefix("made") == training.removeprefix("training")
        assert correlation > 0.95


def test_a_copy_in_pixels_counts_where_features_hide_it_and_the_other_way_round():
    inputs = copied(fresh(3), 0.1)
    rng = np.random.default_rng(0)
    blind = dataclasses.replace(inputs, encode=lambda p: rng.random((len(p), 8), dtype=np.float32), encoder="blind")
    assert measured(blind)["copy_excess_p"].value < 0.05
    flipped = inputs.synthetic.pixels.copy()
    flipped[:30] = flipped[:30, :, ::-1]

    def mirrored(pixels):  # features that do not mind a mirror
        return encode(pixels) + encode(np.ascontiguousarray(pixels[:, :, ::-1]))

    turned = dataclasses.replace(repainted(inputs, flipped), encode=mirrored, encoder="mirror", cache={})
    assert measured(turned)["copy_excess_p"].value < 0.05


def test_blurred_images_near_to_everything_are_not_accused():
    inputs = fresh(4)
    blurred = measured(repainted(inputs, gaussian_filter(inputs.synthetic.pixels, (0, 3, 3))))
    assert blurred["copy_share"].value < 0.02
    average = 0.3 * inputs.synthetic.pixels + 0.7 * inputs.training.pixels.mean(axis=0)
    shrunken = measured(repainted(inputs, average))
    assert shrunken["nearest_ratio"].value < 0.9
    assert shrunken["copy_excess_p"].value > 0.05


def test_full_copying_is_total():
    inputs = copied(fresh(5), 1.0)
    results = measured(inputs, quick=False)
    assert results["copy_share"].value > 0.98
    assert results["authenticity"].value < 0.02
    assert results["nearest_ratio"].high < 0.2


def test_customary_measures_of_fresh_images():
    results = measured(fresh(6), quick=False)
    assert results["nearest_ratio"].low < 1.0 < results["nearest_ratio"].high
    authenticity = results["authenticity"]
    assert authenticity.value == pytest.approx(authenticity.details["held_out"], abs=0.1)
    assert authenticity.low is None
    assert authenticity.reason.startswith("no valid interval")


def test_several_images_a_patient_are_one_unit():
    inputs = fresh(7)
    held = inputs.held_out
    doubled = of("held", np.repeat(held.pixels, 3, axis=0), np.repeat(held.labels, 3), each=3)
    results = measured(inputs.but(held_out=doubled))
    assert results["copy_share"].details["n_held_out"] == len(held)
    assert results["copy_share"].n_patients == len(held)
    assert results["copy_excess_p"].value == measured(inputs)["copy_excess_p"].value


def test_training_series_of_one_patient_do_not_hide_a_copy():
    """Ten near-equal slices a patient: a copy has ten near neighbours, all of one patient."""
    inputs = fresh(8, 300, 300, 60)
    rng = np.random.default_rng(0)
    slices = np.repeat(inputs.training.pixels, 10, axis=0)
    slices = np.clip(slices + 0.02 * rng.standard_normal(slices.shape), 0, 1).astype(np.float32)
    series = of("training", slices, np.repeat(inputs.training.labels, 10), each=10)
    results = measured(copied(inputs.but(training=series), 0.05))
    assert results["copy_excess_p"].value < 0.05


FILMS = textures(420, seed=11, size=64)


def films(change=None, planted=12):
    """Inputs of 150 training, 120 held-out and 150 generated films, some of which are training films changed."""
    made = FILMS[270:].copy()
    if change is not None:
        made[:planted] = np.clip(np.stack([change(film) for film in FILMS[:planted]]), 0, 1)
    parts = (("training", FILMS[:150]), ("held", FILMS[150:270]), ("made", made))
    training, held, synthetic = (of(name, pixels, np.full(len(pixels), "normal")) for name, pixels in parts)
    return Inputs(training, held, synthetic, encode, "cells")


CHANGES = {
    "plain": lambda film: film + 0.01 * np.random.default_rng(0).standard_normal(film.shape).astype(np.float32),
    "shifted": lambda film: shift(film, (3, -2), order=1, mode="nearest"),
    "mirrored": lambda film: film[:, ::-1],
    "re-windowed": lambda film: np.clip((film - 0.15) * 1.4, 0, 1) ** 1.3,
    "cropped": lambda film: zoom(film[3:61, 3:61], 64 / 58, order=1),
}


def verified(inputs):
    return measured(inputs, quick=False)["verified_copies"]


@pytest.mark.parametrize(
    "change", ["shifted", *(pytest.param(c, marks=pytest.mark.slow) for c in CHANGES if c != "shifted")]
)
def test_copies_are_verified_whatever_was_done_to_them(change):
    found = verified(films(CHANGES[change]))
    assert found.value >= 0.9 * 12 / 150
    assert found.low <= 12 / 150 <= found.high
    for made, training, score in found.details["pairs"]:
        assert made.removeprefix("made") == training.removeprefix("training")
        assert score >= found.details["threshold"]


@pytest.mark.slow
def test_films_of_others_are_not_verified_as_copies():
    found = verified(films())
    assert found.value == 0.0
    assert found.low == 0.0
    assert found.high == pytest.approx(3.84 / 153.84, abs=1e-3)


@pytest.mark.slow
def test_a_copy_machine_is_estimated_from_part_of_its_images():
    found = verified(films(CHANGES["re-windowed"], 150))
    assert found.details["looked_at"] == 120
    assert found.value > 0.95
    assert found.low > 0.85


def test_the_quick_form_leaves_verification_out():
    assert "verified_copies" not in measured(films())
