"""What encoders with weights from elsewhere share: rows, passes, fingerprints, settings, and what they say."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
from filled_networks import filled, smooth_images
from PIL import Image
from torch import nn

from radassay import registry
from radassay.encoders.dino import DinoV2, RadDino
from radassay.encoders.inception import Inception
from radassay.encoders.pretrained import Pretrained, at_side, coloured
from radassay.encoders.pretrained import filled as filled_in
from radassay.encoders.state import read_state
from radassay.encoders.timm_model import Timm
from radassay.encoders.torchscript import TorchScript
from radassay.encoders.vit import Shape, ViT
from radassay.encoders.weights import catalogue
from radassay.encoders.xrv import XRayVision
from radassay.errors import InputError, SettingsError


def convolutions():
    first = nn.Sequential(nn.Conv2d(3, 8, 5, stride=3), nn.BatchNorm2d(8), nn.ReLU())
    return nn.Sequential(*first, nn.Conv2d(8, 6, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())


@dataclass(frozen=True)
class Small(Pretrained):
    name: ClassVar[str] = "small"
    paper: ClassVar[str] = "none"
    chunk: ClassVar[int] = 4

    side: int = 40

    def loaded(self, path):
        return filled_in(convolutions(), read_state(path), self.name)

    def prepared(self, grey):
        return coloured(at_side(grey, self.side, "bicubic"), (0.5,) * 3, (0.5,) * 3)


@pytest.fixture
def weights(tmp_path):
    torch.save(filled(convolutions().state_dict()), tmp_path / "small.pth")
    return str(tmp_path / "small.pth")


@pytest.fixture(autouse=True)
def no_weights_of_this_machine(monkeypatch, tmp_path):
    monkeypatch.setenv("RADASSAY_WEIGHTS", str(tmp_path / "cache"))


def by_rows(encoder, images):
    """Every way of asking for the same images gives the same bytes."""
    features = encoder.encode(images)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()
    assert np.ptp(features, axis=0).max() > 0
    np.testing.assert_array_equal(encoder.encode(images), features)
    order = np.random.default_rng(1).permutation(len(images))
    np.testing.assert_array_equal(encoder.encode(images[order]), features[order])
    np.testing.assert_array_equal(encoder.encode(images[3:4]), features[3:4])
    np.testing.assert_array_equal(encoder.encode(images[2:9]), features[2:9])
    assert encoder.encode(images[:0]).shape == (0, features.shape[1])


def test_a_row_depends_on_its_image_alone(weights):
    by_rows(Small(weights=weights), smooth_images(11))


def test_a_row_of_a_transformer_depends_on_its_image_alone(tmp_path):
    torch.save(filled(ViT(Shape(128, 2, 256, 4)).state_dict()), tmp_path / "vit.pth")
    by_rows(DinoV2(weights=str(tmp_path / "vit.pth"), size=56), smooth_images(11))


@pytest.mark.slow
@pytest.mark.parametrize("kind", [Inception, XRayVision])
def test_a_row_of_a_published_network_depends_on_its_image_alone(kind, tmp_path, monkeypatch):
    from radassay.encoders.densenet import DenseNet121
    from radassay.encoders.inception_network import FIDInception

    network = FIDInception() if kind is Inception else DenseNet121(channels=1)
    torch.save(filled(network.state_dict()), tmp_path / "weights.pth")
    monkeypatch.setattr(kind, "chunk", 3)
    by_rows(kind(weights=str(tmp_path / "weights.pth")), smooth_images(5))


def test_passes_have_one_size_whatever_the_number_of_images(weights, monkeypatch):
    seen = []
    kept = Small.prepared
    monkeypatch.setattr(Small, "prepared", lambda self, grey: seen.append(tuple(grey.shape)) or kept(self, grey))
    Small(weights=weights).encode(smooth_images(9))
    assert seen == [(4, 1, 64, 64)] * 3


def test_the_fingerprint_is_of_settings_and_bytes_and_not_of_the_path(weights, tmp_path):
    first = Small(weights=weights)
    copy = tmp_path / "elsewhere.pth"
    copy.write_bytes((tmp_path / "small.pth").read_bytes())
    assert Small(weights=str(copy)).fingerprint == first.fingerprint
    assert Small(weights=weights, side=41).fingerprint != first.fingerprint
    state = filled(convolutions().state_dict())
    state["0.bias"] = state["0.bias"] + 1e-6
    torch.save(state, copy)
    assert Small(weights=str(copy)).fingerprint != first.fingerprint


def test_weights_that_change_on_disk_are_read_again(tmp_path):
    path = tmp_path / "changing.pth"
    state = filled(convolutions().state_dict())
    torch.save(state, path)
    before = Small(weights=str(path)).encode(smooth_images(2))
    state["3.bias"] = state["3.bias"] + 1
    torch.save(state, path)
    np.testing.assert_allclose(Small(weights=str(path)).encode(smooth_images(2)), before + 1, rtol=1e-5)


def test_what_is_no_image_is_refused(weights):
    for pixels in (np.zeros((4, 4)), np.zeros((1, 4, 5)), np.full((1, 32, 32), np.nan)):
        with pytest.raises(InputError):
            Small(weights=weights).encode(pixels.astype(np.float32))


def test_flat_and_tiny_images_are_no_exception(weights):
    for image in (np.zeros((2, 64, 64)), np.ones((2, 64, 64)), np.random.default_rng(0).random((2, 9, 9))):
        assert np.isfinite(Small(weights=weights).encode(image.astype(np.float32))).all()


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("side", [24, 64, 299])
def test_resizing_is_that_of_pillow(mode, side):
    images = smooth_images(2)
    filters = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
    ours = at_side(torch.from_numpy(images)[:, None], side, mode)[:, 0].numpy()
    theirs = [np.asarray(Image.fromarray(i, mode="F").resize((side, side), filters[mode])).clip(0, 1) for i in images]
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("name", sorted(catalogue()))
def test_without_its_weights_an_encoder_says_how_to_get_them(name, tmp_path):
    encoder = registry.load("encoders", name)()
    assert f"radassay weights get {name}" in encoder.missing
    for use in (lambda: encoder.fingerprint, lambda: encoder.encode(smooth_images(1))):
        with pytest.raises(InputError) as told:
            use()
        assert f"radassay weights get {name} --file" in str(told.value)
        assert catalogue()[name].url in str(told.value)
        assert str(tmp_path / "cache" / catalogue()[name].file) in str(told.value)


def test_a_path_that_is_not_there_is_named():
    assert Small(weights="/none/such.pth").missing == "no file /none/such.pth"
    with pytest.raises(InputError, match="/none/such.pth"):
        Small(weights="/none/such.pth").encode(smooth_images(1))
    assert "weights" in Small().missing
    with pytest.raises(InputError, match="weights"):
        _ = Small().fingerprint


def test_bad_settings_are_refused_before_any_work(weights):
    with pytest.raises(SettingsError, match="auto, cpu, cuda"):
        Small(weights=weights, device="tpu")
    with pytest.raises(SettingsError, match="clean, tensorflow"):
        Inception(resize="nearest")
    with pytest.raises(SettingsError, match="14"):
        RadDino(size=100)
    if not torch.cuda.is_available():
        with pytest.raises(SettingsError, match="CUDA"):
            Small(weights=weights, device="cuda").encode(smooth_images(1))


class TestTorchScript:
    @pytest.fixture
    def script(self, tmp_path):
        network = nn.Sequential(nn.Conv2d(1, 5, 3), nn.ReLU()).eval()
        network.load_state_dict(filled(network.state_dict()))
        torch.jit.save(torch.jit.script(network), tmp_path / "it.pt")
        return str(tmp_path / "it.pt"), network

    def test_a_file_runs_only_where_the_user_says_so(self, script):
        encoder = TorchScript(weights=script[0], size=16, mean=[0.5], std=[0.25])
        assert "runs_its_code" in encoder.missing
        with pytest.raises(SettingsError, match="runs_its_code"):
            encoder.encode(smooth_images(1))

    def test_its_maps_are_averaged(self, script):
        path, network = script
        images = smooth_images(3, 16)
        encoder = TorchScript(weights=path, runs_its_code=True, size=16, mean=[0.5], std=[0.25])
        assert encoder.missing == ""
        with torch.no_grad():
            expected = network((torch.from_numpy(images)[:, None] - 0.5) / 0.25).mean((2, 3)).numpy()
        np.testing.assert_allclose(encoder.encode(images), expected, rtol=1e-5, atol=1e-6)

    def test_other_files_and_settings_are_refused(self, weights):
        with pytest.raises(InputError, match="no TorchScript"):
            TorchScript(weights=weights, runs_its_code=True).encode(smooth_images(1))
        for wrong in ({"std": [0.5, 0.5]}, {"std": [0, 1, 1]}, {"mean": []}, {"size": 0}, {"interpolation": "cubic"}):
            with pytest.raises(SettingsError):
                TorchScript(**wrong)


class TestTimm:
    def test_it_says_what_is_missing(self, weights):
        assert "model" in Timm(weights=weights).missing

    def test_a_model_of_timm_gives_its_features(self, tmp_path):
        timm = pytest.importorskip("timm", exc_type=Exception)
        theirs = timm.create_model("resnet18", pretrained=False).eval()
        theirs.load_state_dict(filled(theirs.state_dict()))
        torch.save(theirs.state_dict(), tmp_path / "it.pth")
        encoder = Timm(weights=str(tmp_path / "it.pth"), model="resnet18")
        assert encoder.missing == ""
        images = smooth_images(2, 224)
        seen = coloured(torch.from_numpy(images)[:, None], (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
        with torch.no_grad():
            expected = theirs.forward_head(theirs.forward_features(seen), pre_logits=True).numpy()
        np.testing.assert_allclose(encoder.encode(images), expected, rtol=1e-4, atol=1e-4)

    def test_an_unknown_model_is_refused(self, weights):
        pytest.importorskip("timm", exc_type=Exception)
        with pytest.raises(InputError, match="resnet-none"):
            Timm(weights=weights, model="resnet-none").encode(smooth_images(1))

    def test_without_the_library_it_says_how_to_install_it(self, weights, monkeypatch):
        import sys

        monkeypatch.setitem(sys.modules, "timm", None)
        with pytest.raises(InputError, match="pip install"):
            Timm(weights=weights, model="resnet18").encode(smooth_images(1))
