"""The running average of a network's weights, from which is sampled."""

from __future__ import annotations

import torch
from torch import nn


class WeightAverage:
    """Exponential moving average of parameters and of normalisation statistics (Yaz et al. 2019).

    Args:
        model: a copy of the network to average; it is changed in place.
        half_life: images after which a weight counts half. Early on it is at most a twentieth of the images seen, so
            that the average is not held back by the first, untrained weights (the ramp-up of StyleGAN2-ADA).
    """

    def __init__(self, model: nn.Module, half_life: int) -> None:
        self.model = model.requires_grad_(False)
        self.half_life = half_life

    @torch.no_grad()
    def update(self, model: nn.Module, images_seen: int, images: int) -> None:
        """Move towards the model's weights after `images` more images, `images_seen` in all."""
        half_life = max(min(float(self.half_life), 0.05 * images_seen), 1e-6)
        towards = 1 - 0.5 ** (images / half_life)
        torch._foreach_lerp_(list(self.model.parameters()), list(model.parameters()), towards)
        for kept, new in zip(self.model.buffers(), model.buffers(), strict=True):
            if kept.dtype.is_floating_point:
                kept.lerp_(new, towards)
            else:
                kept.copy_(new)
