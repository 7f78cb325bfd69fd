"""CycleGAN: pictures of one class into the other, learned from two heaps of pictures that are not paired."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from radassay.contracts.generator import Aside
from radassay.contracts.grey import Grey
from radassay.contracts.progress import Report, silent
from radassay.errors import InputError, SettingsError
from radassay.generators.compute import Compute
from radassay.generators.crew import Crew
from radassay.generators.given import Given, check_training_images
from radassay.generators.players import under
from radassay.generators.translation.game import TranslationGame, squared
from radassay.generators.translation.networks import PatchJudge, ResNetTranslator
from radassay.generators.translation.pool import Pool
from radassay.generators.translation.settings import Translation
from radassay.generators.translation.sources import Sources, from_picture, to_picture


class Pair(nn.Module):
    """The two translators, and pictures of both classes to start from; `into[k]` draws class k from the other one."""

    def __init__(self, rules: CycleGAN, sources: Sources) -> None:
        super().__init__()
        self.into = nn.ModuleList([ResNetTranslator(rules.width, rules.blocks, rules.additive) for _ in range(2)])
        self.sources = sources


class Turn(NamedTuple):
    """Pictures of one step."""

    real: tuple[Tensor, Tensor]
    """Of each class, (pairs, 1, size, size) in [-1, 1]."""
    drawn: tuple[Tensor, Tensor]
    """Pictures drawn as each class, filled in row by row by the generator's loss."""


class CycleGame(TranslationGame):
    """Least-squares game of both directions, with cycle and identity loss (Zhu et al. 2017, eq. 1 to 3)."""

    def __init__(self, rules: CycleGAN, given: Given, compute: Compute, crew: Crew, *, seed: int, steps: int) -> None:
        self.rules = rules
        rows = Sources.rows(given, rules.sources, seed)
        sources = Sources.of(from_picture(given.pictures[rows]), given, rows)
        self.pair = Pair(rules, sources)
        self.judges = nn.ModuleList([PatchJudge(1, given.size, rules.judge_width) for _ in range(2)])
        super().__init__(rules, given, compute, crew, self.pair, self.judges, seed=seed, steps=steps)
        self.pools = [Pool(rules.pool, given.size, compute.device) for _ in range(2)]

    def step(self, step: int) -> dict[str, float]:
        """Play one round on equally many pictures of both classes and return the losses."""
        rng, pairs = self.rng(step), self.batch_size // 2
        first, second = (self.pictures(k, pairs, rng) for k in range(2))
        turn = Turn((first, second), (torch.zeros_like(first), torch.zeros_like(second)))
        loss_g = self.teach("generator", partial(self.generator_loss, turn), pairs, step)
        shown = [pool.through(self.crew.joined(d), rng) for pool, d in zip(self.pools, turn.drawn, strict=True)]
        loss_d = self.teach("discriminator", partial(self.discriminator_loss, turn.real, shown), pairs, step)
        self.players.update_averages((step + 1) * self.batch_size, self.batch_size)
        return {"discriminator": loss_d, "generator": loss_g}

    def pictures(self, number: int, count: int, rng: np.random.Generator) -> Tensor:
        """Return training pictures of a class, each moved a little."""
        rows = torch.from_numpy(rng.choice(self.given.members[number], count)).to(self.given.pictures.device)
        return self.rules.jitter.draw(count, self.given.size, rng).apply(self.given.pictures[rows])

    def generator_loss(self, turn: Turn, rows: slice) -> Tensor:
        """Return what both translators lose over these rows: adversarial, cycle and identity loss."""
        total = torch.zeros((), device=self.given.pictures.device)
        for k in range(2):
            real, there, back = turn.real[1 - k][rows], self.pair.into[k], self.pair.into[1 - k]
            with self.compute.autocast():
                drawn = there(real)
                judged, again = self.judges[k](drawn), back(drawn)
                same = there(turn.real[k][rows]) if self.rules.identity else None
            turn.drawn[k][rows] = drawn.detach()
            total = total + squared(judged, 1.0) + self.rules.cycle * (again - real).abs().mean()
            if same is not None:
                total = total + self.rules.cycle * self.rules.identity * (same - turn.real[k][rows]).abs().mean()
        return total

    def discriminator_loss(self, real: tuple[Tensor, Tensor], shown: list[Tensor], rows: slice) -> Tensor:
        """Return what both discriminators lose, halved to slow them down (Zhu et al. 2017, section 7.1)."""
        total = torch.zeros((), device=self.given.pictures.device)
        for k in range(2):
            with self.compute.autocast():
                of_real, of_drawn = self.judges[k](real[k][rows]), self.judges[k](shown[k][rows])
            total = total + 0.5 * (squared(of_real, 1.0) + squared(of_drawn, 0.0))
        return total

    def state(self) -> dict[str, Tensor]:
        """Return the pictures that the discriminators may be shown again."""
        return {f"pool{k}/{key}": value for k, pool in enumerate(self.pools) for key, value in pool.state().items()}

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Take what `state` returned."""
        for k, pool in enumerate(self.pools):
            pool.load(under(tensors, f"pool{k}"))


@dataclass(frozen=True)
class CycleGAN(Translation):
    """Turns real pictures of one class into the other, learned without pairs: two classes, two translators.

    Each translator is a residual network without noise, so that a picture has one translation. The two are held
    together by the cycle: there and back again must give the same picture.

    **The cycle can be cheated.** A translator may hide the picture it came from in a faint pattern, invisible to the
    eye and to the discriminator, from which the other one restores what had to be taken away (Chu et al. 2017,
    arXiv:1712.02950). A small cycle loss therefore does not show that anatomy was kept;
    `radassay.generators.translation.steganography` tells how much of it hangs on such a pattern.

    **The weights hold patients' pictures**, up to `sources` of each class, since a sample is a translation of one of
    them: do not publish them. A sample stays a picture of that patient, with another disease painted in; it is no new
    patient, and checks of memorisation find it so.
    """

    name: ClassVar[str] = "cyclegan"
    paper: ClassVar[str] = (
        "Zhu et al. 2017, Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks, "
        "arXiv:1703.10593"
    )
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {
        **Translation.limits,
        "blocks": (1, 100),
        "cycle": (0, 1e6),
        "identity": (0, 1e6),
        "pool": (0, 100_000),
    }

    batch_size: int = 4
    """Real images in one step, half of them of each class; even (2 in the paper)."""
    blocks: int = 4
    """Residual blocks of each translator (6 at 128 px, 9 at 256 px in the paper)."""
    additive: bool = True
    """Whether a translator draws what to add to the picture, so that it starts as the same picture and a short training
    keeps the anatomy sharp (VA-GAN, Baumgartner et al. 2018); off, it draws the whole picture, as in the paper."""
    cycle: float = 10.0
    """Weight of the cycle loss, lambda."""
    identity: float = 0.5
    """Weight of the identity loss, as a share of `cycle`; 0 leaves it out and saves a quarter of the time."""
    pool: int = 50
    """Earlier drawn pictures of each class that the discriminator may be shown again; 0 for none."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.batch_size % 2:
            raise SettingsError(
                "Setting `batch_size` of cyclegan must be even", got=self.batch_size, possible="2, 4, 6, ..."
            )

    def fit(
        self,
        pixels: Grey,
        labels: NDArray[np.str_],
        folder: Path,
        *,
        seed: int,
        report: Report = silent,
        aside: Aside | None = None,
    ) -> None:
        """Train in `folder` on pictures of exactly two classes; see `Family.fit`.

        Raises:
            InputError: images that cannot be learned from, or not two classes.
        """
        labels = np.asarray(labels)
        check_training_images(pixels, labels, self.sizes)
        classes = np.unique(labels)
        if len(classes) != 2:
            raise InputError(
                "CycleGAN translates between exactly two classes",
                got=f"{len(classes)}: {', '.join(classes.tolist()[:5])}",
                possible="Give two classes, and train once for each pair; pix2pix takes any number",
            )
        self._fit(pixels, labels, folder, self.held(labels, "the pixels"), None, seed=seed, report=report, aside=aside)

    def learner(self, given: Given, compute: Compute, crew: Crew, *, seed: int, steps: int) -> CycleGame:
        """Return the game of the four networks."""
        return CycleGame(self, given, compute, crew, seed=seed, steps=steps)

    def network(self, about: Mapping[str, Any]) -> nn.Module:
        """Return the two translators and their sources, without weights."""
        return Pair(type(self)(**about["settings"]), Sources(int(about["sources"]), int(about["size"])))

    def drawn(self, network: nn.Module, seed: int, places: range, numbers: NDArray[np.int64]) -> Tensor:
        """Return translations of real pictures of the other class, (n, 1, size, size)."""
        assert isinstance(network, Pair)
        pictures = to_picture(network.sources.chosen(seed, places, numbers, other=True))
        made = torch.empty_like(pictures)
        for k in np.unique(numbers).tolist():
            rows = torch.from_numpy(numbers == k).to(made.device)
            made[rows] = network.into[k](pictures)[rows]  # of all, since a smaller batch rounds differently
        return made

    def turned(self, network: nn.Module, pictures: Tensor, target: int, seed: int, places: range) -> Tensor:
        """Return the translations; nothing about them is random."""
        assert isinstance(network, Pair)
        made: Tensor = network.into[target](pictures)
        return made
