"""Each picture is worked out once while it is remembered."""

import numpy as np

from radassay.anatomy.remembered import Remembered


def test_known_pictures_are_not_measured_again_and_old_ones_are_forgotten():
    asked = []

    def measure(pixels):
        asked.append(len(pixels))
        return pixels.mean(axis=(1, 2))[:, None]

    remembered = Remembered(measure, most=4)
    pixels = np.arange(6.0)[:, None, None] * np.ones((6, 2, 2))
    np.testing.assert_array_equal(remembered(pixels[:3])[:, 0], [0, 1, 2])
    np.testing.assert_array_equal(remembered(pixels[[2, 0, 3, 3]])[:, 0], [2, 0, 3, 3])
    assert asked == [3, 1]
    remembered(pixels[4:])  # 1 has not been asked for the longest, then 2
    remembered(pixels[[0, 3]])
    assert asked == [3, 1, 2]
    remembered(pixels[1:2])
    assert asked == [3, 1, 2, 1]
