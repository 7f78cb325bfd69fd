"""Classical augmentation: small, per image, and never a mirror."""

import numpy as np
import torch

from radassay.classifiers.augmentation import Augmentation

STILL = {"shift": 0.0, "rotation_degrees": 0.0, "scale": 0.0, "contrast": 0.0, "brightness": 0.0, "noise": 0.0}


def batch(n=16, size=32):
    rows, columns = np.mgrid[:size, :size] / size
    picture = 0.2 + 0.6 * np.exp(-(((rows - 0.4) / 0.2) ** 2) - ((columns - 0.3) / 0.15) ** 2)
    return torch.from_numpy(np.repeat(picture[None, None].astype(np.float32), n, axis=0))


def source(seed=0):
    return torch.Generator().manual_seed(seed)


def test_without_any_range_nothing_changes():
    changed = Augmentation(**STILL).apply(batch(), source())
    torch.testing.assert_close(changed, batch(), atol=1e-6, rtol=0)


def test_each_image_gets_its_own_change_within_grey_range():
    changed = Augmentation().apply(batch(), source())
    assert changed.shape == batch().shape
    assert changed.min() >= 0 and changed.max() <= 1
    assert len({image.numpy().tobytes() for image in changed}) == 16


def test_the_generator_decides():
    first = Augmentation().apply(batch(), source())
    assert torch.equal(first, Augmentation().apply(batch(), source()))
    assert not torch.equal(first, Augmentation().apply(batch(), source(1)))


def centre(pictures):
    mass = pictures[:, 0].numpy() - 0.2
    rows, columns = np.mgrid[: mass.shape[1], : mass.shape[2]]
    whole = mass.sum(axis=(1, 2))
    return (mass * rows).sum(axis=(1, 2)) / whole, (mass * columns).sum(axis=(1, 2)) / whole


def test_shifts_reach_the_range_and_no_further():
    moved = Augmentation(**{**STILL, "shift": 0.06}).apply(batch(400, 64), source())
    before, after = centre(batch(1, 64)), centre(moved)
    for was, now in zip(before, after, strict=True):
        way = (now - was) / 64
        assert np.abs(way).max() < 0.075
        assert way.min() < -0.05 and way.max() > 0.05


def test_the_heart_stays_on_its_side():
    changed = Augmentation(noise=0.0).apply(batch(200, 64), source())
    left = changed[..., :32].mean(dim=(1, 2, 3))
    right = changed[..., 32:].mean(dim=(1, 2, 3))
    assert (left > right).all()


def test_noise_and_contrast_stay_in_their_ranges():
    noisy = Augmentation(**{**STILL, "noise": 0.02}).apply(batch(50), source())
    assert 0 < (noisy - batch(50)).std(dim=(1, 2, 3)).max() < 0.025
    toned = Augmentation(**{**STILL, "contrast": 0.2}).apply(batch(200), source())
    ratio = toned.std(dim=(1, 2, 3)) / batch(200).std(dim=(1, 2, 3))
    assert 0.79 < ratio.min() < 0.85
    assert 1.15 < ratio.max() < 1.21
