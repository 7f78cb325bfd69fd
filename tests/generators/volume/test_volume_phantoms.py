"""The volume flow learns simulated chests: bodies with lungs of their density, and no border between tiles."""

from dataclasses import replace

import numpy as np
import pytest

from radassay.generators.volume.flow import VolumeFlow
from radassay.generators.volume.tiles import Tiling
from radassay.images.hounsfield import to_hu
from radassay.images.intensity import LUNG_WINDOW_HU
from radassay.images.phantom import Cohort, make_phantoms
from radassay.images.volume_sequence import VolumeSequence

from .test_volume_tiles import border_jumps

SHAPE = (32, 32, 32)
BODY = (slice(None), slice(11, 21), slice(5, 27))
"""Where every simulated chest lies, at this shape."""


def shares(hu):
    """Return which share of the body's middle is lung, and which is soft tissue."""
    inside = hu[BODY]
    return np.array([((inside > -980) & (inside < -650)).mean(), (inside > -200).mean()])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phantoms")
    cohort = Cohort(patients=24, images_per_patient=32, size=32, modality="CT", lesions="nodules", seed=1)
    volumes = VolumeSequence(make_phantoms(folder / "set", cohort), SHAPE)
    flow = VolumeFlow(images_seen=900, factor=2, tile=16, overlap=6, grid_every=10_000, threads=1, device="cpu")
    flow.fit(volumes, volumes.labels, volumes.spacing_mm, folder / "run", seed=1)
    drawn = list(flow.sample(np.repeat(np.unique(volumes.labels), 3), folder / "run", seed=1))
    return flow, volumes, drawn, folder / "run"


@pytest.mark.slow
def test_drawn_chests_have_lungs_and_soft_tissue_as_simulated_ones(trained):
    _, volumes, drawn, _ = trained
    real = np.array([shares(to_hu(v, LUNG_WINDOW_HU)) for v in volumes])
    made = np.array([shares(to_hu(d.voxels, LUNG_WINDOW_HU)) for d in drawn])
    print("lung and soft tissue, simulated:", real.mean(axis=0), "drawn:", made.mean(axis=0))
    np.testing.assert_allclose(made.mean(axis=0), real.mean(axis=0), atol=0.1)
    for volume in drawn:
        hu = to_hu(volume.voxels, LUNG_WINDOW_HU)
        inside = hu[BODY]
        lung = inside[(inside > -980) & (inside < -650)]
        assert np.median(lung) == pytest.approx(-850, abs=50)
        outside = np.concatenate([hu[:, :3].ravel(), hu[:, -3:].ravel()])
        assert np.median(outside) == pytest.approx(-1000, abs=40)


@pytest.mark.slow
def test_no_border_shows_between_tiles(trained):
    """Where tiles meet lies the same anatomy in every chest: the measure is the same noise drawn as one tile."""
    flow, volumes, drawn, folder = trained
    tiling = Tiling(SHAPE, flow.tile_of(SHAPE), flow.overlap)
    assert len(tiling.along[0]) > 2
    labels = np.repeat(np.unique(volumes.labels), 3)
    whole = list(replace(flow, tile=SHAPE[0]).sample(labels, folder, seed=1))
    tiled, single = (
        np.mean([border_jumps(np.moveaxis(v.voxels, axis, 0), tiling) for v in some for axis in range(3)], axis=0)
        for some in (drawn, whole)
    )
    at_border, between = tiled / single
    print(f"jumps against those of one tile: {at_border:.3f} across tile borders, {between:.3f} elsewhere")
    assert at_border <= 1.05 * between
