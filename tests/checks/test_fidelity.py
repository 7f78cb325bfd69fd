"""Distances are zero for new draws of the same law, and grow with a fault."""

import numpy as np
import pytest
from drawn_images import by_name, copied, drawn, fresh, of, repainted
from scipy.ndimage import gaussian_filter

from radassay.checks.fidelity import Fidelity


def measured(inputs, check=None, part="all"):
    return by_name((check or Fidelity()).measure(inputs, np.random.default_rng(0)), part)


def test_new_draws_lie_at_zero():
    results = [measured(fresh(seed, 150)) for seed in range(10)]
    for name in ("kid", "frechet", "kid_training", "frechet_training"):
        values = np.array([r[name].value for r in results])
        assert abs(values.mean()) < 3.5 * values.std(ddof=1) / 10**0.5, name
        assert sum(r[name].low <= 0 <= r[name].high for r in results) >= 8, name
    assert np.mean([r["frechet"].details["uncorrected"] for r in results]) > 1.0


@pytest.mark.parametrize("name", ["kid", "frechet"])
def test_distances_grow_with_blur(name):
    inputs = fresh(0)
    values = [
        measured(repainted(inputs, gaussian_filter(inputs.synthetic.pixels, (0, s, s))), Fidelity().quick())[name].value
        for s in (0, 2, 4)
    ]
    assert values[0] < values[1] < values[2]
    blurred = measured(repainted(inputs, gaussian_filter(inputs.synthetic.pixels, (0, 4, 4))))[name]
    assert blurred.low > 0


def test_copies_show_as_nearer_to_training_than_to_other_patients():
    """Few patients, whose sample differs from the law: copies share its accidents."""
    rng = np.random.default_rng(1)
    few = drawn("training", 40, rng)
    inputs = fresh(1, 200).but(training=of("training", few.pixels, few.labels))
    rows = np.arange(200) % 40
    results = measured(repainted(inputs, few.pixels[rows] + 0.005 * rng.standard_normal((200, 32, 32))))
    assert results["kid_training"].value < results["kid"].value


def test_shuffled_labels_lower_the_agreement_and_nothing_else():
    inputs = fresh(2)
    labels = np.random.default_rng(0).permutation(inputs.synthetic.labels)
    shuffled = inputs.but(synthetic=inputs.synthetic.changed(name="shuffled", labels=labels))
    true, false = measured(inputs), measured(shuffled)
    assert true["label_agreement"].low > 0.65
    assert false["label_agreement"].high < 0.65
    assert false["label_agreement"].low < 0.5 + 0.08
    assert true["label_agreement"].value == pytest.approx(true["label_accuracy"].value, abs=0.08)
    assert false["kid"].value == true["kid"].value
    part = measured(shuffled, part="label=covid")["kid"]
    assert part.low > 0
    assert part.value > measured(inputs, part="label=covid")["kid"].high


def test_agreement_does_not_depend_on_how_many_of_each_label():
    """All-normal guessing would be right in nine of ten images; the mean over labels is not fooled."""
    rng = np.random.default_rng(3)
    pixels = drawn("made", 300, rng, 0.0).pixels
    labels = np.where(np.arange(300) < 30, "covid", "normal")
    inputs = fresh(3).but(synthetic=of("made", pixels, labels))
    assert measured(inputs)["label_agreement"].value < 0.62


def test_too_few_images_for_covariances_is_said_not_hidden():
    results = measured(fresh(4, 50))
    assert results["frechet"].value is None
    assert "32 dimensions" in results["frechet"].reason
    assert results["kid"].value is not None
    assert measured(fresh(4, 50), Fidelity(frechet_dims=8))["frechet"].value is not None


def test_values_do_not_depend_on_the_order_of_images():
    inputs = fresh(5, 100)
    order = np.random.default_rng(0).permutation(100)
    turned = inputs.but(synthetic=inputs.synthetic.take(order), held_out=inputs.held_out.take(order))
    a, b = measured(inputs), measured(turned)
    for name in a:
        assert b[name].value == pytest.approx(a[name].value, rel=1e-6, abs=1e-6), name
        if a[name].low is not None:
            assert b[name].low == pytest.approx(a[name].low, rel=1e-5, abs=1e-5), name


def test_half_copies_do_not_hide_in_kid_alone():
    """KID cannot see copies: another check must. This is why."""
    inputs = fresh(6)
    assert measured(copied(inputs, 0.5))["kid"].low < 0
