"""Radiomics as an encoder."""

import numpy as np
import pytest

from radassay.encoders.radiomics import Radiomics
from radassay.errors import SettingsError


def test_features_have_names_settings_and_a_fingerprint_of_both():
    rng = np.random.default_rng(0)
    pictures = rng.random((4, 24, 24), dtype=np.float32)
    fine, coarse = Radiomics(), Radiomics(levels=8)
    assert fine.encode(pictures).shape == (4, 88)
    assert not np.array_equal(fine.encode(pictures), coarse.encode(pictures))
    assert fine.fingerprint != coarse.fingerprint


def test_levels_without_meaning_are_refused():
    with pytest.raises(SettingsError):
        Radiomics(levels=1)
