"""Blanks: no patient twice, right sizes and labels, and measurements matched to them."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radassay.controls.floor import blank, matched_inputs, permuted_over_patients, thinned
from radassay.controls.numbers import Numbers, apportioned
from radassay.errors import InputError

SYNTHETIC, REAL = "close-copies", "corner-tells"


def patients_of(*samples):
    return [set(s.patients.tolist()) for s in samples]


def test_a_synthetic_blank_has_no_patient_twice_and_keeps_sizes_and_mix(inputs, checks):
    made = blank(inputs, checks[SYNTHETIC], np.random.default_rng(0))
    training, held_out, synthetic = patients_of(made.training, made.held_out, made.synthetic)
    assert not (training & held_out or training & synthetic or held_out & synthetic)
    assert len(made.held_out) == len(inputs.held_out)
    assert Counter(made.held_out.labels.tolist()) == Counter(inputs.held_out.labels.tolist())
    assert dict(Counter(made.synthetic.labels.tolist())) == Numbers.of(inputs).synthetic
    assert len(made.synthetic) == 100  # half of 200 + 60 - 60, below the 120 there are
    assert len(made.training) >= 98
    everything = set(inputs.training.images) | set(inputs.held_out.images)
    assert set(made.synthetic.images) <= everything
    assert not set(made.synthetic.images) & set(inputs.synthetic.images)


def test_blanks_differ_and_repeat_by_state(inputs, checks):
    one, two, other = (blank(inputs, checks[SYNTHETIC], np.random.default_rng(s)) for s in (1, 1, 2))
    assert one.synthetic.fingerprint == two.synthetic.fingerprint != other.synthetic.fingerprint


def test_the_measurement_is_matched_in_number_and_mix(inputs, checks):
    made = blank(inputs, checks[SYNTHETIC], np.random.default_rng(0))
    matched = matched_inputs(inputs, checks[SYNTHETIC], np.random.default_rng(0))
    assert Counter(matched.synthetic.labels.tolist()) == Counter(made.synthetic.labels.tolist())
    assert set(matched.synthetic.images) <= set(inputs.synthetic.images)
    assert Counter(matched.held_out.labels.tolist()) == Counter(made.held_out.labels.tolist())
    assert abs(len(matched.training) - len(made.training)) <= 2
    assert set(matched.training.images) <= set(inputs.training.images)
    assert matched_inputs(inputs, checks["broken"], np.random.default_rng(0)) is inputs


@pytest.mark.parametrize("most", [20, 50, 1000])
def test_blank_and_measurement_have_equal_numbers_at_most_so_many(make, checks, most):
    inputs = make(training=300, held_out=90, synthetic=250)
    wanted = Numbers.of(inputs, most).totals()
    assert max(wanted.values()) <= most
    for seed in range(3):
        rng = np.random.default_rng(seed)
        made = blank(inputs, checks[SYNTHETIC], rng, most)
        matched = matched_inputs(inputs, checks[SYNTHETIC], rng, most)
        for side, n in wanted.items():
            assert n - 2 <= len(getattr(made, side)) <= n
            assert n - 2 <= len(getattr(matched, side)) <= n
        assert not set.intersection(*patients_of(made.training, made.synthetic))


def test_whole_patients_are_left_out_and_their_features_not_made_again(inputs):
    inputs = inputs.but(encode=lambda pixels: pixels.reshape(len(pixels), -1)[:, :5], encoder="toy", cache={})
    inputs.features(inputs.training)
    few = thinned(inputs, 130, np.random.default_rng(0))
    assert len(few.training) == 100
    assert len(few.held_out) == 30
    assert not set(few.training.patients) & set(np.setdiff1d(inputs.training.images, few.training.images))
    for patient in np.unique(few.training.patients):
        assert (few.training.patients == patient).sum() == (inputs.training.patients == patient).sum()
    again = few.but(encode=None, cache=few.cache)
    key = f"toy:{few.training.fingerprint}"
    assert (again.cache[key] == few.training.pixels.reshape(100, -1)[:, :5]).all()
    assert thinned(inputs, 260, np.random.default_rng(0)) is inputs


def test_one_class_made_is_matched_by_one_class_real(inputs, checks):
    only = inputs.but(synthetic=inputs.synthetic.take(inputs.synthetic.labels == "covid"))
    made = blank(only, checks[SYNTHETIC], np.random.default_rng(0))
    assert set(made.synthetic.labels) == {"covid"}
    assert len(made.synthetic) == 50
    assert set(made.training.labels) == {"covid", "normal"}


def test_few_synthetic_images_set_the_number(make, checks):
    inputs = make(synthetic=30)
    assert sum(Numbers.of(inputs).synthetic.values()) == 30
    matched = matched_inputs(inputs, checks[SYNTHETIC], np.random.default_rng(0))
    assert matched.synthetic is inputs.synthetic
    assert len(blank(inputs, checks[SYNTHETIC], np.random.default_rng(0)).synthetic) == 30


def test_without_synthetic_images_there_is_still_a_blank(inputs, checks):
    made = blank(inputs.but(synthetic=None), checks[SYNTHETIC], np.random.default_rng(0))
    assert len(made.synthetic) == 100


def test_a_real_blank_splits_by_patients_and_frees_the_labels(inputs, checks):
    made = blank(inputs.but(others=(inputs.training,)), checks[REAL], np.random.default_rng(0))
    training, held_out = patients_of(made.training, made.held_out)
    assert not training & held_out
    assert made.synthetic is None
    assert made.others == ()
    assert len(made.training) + len(made.held_out) == 260
    assert abs(len(made.held_out) - 60) <= 2
    both = made.training.joined(made.held_out)
    old = dict(zip(inputs.training.images, inputs.training.labels, strict=True))
    old |= dict(zip(inputs.held_out.images, inputs.held_out.labels, strict=True))
    same = np.mean([old[i] == label for i, label in zip(both.images, both.labels, strict=True)])
    assert 0.3 < same < 0.7
    assert (both.table["label"] == both.labels).all()
    for patient in set(both.patients):
        assert len(set(both.labels[both.patients == patient])) == 1


def test_a_patient_on_both_sides_is_on_one_side_of_a_blank(inputs, checks):
    patients = inputs.held_out.patients.copy()
    patients[:10] = inputs.training.patients[:10]
    leaky = inputs.but(held_out=inputs.held_out.changed(name="held", patients=patients))
    for name in (SYNTHETIC, REAL):
        made = blank(leaky, checks[name], np.random.default_rng(3))
        assert not set.intersection(*patients_of(made.training, made.held_out))


@pytest.mark.parametrize("name", [SYNTHETIC, REAL])
def test_one_patient_cannot_be_split(inputs, checks, name):
    alone = [s.changed(name=s.name, patients=np.full(len(s), "p")) for s in (inputs.training, inputs.held_out)]
    with pytest.raises(InputError, match="too few real patients"):
        blank(inputs.but(training=alone[0], held_out=alone[1]), checks[name], np.random.default_rng(0))


def test_permuted_labels_keep_a_patient_whole():
    patients = np.array(["a", "a", "b", "c", "c", "c"])
    labels = np.array(["x", "x", "y", "z", "z", "z"])
    seen = set()
    for seed in range(50):
        out = permuted_over_patients(labels, patients, np.random.default_rng(seed))
        assert len(set(out[:2])) == len(set(out[3:])) == 1
        seen.add((out[0], out[2], out[3]))
    assert len(seen) == 6


@settings(max_examples=200)
@given(
    st.dictionaries(st.sampled_from("abcd"), st.tuples(st.integers(1, 50), st.integers(0, 60)), min_size=1), st.data()
)
def test_apportioning_sums_up_and_keeps_below_the_caps(labels, data):
    caps = {label: cap for label, (_, cap) in labels.items()}
    mix = {label: weight for label, (weight, _) in labels.items()}
    total = data.draw(st.integers(0, sum(caps.values())))
    counts = apportioned(total, mix, caps)
    assert sum(counts.values()) == total
    assert all(0 <= counts[label] <= caps[label] for label in caps)
    if all(total * mix[label] / sum(mix.values()) + 2 <= caps[label] for label in caps):
        assert all(abs(counts[label] - total * mix[label] / sum(mix.values())) <= 1.5 for label in caps)
