"""CT values into a window and back, and what is lost on the way."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from radassay.errors import SettingsError
from radassay.images.hounsfield import (
    WINDOWS,
    Values,
    clipped_share,
    fitted_spacing,
    in_hu,
    shown_in,
    to_hu,
    window_named,
)
from radassay.images.imageset import ImageSet
from radassay.images.intensity import LUNG_WINDOW_HU, to_display
from radassay.images.phantom import Cohort, make_phantoms
from radassay.images.store import PixelStore

windows = st.one_of(
    st.sampled_from(sorted(WINDOWS.values())),
    st.tuples(st.integers(-4096, 4000), st.integers(1, 8000)).map(lambda w: (float(w[0]), float(w[0] + w[1]))),
)
values = arrays(np.int16, (6, 5), elements=st.integers(-4096, 12000))


@given(windows, values)
def test_values_inside_the_window_come_back_and_others_end_at_its_edge(window, hu):
    low, high = window
    back = to_hu(to_display(hu, window), window)
    assert back.dtype == np.int16
    np.testing.assert_array_equal(back, np.clip(hu, low, high))


@given(windows, st.floats(0, 1))
def test_no_grey_value_is_moved_by_more_than_half_a_unit(window, share):
    low, high = window
    exact = low + (high - low) * share
    assert abs(float(to_hu(np.array([share]), window)[0]) - exact) <= 0.5


def stored(folder, pictures, **columns):
    store = PixelStore(folder)
    rows = [
        {
            "image": store.put(p), "unit": "HU", "low": -1350, "high": 150, "height": p.shape[0], "width": p.shape[1],
            "source": str(i), **columns,
        }
        for i, p in enumerate(pictures)
    ]  # fmt: skip
    return ImageSet.of("made", rows, store)


def test_the_clipped_share_is_counted(tmp_path):
    pictures = [np.array([[-2000, -1350], [150, 151]], dtype=np.int16), np.full((2, 2), -600, dtype=np.int16)]
    images = stored(tmp_path, pictures)
    assert clipped_share(images) == 2 / 8
    assert clipped_share(shown_in(images, "-700,100")) == 4 / 8


def test_windows_are_named_or_given(tmp_path):
    assert window_named("lung") == LUNG_WINDOW_HU == (-1350, 150)
    assert window_named("-1000,400") == (-1000, 400)
    for wrong in ("bone", "3", "400,-1000", "nan,3", "0,99999"):
        with pytest.raises(SettingsError, match="lung, wide"):
            window_named(wrong)
    images = stored(tmp_path, [np.full((2, 2), v, dtype=np.int16) for v in (0, 1)])
    assert shown_in(images) is images
    assert set(shown_in(images, "wide").table["low"]) == {-1024}
    mixed = images.with_columns(low=[-160.0, -1350.0])
    assert set(shown_in(mixed).table["low"]) == {-1350}
    grey = images.with_columns(unit="stored")
    assert not in_hu(grey)
    assert shown_in(grey, "wide") is grey


def test_what_values_stand_for(tmp_path):
    images = make_phantoms(tmp_path, Cohort(patients=3, images_per_patient=2, size=32, modality="CT"))
    told = Values.of(images, 16, "squash")
    assert told is not None
    assert (told.low, told.high, told.view) == (-1350, 150, "Axial")
    assert told.spacing_mm == 380 / 16
    assert 0 < told.clipped_share < 0.2
    assert Values.of(images.with_columns(unit="stored"), 16, "squash") is None
    assert Values.of(images.with_columns(low=np.arange(6.0) - 1000), 16, "squash") is None


def test_spacing_where_pictures_are_not_square(tmp_path):
    images = stored(tmp_path, [np.zeros((8, 16), dtype=np.int16)], spacing_mm=2.0)
    assert fitted_spacing(images, 4, "squash") is None
    assert fitted_spacing(images, 4, "pad") == 8.0
    assert fitted_spacing(images, 4, "crop") == 4.0
    assert fitted_spacing(images.with_columns(spacing_mm=np.nan), 4, "pad") is None
