"""What each defect does to the pictures, beyond the contract that all keep."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radassay.controls.alike import NearCopies, SharedImages
from radassay.controls.artefacts import Blur, Checkerboard, Mirrored, Noise, WrongWindow
from radassay.controls.defects import Collapse, Copies, ShuffledLabels
from radassay.controls.markers import CornerMarker, CornerMarkerReal
from radassay.controls.planting import partners, share_of
from radassay.controls.subgroup import DroppedSubgroup, subgroup
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


def test_near_copies_are_recognisable_but_no_copies(inputs):
    after = NearCopies().plant(inputs, 0.2, rng()).synthetic
    rows = changed(inputs.synthetic, after)
    assert len(rows) == 24
    donors, similar = closest(after.pixels[rows], inputs.training.pixels)
    assert 0.5 < np.median(similar) < 0.99
    assert (inputs.training.labels[donors] == after.labels[rows]).mean() > 0.9
    assert not set(after.images) & set(inputs.training.images)


@pytest.mark.parametrize("defect", [NearCopies(), Copies(), Noise(doses=(0.1,))])
def test_a_picture_is_altered_alike_whenever_it_comes(inputs, defect):
    one, two = (defect.plant(inputs, 0.2 if defect.name != "noise" else 0.1, rng(seed)).synthetic for seed in (1, 2))
    new = [set(s.images) - set(inputs.synthetic.images) for s in (one, two)]
    assert new[0] & new[1], "some training image was taken twice, and looks the same"
    smaller = NearCopies().plant(inputs, 0.05, rng(1)).synthetic
    if defect.name == "near-copies":
        assert set(smaller.images) - set(inputs.synthetic.images) <= new[0]


def test_noise_has_the_deviation_of_its_dose_and_grows_with_it(inputs):
    parts = [Noise().plant(inputs, dose, rng()).synthetic.pixels - inputs.synthetic.pixels for dose in (0.01, 0.02)]
    assert [p.std() for p in parts] == pytest.approx([0.01, 0.02], rel=0.02)
    assert np.corrcoef(parts[0].ravel(), parts[1].ravel())[0, 1] > 0.99
    assert abs(np.corrcoef(parts[0][0].ravel(), parts[0][1].ravel())[0, 1]) < 0.2


def test_a_checkerboard_is_at_the_highest_frequency_alone(inputs):
    pattern = Checkerboard().plant(inputs, 0.02, rng()).synthetic.pixels - inputs.synthetic.pixels
    power = np.abs(np.fft.fft2(pattern[0]))
    middle = pattern.shape[-1] // 2
    assert power[middle, middle] == pytest.approx(0.02 * pattern[0].size, rel=0.02)
    assert np.median(power) < 1e-3 * power[middle, middle]


def test_a_wrong_window_is_harder_and_darker(inputs):
    before, after = inputs.synthetic.pixels, WrongWindow().plant(inputs, 0.2, rng()).synthetic.pixels
    assert after.std() > 1.1 * before.std()
    assert after.mean() < before.mean()
    assert after[0].ravel()[before[0].argmax()] == after[0].max()
    with pytest.raises(InputError, match="below 1"):
        WrongWindow().plant(inputs, 1.0, rng())


def test_mirrored_images_are_the_images_mirrored(inputs):
    after = Mirrored().plant(inputs, 0.25, rng()).synthetic
    rows = changed(inputs.synthetic, after)
    assert len(rows) == 30
    assert (after.pixels[rows][:, :, ::-1] == inputs.synthetic.pixels[rows]).all()


def with_columns(inputs, **columns):
    """Return the inputs with table columns drawn by name: values and their shares."""

    def drawn(sample, seed):
        some = np.random.default_rng(seed)
        more = {name: some.choice(list(of), p=list(of.values()), size=len(sample)) for name, of in columns.items()}
        return sample.changed(name=sample.name, table=sample.table.assign(**more))

    parts = {"training": inputs.training, "held_out": inputs.held_out, "synthetic": inputs.synthetic}
    return inputs.but(**{name: drawn(s, i) for i, (name, s) in enumerate(parts.items())})


@pytest.mark.parametrize(
    ("columns", "column", "value"),
    [
        ({"sex": {"F": 0.4, "M": 0.6}}, "sex", "F"),
        ({"sex": {"F": 0.1, "M": 0.2, "": 0.7}, "view": {"PA": 0.7, "AP": 0.3}}, "view", "AP"),
        ({"site": {"one": 0.6, "two": 0.25, "three": 0.15}}, "site", "two"),
    ],
)
def test_a_named_subgroup_is_left_out_where_one_is_known(inputs, columns, column, value):
    given = with_columns(inputs, **columns)
    before = given.synthetic.table[column].to_numpy()
    after = DroppedSubgroup().plant(given, 1.0, rng()).synthetic
    assert set(after.table[column]) == set(before) - {value}
    half = DroppedSubgroup().plant(given, 0.5, rng()).synthetic
    assert (before == value).sum() / 2 <= (half.table[column] == value).sum() <= (before == value).sum() / 2 + 1
    assert len(given.synthetic) - len(half) == (before == value).sum() // 2


def test_the_oldest_are_left_out_where_ages_are_known(inputs):
    given = with_columns(inputs, age_years={20.0: 0.3, 40.0: 0.4, 80.0: 0.3}, sex={"F": 1.0})
    after = DroppedSubgroup().plant(given, 1.0, rng()).synthetic
    assert set(after.table["age_years"]) == {20.0, 40.0}


def test_one_look_is_left_out_where_nothing_is_known(inputs):
    group = subgroup(inputs.synthetic, inputs.training.joined(inputs.held_out))
    assert 0.15 < group.mean() < 0.55
    after = DroppedSubgroup().plant(inputs, 1.0, rng()).synthetic
    assert len(after) == (~group).sum()
    means = [inputs.synthetic.pixels[rows].mean(axis=0) for rows in (group, ~group)]
    chance = [inputs.synthetic.pixels[rows].mean(axis=0) for rows in (slice(0, 120, 2), slice(1, 120, 2))]
    assert np.abs(means[0] - means[1]).mean() > 1.5 * np.abs(chance[0] - chance[1]).mean()
