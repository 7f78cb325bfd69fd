"""The two bodies of DCGAN, shared by the GANs that kept them; drawn by transposed convolutions, as published."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from radassay.generators.gan.game import Game
from radassay.generators.gan.networks import SMALLEST, ConditionalNorm, activate, channels
from radassay.generators.gan.settings import GAN

KERNEL = 5
"""Side of the kernels. It is no multiple of the stride: that weaves the checkerboard (Odena et al. 2016)."""
EMBEDDED = 32
"""Length of the vector that stands for a class before the generator."""
HEARD = 0.125
"""Spread of the first weights from noise to gain and shift."""

Norm = Callable[[int], nn.Module]
"""Makes the normalisation of so many channels."""


@dataclass(frozen=True)
class ConvolutionalGAN(GAN):
    """Settings of a GAN in the bodies of DCGAN.

    In the published bodies noise enters at the first layer alone. On 400 simulated chests of 64 pixels AC-GAN so built
    drew one picture a class after 8,000 images: 0.06 of the diversity of real ones. With noise at each layer DCGAN had
    0.81 after 3,328. Which of the two is trained is a setting.
    """

    batch_size: int = 8
    """Real images in one step; the paper has 128, and a card for it."""
    generator_rate: float = 1e-3
    """Learning rate of the generator; the paper has 2e-4 for both networks."""
    discriminator_rate: float = 3e-4
    """Learning rate of the discriminator; at 1e-3 that of DCGAN won within 200 steps."""
    noise_at_each_layer: bool = True
    """Whether noise and class also set gain and shift of each norm; in the paper they do not."""


def layer_norm(channels: int) -> nn.Module:
    """Return the normalisation of each picture by itself over channels and places."""
    return nn.GroupNorm(1, channels)


class TransposedGenerator(nn.Module):
    """Noise, and a class unless there is none to know, to pictures (Radford et al. 2016, fig. 1).

    Args:
        size: side of the pictures, a power of two from 16.
        classes: number of classes that it is told of; 0 tells it nothing.
        width: channels at full size, if there were any but the picture's; half as many as at half the size.
        latent_dim: length of the noise.
        norm: of the features, all but the picture's.
        told: whether noise and class also set the gain and the shift of each norm.
    """

    def __init__(
        self,
        size: int,
        classes: int,
        width: int,
        latent_dim: int,
        norm: Norm = nn.BatchNorm2d,
        *,
        told: bool = False,
    ) -> None:
        super().__init__()
        self.told = told
        self.embedding = nn.Embedding(classes, EMBEDDED) if classes else None
        incoming = self.first = channels(width, SMALLEST, size)
        condition = latent_dim + (EMBEDDED if classes else 0)
        self.project = nn.Linear(condition, incoming * SMALLEST**2, bias=False)
        self.norms, self.layers = nn.ModuleList([norm(incoming)]), nn.ModuleList()
        side = SMALLEST
        while side < size:
            side *= 2
            last = side == size
            outgoing = 1 if last else channels(width, side, size)
            self.layers.append(
                nn.ConvTranspose2d(incoming, outgoing, KERNEL, 2, KERNEL // 2, output_padding=1, bias=last)
            )
            if not last:
                self.norms.append(norm(outgoing))
            incoming = outgoing
        self.apply(start_small)
        if told:
            widths = [layer.in_channels for layer in self.layers if isinstance(layer, nn.ConvTranspose2d)]
            self.norms = nn.ModuleList([ConditionalNorm(c, condition, norm(c), start=HEARD) for c in widths])

    def forward(self, noise: Tensor, classes: Tensor) -> Tensor:
        """Return (n, 1, size, size) in [-1, 1] from noise (n, latent_dim) and class numbers (n,)."""
        if self.embedding is not None:
            noise = torch.cat([noise, self.embedding(classes)], dim=1)
        x = self.project(noise).view(-1, self.first, SMALLEST, SMALLEST)
        x = x.contiguous(memory_format=torch.channels_last)
        for norm, layer in zip(self.norms, self.layers, strict=True):
            x = layer(F.relu(norm(x, noise) if self.told else norm(x)))
        return torch.tanh(x.float())


class StridedDiscriminator(nn.Module):
    """Pictures, and their class unless there is none to know, to scores (Radford et al. 2016, section 3).

    Args:
        size: side of the pictures, a power of two from 16.
        classes: number of classes that it is told of; 0 tells it nothing. A plane for each, of ones for the class in
            question and else of zeros, stands beside the picture and the features of every layer, as in the
            authors' conditional program (github.com/Newmu/dcgan_code).
        width: channels at full size, if there were any but the picture's; half as many as at half the size.
        norm: of the features, all but the first; none where the loss asks each picture by itself.
        guessed: number of classes that it guesses at, next to its score (Odena et al. 2017); 0 guesses nothing.
    """

    def __init__(
        self, size: int, classes: int, width: int, norm: Norm | None = nn.BatchNorm2d, guessed: int = 0
    ) -> None:
        super().__init__()
        self.classes = classes
        incoming = 1
        self.layers, self.norms = nn.ModuleList(), nn.ModuleList()
        side = size
        while side > SMALLEST:
            side //= 2
            outgoing, first = channels(width, side, size), side == size // 2
            normed = norm is not None and not first
            self.layers.append(nn.Conv2d(incoming + classes, outgoing, KERNEL, 2, KERNEL // 2, bias=not normed))
            self.norms.append(norm(outgoing) if norm is not None and normed else nn.Identity())
            incoming = outgoing
        self.score = nn.Linear(incoming * SMALLEST**2, 1 + guessed)
        self.apply(start_small if norm is not None else start_even)

    def forward(self, pictures: Tensor, classes: Tensor) -> Tensor:
        """Return scores (n,) of pictures (n, 1, size, size) in [-1, 1], higher for real.

        Where it guesses, (n, 1 + guessed): the score, then the logarithm of how likely each class is, up to a constant.
        """
        x = pictures.contiguous(memory_format=torch.channels_last)
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = activate(norm(layer(self._beside(x, classes))))
        scores: Tensor = self.score(x.flatten(1))
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def _beside(self, x: Tensor, classes: Tensor) -> Tensor:
        """Return features with the planes of their class beside them."""
        if not self.classes:
            return x
        planes = F.one_hot(classes, self.classes).to(x.dtype)[:, :, None, None].expand(-1, -1, *x.shape[2:])
        return torch.cat([x, planes], dim=1)


def start_small(module: nn.Module) -> None:
    """Draw the first weights from N(0, 0.02), gains from N(1, 0.02) (Radford et al. 2016, section 4)."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)


def start_even(module: nn.Module) -> None:
    """Draw first weights that keep the size of the features without a normalisation (He et al. 2015)."""
    if isinstance(module, (nn.Conv2d, nn.Linear)):
        nn.init.kaiming_normal_(module.weight, 0.2)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class BatchNormGame(Game):
    """The logistic game for a discriminator under batch norm, with the momentum of DCGAN."""

    betas = (0.5, 0.999)

    def judged_together(self, real: Tensor, drawn: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
        """Return the scores of real and of drawn pictures, each normalised among their like."""
        return self.judged(real, classes), self.judged(drawn, classes)
