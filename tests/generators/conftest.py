"""A training so small that it takes a second or two."""

import numpy as np
import pytest
import torch

from radassay.generators.compute import Compute
from radassay.generators.crew import Crew
from radassay.generators.gan.projection import ProjectionGAN
from radassay.generators.given import Given

TINY = {
    "images_seen": 96,
    "batch_size": 4,
    "width": 2,
    "latent_dim": 4,
    "checkpoint_every": 16,
    "grid_every": 48,
    "threads": 1,
    "device": "cpu",
    "precision": "float32",
}


def tiny(**changes):
    return ProjectionGAN(**{**TINY, **changes})


@pytest.fixture(scope="session")
def images():
    """Two classes that differ in brightness, (20, 16, 16)."""
    rng = np.random.default_rng(0)
    labels = np.array(["dark", "light"])[np.arange(20) % 2]
    pixels = rng.random((20, 16, 16)) * 0.5 + 0.5 * (labels == "light")[:, None, None]
    return pixels.astype(np.float32), labels


@pytest.fixture(scope="session")
def unbroken(images, tmp_path_factory):
    """The folder of a training that nothing interrupted."""
    folder = tmp_path_factory.mktemp("unbroken")
    tiny().fit(*images, folder, seed=5)
    return folder


@pytest.fixture
def game_of(images):
    """A game of a family's settings on the images, before its first step."""

    def made(rules, device="cpu"):
        pixels, labels = images
        numbers = np.unique(labels, return_inverse=True)[1].astype(np.int64)
        compute = Compute(torch.device(device), False, 1)
        torch.manual_seed(0)
        return rules.learner(Given.of(pixels, numbers, compute.device, None), compute, Crew(), seed=0, steps=8)

    return made
