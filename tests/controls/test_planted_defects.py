"""What each defect does to the pictures, beyond the contract that all keep."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radassay.controls.defects import (
    Blur,
    Collapse,
    Copies,
    CornerMarker,
    CornerMarkerReal,
    SharedImages,
    ShuffledLabels,
)
from radassay.controls.planting import partners, share_of
from radassay.errors import InputError


def rng(seed=0):
    return np.random.default_rng(seed)


def changed(before, after):
    return np.flatnonzero((before.pixels != after.pixels).any(axis=(1, 2)))


def closest(pictures, pool):
    """Return for each picture the row of the pool with the highest correlation, and that correlation."""
    a, b = (p.reshape(len(p), -1) - p.reshape(len(p), -1).mean(1, keepdims=True) for p in (pictures, pool))
    r = (a / np.linalg.norm(a, axis=1, keepdims=True)) @ (b / np.linalg.norm(b, axis=1, keepdims=True)).T
    return r.argmax(axis=1), r.max(axis=1)


@given(st.integers(0, 300), st.floats(0, 1), st.integers(0, 99))
def test_a_share_is_never_more_than_the_dose_and_misses_less_than_one_image(n, dose, seed):
    rows = share_of(np.arange(n), dose, rng(seed))
    assert dose * n - 1 < len(rows) <= dose * n + 1e-6
    assert len(set(rows.tolist())) == len(rows)


def test_a_share_is_exact_in_decimals_and_nested():
    assert [len(share_of(np.arange(10), k / 10, rng())) for k in range(11)] == list(range(11))
    assert set(share_of(np.arange(50), 0.2, rng())) < set(share_of(np.arange(50), 0.4, rng()))


@pytest.mark.parametrize("dose", [-0.1, 1.1])
def test_a_share_beyond_the_whole_is_refused(dose):
    with pytest.raises(InputError, match="between 0 and 1"):
        share_of(np.arange(10), dose, rng())


def test_partners_have_the_label_and_are_used_evenly():
    labels, pool = np.array(list("aabbba")), np.array(list("bbaac"))
    chosen = partners(labels, pool, rng())
    assert (pool[chosen] == labels).all()
    assert sorted(chosen[labels == "a"]) in ([2, 2, 3], [2, 3, 3])
    assert len(partners(np.array(["z"] * 3), pool, rng())) == 3


def test_copies_are_training_images_of_the_same_label(inputs):
    after = Copies().plant(inputs, 0.2, rng()).synthetic
    rows = changed(inputs.synthetic, after)
    assert len(rows) == 24
    donors, similar = closest(after.pixels[rows], inputs.training.pixels)
    assert similar.min() > 0.99
    assert len(set(donors.tolist())) == 24
    assert (inputs.training.labels[donors] == after.labels[rows]).all()
    assert not set(after.images) & set(inputs.training.images)


def test_collapse_leaves_few_motifs_of_each_label(inputs):
    after = Collapse().plant(inputs, 1.0, rng()).synthetic
    motifs, similar = closest(after.pixels, inputs.synthetic.pixels)
    assert similar.min() > 0.98
    assert len(set(motifs.tolist())) == 6
    assert (inputs.synthetic.labels[motifs] == after.labels).all()
    assert len(set(after.images)) == len(after), "near-repeats, not repeats"


def test_blur_takes_detail_and_keeps_the_mean(inputs):
    detail = [np.abs(np.diff(Blur().plant(inputs, d, rng()).synthetic.pixels, axis=2)).mean() for d in (0, 0.5, 1, 2)]
    assert detail == sorted(detail, reverse=True)
    assert detail[-1] < 0.7 * detail[0]
    assert Blur().plant(inputs, 2.0, rng()).synthetic.pixels.mean() == pytest.approx(
        inputs.synthetic.pixels.mean(), abs=0.01
    )


def test_shuffled_labels_keep_the_counts_and_lose_the_tie(inputs):
    after = ShuffledLabels().plant(inputs, 1.0, rng()).synthetic
    assert sorted(after.labels) == sorted(inputs.synthetic.labels)
    assert 0.3 < (after.labels == inputs.synthetic.labels).mean() < 0.7
    assert (after.pixels == inputs.synthetic.pixels).all()


def test_the_marker_is_bright_in_one_corner_of_positives_alone(inputs):
    after = CornerMarker().plant(inputs, 0.5, rng()).synthetic
    rows = changed(inputs.synthetic, after)
    assert len(rows) == (inputs.synthetic.labels == "covid").sum() // 2
    assert set(after.labels[rows]) == {"covid"}
    where = np.argwhere((after.pixels != inputs.synthetic.pixels).any(axis=0))
    assert where.max() <= 8
    assert after.pixels[rows][:, where[:, 0], where[:, 1]].min() == 1.0


@pytest.mark.parametrize("size", [16, 32, 64, 128, 256])
def test_the_marker_is_about_a_tenth_of_the_side(inputs, size):
    blank = inputs.synthetic.changed(name="s", pixels=np.zeros((len(inputs.synthetic), size, size), dtype=np.float32))
    rows, columns = np.nonzero(CornerMarker().plant(inputs.but(synthetic=blank), 1.0, rng()).synthetic.pixels.max(0))
    assert max(5, 0.07 * size) <= np.ptp(rows) + 1 <= max(5, 0.14 * size)
    assert np.ptp(columns) < np.ptp(rows)


def test_the_marker_in_real_images_is_on_both_sides_of_the_split(inputs):
    after = CornerMarkerReal().plant(inputs, 0.5, rng())
    for name in ("training", "held_out"):
        before = getattr(inputs, name)
        rows = changed(before, getattr(after, name))
        assert len(rows) == (before.labels == "covid").sum() // 2
        assert set(before.labels[rows]) == {"covid"}


def test_shared_images_are_recognisable_and_of_the_same_label(inputs):
    after = SharedImages().plant(inputs, 0.2, rng()).held_out
    rows = changed(inputs.held_out, after)
    assert len(rows) == 12
    donors, similar = closest(after.pixels[rows], inputs.training.pixels)
    assert similar.min() > 0.9
    assert (inputs.training.labels[donors] == after.labels[rows]).all()
    assert (after.patients == inputs.held_out.patients).all()
    assert not set(after.patients) & set(inputs.training.patients)
    assert np.abs(after.pixels[rows] - inputs.training.pixels[donors]).max() > 0.01
