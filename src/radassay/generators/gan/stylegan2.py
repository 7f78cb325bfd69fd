"""StyleGAN2 with adaptive augmentation: mixed styles, lazy R1, lazy path length."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from radassay.generators.gan.adaptive import AdaptiveGame, AdaptiveGAN
from radassay.generators.gan.game import Game, Turn
from radassay.generators.gan.loss import discriminator_loss, gradient_penalty
from radassay.generators.gan.style_networks import StyleJudge, StyleNetwork

DECAY = 0.01
"""Share of the newest batch in the running mean of path lengths."""


@dataclass
class StyleTurn(Turn):
    """A turn whose pictures mix two styles."""

    other: Tensor = field(default_factory=lambda: torch.empty(0))
    """(n, latent_dim): the second latent vector."""
    crossover: Tensor = field(default_factory=lambda: torch.empty(0))
    """(n,): the layer from which on its style holds."""
    direction: Tensor = field(default_factory=lambda: torch.empty(0))
    """(n, 1, size, size): along which path lengths are measured; empty where none is due."""


def path_lengths(pictures: Tensor, styles: Tensor, direction: Tensor) -> Tensor:
    """Return |J^T y| of each picture, (n,), root mean square over layers (Karras et al. 2020, eq. 4).

    Args:
        pictures: (n, 1, size, size) painted from the styles.
        styles: (n, layers, length), with gradient.
        direction: standard normal y, shaped as the pictures; it is scaled to unit length for each pixel here.
    """
    scaled = direction / pictures.shape[-1]
    (slope,) = torch.autograd.grad((pictures * scaled).sum(), styles, create_graph=True)
    return (slope.float().square().sum(dim=2).mean(dim=1) + 1e-12).sqrt()  # the root has no slope at nought


class StyleGame(AdaptiveGame):
    """The logistic game with R1 and path length, each played every few steps and as much stronger."""

    rules: StyleGAN2ADA
    generator: StyleNetwork

    def __init__(self, rules: StyleGAN2ADA, *given: object, **settings: int) -> None:
        super().__init__(rules, *given, **settings)
        self.path_mean = torch.zeros((), device=self.compute.device)
        self.lengths = torch.zeros(rules.batch_size, device=self.compute.device)

    def turn(self, step: int, rng: np.random.Generator) -> StyleTurn:
        """Return a batch, its noise with a map a layer, and how styles are mixed."""
        turn, n, device = super().turn(step, rng), self.rules.batch_size, self.compute.device
        maps = rng.standard_normal((n, self.generator.latent_dim - self.generator.z_dim), dtype=np.float32)
        turn.noise = torch.cat([turn.noise, torch.from_numpy(maps).to(device)], dim=1)
        other = torch.from_numpy(rng.standard_normal((n, self.generator.z_dim), dtype=np.float32)).to(device)
        layers = self.generator.styles
        mixed = rng.random(n) < self.rules.style_mixing
        crossover = np.where(mixed, rng.integers(1, layers, n), layers)
        due = self.rules.path_penalty > 0 and step % self.rules.path_every == 0
        direction = rng.standard_normal((n if due else 0, 1, self.side, self.side), dtype=np.float32)
        return StyleTurn(
            **{f.name: getattr(turn, f.name) for f in fields(turn)},
            other=other, crossover=torch.from_numpy(crossover).to(device),
            direction=torch.from_numpy(direction).to(device),
        )  # fmt: skip

    def drawn(self, turn: Turn, rows: slice) -> Tensor:
        """Return pictures drawn for these rows under mixed styles, with gradients."""
        assert isinstance(turn, StyleTurn)
        key = (rows.start, rows.stop)
        if key not in turn.kept:
            with self.compute.autocast():
                drawn: Tensor = self.generator(
                    turn.noise[rows], turn.classes[rows], turn.other[rows], turn.crossover[rows]
                )
            if self.players.parts > 1:
                return drawn
            turn.kept[key] = drawn
        return turn.kept[key]

    def discriminator_loss(self, turn: Turn, rows: slice) -> Tensor:
        """Return the logistic loss and, every few steps, (gamma / 2) R1 at the augmented real pictures."""
        rules = self.rules
        due = rules.penalty > 0 and turn.step % rules.penalty_every == 0
        real, drawn = self.seen(turn, rows)
        real = real.detach().requires_grad_(due)
        classes = turn.classes[rows]
        judge = self.discriminator.forward if due else self.discriminator  # compiled ones have no second gradient
        with self.compute.autocast():
            scores: Tensor = judge(torch.cat([real, drawn]), torch.cat([classes, classes]), 2)
        of_real, of_drawn = scores.float().chunk(2)
        self.note(rows, of_real)
        loss = discriminator_loss(of_real, of_drawn)
        if due:
            loss = loss + 0.5 * rules.penalty * rules.penalty_every * gradient_penalty(of_real, real)
        return loss

    def generator_loss(self, turn: Turn, rows: slice) -> Tensor:
        """Return the logistic loss and, every few steps, the spread of path lengths."""
        assert isinstance(turn, StyleTurn)
        loss = super().generator_loss(turn, rows)
        if not len(turn.direction):
            return loss
        network, noise = self.generator, turn.noise[rows]
        with self.compute.autocast():
            styles = network.style(noise, turn.classes[rows], turn.other[rows], turn.crossover[rows])
            pictures = network.paint(styles, noise)
        lengths = path_lengths(pictures, styles, turn.direction[rows])
        self.lengths[rows] = lengths.detach()
        mean = torch.lerp(self.path_mean, lengths.detach().mean(), DECAY)
        spread = (lengths - mean).square().mean()
        return loss + self.rules.path_penalty * self.rules.path_every * spread

    def step(self, step: int) -> dict[str, float]:
        """Play one round, then move the running mean of the path lengths."""
        self.lengths.zero_()
        told = super().step(step)
        if self.rules.path_penalty and step % self.rules.path_every == 0:
            self.path_mean = torch.lerp(self.path_mean, self.crew.joined(self.lengths).mean(), DECAY)
        return told

    def state(self) -> dict[str, Tensor]:
        """Return the strength of the augmentation and the mean path length."""
        return {**super().state(), "path_mean": self.path_mean}

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Take what `state` returned."""
        super().load(tensors)
        self.path_mean = tensors["path_mean"].to(self.compute.device).clone()


@dataclass(frozen=True)
class StyleGAN2ADA(AdaptiveGAN):
    """StyleGAN2 whose augmentation adapts to how far the discriminator overfits; for a few hundred images on a GPU.

    Modulated convolutions under mixed styles, a map of noise a layer, pictures of all sides added up, a residual
    discriminator, lazy R1 and lazy path length. Two departures: the discriminator halves by means of 2x2 pixels, and
    the augmentation leaves out what no radiograph meets (mirroring, turning over, colour). For 256 px on a GPU:
    `width=32, latent_dim=512, batch_size=32, penalty=0.4, generator_rate=2.5e-3, discriminator_rate=2.5e-3,
    augment_pace=500000, images_seen=5000000, average_half_life=10000`.
    """

    name: ClassVar[str] = "stylegan2-ada"
    paper: ClassVar[str] = (
        "Karras et al. 2020, Training Generative Adversarial Networks with Limited Data, arXiv:2006.06676; networks of "
        "Karras et al. 2020, arXiv:1912.04958"
    )
    sizes: ClassVar[tuple[int, ...]] = (16, 32, 64, 128, 256, 512)
    game: ClassVar[type[Game]] = StyleGame
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {
        **AdaptiveGAN.limits,
        "style_mixing": (0, 1),
        "penalty": (0, 1e6),
        "penalty_every": (1, 1_000_000),
        "path_penalty": (0, 1e6),
        "path_every": (1, 1_000_000),
    }

    generator_rate: float = 1e-2
    """Learning rate of the generator; 2.5e-3 in the paper, and thousands of times as long."""
    discriminator_rate: float = 5e-3
    """Learning rate of the discriminator; half the generator's, or it wins before anything is drawn."""
    style_mixing: float = 0.9
    """Share of pictures that take their later layers' styles from a second latent vector."""
    penalty: float = 0.1
    """Weight gamma of the gradient penalty R1; about 0.0002 times the squared side over the batch in the paper."""
    penalty_every: int = 16
    """Steps between two gradient penalties, each so many times stronger."""
    path_penalty: float = 2.0
    """Weight of the spread of path lengths; 0 leaves it out."""
    path_every: int = 8
    """Steps between two measurements of path lengths, each so many times stronger."""

    def drawing(self, size: int, classes: int) -> nn.Module:
        """Return the generator network."""
        return StyleNetwork(size, classes, self.width, self.latent_dim)

    def judging(self, size: int, classes: int) -> nn.Module:
        """Return the discriminator network."""
        return StyleJudge(size, classes, self.width)
