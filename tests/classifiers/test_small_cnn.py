"""The small network: its own promises beyond the contract."""

from pathlib import Path

import numpy as np
import pytest
import torch

from radassay.classifiers.small_cnn import SmallCNN
from radassay.contracts.classifier import fit_score
from radassay.errors import SettingsError
from radassay.stats.auc import auc


def noise(n, size, seed=0):
    rng = np.random.default_rng(seed)
    pixels = rng.random((n, size, size), dtype=np.float32)
    return pixels, np.arange(n) % 2 == 0


def fit(model, size=32, n=20, **changes):
    settings = {"steps": 4, "augment": False, "seed": 0, **changes}
    return fit_score(model, *noise(n, size), noise(10, size, 1), noise(12, size, 2)[0], **settings)


@pytest.mark.parametrize("size", [32, 50, 64, 96, 128])
def test_it_takes_the_usual_sizes(size):
    assert np.isfinite(fit(SmallCNN(), size=size)).all()


def test_the_number_of_threads_changes_nothing_and_is_restored():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = fit(SmallCNN(), augment=True)
        torch.set_num_threads(2)
        assert alone.tobytes() == fit(SmallCNN(), augment=True).tobytes()
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_the_global_random_state_is_left_alone():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    fit(SmallCNN())
    assert torch.equal(torch.rand(3), expected)


def test_any_64_bit_seed_and_an_odd_batch_will_do():
    assert np.isfinite(fit(SmallCNN(batch=7), seed=2**63 - 1)).all()


def test_a_class_of_one_image_is_still_in_every_batch():
    pixels, _ = noise(20, 32)
    pixels[0] += 1.0
    targets = np.arange(20) == 0
    scores = fit_score(SmallCNN(), pixels, targets, noise(10, 32), pixels, steps=40, augment=False, seed=0)
    assert scores.argmax() == 0


@pytest.mark.parametrize(
    "settings", [{"widths": ()}, {"widths": (16, 0)}, {"batch": 1}, {"validations": 0}, {"rate": 0}, {"decay": -1}]
)
def test_settings_that_cannot_work_are_refused(settings):
    with pytest.raises(SettingsError):
        SmallCNN(**settings)


def test_a_training_needs_a_step():
    with pytest.raises(SettingsError):
        fit(SmallCNN(), steps=0)


DATA = Path(__file__).parents[2].parent / "shared" / "data" / "darkcovidnet"


@pytest.mark.slow
@pytest.mark.skipif(not DATA.exists(), reason="the public images of ../shared/data/darkcovidnet are not here")
def test_it_tells_covid_from_the_rest_on_a_public_composite():
    """Its classes come from different sources, so this shows that the network learns, and nothing of medicine."""
    from PIL import Image

    files = sorted(DATA.glob("*/*"))
    shown = [Image.open(f).convert("L").resize((64, 64), Image.Resampling.BILINEAR) for f in files]
    pixels = np.stack([np.asarray(s, dtype=np.float32) / 255 for s in shown])
    targets = np.array([f.parent.name == "Covid-19" for f in files])
    order = np.random.default_rng(0).permutation(len(files))
    pixels, targets = pixels[order], targets[order]
    scores = fit_score(
        SmallCNN(),
        pixels[:500],
        targets[:500],
        (pixels[500:650], targets[500:650]),
        pixels[650:],
        steps=300,
        augment=True,
        seed=0,
    )
    assert auc(scores, targets[650:]) > 0.95
