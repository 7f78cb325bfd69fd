"""Each network of published weights gives the features that its makers' library gives.

The numbers were made with those libraries, most of which need a torchvision of torch's own build and so are not
installed for tests: torch-fidelity 0.4.0, torchxrayvision 1.5.7, torchvision 0.28.0 and timm 1.0.31, given the same
made-up weights (`filled_networks.py`) and the same two images. Where a library is there, it is asked again.
"""

import numpy as np
import pytest
import torch
from filled_networks import filled, smooth_images
from PIL import Image
from safetensors.torch import save_file

from radassay.encoders.densenet import DenseNet121
from radassay.encoders.dino import DinoV2, RadDino
from radassay.encoders.inception import Inception
from radassay.encoders.inception_network import FIDInception
from radassay.encoders.radimagenet import RadImageNet
from radassay.encoders.vit import Shape, ViT
from radassay.encoders.xrv import XRayVision
from radassay.errors import InputError

FIDELITY = [
    [6.988703727722168, 1.04727041721344, 0.18404510617256165, 0.10255233943462372, 7.796186447143555],
    [7.757787704467773, 1.3979361057281494, 0.11844231188297272, 0.15817758440971375, 8.730690002441406],
]
XRAYVISION = [
    [0.0, 0.0, 409.67718505859375, 194.84486389160156, 4339.75341796875],
    [8.780044555664062, 0.0, 377.72039794921875, 200.8744354248047, 4374.86474609375],
]
TORCHVISION = [
    [0.0, 0.0, 0.3558168113231659, 0.14325152337551117, 4.525055885314941],
    [0.0, 0.0, 0.32494765520095825, 0.15898928046226501, 4.643871307373047],
]
TIMM = [
    [-0.6800164580345154, 0.7814210653305054, 0.4804598391056061, -0.7383694648742676, 0.9314960837364197],
    [-0.3798357844352722, 0.7790699601173401, 0.779698371887207, -1.1514395475387573, 1.227219820022583],
]


@pytest.fixture(autouse=True)
def short_passes(monkeypatch):
    for kind in (Inception, XRayVision, RadImageNet, DinoV2, RadDino):
        monkeypatch.setattr(kind, "chunk", 2)


@pytest.fixture(scope="module")
def images():
    return smooth_images(2)


@pytest.fixture(scope="module")
def inception_file(tmp_path_factory):
    state = filled(FIDInception().state_dict())
    state |= {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}
    path = tmp_path_factory.mktemp("weights") / "inception.pth"
    torch.save(state, path)
    return str(path)


def vit_state():
    """A small DINOv2 for pictures of 56 px, with its makers' names."""
    return filled(ViT(Shape(width=128, blocks=2, inner=512, places=4)).state_dict())


def as_on_the_hub(state):
    """The same tensors as published on the Hugging Face hub."""
    renamed = {"embeddings.mask_token": torch.zeros(1, 128)}
    for name, tensor in state.items():
        if ".attn.qkv." in name:
            block, kind = name.split(".")[1], name.rpartition(".")[2]
            for part, third in zip(("query", "key", "value"), tensor.chunk(3), strict=True):
                renamed[f"encoder.layer.{block}.attention.attention.{part}.{kind}"] = third.contiguous()
            continue
        for ours, theirs in (
            ("cls_token", "embeddings.cls_token"),
            ("pos_embed", "embeddings.position_embeddings"),
            ("patch_embed.proj", "embeddings.patch_embeddings.projection"),
            ("blocks.", "encoder.layer."),
            (".attn.proj.", ".attention.output.dense."),
            ("ls1.gamma", "layer_scale1.lambda1"),
            ("ls2.gamma", "layer_scale2.lambda1"),
        ):
            name = name.replace(ours, theirs)
        renamed["layernorm" + name[4:] if name.startswith("norm.") else name] = tensor
    return renamed


def test_inception_equals_torch_fidelity(images, inception_file):
    rounded = np.rint(images * 255).astype(np.float32) / 255
    features = Inception(weights=inception_file, resize="tensorflow").encode(rounded)
    assert features.shape == (2, 2048)
    np.testing.assert_allclose(features[:, :1024:205], FIDELITY, rtol=1e-4)


def test_inception_resizes_as_clean_fid_by_default(images, inception_file):
    seen = Inception().prepared(torch.from_numpy(images)[:, None])
    for image, ours in zip(images, seen, strict=True):
        pillow = Image.fromarray(image * 255, mode="F").resize((299, 299), Image.Resampling.BICUBIC)
        expected = (np.asarray(pillow).clip(0, 255) - 128) / 128
        np.testing.assert_allclose(ours.numpy(), np.broadcast_to(expected, (3, 299, 299)), atol=1e-5)
    clean, graph = (Inception(weights=inception_file, resize=r).encode(images) for r in ("clean", "tensorflow"))
    assert np.abs(clean - graph).max() > 0.01


def test_large_images_are_antialiased():
    stripes = np.tile(np.arange(598, dtype=np.float32) % 2, (598, 1))
    seen = Inception().prepared(torch.from_numpy(stripes)[None, None])
    assert seen[..., 8:-8, 8:-8].abs().max() < 0.02
    assert Inception(resize="tensorflow").prepared(torch.from_numpy(stripes)[None, None]).abs().max() > 0.9


def test_xrv_equals_torchxrayvision_from_a_pickled_network(images, tmp_path):
    network = DenseNet121(channels=1)
    network.load_state_dict(filled(network.state_dict()))
    network.classifier = torch.nn.Linear(1024, 18)
    network.register_buffer("op_threshs", torch.zeros(18))
    torch.save(network, tmp_path / "xrv.pt")
    features = XRayVision(weights=str(tmp_path / "xrv.pt")).encode(images)
    assert features.shape == (2, 1024)
    np.testing.assert_allclose(features[:, ::205], XRAYVISION, rtol=1e-4, atol=1e-3)


def test_radimagenet_equals_torchvision_whatever_its_tensors_are_called(images, tmp_path):
    state = filled(DenseNet121(channels=3).state_dict())
    named = {name.replace("features.", "backbone.0."): tensor for name, tensor in state.items()}
    for given in (state, {"state_dict": named}):
        torch.save(given, tmp_path / "it.pt")
        features = RadImageNet(weights=str(tmp_path / "it.pt")).encode(images)
        np.testing.assert_allclose(features[:, ::205], TORCHVISION, rtol=1e-4, atol=1e-5)


def test_dinov2_equals_timm_under_either_name(images, tmp_path):
    torch.save(vit_state(), tmp_path / "makers.pth")
    save_file(as_on_the_hub(vit_state()), tmp_path / "hub.safetensors")
    for file in ("makers.pth", "hub.safetensors"):
        features = DinoV2(weights=str(tmp_path / file), size=56).encode(images)
        assert features.shape == (2, 128)
        np.testing.assert_allclose(features[:, ::26], TIMM, rtol=1e-4)


def test_positions_are_interpolated_to_other_sizes_of_picture(images, tmp_path):
    network = ViT(Shape(width=64, blocks=1, inner=64, places=16))
    ramp = torch.arange(16.0)[:, None].expand(16, 16).reshape(1, 256, 1)
    network.pos_embed.data[:, 1:] = ramp
    assert torch.equal(network.positions(16), network.pos_embed)
    for rows in (8, 32):
        column = network.positions(rows)[0, 1:, 0].detach().reshape(rows, rows)[:, 0]
        middle = (torch.arange(rows) + 0.5) * 16 / rows - 0.5
        assert (column - middle)[rows // 4 : -rows // 4].abs().max() < 0.25
    torch.save(vit_state(), tmp_path / "makers.pth")
    assert np.isfinite(RadDino(weights=str(tmp_path / "makers.pth"), size=70).encode(images)).all()


def test_weights_of_another_network_are_refused_by_name(tmp_path):
    torch.save(vit_state(), tmp_path / "vit.pth")
    with pytest.raises(InputError, match="lacking: features"):
        XRayVision(weights=str(tmp_path / "vit.pth")).encode(smooth_images(1))
    torch.save({"conv.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(InputError, match="pos_embed"):
        DinoV2(weights=str(tmp_path / "other.pth")).encode(smooth_images(1))


def test_a_network_that_answers_with_no_number_is_named(tmp_path):
    state = filled(DenseNet121(channels=1).state_dict())
    state["features.norm5.weight"] = torch.full_like(state["features.norm5.weight"], torch.nan)
    torch.save(state, tmp_path / "broken.pt")
    with pytest.raises(InputError, match="not finite"):
        XRayVision(weights=str(tmp_path / "broken.pt")).encode(smooth_images(1))


def test_rad_dino_equals_transformers(images, tmp_path):
    transformers = pytest.importorskip("transformers")
    save_file(as_on_the_hub(vit_state()), tmp_path / "model.safetensors", metadata={"format": "pt"})
    told = '"hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 56, "patch_size": 14'
    (tmp_path / "config.json").write_text('{"model_type": "dinov2", "mlp_ratio": 4, ' + told + "}")
    theirs = transformers.Dinov2Model.from_pretrained(tmp_path).eval()
    encoder = RadDino(weights=str(tmp_path / "model.safetensors"), size=56)
    with torch.no_grad():
        expected = theirs(encoder.prepared(torch.from_numpy(images)[:, None])).pooler_output.numpy()
    np.testing.assert_allclose(encoder.encode(images), expected, rtol=1e-5, atol=1e-6)


def test_rad_dino_sees_what_the_processor_of_its_model_card_shows(images):
    transformers = pytest.importorskip("transformers")
    processor = transformers.BitImageProcessor(
        size={"shortest_edge": 518},
        crop_size={"height": 518, "width": 518},
        image_mean=[0.5307] * 3,
        image_std=[0.2583] * 3,
        resample=3,
    )
    # away from black and white, where the processor cuts off what overshoots between its two passes
    rounded = np.rint(25 + images * 200).astype(np.uint8)
    shown = [Image.fromarray(image).convert("RGB") for image in rounded]
    theirs = np.stack([np.asarray(processor(image, return_tensors="np")["pixel_values"][0]) for image in shown])
    ours = RadDino().prepared(torch.from_numpy(rounded.astype(np.float32) / 255)[:, None]).numpy()
    # it rounds to whole grey values after each pass; the second enlarges the error of the first by 1.3 at most
    assert np.abs(ours - theirs).max() < (0.5 * 1.3 + 0.5) / 255 / 0.2583


def test_xrv_scales_as_the_library_does(images):
    library = pytest.importorskip("torchxrayvision", exc_type=Exception)
    ours = XRayVision().prepared(torch.from_numpy(smooth_images(2, 224))[:, None]).numpy()
    theirs = library.datasets.normalize(smooth_images(2, 224) * 255, 255)
    np.testing.assert_allclose(ours[:, 0], theirs, atol=1e-3)
