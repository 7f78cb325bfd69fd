"""The small network, one or several side by side in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

Weights = list[Tensor]
"""Everything that one network has learned."""


class Networks(nn.Module):
    """k networks of one shape as a single one: grouped convolutions keep them apart, group i is network i.

    Batch normalisation and AdamW act on each channel or weight alone, so that nothing passes between the networks and
    each learns what it would alone, up to rounding. With k = 1 the groups vanish.
    """

    def __init__(self, widths: Sequence[int], size: int, seeds: Sequence[int]) -> None:
        """Draw network i from `seeds[i]`.

        Args:
            widths: channels of each stage, which halves the side; from 96 px on the last stage is repeated.
            size: side of the images in pixels.
            seeds: one a network.
        """
        super().__init__()
        self.count = len(seeds)
        stages = (1, *widths, widths[-1]) if size >= 96 else (1, *widths)
        *kernels, head, bias = (torch.cat(parts) for parts in zip(*(_drawn(stages, s) for s in seeds), strict=True))
        self.convolutions = nn.ModuleList()
        self.norms = nn.ModuleList()
        for (before, width), kernel in zip(pairwise(stages), kernels, strict=True):
            inward, outward = self.count * before, self.count * width
            layer = nn.Conv2d(inward, outward, 3, stride=2, padding=1, groups=self.count, bias=False, device="meta")
            layer.weight = nn.Parameter(kernel)
            self.convolutions.append(layer)
            self.norms.append(nn.BatchNorm2d(outward))
        self.head, self.bias = nn.Parameter(head), nn.Parameter(bias)
        # on one-channel kernels `contiguous` would keep strides that convolutions take for the slow layout
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def _stages(self) -> list[tuple[nn.Conv2d, nn.BatchNorm2d]]:
        pairs = zip(self.convolutions, self.norms, strict=True)
        return [(cast(nn.Conv2d, convolution), cast(nn.BatchNorm2d, norm)) for convolution, norm in pairs]

    def forward(self, pixels: Tensor) -> Tensor:
        """Return logits, (n, k), of standardised images, (n, k, size, size), in training mode."""
        for convolution, norm in self._stages:
            pixels = norm(convolution(pixels)).relu_()
        return self._pooled(pixels)

    @torch.inference_mode()
    def judge(self, pixels: Tensor) -> Tensor:
        """Return logits, (n, k), as `forward`, by the running statistics, folded into the kernels."""
        for convolution, norm in self._stages:
            mean, variance = _running(norm)
            scale = norm.weight / torch.sqrt(variance + norm.eps)
            kernel = convolution.weight.clone().mul_(scale[:, None, None, None])
            shift = norm.bias - mean * scale
            pixels = conv2d(pixels, kernel, shift, stride=2, padding=1, groups=self.count).relu_()
        return self._pooled(pixels)

    def _pooled(self, features: Tensor) -> Tensor:
        # bfloat16 would leave ties between scores, so the last sums are in full precision
        means = features.to(self.head.dtype).mean(dim=(2, 3)).reshape(len(features), *self.head.shape)
        logits: Tensor = (means * self.head).sum(dim=2) + self.bias
        return logits

    def copy_of(self, i: int) -> Weights:
        """Return a copy of what network i has learned."""
        return [part[i].clone() for part in self._parts()]

    def put_back(self, i: int, weights: Weights) -> None:
        """Set network i to what `copy_of` returned."""
        for part, kept in zip(self._parts(), weights, strict=True):
            part[i].copy_(kept)

    def _parts(self) -> list[Tensor]:
        """Return all that is learned, (k, ...) each."""
        running = [buffer for _, norm in self._stages for buffer in _running(norm)]
        return [t.detach().view(self.count, -1, *t.shape[1:]) for t in (*self.parameters(), *running)]


def _running(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Return running mean and variance, which torch declares as if they could be missing."""
    return cast(Tensor, norm.running_mean), cast(Tensor, norm.running_var)


def _drawn(stages: Sequence[int], seed: int) -> list[Tensor]:
    """Return kernels (He et al. 2015), head (1, width) and bias (1,); the global random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        kernels = []
        for before, width in pairwise(stages):
            convolution = nn.Conv2d(before, width, 3, bias=False)
            nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
            kernels.append(convolution.weight.detach())
        head = nn.Linear(stages[-1], 1)
    return [*kernels, head.weight.detach(), head.bias.detach()]
