"""The networks of the translators: a residual one, a U-Net and a judge of patches; all normalise each image alone."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from radassay.generators.gan.networks import SMALLEST, activate, enlarge

INITIAL = 0.02
"""Standard deviation of the first weights (Zhu et al. 2017, section 7.2)."""


def initialised(network: nn.Module) -> nn.Module:
    """Draw all weights of convolutions from a normal distribution of standard deviation `INITIAL`."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.weight, 0.0, INITIAL)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return network


def normalised(x: Tensor) -> Tensor:
    """Return features with mean 0 and variance 1 in each channel of each image (Ulyanov et al. 2016)."""
    # torch 2.13's instance_norm returns wrong gradients for one image under channels-last kernels.
    return F.group_norm(x.contiguous(), x.shape[1])


def as_channels(numbers: Tensor, kinds: int, like: Tensor) -> Tensor:
    """Return class numbers (n,) or maps of them (n, size, size) as `kinds` channels of the size of `like`."""
    hot = F.one_hot(numbers, kinds)
    spread = hot[:, None, None] if numbers.ndim == 1 else hot
    return spread.expand(-1, *like.shape[-2:], -1).movedim(-1, 1).to(torch.float32)


class Residual(nn.Module):
    """x + f(x) of two convolutions with reflected edges (R256 of Zhu et al. 2017, section 7.2)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect", bias=False)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect", bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape."""
        return x + normalised(self.second(F.relu(normalised(self.first(x)))))


class ResNetTranslator(nn.Module):
    """Picture to picture: c7s1-k, d2k, d4k, residual blocks, u2k, uk, c7s1-1 (Zhu et al. 2017, section 7.2).

    Enlarging repeats pixels before a convolution, where the paper has transposed convolutions, which leave a
    checkerboard (Odena et al. 2016).

    Args:
        width: channels at full size, k (64 in the paper).
        blocks: residual blocks (6 at 128 px, 9 at 256 px in the paper).
        additive: whether what is drawn is added to the picture, as in VA-GAN (Baumgartner et al. 2018, section 3.1),
            or takes its place, as in the paper.
    """

    def __init__(self, width: int, blocks: int, additive: bool = False) -> None:
        super().__init__()
        k, self.additive = width, additive
        self.first = nn.Conv2d(1, k, 7, padding=3, padding_mode="reflect", bias=False)
        self.down = nn.ModuleList([nn.Conv2d(a, 2 * a, 3, stride=2, padding=1, bias=False) for a in (k, 2 * k)])
        self.blocks = nn.Sequential(*(Residual(4 * k) for _ in range(blocks)))
        self.up = nn.ModuleList([nn.Conv2d(2 * a, a, 3, padding=1, bias=False) for a in (2 * k, k)])
        self.picture = nn.Conv2d(k, 1, 7, padding=3, padding_mode="reflect")
        initialised(self)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return pictures (n, 1, size, size), in [-1, 1] unless added to, from pictures in [-1, 1]."""
        x = F.relu(normalised(self.first(pictures)))
        for layer in self.down:
            x = F.relu(normalised(layer(x)))
        x = self.blocks(x)
        for layer in self.up:
            x = F.relu(normalised(layer(enlarge(x))))
        drawn = torch.tanh(self.picture(x).float())
        return pictures + drawn if self.additive else drawn


class PatchJudge(nn.Module):
    """A score for each of many overlapping patches (PatchGAN: Isola et al. 2017, section 3.2.2).

    The paper's patches are 70 px of 256; here a patch is about half as wide as the picture: 16 px at 16 and 32 px,
    34 px at 64 px, 70 px from 128 px on.

    Args:
        incoming: channels of what is judged, conditions included.
        size: side of the pictures.
        width: channels of the first layer (64 in the paper).
    """

    def __init__(self, incoming: int, size: int, width: int) -> None:
        super().__init__()
        halvings = min(max(int(math.log2(size)) - 4, 1), 3)
        channels = [width * min(2**i, 8) for i in range(halvings + 1)]
        self.first = nn.Conv2d(incoming, channels[0], 4, stride=2, padding=1)
        self.layers = nn.ModuleList(
            nn.Conv2d(channels[i], channels[i + 1], 4, stride=2 if i + 1 < halvings else 1, padding=1, bias=False)
            for i in range(halvings)
        )
        self.score = nn.Conv2d(channels[-1], 1, 4, padding=1)
        initialised(self)

    def forward(self, seen: Tensor) -> Tensor:
        """Return scores (n, 1, h, w), near 1 for real, of (n, incoming, size, size)."""
        x = activate(self.first(seen))
        for layer in self.layers:
            x = activate(normalised(layer(x)))
        scores: Tensor = self.score(x).float()
        return scores


class ClassNorm(nn.Module):
    """Normalisation of each image alone, with a gain and a shift of each class (Dumoulin et al. 2017, eq. 5).

    The shift comes after the normalisation, which would take it away again.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.affine = nn.Embedding(classes, 2 * channels)
        nn.init.normal_(self.affine.weight, 0.0, 0.05)

    def forward(self, x: Tensor, classes: Tensor) -> Tensor:
        """Return (n, c, h, w) normalised, by class numbers (n,)."""
        gain, shift = self.affine(classes)[:, :, None, None].to(x.dtype).chunk(2, dim=1)
        made: Tensor = normalised(x) * (1 + gain) + shift
        return made


class UNet(nn.Module):
    """Map and class to a picture, with a skip connection at every size (Isola et al. 2017, sections 3.2.1 and 6.1.1).

    Dropout in the innermost layers of the decoder is the only noise, as in the paper, and stays on when sampling; it
    is given from outside: where a number of the noise is negative, a feature is dropped, which is half of them.

    Args:
        size: side of the pictures, a power of two from 16.
        kinds: kinds of place in the maps.
        classes: number of classes.
        width: channels at full size (64 in the paper); they double as the side halves, up to eight times as many.
        dropped: layers of the decoder with dropout, from the innermost (3 in the paper).
    """

    def __init__(self, size: int, kinds: int, classes: int, width: int, dropped: int = 3) -> None:
        super().__init__()
        self.kinds, self.classes = kinds, classes
        sides = [size >> i for i in range(1, int(math.log2(size // SMALLEST)) + 1)]
        outgoing = [width * min(2**i, 8) for i in range(len(sides))]
        incoming = [kinds + classes, *outgoing[:-1]]
        self.down = nn.ModuleList(
            nn.Conv2d(a, b, 4, stride=2, padding=1) for a, b in zip(incoming, outgoing, strict=True)
        )
        self.up, self.norms = nn.ModuleList(), nn.ModuleList()
        x = outgoing[-1]
        for skip in reversed([width, *outgoing[:-1]]):
            self.up.append(nn.Conv2d(x, skip, 3, padding=1, bias=False))
            self.norms.append(ClassNorm(skip, classes))
            x = 2 * skip
        inner = list(reversed([width, *outgoing[:-1]]))[:dropped]
        self.holes = [(c, SMALLEST * 2 ** (i + 1)) for i, c in enumerate(inner)]
        self.latent_dim = sum(c * side * side for c, side in self.holes)
        """Length of the noise behind each image."""
        self.first = nn.Conv2d(kinds + classes, width, 3, padding=1)
        self.picture = nn.Conv2d(2 * width, 1, 3, padding=1)
        initialised(self)

    def forward(self, maps: Tensor, classes: Tensor, noise: Tensor) -> Tensor:
        """Return (n, 1, size, size) in [-1, 1] from maps (n, size, size), class numbers (n,), noise (n, latent_dim)."""
        given = torch.cat([as_channels(maps, self.kinds, maps), as_channels(classes, self.classes, maps)], dim=1)
        skips, x = [activate(self.first(given))], given
        for number, layer in enumerate(self.down):
            x = layer(x)
            x = activate(x if number in (0, len(self.down) - 1) else normalised(x))
            skips.append(x)
        kept = torch.split(noise, [c * side * side for c, side in self.holes], dim=1)
        x = skips.pop()
        for number, (layer, norm) in enumerate(zip(self.up, self.norms, strict=True)):
            x = norm(layer(enlarge(x)), classes)
            if number < len(kept):
                x = x * 2 * (kept[number].view(-1, *x.shape[1:]) > 0)
            x = torch.cat([F.relu(x), skips.pop()], dim=1)
        return torch.tanh(self.picture(x).float())
