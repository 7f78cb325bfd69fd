"""What the two networks play for: relativistic pairing with zero-centred gradient penalties."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def discriminator_loss(real: Tensor, drawn: Tensor) -> Tensor:
    """Return E[softplus(-(D(x) - D(G(z))))], the relativistic pairing loss (Jolicoeur-Martineau 2019).

    A real picture is scored against a drawn one of the same class; this has no minimum in which several modes
    collapse into one, and with both penalties it converges locally (R3GAN, Huang et al. 2024, eq. 2 and prop. 2).
    """
    return F.softplus(drawn - real).mean()


def generator_loss(real: Tensor, drawn: Tensor) -> Tensor:
    """Return E[softplus(-(D(G(z)) - D(x)))], the other side of `discriminator_loss`."""
    return F.softplus(real - drawn).mean()


def gradient_penalty(scores: Tensor, pictures: Tensor) -> Tensor:
    """Return R1 + R2: E|grad D|^2 at real pictures plus E|grad D|^2 at drawn ones (Mescheder et al. 2018, eq. 9, 10).

    Args:
        scores: (2n,) of real pictures followed by drawn ones.
        pictures: (2n, 1, size, size) that the scores came from, with gradient.
    """
    (gradient,) = torch.autograd.grad(scores.sum(), pictures, create_graph=True)
    # The mean over 2n pictures, twice: a mean over real ones plus a mean over drawn ones.
    return 2 * gradient.float().square().sum(dim=(1, 2, 3)).mean()
