"""Networks with made-up weights that any implementation can be given, and images to show them."""

import zlib

import numpy as np
import torch
from scipy.ndimage import zoom


def filled(state):
    """Tensors of the same names and shapes; each depends on its name alone, and signals neither fade nor explode."""
    return {name: made_up(name, tuple(tensor.shape)) for name, tensor in state.items()}


def made_up(name, shape):
    rng = np.random.default_rng(zlib.crc32(name.rpartition("features.")[2].encode()))
    if name.endswith("num_batches_tracked"):
        return torch.zeros((), dtype=torch.long)
    if len(shape) >= 2:
        values = rng.standard_normal(shape) * np.sqrt(2 / max(np.prod(shape[1:]), 1))
    elif name.endswith(("running_var", "weight", "gamma")):
        values = rng.uniform(0.5, 1.5, shape)
    else:
        values = 0.1 * rng.standard_normal(shape)
    return torch.from_numpy(np.asarray(values, dtype=np.float32))


def smooth_images(count, size=64):
    """Grey images without sharp edges, with black and white in them."""
    rng = np.random.default_rng(7)
    images = zoom(rng.random((count, 8, 8)), (1, size / 8, size / 8), order=3)
    return np.clip(1.4 * images - 0.2, 0, 1).astype(np.float32)
