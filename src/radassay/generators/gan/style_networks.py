"""The two networks of StyleGAN2: a picture painted under styles, and a residual discriminator (Karras et al. 2020)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from radassay.generators.blocks import EqualisedConv2d, EqualisedLinear, PixelNorm
from radassay.generators.gan.networks import SMALLEST, activate, channels, deviation, group_of


def enlarge_smoothly(x: Tensor) -> Tensor:
    """Return twice the side; away from edges this is the filter (1, 3, 3, 1) of the paper."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class Mapping(nn.Module):
    """Noise and class to a style, (n, length): two layers that learn a hundredth as fast."""

    def __init__(self, latent_dim: int, classes: int, length: int) -> None:
        super().__init__()
        self.norm = PixelNorm()
        self.embedding = nn.Embedding(classes, latent_dim)
        self.layers = nn.ModuleList(
            [EqualisedLinear(2 * latent_dim, length, rate=0.01), EqualisedLinear(length, length, rate=0.01)]
        )

    def forward(self, z: Tensor, classes: Tensor) -> Tensor:
        """Return the styles of noise (n, latent_dim) and class numbers (n,)."""
        x = torch.cat([self.norm(z), self.norm(self.embedding(classes))], dim=1)
        for layer in self.layers:
            x = activate(layer(x))
        return x


class ModulatedConv(nn.Module):
    """Convolution whose incoming channels are weighted by a style (Karras et al. 2020, section 2.2, eq. 1 and 3).

    The style scales what comes in and the demodulation what goes out: the same as weights made for each picture,
    without a group for each picture.

    Args:
        incoming: channels in.
        outgoing: channels out.
        kernel: side of the kernel.
        style: length of the style.
        demodulate: whether outputs are brought back to unit variance.
    """

    def __init__(self, incoming: int, outgoing: int, kernel: int, style: int, *, demodulate: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outgoing, incoming, kernel, kernel))
        self.style = EqualisedLinear(style, incoming, gain=1.0, start=1.0)
        self.scale = 1 / math.sqrt(incoming * kernel**2)
        self.demodulate = demodulate

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Return (n, outgoing, h, w) of (n, incoming, h, w) and styles (n, length)."""
        gain = self.style(style).float()
        weight = self.weight * self.scale
        y = F.conv2d(x * gain[:, :, None, None].to(x.dtype), weight, padding=weight.shape[-1] // 2)
        if not self.demodulate:
            return y
        with torch.autocast(x.device.type, enabled=False):
            power = gain.square() @ weight.square().sum(dim=(2, 3)).T
        return y * torch.rsqrt(power + 1e-8)[:, :, None, None].to(y.dtype)


class StyledLayer(nn.Module):
    """Modulated convolution, noise, bias, leaky rectifier."""

    def __init__(self, incoming: int, outgoing: int, style: int) -> None:
        super().__init__()
        self.conv = ModulatedConv(incoming, outgoing, 3, style)
        self.strength = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(outgoing, 1, 1))

    def forward(self, x: Tensor, style: Tensor, noise: Tensor) -> Tensor:
        """Return (n, outgoing, h, w); noise is (n, 1, h, w)."""
        return activate(self.conv(x, style) + noise * self.strength + self.bias) * math.sqrt(2)


class StyleNetwork(nn.Module):
    """Noise and class to pictures: a constant painted over under one style a layer, pictures of all sides added up.

    Noise holds both the latent vector and the maps of every layer, so that a picture depends on its row alone.

    Args:
        size: side of the pictures, a power of two.
        classes: number of classes.
        width: channels at full size.
        latent_dim: length of the latent vector, and of the styles.
    """

    def __init__(self, size: int, classes: int, width: int, latent_dim: int) -> None:
        super().__init__()
        self.z_dim = latent_dim
        self.mapping = Mapping(latent_dim, classes, latent_dim)
        sides = [SMALLEST * 2**k for k in range(int(math.log2(size // SMALLEST)) + 1)]
        counts = [channels(width, side, size) for side in sides]
        self.constant = nn.Parameter(torch.randn(counts[0], SMALLEST, SMALLEST))
        self.layers, self.pictures = nn.ModuleList(), nn.ModuleList()
        self.maps: list[int] = []
        incoming = counts[0]
        for side, outgoing in zip(sides, counts, strict=True):
            for _ in range(1 if side == SMALLEST else 2):
                self.layers.append(StyledLayer(incoming, outgoing, latent_dim))
                self.maps.append(side)
                incoming = outgoing
            self.pictures.append(ModulatedConv(outgoing, 1, 1, latent_dim, demodulate=False))
        self.bias = nn.Parameter(torch.zeros(len(sides)))
        self.styles = len(self.layers) + 1
        """Styles that a picture takes."""
        self.latent_dim = latent_dim + sum(side**2 for side in self.maps)
        """Length of a row of noise."""

    def forward(
        self, noise: Tensor, classes: Tensor, other: Tensor | None = None, crossover: Tensor | None = None
    ) -> Tensor:
        """Return (n, 1, size, size) around [-1, 1]; see `style` for the last two."""
        return self.paint(self.style(noise, classes, other, crossover), noise)

    def style(
        self, noise: Tensor, classes: Tensor, other: Tensor | None = None, crossover: Tensor | None = None
    ) -> Tensor:
        """Return (n, styles, length); from layer `crossover` (n,) on, the styles of `other` (n, z_dim)."""
        styles: Tensor = self.mapping(noise[:, : self.z_dim], classes)[:, None].expand(-1, self.styles, -1)
        if other is None or crossover is None:
            return styles
        second = self.mapping(other, classes)[:, None]
        late = torch.arange(self.styles, device=noise.device)[None] >= crossover[:, None]
        return torch.where(late[:, :, None], second, styles)

    def paint(self, styles: Tensor, noise: Tensor) -> Tensor:
        """Return (n, 1, size, size) from styles and rows of noise."""
        n, maps = len(noise), torch.split(noise[:, self.z_dim :], [side**2 for side in self.maps], dim=1)
        x = self.constant.expand(n, -1, -1, -1).contiguous(memory_format=torch.channels_last)
        picture, at = torch.zeros((), device=noise.device), 0
        for level, draw in enumerate(self.pictures):
            if level:
                x, picture = enlarge_smoothly(x), enlarge_smoothly(picture)
            for _ in range(2 if level else 1):
                side = self.maps[at]
                x = self.layers[at](x, styles[:, at], maps[at].view(n, 1, side, side))
                at += 1
            picture = picture + draw(x, styles[:, at]).float() + self.bias[level]
        return picture


class ResidualHalving(nn.Module):
    """Two convolutions beside a short cut, at half the side."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        super().__init__()
        self.first = EqualisedConv2d(incoming, incoming, 3)
        self.second = EqualisedConv2d(incoming, outgoing, 3)
        self.short = EqualisedConv2d(incoming, outgoing, 1, gain=1.0, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, outgoing, h / 2, w / 2)."""
        y = activate(self.second(F.avg_pool2d(activate(self.first(x)), 2)))
        shortened: Tensor = self.short(F.avg_pool2d(x, 2))
        return (y + shortened) * math.sqrt(0.5)


class StyleJudge(nn.Module):
    """Pictures and classes to scores: residual blocks, minibatch deviation, projection of the class."""

    def __init__(self, size: int, classes: int, width: int) -> None:
        super().__init__()
        incoming, side = channels(width, size, size), size
        self.picture = EqualisedConv2d(1, incoming, 1)
        self.blocks = nn.ModuleList()
        while side > SMALLEST:
            side //= 2
            outgoing = channels(width, side, size)
            self.blocks.append(ResidualHalving(incoming, outgoing))
            incoming = outgoing
        self.last = EqualisedConv2d(incoming + 1, incoming, 3)
        self.flat = EqualisedLinear(incoming * SMALLEST**2, incoming)
        self.score = EqualisedLinear(incoming, incoming, gain=1.0)
        self.embedding = nn.Embedding(classes, incoming)

    def forward(self, pictures: Tensor, classes: Tensor, halves: int = 1) -> Tensor:
        """Return scores (n,) of pictures (n, 1, size, size); `halves` as in the projection GAN's."""
        group = group_of(len(pictures) // halves)
        x = activate(self.picture(pictures.contiguous(memory_format=torch.channels_last)))
        for block in self.blocks:
            x = block(x)
        x = activate(self.last(torch.cat([x, deviation(x, group).to(x.dtype)], dim=1)))
        x = self.score(activate(self.flat(x.flatten(1)))).float()
        scores: Tensor = (x * self.embedding(classes)).sum(dim=1) / math.sqrt(x.shape[1])
        return scores
