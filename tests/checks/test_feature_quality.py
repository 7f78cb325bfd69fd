"""The check of features says what an encoder knows, and whether it knows the training images by heart."""

import numpy as np
import pytest
from drawn_images import drawn, encode, fresh
from sklearn.metrics import roc_auc_score

from radassay.checks.features import NAMES, FeatureQuality


def measured(inputs, check=None):
    return {f.name: f for f in (check or FeatureQuality()).measure(inputs, np.random.default_rng(0))}


@pytest.fixture(scope="module")
def usual():
    return fresh(0)


@pytest.fixture(scope="module")
def found(usual):
    return measured(usual)


def test_features_that_hold_the_disease_find_it(found):
    for name in NAMES[:2]:
        assert found[name].low < found[name].value < found[name].high
    assert found["probe_auc"].low > 0.6
    assert found["probe_gain"].value == pytest.approx(found["probe_auc"].value - found["thumbnail_auc"].value)


def test_a_blind_encoder_knows_less_than_a_thumbnail(usual):
    noise = np.random.default_rng(1)
    blind = measured(usual.but(encode=lambda p: noise.normal(size=(len(p), 16)), encoder="blind", cache={}))
    assert blind["probe_auc"].low < 0.5 < blind["probe_auc"].high
    assert blind["probe_gain"].high < 0


def test_the_value_is_the_area_of_a_probe_of_the_training_images(usual, found):
    from sklearn.linear_model import LogisticRegression

    from radassay.stats.whitening import Whitening

    x, y = encode(usual.training.pixels), encode(usual.held_out.pixels)
    white = Whitening.fit(x)
    probe = LogisticRegression(C=0.05, class_weight="balanced", max_iter=5000, tol=1e-8)
    probe.fit(white(x), usual.training.labels == "covid")
    area = roc_auc_score(usual.held_out.labels == "covid", probe.decision_function(white(y)))
    assert found["probe_auc"].value == pytest.approx(area, abs=0.003)


def test_an_encoder_that_knows_its_images_by_heart_is_caught(usual, found):
    known = {picture.tobytes() for picture in usual.training.pixels}

    def by_heart(pixels):
        seen = np.array([picture.tobytes() in known for picture in pixels], dtype=np.float32)
        return np.concatenate([encode(pixels), seen[:, None] + encode(pixels)[:, :1]], axis=1)

    caught = measured(usual.but(encode=by_heart, encoder="by heart", cache={}))["kid_seen"]
    assert found["kid_seen"].low < 0 < found["kid_seen"].high
    assert caught.low > 0


def test_one_class_is_a_reason_not_a_number(usual):
    rng = np.random.default_rng(4)
    none = measured(usual.but(held_out=drawn("held", 40, rng, share=0.0), cache={}))
    assert set(none) == set(NAMES)
    assert all(f.value is None and "held-out patients with label" in f.reason for f in none.values())


def test_quick_gives_the_same_values_without_intervals(usual, found):
    quick = measured(usual, FeatureQuality().quick())
    for name in NAMES:
        assert quick[name].value == found[name].value
        assert quick[name].low is None
