"""Our diffusion networks against MONAI's of about the same size: images a second forwards and backwards, one thread.

    OMP_NUM_THREADS=1 python benchmarks/diffusion_networks.py        # needs the extra `monai`, and einops

bfloat16, batches of 8 at 64 px (denoisers; MONAI's is given the same squares of 2 x 2 pixels as channels) and of 4 at
128 px (autoencoders to 32 x 32 x 4). The fastest of six passes each, in CPU-seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

PASSES = 6


def main() -> None:
    """Time the four networks."""
    import torch
    from monai.networks.nets import AutoencoderKL, DiffusionModelUNet

    from radassay.generators.diffusion.autoencoder import Autoencoder
    from radassay.generators.diffusion.networks import UNet

    torch.set_num_threads(1)

    def rate(network: Any, call: Callable[[], Any], images: int) -> str:
        fastest = float("inf")
        for _ in range(1 + PASSES):
            begun = time.process_time()
            with torch.autocast("cpu", dtype=torch.bfloat16):
                made = call()
            made.float().square().mean().backward()
            network.zero_grad()
            fastest = min(fastest, time.process_time() - begun)
        size = sum(p.numel() for p in network.parameters())
        return f"{images / fastest:.0f} images a second, {size:,} parameters"

    noise, classes = torch.zeros(8), torch.zeros(8, dtype=torch.long)
    pictures, squares, large = torch.randn(8, 1, 64, 64), torch.randn(8, 4, 32, 32), torch.randn(4, 1, 128, 128)
    ours = UNet(64, 1, 2, width=32, patch=2, blocks=1)
    print("denoiser, ours:", rate(ours, lambda: ours(pictures, noise, classes), 8))
    theirs = DiffusionModelUNet(
        spatial_dims=2, in_channels=4, out_channels=4, channels=(32, 64, 96), attention_levels=(False, False, True),
        num_res_blocks=1, num_head_channels=32, norm_num_groups=16, num_class_embeds=3, use_flash_attention=True,
    )  # fmt: skip
    print("denoiser, MONAI:", rate(theirs, lambda: theirs(squares, timesteps=noise, class_labels=classes), 8))
    small = Autoencoder(4, 4, 16)
    latents = torch.randn(4, 4, 32, 32)
    print("autoencoder, ours:", rate(small, lambda: small(large, latents, 1e-3), 4))
    other = AutoencoderKL(
        spatial_dims=2, in_channels=1, out_channels=1, channels=(16, 32, 32), attention_levels=(False, False, False),
        num_res_blocks=1, latent_channels=4, norm_num_groups=16, with_encoder_nonlocal_attn=False,
        with_decoder_nonlocal_attn=False,
    )  # fmt: skip
    print("autoencoder, MONAI:", rate(other, lambda: other(large)[0], 4))


if __name__ == "__main__":
    main()
