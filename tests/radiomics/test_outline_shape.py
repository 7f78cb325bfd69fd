"""Shape of outlines whose shape is known."""

import numpy as np
import pytest

from radassay.errors import InputError
from radassay.radiomics.shape import shape


def test_a_disc_is_round():
    y, x = np.mgrid[:101, :101]
    disc = (y - 50) ** 2 + (x - 50) ** 2 <= 40**2
    found = {name: values[0] for name, values in shape(disc[None]).items()}
    assert found["mesh area"] == pytest.approx(np.pi * 40**2, rel=0.01)
    assert found["maximum diameter"] == pytest.approx(80, abs=1.5)
    assert found["major axis length"] == pytest.approx(80, rel=0.01)
    assert found["elongation"] == pytest.approx(1, abs=1e-6)
    assert 0.9 < found["circularity"] < 1


def test_spacing_stretches():
    box = np.zeros((1, 20, 30), dtype=bool)
    box[:, 5:15, 5:15] = True
    square, stretched = shape(box), shape(box, spacing=(1.0, 2.0))
    assert stretched["pixel area"][0] == 200
    assert stretched["mesh area"][0] == pytest.approx(2 * square["mesh area"][0])
    assert stretched["elongation"][0] == pytest.approx(0.5)
    assert square["perimeter to area ratio"][0] > stretched["perimeter to area ratio"][0]


def test_one_pixel_has_a_shape_and_none_has_not():
    dot = np.zeros((1, 5, 5), dtype=bool)
    dot[0, 2, 2] = True
    found = shape(dot)
    assert found["mesh area"][0] == 0.5
    assert found["maximum diameter"][0] == 1
    assert all(np.isfinite(values).all() for values in found.values())
    with pytest.raises(InputError, match="empty"):
        shape(np.zeros((1, 5, 5), dtype=bool))
