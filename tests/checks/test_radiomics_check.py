"""The radiomics check on textures with and without planted changes."""

import numpy as np
import pytest
from real_images import sample, textures
from scipy.ndimage import gaussian_filter

from radassay.checks.radiomic_words import WORDS
from radassay.checks.radiomics import Radiomics
from radassay.contracts.check import Inputs
from radassay.radiomics.feature_set import NAMES

SIDE = 48


@pytest.fixture(scope="module")
def real():
    """Pictures that vary in contrast and brightness, as films do."""
    rng = np.random.default_rng(6)
    gain, shift = rng.uniform(0.6, 1.2, (340, 1, 1)), rng.normal(0, 0.06, (340, 1, 1))
    return np.clip(0.5 + shift + gain * (textures(340, 5, size=SIDE) - 0.5), 0, 1).astype(np.float32)


def measured(real, made, check=None, **columns):
    parts = (sample("train", real[:120], **columns), sample("held", real[120:220], **columns), sample("made", made))
    return (check or Radiomics()).measure(Inputs(*parts), np.random.default_rng(0))


def told(findings):
    return [f for f in findings if f.name == "feature_difference" and f.details["differs"]]


def test_other_patients_do_not_differ(real):
    distance, share, *shown = measured(real, real[220:])
    assert distance.low < 0 < distance.high or abs(distance.value) < 0.5
    assert share.value == 0
    assert "no valid interval" in share.reason and "none is shown to differ" in share.reason
    assert len(shown) == 5
    assert all(f.low <= 0 <= f.high for f in shown)


CHANGES = {
    "blurred": (lambda p: gaussian_filter(p, (0, 1, 1)), "smoother fine texture"),
    "noisy": (lambda p: p + np.random.default_rng(0).normal(0, 0.04, p.shape), "grainier fine texture"),
    "brighter": (lambda p: p + 0.12, "brighter overall"),
    "darker": (lambda p: p**1.5, "darker overall"),
    "paler": (lambda p: 0.5 + (p - 0.5) * 0.6, "less contrast between dark and bright regions"),
    "posterised": (lambda p: np.round(p * 6) / 6, "fewer different greys, more uniform"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_planted_changes_are_named(real, change):
    alter, words = CHANGES[change]
    made = np.clip(alter(real[220:]), 0, 1).astype(np.float32)
    distance, share, *shown = measured(real, made)
    assert distance.low > 0
    assert share.value > 0.05
    assert words in [f.details["words"] for f in told(shown)]
    assert words in share.reason
    aspects = [f.details["aspect"] for f in shown]
    assert len(aspects) == len(set(aspects))


def test_differences_of_labels_on_the_two_sides_are_told(real):
    labels = np.where(np.arange(100) % 2, "a", "b")
    parts = [sample("train", real[:100], label=labels), sample("held", real[100:200], label=labels)]
    made = sample("made", real[200:300], label=np.where(np.arange(100) % 10 > 0, "a", "b"))
    distance, *_ = Radiomics().measure(Inputs(*parts, made), np.random.default_rng(0))
    assert "labels are mixed in other shares" in distance.reason


def test_ct_in_a_known_window_has_levels_of_25_hounsfield_units(real):
    lungs = {"modality": "CT", "unit": "HU", "low": -1350.0, "high": 150.0}
    distance, *_ = measured(real, real[220:], **lungs)
    assert distance.details["grey_levels"] == 60
    assert distance.details["width_of_a_level"] == "25 HU"
    other, *_ = measured(real, real[220:])
    assert other.details["grey_levels"] == 32
    assert other.value != distance.value
    two_windows = lungs | {"low": np.where(np.arange(120) % 2, -1350.0, -160.0)}
    training = sample("train", real[:120], **two_windows)
    inputs = Inputs(training, sample("held", real[120:220], **lungs), sample("made", real[220:]))
    mixed, *_ = Radiomics().measure(inputs, np.random.default_rng(0))
    assert mixed.details["grey_levels"] == 32
    assert "several windows" in mixed.details["width_of_a_level"]


def test_few_images_have_no_distance_but_differences(real):
    parts = (sample("train", real[:60]), sample("held", real[60:80]), sample("made", real[80:100] * 0.5))
    distance, share, *shown = Radiomics().measure(Inputs(*parts), np.random.default_rng(0))
    assert distance.value is None and "at least 32" in distance.reason
    assert share.value > 0 and shown


def test_words_are_of_features_that_there_are():
    assert set(WORDS) <= set(NAMES)
    assert all(words.more != words.less for words in WORDS.values())


def test_quick_measures_the_distance_alone(real):
    whole, swift = measured(real, real[220:]), measured(real, real[220:], Radiomics().quick())
    assert [f.name for f in swift] == ["frechet_radiomic"]
    assert swift[0].value == whole[0].value
    assert swift[0].low is None
