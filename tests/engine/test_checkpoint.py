"""What is written as safetensors comes back as it was."""

import numpy as np

from radassay.engine.checkpoint import read_arrays, write_arrays


def test_shapes_come_back_as_they_were(tmp_path):
    arrays = {"none": np.array(3.0), "one": np.zeros(1), "strided": np.arange(12.0).reshape(3, 4).T}
    write_arrays(tmp_path / "a.safetensors", arrays, {})
    read = read_arrays(tmp_path / "a.safetensors")[0]
    for name, array in arrays.items():
        assert read[name].shape == array.shape
        np.testing.assert_array_equal(read[name], array)
