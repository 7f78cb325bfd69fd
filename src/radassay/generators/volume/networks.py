"""The networks of the volume flow: one denoises the whole body coarsely, the other fine tiles of it."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from radassay.generators.diffusion.preconditioning import scales

CHANNELS = (1, 2, 4)
"""Channels at full, half and quarter side, in units of the width."""
MULTIPLE = 2 ** (len(CHANNELS) - 1)
"""What every side that goes into `UNet3d` must be a multiple of."""
GROUPS = 4


class Condition(nn.Module):
    """Noise level, class and voxel spacing as one vector."""

    def __init__(self, classes: int, length: int) -> None:
        super().__init__()
        self.frequencies = 16
        self.level = nn.Linear(2 * self.frequencies, length)
        self.label = nn.Embedding(classes, length)
        self.spacing = nn.Linear(3, length)
        self.mix = nn.Linear(length, length)
        nn.init.normal_(self.label.weight, 0.0, 0.5)

    def forward(self, level: Tensor, classes: Tensor, spacing: Tensor) -> Tensor:
        """Return (n, length) from scaled noise levels (n,), class numbers (n,) and log spacing (n, 3)."""
        turns = torch.arange(1, self.frequencies + 1, device=level.device) * (math.pi / 2)
        angle = level.float()[:, None] * turns
        waves = self.level(torch.cat([angle.sin(), angle.cos()], dim=1))
        mixed: Tensor = self.mix(F.silu(waves + self.label(classes) + self.spacing(spacing)))
        return F.silu(mixed)


class Block3d(nn.Module):
    """A residual block: normalise, convolve, twice; the condition scales and shifts (Dhariwal & Nichol 2021)."""

    def __init__(self, incoming: int, outgoing: int, condition: int) -> None:
        super().__init__()
        self.first_norm = nn.GroupNorm(math.gcd(GROUPS, incoming), incoming)
        self.first = nn.Conv3d(incoming, outgoing, 3, padding=1)
        self.affine = nn.Linear(condition, 2 * outgoing)
        self.second_norm = nn.GroupNorm(math.gcd(GROUPS, outgoing), outgoing, affine=False)
        self.second = nn.Conv3d(outgoing, outgoing, 3, padding=1)
        self.skip = nn.Conv3d(incoming, outgoing, 1) if incoming != outgoing else nn.Identity()
        for parameter in (*self.second.parameters(), *self.affine.parameters()):
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Return (n, outgoing, d, h, w)."""
        gain, shift = self.affine(condition)[:, :, None, None, None].chunk(2, dim=1)
        inner = self.first(F.silu(self.first_norm(x)))
        inner = torch.addcmul(
            shift.to(inner.dtype), self.second_norm(inner).to(inner.dtype), (1 + gain).to(inner.dtype)
        )
        out: Tensor = self.skip(x) + self.second(F.silu(inner))
        return out


class UNet3d(nn.Module):
    """A small U-Net over volumes; lean at full side, where voxels are many.

    Args:
        incoming: channels that come in.
        width: channels at full side.
        classes: number of classes.
    """

    def __init__(self, incoming: int, width: int, classes: int) -> None:
        super().__init__()
        full, half, quarter = (width * c for c in CHANNELS)
        length = 8 * width
        self.condition = Condition(classes, length)
        self.stem = nn.Conv3d(incoming, full, 3, padding=1)
        self.down_half = nn.Conv3d(full, half, 2, stride=2)
        self.at_half = Block3d(half, half, length)
        self.down_quarter = nn.Conv3d(half, quarter, 2, stride=2)
        self.at_quarter = nn.ModuleList(Block3d(quarter, quarter, length) for _ in range(2))
        self.up_half = nn.Conv3d(quarter, half, 1)
        self.joined_half = Block3d(2 * half, half, length)
        self.up_full = nn.Conv3d(half, full, 1)
        self.joined_full = Block3d(2 * full, full, length)
        self.last = nn.Conv3d(full, 1, 3, padding=1)
        for parameter in self.last.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor, level: Tensor, classes: Tensor, spacing: Tensor) -> Tensor:
        """Return (n, 1, d, h, w) for volumes (n, incoming, d, h, w)."""
        condition = self.condition(level, classes, spacing)
        full = self.stem(x.contiguous(memory_format=torch.channels_last_3d))
        half = self.at_half(self.down_half(full), condition)
        quarter = self.down_quarter(half)
        device = x.device.type
        # on processors, oneDNN's bfloat16 weight gradients of volumes two slices deep hold memory that nobody wrote
        whole = device != "cpu" or quarter.shape[2] != 2
        with torch.autocast(device, dtype=torch.bfloat16, enabled=torch.is_autocast_enabled(device) and whole):
            for block in self.at_quarter:
                quarter = block(quarter if whole else quarter.float(), condition if whole else condition.float())
        half = self.joined_half(torch.cat([half, _doubled(self.up_half(quarter))], dim=1), condition)
        full = self.joined_full(torch.cat([full, _doubled(self.up_full(half))], dim=1), condition)
        out: Tensor = self.last(F.silu(full))
        return out.float()


class Cascade(nn.Module):
    """Two denoisers: of the body at a fraction of the sides, and of fine tiles given that (Ho et al. 2022).

    Both work on data of mean 0 and deviation 1 under the scales of `diffusion/preconditioning.py`.

    Args:
        classes: number of classes.
        coarse_width: width of the network of the whole body.
        width: width of the network of the tiles.
        factor: how many times coarser the body is drawn, along each axis.
        coarse_shape: the coarse grid of the training volumes.
    """

    coarse_mean: Tensor
    coarse_deviation: Tensor
    residual_deviation: Tensor

    def __init__(
        self, classes: int, coarse_width: int, width: int, factor: int, coarse_shape: tuple[int, int, int]
    ) -> None:
        super().__init__()
        self.factor, self.coarse_shape = factor, coarse_shape
        self.coarse = UNet3d(1 + 3, coarse_width, classes)
        self.fine = UNet3d(2 + 3, width, classes)
        for scale in ("coarse_mean", "coarse_deviation", "residual_deviation"):
            self.register_buffer(scale, torch.ones(()))

    @staticmethod
    def denoised(
        network: nn.Module, noisy: Tensor, sigma: Tensor, seen: Tensor, classes: Tensor, spacing: Tensor
    ) -> Tensor:
        """Return the expected clean data, (n, 1, d, h, w).

        Args:
            network: `coarse` or `fine`.
            noisy: (n, 1, d, h, w).
            sigma: noise levels (n,).
            seen: what else the network looks at, (n, k, d, h, w).
            classes: class numbers (n,).
            spacing: log spacing (n, 3).
        """
        c = scales(sigma)
        # the scales are shaped for pictures
        into, skip, out = (value[..., None] for value in (c.into, c.skip, c.out))
        found: Tensor = network(torch.cat([into * noisy, seen], dim=1), c.noise.flatten(), classes, spacing)
        return skip * noisy + out * found

    def shrunk(self, volumes: Tensor) -> Tensor:
        """Return volumes (n, 1, d, h, w) in [-1, 1] as coarse ones of mean 0 and deviation 1, over all."""
        return (F.avg_pool3d(volumes, self.factor) - self.coarse_mean) / self.coarse_deviation

    def enlarged(self, coarse: Tensor) -> Tensor:
        """Return coarse volumes at full side, in [-1, 1], smoothly."""
        grey = coarse * self.coarse_deviation + self.coarse_mean
        return F.interpolate(grey, scale_factor=self.factor, mode="trilinear", align_corners=False)


def places(start: tuple[int, ...], shape: tuple[int, ...], whole: tuple[int, ...], trained: tuple[int, ...]) -> Tensor:
    """Return where the voxels of a tile lie, (3, d, h, w): -1 to 1 over the field that the training volumes show.

    Args:
        start: first voxel of the tile.
        shape: of the tile.
        whole: shape of the volume that the tile is part of; its middle is that of the body.
        trained: shape of the training volumes.
    """
    along = [
        (torch.arange(first, first + length) + 0.5 - n / 2) / (full / 2)
        for first, length, n, full in zip(start, shape, whole, trained, strict=True)
    ]
    return torch.stack(torch.meshgrid(*along, indexing="ij"))


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")
