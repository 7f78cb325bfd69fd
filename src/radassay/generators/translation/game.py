"""What the games of both translators share: two players, and a rate that falls in the second half."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor, nn

from radassay.generators.compute import Compute
from radassay.generators.crew import Crew
from radassay.generators.given import Given
from radassay.generators.players import Players

if TYPE_CHECKING:
    from radassay.generators.translation.settings import Translation

BETAS = (0.5, 0.999)
"""Of Adam, in both papers."""


class TranslationGame:
    """A generator that is averaged, a discriminator, and the order of a step.

    The generator is taught first; the discriminator then judges the pictures that were drawn on the way, as in the
    authors' programs.

    Args:
        rules: the settings.
        given: the training images.
        drawing: the network that draws, with its sources.
        judging: the network that judges.
        seed: of batches and noise.
        steps: length of the whole training, for the schedule.
    """

    def __init__(
        self,
        rules: Translation,
        given: Given,
        compute: Compute,
        crew: Crew,
        drawing: nn.Module,
        judging: nn.Module,
        *,
        seed: int,
        steps: int,
    ) -> None:
        self.given, self.compute, self.crew = given, compute, crew
        self.batch_size, self.seed, self.steps = rules.batch_size, seed, steps
        self.players = Players(compute, crew)
        half_life = rules.average_half_life
        self.players.add("generator", drawing, rate=rules.generator_rate, betas=BETAS, half_life=half_life)
        self.players.add("discriminator", judging, rate=rules.discriminator_rate, betas=BETAS)

    @property
    def averaged(self) -> nn.Module:
        """Return the averaged generator, from which is sampled."""
        return self.players.averaged("generator")

    def rng(self, step: int) -> np.random.Generator:
        """Return the randomness of a step."""
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence([self.seed, step])))

    def share(self, step: int) -> float:
        """Return what is left of the learning rates: all in the first half, then less in a line (Zhu 2017, sec. 4)."""
        return min(1.0, 2 * (1 - step / self.steps))

    def teach(self, name: str, loss: Callable[[slice], Tensor], images: int, step: int) -> float:
        """Take one step of one player and return its mean loss."""
        frozen = ("discriminator",) if name == "generator" else ()
        return self.players.descend(name, loss, images, share=self.share(step), frozen=frozen)

    def state(self) -> dict[str, Tensor]:
        """Return nothing: all that a later step depends on is in the players."""
        return {}

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Take what `state` returned."""


def squared(scores: Tensor, wanted: float) -> Tensor:
    """Return the least-squares loss E[(D(x) - wanted)^2] (Mao et al. 2017)."""
    return (scores - wanted).square().mean()
