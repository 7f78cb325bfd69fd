"""Models of other libraries, tiny and untrained, saved as their makers save them."""

import json

import torch

GAN = {
    "imports": ["$import glob"],
    "latent_size": [8],
    "network_def": {
        "_target_": "Generator",
        "latent_shape": "@latent_size",
        "start_shape": [4, 6, 6],
        "channels": [4, 1],
        "strides": [2, 2],
    },
    "network": "$@network_def.to('cpu')",
}
UNET = {
    "_target_": "monai.networks.nets.DiffusionModelUNet",
    "spatial_dims": 2,
    "in_channels": 1,
    "out_channels": 1,
    "channels": [8, 8],
    "attention_levels": [False, False],
    "num_res_blocks": 1,
    "norm_num_groups": 4,
    "num_class_embeds": 2,
}
SCHEDULERS = {
    "ddpm": {"_target_": "DDPMScheduler", "num_train_timesteps": 20},
    "ddim": {"_target_": "DDIMScheduler", "num_train_timesteps": 20},
    "flow": {"_target_": "monai.networks.schedulers.RFlowScheduler", "num_train_timesteps": 20},
    "pndm": {"_target_": "PNDMScheduler", "num_train_timesteps": 20},
}
AUTOENCODER = {
    "_target_": "AutoencoderKL",
    "spatial_dims": 2,
    "in_channels": 1,
    "out_channels": 1,
    "channels": [8, 8],
    "num_res_blocks": [1, 1],
    "latent_channels": 1,
    "norm_num_groups": 4,
    "attention_levels": [False, False],
    "with_encoder_nonlocal_attn": False,
    "with_decoder_nonlocal_attn": False,
}


def network_of(told):
    """The network that a section describes, with weights drawn under one seed."""
    from monai.networks import nets

    given = {key: value for key, value in told.items() if key != "_target_"}
    given = {key: GAN["latent_size"] if value == "@latent_size" else value for key, value in given.items()}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = getattr(nets, told["_target_"].rpartition(".")[2])(**given)
        for parameter in network.parameters():  # MONAI leaves some at zero, so that all pictures would be alike
            torch.nn.init.normal_(parameter, std=0.2)
    return network.eval()


def bundle(folder, config=GAN, parts=(("network_def", "model"),)):
    """A MONAI bundle as its command line writes one: configs and models."""
    (folder / "configs").mkdir(parents=True)
    (folder / "models").mkdir()
    (folder / "configs" / "inference.json").write_text(json.dumps(config))
    told = {"version": "0.2.0", "task": "tests", "data_source": "nothing; weights were drawn at random"}
    (folder / "configs" / "metadata.json").write_text(json.dumps(told))
    for section, name in parts:
        torch.save(network_of(config[section]).state_dict(), folder / "models" / f"{name}.pt")
    return folder


def pipeline(folder, conditional=True):
    """A pipeline as diffusers saves one: a class-conditional transformer, or a plain denoiser."""
    from diffusers import AutoencoderKL, DDIMScheduler, DDPMPipeline, DiTPipeline, DiTTransformer2DModel, UNet2DModel

    with torch.random.fork_rng():
        torch.manual_seed(0)
        if conditional:
            transformer = DiTTransformer2DModel(
                num_attention_heads=2,
                attention_head_dim=4,
                in_channels=4,
                out_channels=8,
                num_layers=1,
                norm_num_groups=2,
                sample_size=8,
                patch_size=2,
                num_embeds_ada_norm=1000,
            )
            vae = AutoencoderKL(block_out_channels=(4, 4), norm_num_groups=2, **blocks("Encoder", "Decoder"))
            made = DiTPipeline(transformer, vae, DDIMScheduler(num_train_timesteps=20))
        else:
            unet = UNet2DModel(
                sample_size=12,
                in_channels=1,
                out_channels=1,
                block_out_channels=(4, 4),
                norm_num_groups=2,
                layers_per_block=1,
                attention_head_dim=2,
                down_block_types=("DownBlock2D", "DownBlock2D"),
                up_block_types=("UpBlock2D", "UpBlock2D"),
            )
            made = DDPMPipeline(unet, DDIMScheduler(num_train_timesteps=20))
        for part in made.components.values():
            if isinstance(part, torch.nn.Module):
                for parameter in part.parameters():
                    torch.nn.init.normal_(parameter, std=0.3)
    made.save_pretrained(folder, safe_serialization=True)
    (folder / "README.md").write_text("---\nlicense: mit\ndatasets: none\n---\nTiny.\n")
    return folder


def blocks(down, up):
    """Two levels of an autoencoder of diffusers."""
    return {"down_block_types": (f"Down{down}Block2D",) * 2, "up_block_types": (f"Up{up}Block2D",) * 2}
