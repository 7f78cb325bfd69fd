"""What the two networks play for: the logistic loss, its non-saturating side, and a gradient penalty on real ones."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def discriminator_loss(real: Tensor, drawn: Tensor) -> Tensor:
    """Return E[softplus(-D(x))] + E[softplus(D(G(z)))] (Mescheder et al. 2018, eq. 1 with f(t) = -softplus(-t))."""
    return F.softplus(-real).mean() + F.softplus(drawn).mean()


def generator_loss(drawn: Tensor) -> Tensor:
    """Return E[softplus(-D(G(z)))]: steep where the discriminator is sure (Goodfellow et al. 2014, section 3)."""
    return F.softplus(-drawn).mean()


def gradient_penalty(scores: Tensor, pictures: Tensor) -> Tensor:
    """Return R1 = E|grad D|^2 at real pictures, which makes the game converge (Mescheder et al. 2018, eq. 9).

    Args:
        scores: (n,) of real pictures.
        pictures: (n, 1, size, size) that the scores came from, with gradient.
    """
    (gradient,) = torch.autograd.grad(scores.sum(), pictures, create_graph=True)
    return gradient.float().square().sum(dim=(1, 2, 3)).mean()
