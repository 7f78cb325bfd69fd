"""Laws of the shapes that simulated chests are built from."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import PchipInterpolator

from radassay.images.phantom.geometry import (
    Interval,
    ellipsoid,
    filled,
    length_outside,
    look_up,
    monotone,
    profile,
    splat,
)


@given(st.lists(st.tuples(st.floats(-60, 60), st.floats(-60, 60)), min_size=1, max_size=6))
def test_length_outside_agrees_with_counting_points(parts: list[tuple[float, float]]) -> None:
    whole = Interval(np.full(1, -40, np.float32), np.full(1, 40, np.float32))
    dents = [Interval(np.full(1, a, np.float32), np.full(1, b, np.float32)) for a, b in parts]
    y = np.arange(-40, 40, 0.01) + 0.005
    free = np.ones(len(y), dtype=bool)
    for a, b in parts:
        free &= ~((y > a) & (y < b))
    assert length_outside(whole, dents)[0] == pytest.approx(free.sum() * 0.01, abs=0.15)


def test_an_ellipsoid_has_its_volume() -> None:
    x, z = np.meshgrid(*[np.arange(-60, 60, 0.5, dtype=np.float32)] * 2)
    chord = ellipsoid(x, z, (3.0, 7.0, -5.0), (40.0, 20.0, 30.0), 0.4).length
    assert chord.sum() * 0.25 == pytest.approx(4 / 3 * np.pi * 40 * 20 * 30, rel=0.002)
    assert chord.max() == pytest.approx(40, rel=0.001)


def test_voxels_hold_exactly_the_length_of_an_interval() -> None:
    interval = Interval(np.array([-7.3, 1.0], np.float32), np.array([11.1, 0.5], np.float32))
    y = np.arange(-30, 30, 4.0, dtype=np.float32)[:, None]
    assert (filled(y, interval, 4.0).sum(0) * 4.0) == pytest.approx([18.4, 0.0], abs=1e-4)


def test_splat_keeps_mass_and_its_centre() -> None:
    rng = np.random.default_rng(0)
    row, column, mass = (rng.uniform(4, 27, 200).astype(np.float32) for _ in range(3))
    seen = splat(row, column, mass, 32)
    assert seen.sum() == pytest.approx(mass.sum(), rel=1e-5)
    rows, columns = np.indices((32, 32))
    assert (seen * rows).sum() / seen.sum() == pytest.approx(np.average(row, weights=mass), abs=0.05)
    assert (seen * columns).sum() / seen.sum() == pytest.approx(np.average(column, weights=mass), abs=0.05)


def test_splat_leaves_out_what_is_off_the_film() -> None:
    row = np.array([-50.0, 500.0, 5.0], np.float32)
    column = np.array([5.0, 5.0, np.float32(-1e6)], np.float32)
    assert splat(row, column, np.ones(3, np.float32), 32).sum() == 0


def test_profiles_pass_their_knots_and_agree_with_scipy_between_them() -> None:
    knots, values = np.array([-100.0, -40.0, 0.0, 25.0, 120.0]), np.array([0.0, 3.0, 3.5, 20.0, 21.0])
    table = profile(list(knots[::-1]), list(values[::-1]))
    assert look_up(table, knots.astype(np.float32)) == pytest.approx(values, abs=1e-3)
    assert np.all(np.diff(table) >= -1e-4)
    inner = np.linspace(-40, 25, 50)  # the two differ in how they end
    ours, theirs = monotone(knots, values[:, None], inner)[:, 0], PchipInterpolator(knots, values)(inner)
    assert ours == pytest.approx(theirs, abs=1e-3)
