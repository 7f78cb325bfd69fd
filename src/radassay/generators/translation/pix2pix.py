"""pix2pix: from a map of places and a class to a picture."""

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
from radassay.errors import InputError
from radassay.generators.compute import Compute, computing
from radassay.generators.crew import Crew
from radassay.generators.gan.loss import discriminator_loss, generator_loss
from radassay.generators.given import Given, check_training_images, check_wanted_labels
from radassay.generators.noise import noise_of
from radassay.generators.training import trained
from radassay.generators.translation.game import TranslationGame
from radassay.generators.translation.maps import FOUND, check_maps, found_maps
from radassay.generators.translation.networks import PatchJudge, UNet, as_channels
from radassay.generators.translation.settings import Translation, in_chunks, to_grey
from radassay.generators.translation.sources import Sources


class Painter(nn.Module):
    """The U-Net, and maps of every class to start from."""

    def __init__(self, unet: UNet, sources: Sources) -> None:
        super().__init__()
        self.unet = unet
        self.sources = sources

    def forward(self, maps: Tensor, numbers: NDArray[np.int64], seed: int, places: range) -> Tensor:
        """Return pictures (n, 1, size, size) of maps (n, size, size); the noise of each is its own."""
        noise = torch.from_numpy(noise_of(seed, places, self.unet.latent_dim)).to(maps.device)
        made: Tensor = self.unet(maps.long(), torch.from_numpy(numbers).to(maps.device), noise)
        return made


class Turn(NamedTuple):
    """What one step is about."""

    real: Tensor
    """(n, 1, size, size) in [-1, 1]."""
    maps: Tensor
    """(n, size, size), moved as the pictures."""
    classes: Tensor
    """(n,) class numbers."""
    noise: Tensor
    """(n, latent_dim)."""
    drawn: Tensor
    """Pictures drawn, filled in row by row by the generator's loss."""


class PaintingGame(TranslationGame):
    """Conditional game with L1 distance to the true picture (Isola et al. 2017, eq. 1, 3 and 4)."""

    def __init__(self, rules: Pix2Pix, given: Given, compute: Compute, crew: Crew, *, seed: int, steps: int) -> None:
        self.rules = rules
        if given.maps is None:
            maps = torch.from_numpy(found_maps(to_grey(given.pictures))).to(given.pictures.device)
            self.kinds = FOUND
        else:
            maps, self.kinds = given.maps, int(given.maps.max()) + 1
        self.maps = maps
        rows = Sources.rows(given, rules.sources, seed)
        self.unet = UNet(given.size, self.kinds, given.classes, rules.width)
        painter = Painter(self.unet, Sources.of(maps[rows].to(torch.uint8), given, rows))
        self.judge = PatchJudge(self.kinds + given.classes + 1, given.size, rules.judge_width)
        super().__init__(rules, given, compute, crew, painter, self.judge, seed=seed, steps=steps)

    def step(self, step: int) -> dict[str, float]:
        """Play one round and return the losses."""
        rng, n = self.rng(step), self.batch_size
        rows, classes = self.given.rows(n, rng)
        moved = self.rules.jitter.draw(n, self.given.size, rng)
        real = moved.apply(self.given.pictures[rows])
        maps = moved.apply(self.maps[rows][:, None].float())[:, 0].round().long()
        noise = torch.from_numpy(rng.standard_normal((n, self.unet.latent_dim), dtype=np.float32)).to(real.device)
        turn = Turn(real, maps, classes, noise, torch.zeros_like(real))
        loss_g = self.teach("generator", partial(self.generator_loss, turn), n, step)
        loss_d = self.teach("discriminator", partial(self.discriminator_loss, turn), n, step)
        self.players.update_averages((step + 1) * n, n)
        return {"discriminator": loss_d, "generator": loss_g}

    def generator_loss(self, turn: Turn, rows: slice) -> Tensor:
        """Return the non-saturating loss and the weighted L1 distance over these rows."""
        with self.compute.autocast():
            drawn = self.unet(turn.maps[rows], turn.classes[rows], turn.noise[rows])
        turn.drawn[rows] = drawn.detach()
        distance = (drawn - turn.real[rows]).abs().mean()
        loss: Tensor = generator_loss(self.judged(turn, rows, drawn)) + self.rules.distance * distance
        return loss

    def discriminator_loss(self, turn: Turn, rows: slice) -> Tensor:
        """Return the logistic loss, halved to slow the discriminator down (Isola et al. 2017, section 3.3)."""
        of_real, of_drawn = (self.judged(turn, rows, seen[rows]) for seen in (turn.real, turn.drawn))
        return 0.5 * discriminator_loss(of_real, of_drawn)

    def judged(self, turn: Turn, rows: slice, pictures: Tensor) -> Tensor:
        """Return scores of the patches of pictures beside their maps and classes."""
        maps = as_channels(turn.maps[rows], self.kinds, pictures)
        classes = as_channels(turn.classes[rows], self.given.classes, pictures)
        with self.compute.autocast():
            scores: Tensor = self.judge(torch.cat([maps, classes, pictures], dim=1))
        return scores


@dataclass(frozen=True)
class Pix2Pix(Translation):
    """Paints pictures into maps, such as the outline of the lungs, learned from pairs of map and picture.

    The class is joined to the map. Maps are found on the training pictures (the lungs of frontal chest radiographs),
    or given to `fit`, such as lungs with lesions as (n, size, size) whole numbers. Dropout is the only noise, so that
    pictures of one map differ little, as the authors found (section 3.2.1).

    **The weights hold patients' maps**, up to `sources` of each class, since a sample is painted into one of them: do
    not publish them. The outline of the lungs stays that of the patient.
    """

    name: ClassVar[str] = "pix2pix"
    paper: ClassVar[str] = (
        "Isola et al. 2017, Image-to-Image Translation with Conditional Adversarial Networks, arXiv:1611.07004"
    )
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {**Translation.limits, "distance": (0, 1e6)}

    distance: float = 100.0
    """Weight of the L1 distance to the true picture, lambda."""

    def fit(
        self,
        pixels: Grey,
        labels: NDArray[np.str_],
        folder: Path,
        *,
        seed: int,
        report: Report = silent,
        aside: Aside | None = None,
        maps: NDArray[np.integer] | None = None,
    ) -> None:
        """Train in `folder` on pictures and their maps; see `Family.fit`.

        Args:
            maps: (n, size, size) whole numbers, the kind of each place, 0 to 31; by default the lungs are found.

        Raises:
            InputError: images or maps that cannot be learned from.
        """
        labels = np.asarray(labels)
        check_training_images(pixels, labels, self.sizes)
        given = None if maps is None else check_maps(np.asarray(maps), len(pixels), pixels.shape[1])
        about = {
            **self.held(labels, "the maps"),
            "maps": "found lungs" if given is None else "given",
            "kinds": FOUND if given is None else int(given.max()) + 1,
        }
        self._fit(pixels, labels, folder, about, given, seed=seed, report=report, aside=aside)

    def learner(self, given: Given, compute: Compute, crew: Crew, *, seed: int, steps: int) -> PaintingGame:
        """Return the game of the two networks."""
        return PaintingGame(self, given, compute, crew, seed=seed, steps=steps)

    def network(self, about: Mapping[str, Any]) -> nn.Module:
        """Return the U-Net and its sources, without weights."""
        size = int(about["size"])
        width = type(self)(**about["settings"]).width
        unet = UNet(size, int(about["kinds"]), len(about["classes"]), width)
        return Painter(unet, Sources(int(about["sources"]), size))

    def drawn(self, network: nn.Module, seed: int, places: range, numbers: NDArray[np.int64]) -> Tensor:
        """Return pictures painted into maps of the same class, (n, 1, size, size)."""
        assert isinstance(network, Painter)
        made: Tensor = network(network.sources.chosen(seed, places, numbers, other=False), numbers, seed, places)
        return made

    def translate(self, pixels: Grey, labels: NDArray[np.str_], folder: Path, *, target: str, seed: int) -> Grey:
        """Return new pictures of class `target` painted into the lungs found on each picture.

        Raises:
            InputError: as `Translation.translate`; or the training was given maps, which nobody can find anew.
        """
        if trained(folder)[1]["maps"] == "given":
            raise InputError(
                "This training was given maps, which cannot be found on pictures", possible="Call `paint` with maps"
            )
        return super().translate(pixels, labels, folder, target=target, seed=seed)

    def turned(self, network: nn.Module, pictures: Tensor, target: int, seed: int, places: range) -> Tensor:
        """Return pictures of the target class painted into the lungs found on these."""
        maps = torch.from_numpy(found_maps(to_grey(pictures))).to(pictures.device)
        made: Tensor = network(maps, np.full(len(maps), target), seed, places)
        return made

    def paint(self, maps: NDArray[np.integer], labels: NDArray[np.str_], folder: Path, *, seed: int) -> Grey:
        """Return one picture a map, (n, size, size) in [0, 1]; picture i depends on map, label, seed and i alone.

        Args:
            maps: (n, size, size) whole numbers, of the kinds that the training was given.
            labels: (n,) class of each picture.
            folder: a finished training.
            seed: of the noise.

        Raises:
            InputError: no finished training, unknown labels, or maps that do not fit it.
        """
        tensors, about = trained(folder)
        size = int(about["size"])
        numbers = check_wanted_labels(labels, about["classes"])
        checked = torch.from_numpy(check_maps(np.asarray(maps), len(numbers), size, int(about["kinds"])))
        with computing(self.device, self.precision, self.threads) as compute:
            network = self.ready(tensors, about, compute)

            def work(places: range, rows: NDArray[np.int64]) -> Tensor:
                made: Tensor = network(checked[rows].to(compute.device), numbers[rows], seed, places)
                return made

            return in_chunks(len(numbers), size, work)
