"""The volume flow: CT volumes drawn from coarse to fine, tile by tile."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from radassay.contracts.grey import Grey
from radassay.contracts.progress import Report, silent
from radassay.contracts.volume_generator import DrawnVolume
from radassay.errors import InputError
from radassay.generators.compute import Compute, computing
from radassay.generators.crew import Crew
from radassay.generators.given import check_wanted_labels
from radassay.generators.trainable import Prepared, Trainable
from radassay.generators.training import trained
from radassay.generators.volume.drawing import Drawing, Wanted, middle
from radassay.generators.volume.given import GivenVolumes, Spacings, Volumes, check_volumes
from radassay.generators.volume.learner import CascadeLearner
from radassay.generators.volume.networks import MULTIPLE, Cascade
from radassay.generators.volume.tiles import Shape
from radassay.generators.volume.watching import REMEMBERED, VolumeWatch

STATE_BYTES = 48
"""Memory for each voxel of a sampled volume: eleven numbers, most of them the sampler's, and one to spare."""
ACTIVATIONS = 32
"""Feature maps of full width and side that a network keeps at once, generously."""


@dataclass(frozen=True)
class VolumeFlow(Trainable):
    """CT volumes by two denoisers: the whole body coarsely, then overlapping fine tiles that agree on their borders.

    The probability flow of EDM in three dimensions, as a cascade. The first network draws the body at a fraction of
    the sides; the second, which only ever sees tiles, draws what the coarse body lacks. At every step of the sampler
    all tiles are denoised and blended, so that no border shows; memory grows with the tile, and by a few numbers for
    each voxel of the volume. Class and voxel spacing are told to both; drawn volumes have spacings like the real ones.
    """

    name: ClassVar[str] = "volume-flow"
    paper: ClassVar[str] = (
        "Karras et al. 2022, arXiv:2206.00364; cascade of Ho et al. 2022, Cascaded Diffusion Models, arXiv:2106.15282; "
        "blended tiles of Bar-Tal et al. 2023, MultiDiffusion, arXiv:2302.08113"
    )
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {
        **Trainable.limits,
        "width": (1, 4096),
        "coarse_width": (1, 4096),
        "factor": (2, 16),
        "tile": (2 * MULTIPLE, 4096),
        "overlap": (1, 2048),
        "rate": (1e-9, 1),
        "doubt": (0, 10),
        "noise_mean": (-10, 10),
        "noise_spread": (1e-3, 10),
        "draw_steps": (1, 10_000),
        "fine_steps": (1, 10_000),
    }

    images_seen: int = 4_000
    """Training length in real volumes shown; rounded up to whole batches."""
    batch_size: int = 2
    """Real volumes in one step, each whole but coarse, with one fine tile of it."""
    average_half_life: int = 200
    """Volumes after which a weight counts half in the average that is sampled from."""
    checkpoint_every: int = 400
    """Volumes between two checkpoints; a kill loses at most so many."""
    grid_every: int = 1_000
    """Volumes between two sample grids, and between two looks at what is drawn."""
    width: int = 8
    """Channels of the network of the tiles at full side. Time grows with its square, memory in proportion."""
    coarse_width: int = 24
    """Channels of the network of the whole body."""
    factor: int = 4
    """How many times coarser the body is drawn first, along each axis."""
    tile: int = 36
    """Side of a tile in voxels; what the tiles' network can see, and what memory grows with."""
    overlap: int = 8
    """Voxels that neighbouring tiles share at least."""
    rate: float = 2e-3
    """Learning rate at its highest."""
    doubt: float = 0.1
    """Noise on the coarse body that the tiles' network is told, in deviations, so that it mends what is drawn wrong."""
    noise_mean: float = -0.5
    """Mean of the logarithm of the noise levels learned from, in standard deviations of the data."""
    noise_spread: float = 1.2
    """Standard deviation of that logarithm."""
    draw_steps: int = 14
    """Steps from noise to a coarse body."""
    fine_steps: int = 8
    """Steps from noise to the fine volume."""

    @property
    def multiple(self) -> int:
        """Return what every side of a volume must be a multiple of."""
        return int(self.factor * MULTIPLE)

    def tile_of(self, shape: Shape) -> Shape:
        """Return the shape of the tiles of a volume."""
        side = self.tile // MULTIPLE * MULTIPLE
        return min(side, shape[0]), min(side, shape[1]), min(side, shape[2])

    def sampling_bytes(self, shape: Shape) -> int:
        """Return the most memory that sampling takes beyond weights and libraries, whatever the number of tiles."""
        grid = math.prod(shape) // self.factor**3
        tile = math.prod(self.tile_of(shape))
        maps = self.width * tile + self.coarse_width * grid
        return STATE_BYTES * math.prod(shape) + 4 * ACTIVATIONS * maps

    def network(self, about: Mapping[str, Any]) -> Cascade:
        """Return the networks of a finished training, without their weights."""
        rules = type(self)(**about["settings"])
        depth, height, width = (int(side) // rules.factor for side in about["shape"])
        return Cascade(
            len(about["classes"]), rules.coarse_width, rules.width, rules.factor, (depth, height, width)
        )  # fmt: skip

    def fit(
        self,
        volumes: Volumes,
        labels: NDArray[np.str_],
        spacing_mm: NDArray[np.float64],
        folder: Path,
        *,
        seed: int,
        report: Report = silent,
    ) -> None:
        """Train in `folder`, carry on with the training there, or return at once where it is finished.

        Args:
            volumes: (depth, height, width) in [0, 1], of one shape; read one at a time.
            labels: (n,) strings.
            spacing_mm: (n, 3) distances between voxel centres along depth, height and width.
            folder: where checkpoints, grids, losses and weights go.
            seed: of everything random, 0 or more.
            report: told how far it is.

        Raises:
            InputError: volumes, labels or spacings that cannot be learned from.
            SettingsError: the folder holds another training, or the losses became infinite.
            StorageError: the folder cannot be written, or another process trains in it.
        """
        labels = np.asarray(labels)
        data = check_volumes(volumes, labels, spacing_mm, self.multiple)
        classes, numbers = np.unique(labels, return_inverse=True)
        numbers, spacings = numbers.astype(np.int64), Spacings.of(spacing_mm)
        shape = tuple(int(side) for side in volumes[0].shape)
        about = {"shape": list(shape), "spacing": asdict(spacings)}

        def prepare(compute: Compute, together: Crew, steps: int) -> Prepared:
            given = GivenVolumes(volumes, numbers, spacings.away(spacing_mm), compute.device)
            network = self.network({"settings": asdict(self), "classes": classes, **about})
            learner = CascadeLearner(self, network, given, compute, together, seed=seed, steps=steps)

            def middles(drawn_by: nn.Module, chosen: int, wanted: NDArray[np.int64]) -> Grey:
                return self._drawing(drawn_by, given.shape, compute).middles(chosen, wanted, given.shape)

            def whole(drawn_by: nn.Module, chosen: int, number: int) -> NDArray[np.float32]:
                wanted = Wanted(given.shape, number, np.zeros(3, dtype=np.float32))
                rng = np.random.default_rng([chosen, number])
                return self._drawing(drawn_by, given.shape, compute).volume(wanted, rng)

            watch = VolumeWatch(given, _real_middles(given, network), classes, seed, whole)
            return Prepared(learner, middles, watch)

        self.train_in(
            folder, prepare, data=data, classes=classes, numbers=numbers, about=about, seed=seed, report=report,
        )  # fmt: skip

    def sample(
        self, labels: NDArray[np.str_], folder: Path, *, seed: int, shape: Shape | None = None
    ) -> Iterator[DrawnVolume]:
        """Yield one volume a label, one after the other, from the finished training in `folder`.

        Volume i depends on (seed, i, labels[i], shape) alone, its spacing on (seed, i).

        Args:
            labels: (n,) strings.
            folder: of the training.
            seed: of noise and spacing.
            shape: in voxels; None is that of the training volumes. Others show more or less of the body at the same
                spacing; what lies beyond the field of the training volumes is guessed.

        Raises:
            InputError: no finished training, an unknown label, or a shape that the networks cannot draw.
        """
        tensors, about = trained(folder)
        numbers = check_wanted_labels(labels, about["classes"])
        depth, height, width = shape or about["shape"]
        wanted: Shape = (depth, height, width)
        if any(side % self.multiple or side <= 0 for side in wanted):
            raise InputError(
                "No volume of this shape", got=wanted, possible=f"Sides that are multiples of {self.multiple}"
            )
        return self._each(tensors, about, numbers, wanted, seed)

    def _each(
        self, tensors: dict[str, Tensor], about: Mapping[str, Any], numbers: NDArray[np.int64], shape: Shape, seed: int
    ) -> Iterator[DrawnVolume]:
        spacings = Spacings(**about["spacing"])
        with computing(self.device, self.precision, self.threads) as compute:
            drawing = self._drawing(self.ready(tensors, about, compute), shape, compute)
            for place, number in enumerate(numbers.tolist()):
                rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, place])))
                spacing = spacings.draw(rng)
                wanted = Wanted(shape, number, spacings.away(np.array(spacing)))
                yield DrawnVolume(drawing.volume(wanted, rng), spacing)

    def _drawing(self, network: nn.Module, shape: Shape, compute: Compute) -> Drawing:
        assert isinstance(network, Cascade)
        return Drawing(
            network, compute, self.tile_of(shape), self.overlap, self.doubt, self.draw_steps, self.fine_steps
        )  # fmt: skip


def _real_middles(given: GivenVolumes, network: Cascade) -> tuple[Grey, NDArray[np.int64]]:
    """Return the coarse middle slices of training volumes and their class numbers."""
    rows = np.unique(np.linspace(0, len(given.volumes) - 1, REMEMBERED).astype(int))
    slices = [middle(network, network.shrunk(given.at([row]))[0, 0]) for row in rows.tolist()]
    return np.stack(slices), given.numbers[rows]
