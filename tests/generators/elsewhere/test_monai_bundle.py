"""MONAI bundles: what is taken from their configuration, what is refused, and that pictures stay the same."""

import json
import shutil
import zipfile

import numpy as np
import pytest
import torch
from tiny_models import AUTOENCODER, GAN, SCHEDULERS, UNET, bundle, network_of

from radassay.errors import InputError, SettingsError
from radassay.generators.elsewhere.bundle_config import configuration, plain
from radassay.generators.elsewhere.monai_bundle import MonaiBundle

LABELS = np.array(["covid", "other"] * 4)
PIXELS = np.random.default_rng(0).random((8, 16, 16), dtype=np.float32)
DENOISED = {"recipe": "diffusion", "conditional": True, "labels": {"covid": "0", "other": "1"}, "steps": 3}


@pytest.fixture
def gan(tmp_path):
    pytest.importorskip("monai", reason="MONAI bundles are not tested: pip install 'radassay[monai]'")
    return bundle(tmp_path / "gan")


def adapter(folder, **changes):
    return MonaiBundle(**{"model": str(folder), "shape": [8], "activation": "sigmoid", "device": "cpu", **changes})


def same_whatever_is_asked(drawer, folder):
    drawer.fit(PIXELS, LABELS, folder, seed=0)
    drawn = drawer.sample(LABELS, folder, seed=1)
    assert drawn.shape == (8, 16, 16)
    assert np.ptp(drawn) > 0
    np.testing.assert_array_equal(drawer.sample(LABELS[:3], folder, seed=1, batch=1), drawn[:3])
    assert not np.array_equal(drawer.sample(LABELS, folder, seed=2), drawn)
    assert json.loads((folder / "elsewhere.json").read_text())["repeats"] is True
    return drawn


def test_a_gan_for_each_class_draws_noise_through_its_network(gan, tmp_path):
    for label in ("covid", "other"):
        shutil.copytree(gan, tmp_path / "each" / label)
    torch.save(
        {"model": {k: v * 2 for k, v in network_of(GAN["network_def"]).state_dict().items()}},
        tmp_path / "each" / "other" / "models" / "model.pt",
    )
    drawer = adapter(tmp_path / "each" / "{label}")
    drawn = same_whatever_is_asked(drawer, tmp_path / "run")
    flipped = drawer.sample(LABELS[::-1], tmp_path / "run", seed=1)
    assert not np.array_equal(flipped[0], drawn[0])
    told = json.loads((tmp_path / "run" / "elsewhere.json").read_text())
    assert {"covid/models/model.pt", "other/models/model.pt"} <= told["origin"]["files"].keys()
    assert told["origin"]["version"] == "0.2.0"
    assert told["unknown"] == ["licence"]
    assert told["native"] == "24 x 24"


def test_one_unconditional_model_cannot_draw_two_classes(gan, tmp_path):
    with pytest.raises(SettingsError, match="draws one class"):
        adapter(gan).fit(PIXELS, LABELS, tmp_path / "run", seed=0)


@pytest.mark.parametrize("kind", ["ddpm", "ddim", "flow"])
def test_a_diffusion_model_refines_noise_by_class(kind, tmp_path):
    pytest.importorskip("monai", reason="MONAI bundles are not tested: pip install 'radassay[monai]'")
    folder = bundle(tmp_path / "bundle", {"network_def": UNET, "noise_scheduler": SCHEDULERS[kind]})
    drawer = adapter(folder, shape=[1, 16, 16], **DENOISED)
    drawn = same_whatever_is_asked(drawer, tmp_path / "run")
    other = LABELS.copy()
    other[0] = "other"
    changed = drawer.sample(other, tmp_path / "run", seed=1)
    assert not np.array_equal(changed[0], drawn[0])
    np.testing.assert_array_equal(changed[1:], drawn[1:])


def test_ddim_is_the_loop_of_its_paper(tmp_path):
    """The picture equals what MONAI's own inferer draws from the same noise."""
    pytest.importorskip("monai", reason="MONAI bundles are not tested: pip install 'radassay[monai]'")
    from monai.inferers import DiffusionInferer
    from monai.networks.schedulers import DDIMScheduler

    unet = {key: value for key, value in UNET.items() if key != "num_class_embeds"}
    folder = bundle(tmp_path / "bundle", {"network_def": unet, "noise_scheduler": SCHEDULERS["ddim"]})
    drawer = adapter(folder, shape=[1, 16, 16], recipe="diffusion", steps=4, block=1)
    one = np.array(["covid"] * 8)
    drawer.fit(PIXELS, one, tmp_path / "run", seed=0)
    drawn = drawer.sample(one[:1], tmp_path / "run", seed=5)
    from radassay.generators.elsewhere.folder_model import randomness

    noise = torch.randn((1, 1, 16, 16), generator=randomness(5, 0, 1)[0])
    scheduler = DDIMScheduler(num_train_timesteps=20)
    scheduler.set_timesteps(4)
    theirs = DiffusionInferer(scheduler).sample(noise, network_of(unet), scheduler, verbose=False)
    np.testing.assert_allclose(drawn[0], torch.sigmoid(theirs)[0, 0].numpy(), atol=1e-5)


def test_a_latent_is_decoded(tmp_path):
    pytest.importorskip("monai", reason="MONAI bundles are not tested: pip install 'radassay[monai]'")
    config = {"network_def": UNET, "noise_scheduler": SCHEDULERS["ddim"], "autoencoder_def": AUTOENCODER}
    parts = (("network_def", "model"), ("autoencoder_def", "autoencoder"))
    folder = bundle(tmp_path / "bundle", config, parts)
    settings = {**DENOISED, "recipe": "latent-diffusion"}
    same_whatever_is_asked(adapter(folder, shape=[1, 8, 8], **settings), tmp_path / "run")


def test_what_would_run_code_is_refused(gan, tmp_path):
    marker = tmp_path / "ran"
    further = {**GAN["network_def"], "latent_shape": [8], "act": {"_target_": "builtins.eval"}}
    evil = {**GAN, "latent_size": f"$open({str(marker)!r}, 'w').close()"}
    cases = {
        "python": (evil, r"is Python to be run.*values = "),
        "class": ({"network_def": {"_target_": "os.system", "command": f"touch {marker}"}}, "not allowed.*os.system"),
        "module": ({"network_def": {"_target_": "monai.networks.nets.torch.hub.load"}}, "not allowed"),
        "nested": (
            {"network_def": further},
            "further object",
        ),
        "circle": ({**GAN, "latent_size": "@latent_size"}, "circle"),
        "nowhere": ({**GAN, "latent_size": "@gone"}, "refers to nothing"),
        "none": ({}, "no section 'network_def'"),
    }
    one = np.array(["covid"] * 8)
    for name, (config, told) in cases.items():
        folder = tmp_path / name
        shutil.copytree(gan, folder)
        (folder / "configs" / "inference.json").write_text(json.dumps(config))
        with pytest.raises(InputError, match=f"(?s){told}"):
            adapter(folder).fit(PIXELS, one, tmp_path / f"run-{name}", seed=0)
    assert not marker.exists()
    fixed = adapter(tmp_path / "python", values={"latent_size": [8]})
    fixed.fit(PIXELS, one, tmp_path / "fixed", seed=0)


class Touch:
    def __reduce__(self):
        return (exec, ("raise SystemExit('it ran')",))


def test_weights_that_would_run_code_or_do_not_fit_are_refused(gan, tmp_path):
    one = np.array(["covid"] * 8)
    torch.save({"model": Touch()}, gan / "models" / "model.pt")
    with pytest.raises(InputError, match="without running code"):
        adapter(gan).fit(PIXELS, one, tmp_path / "run", seed=0)
    torch.save({"other": torch.ones(2)}, gan / "models" / "model.pt")
    with pytest.raises(InputError, match="another network"):
        adapter(gan).fit(PIXELS, one, tmp_path / "run", seed=0)


def test_a_torchscript_network_runs_only_where_that_is_said(gan, tmp_path):
    one = np.array(["covid"] * 8)
    plain_network = adapter(gan)
    plain_network.fit(PIXELS, one, tmp_path / "plain", seed=0)
    traced = torch.jit.trace(network_of(GAN["network_def"]), torch.ones(2, 8))
    traced.save(str(gan / "models" / "model.ts"))
    assert zipfile.is_zipfile(gan / "models" / "model.ts")
    with pytest.raises(SettingsError, match="runs_its_code"):
        adapter(gan, weights="models/model.ts").fit(PIXELS, one, tmp_path / "run", seed=0)
    script = adapter(gan, weights="models/model.ts", runs_its_code=True)
    script.fit(PIXELS, one, tmp_path / "run", seed=0)
    shutil.rmtree(tmp_path / "plain")
    plain_network.fit(PIXELS, one, tmp_path / "plain", seed=0)
    np.testing.assert_allclose(
        script.sample(one, tmp_path / "run", seed=1), plain_network.sample(one, tmp_path / "plain", seed=1), atol=1e-5
    )


def test_a_scheduler_with_a_memory_is_refused(tmp_path):
    pytest.importorskip("monai", reason="MONAI bundles are not tested: pip install 'radassay[monai]'")
    folder = bundle(tmp_path / "bundle", {"network_def": UNET, "noise_scheduler": SCHEDULERS["pndm"]})
    with pytest.raises(InputError, match=r"scheduler is not allowed.*PNDM"):
        adapter(folder, shape=[1, 16, 16], **DENOISED).fit(PIXELS, LABELS, tmp_path / "run", seed=0)


def test_references_lead_to_plain_values_and_values_replace_entries(tmp_path):
    (tmp_path / "c.json").write_text(json.dumps({"a": {"b": [1, "@c"]}, "c": {"d": None}}))
    config = configuration(tmp_path / "c.json", {"a#e": "$1", "f": 2})
    assert plain(config, "@a#b", "x") == [1, {"d": None}]
    assert plain(config, "@a::b#0", "x") == 1
    assert plain(config, "@f", "x") == 2
    with pytest.raises(InputError, match=r'values = \{"x#e" = '):
        plain(config, "@a", "x")
    with pytest.raises(InputError, match="JSON file"):
        configuration(tmp_path / "none.json", {})


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"recipe": "vae"}, "recipe"),
        ({"noise": "pink"}, "noise"),
        ({"low": 1.0, "high": 0.0}, "high must be above low"),
        ({"device": "tpu"}, "device"),
    ],
)
def test_wrong_settings_are_refused_at_once(settings, told):
    with pytest.raises(SettingsError, match=told):
        MonaiBundle(**settings)


def test_what_is_missing_is_said(tmp_path):
    assert "model" in MonaiBundle().missing
    assert "no folder" in MonaiBundle(model=str(tmp_path / "no")).missing
    assert MonaiBundle(model=str(tmp_path)).missing  # the shape, or the library
