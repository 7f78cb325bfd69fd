"""The Wasserstein game: a critic whose slope is held at one, after Gulrajani et al. 2017."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from radassay.generators.gan.game import Game, Turn
from radassay.generators.gan.settings import GAN


@dataclass(frozen=True)
class WassersteinGAN(GAN):
    """Settings of a GAN that plays the Wasserstein game."""

    limits: ClassVar[Mapping[str, tuple[float, float]]] = {
        **GAN.limits,
        "critic_steps": (1, 1000),
        "penalty": (0, 1e6),
    }

    critic_steps: int = 5
    """Steps of the critic before each one of the generator."""
    penalty: float = 10.0
    """Weight of the penalty on slopes other than one."""


@dataclass
class MixedTurn(Turn):
    """A turn in which each real picture is mixed with a drawn one."""

    mixed: Tensor = field(default_factory=lambda: torch.empty(0))
    """(n,): the share of the real one, epsilon."""


class WassersteinGame(Game):
    """The critic's scores of real and drawn pictures are driven apart, as far as its slope allows."""

    rules: WassersteinGAN

    @property
    def critics(self) -> int:  # type: ignore[override]
        """Return how often the critic is taught in a step."""
        return self.rules.critic_steps

    def turn(self, step: int, rng: np.random.Generator) -> MixedTurn:
        """Return a batch, its noise, and how it is mixed."""
        turn = super().turn(step, rng)
        mixed = torch.from_numpy(rng.random(len(turn.classes), dtype=np.float32)).to(turn.real.device)
        return MixedTurn(**{f.name: getattr(turn, f.name) for f in fields(turn)}, mixed=mixed)

    def discriminator_loss(self, turn: Turn, rows: slice) -> Tensor:
        """Return E[D(G(z))] - E[D(x)] + lambda E[(|grad D| - 1)^2] (Gulrajani et al. 2017, eq. 3)."""
        classes = turn.classes[rows]
        real, drawn = self.seen(turn, rows)
        of_real, of_drawn = self.judged_together(real, drawn, classes)
        return of_drawn.mean() - of_real.mean() + self.penalty(turn, rows, real, drawn)

    def penalty(self, turn: Turn, rows: slice, real: Tensor, drawn: Tensor) -> Tensor:
        """Return lambda E[(|grad D| - 1)^2] between pairs of real and drawn pictures."""
        assert isinstance(turn, MixedTurn)
        between = torch.lerp(drawn, real, turn.mixed[rows, None, None, None])
        slope = slope_penalty(lambda x: self.scores(x, turn.classes[rows]), between)
        return self.rules.penalty * slope

    def scores(self, pictures: Tensor, classes: Tensor) -> Tensor:
        """Return the critic's scores (n,) alone, whatever else it tells."""
        return self.judged(pictures, classes)

    def judged_together(self, real: Tensor, drawn: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
        """Return the scores of real and of drawn pictures in one pass: nothing here mixes pictures."""
        of_real, of_drawn = self.judged(torch.cat([real, drawn]), torch.cat([classes, classes])).chunk(2)
        return of_real, of_drawn

    def generator_loss(self, turn: Turn, rows: slice) -> Tensor:
        """Return -E[D(G(z))]."""
        seen = turn.seen_drawn.at(rows).apply(self.drawn(turn, rows))
        return -self.scores(seen, turn.classes[rows]).mean()


def slope_penalty(critic: Callable[[Tensor], Tensor], pictures: Tensor) -> Tensor:
    """Return E[(|grad D| - 1)^2] at pictures, through which the critic learns.

    Args:
        critic: pictures to scores (n,), each from its own picture alone.
        pictures: (n, 1, size, size).
    """
    pictures = pictures.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(pictures).sum(), pictures, create_graph=True)
    norm = (gradient.float().square().sum(dim=(1, 2, 3)) + 1e-12).sqrt()  # the root has no slope at nought
    return (norm - 1).square().mean()
