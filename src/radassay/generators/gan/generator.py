"""The class-conditional GAN: lean enough for two processor cores, resumable, deterministic."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from radassay.contracts import Grey, Report, silent
from radassay.engine.claim import claimed
from radassay.errors import SettingsError
from radassay.generators.compute import Device, Precision, computing
from radassay.generators.gan.augment import Augment
from radassay.generators.gan.game import Game, Rules, draw
from radassay.generators.gan.networks import GeneratorNetwork
from radassay.generators.given import check_training_images, check_wanted_labels, fingerprint
from radassay.generators.noise import noise_of
from radassay.generators.training import Schedule, finished, train, trained

SIZES = (16, 32, 64, 128)
CHUNK = 16
"""Images drawn at a time, always exactly so many: convolutions round differently in batches of other sizes."""


@dataclass(frozen=True)
class ConditionalGAN:
    """A generator and a discriminator that both know the class, trained against each other.

    Plain resize-convolutions under class-conditional batch normalisation; non-saturating loss with a light, lazy
    gradient penalty on real images (R1); projection discriminator; differentiable augmentation; averaged weights.
    Small batches: at a given time, more steps teach more than larger ones. Every class is shown equally often,
    whatever the number of its images.
    """

    name: ClassVar[str] = "cgan"
    paper: ClassVar[str] = (
        "Mescheder et al. 2018, Which Training Methods for GANs do actually Converge?, arXiv:1801.04406"
    )

    images_seen: int = 28_000
    """Training length in real images shown to the discriminator; rounded up to whole batches."""
    batch_size: int = 8
    """Real images in one step."""
    width: int = 8
    """Channels at full size; lower sides have more, up to sixteen times as many. Time grows with its square."""
    latent_dim: int = 64
    """Length of the noise behind each image."""
    generator_rate: float = 2e-3
    """Learning rate of the generator (Adam)."""
    discriminator_rate: float = 2e-3
    """Learning rate of the discriminator (Adam)."""
    penalty: float = 0.1
    """Weight of the gradient penalty R1; it warms up over the first twentieth of the training."""
    penalty_every: int = 8
    """Steps between two gradient penalties, each so many times stronger."""
    average_half_life: int = 500
    """Images after which a weight counts half in the average that is sampled from."""
    augment_shift: float = 0.02
    """Largest translation the discriminator sees images with, as a share of the side."""
    augment_intensity: float = 0.0
    """Largest change of brightness and contrast it sees them with, as a share of the grey range."""
    augment_cutout: float = 0.0
    """Side of the square cut out of every second image it sees, as a share of the side; 0 cuts nothing."""
    augment_flip: bool = False
    """Whether it also sees them mirrored; off, since that moves the heart to the other side."""
    checkpoint_every: int = 2_000
    """Images between two checkpoints; a kill loses at most so many."""
    grid_every: int = 2_000
    """Images between two sample grids."""
    threads: int = 0
    """Processor threads; 0 leaves the process's count. Results repeat bit for bit under one count only."""
    device: Device = "auto"
    """`auto` takes CUDA where a card answers, else the processor."""
    precision: Precision = "auto"
    """`auto` runs convolutions in bfloat16 where the hardware multiplies it natively, else in float32."""

    def __post_init__(self) -> None:
        counts = ("images_seen", "width", "latent_dim", "penalty_every", "average_half_life")
        for name in (*counts, "checkpoint_every", "grid_every"):
            _refuse_unless(getattr(self, name) >= 1, name, getattr(self, name), "1 or more")
        for name in ("generator_rate", "discriminator_rate"):
            _refuse_unless(0 < getattr(self, name) < 1, name, getattr(self, name), "more than 0, less than 1")
        for name in ("augment_shift", "augment_intensity", "augment_cutout"):
            _refuse_unless(0 <= getattr(self, name) <= 0.5, name, getattr(self, name), "from 0 to 0.5")
        _refuse_unless(self.batch_size >= 2, "batch_size", self.batch_size, "2 or more")
        _refuse_unless(0 <= self.penalty < 1e6, "penalty", self.penalty, "0 or more")
        _refuse_unless(self.threads >= 0, "threads", self.threads, "0 or more")
        _refuse_unless(self.device in ("auto", "cpu", "cuda"), "device", self.device, "auto, cpu or cuda")
        kinds = ("auto", "float32", "bfloat16")
        _refuse_unless(self.precision in kinds, "precision", self.precision, "auto, float32 or bfloat16")

    def fit(self, pixels: Grey, labels: NDArray[np.str_], folder: Path, *, seed: int, report: Report = silent) -> None:
        """Train in `folder`, carry on with the training there, or return at once where it is finished.

        Args:
            pixels: (n, size, size) in [0, 1]; size 16, 32, 64 or 128.
            labels: (n,) strings.
            folder: where checkpoints, grids, losses and weights go; see `radassay.generators.training`.
            seed: of everything random, 0 or more.
            report: told how far it is, a few times a second at most.

        Raises:
            InputError: images or labels that cannot be learned from.
            SettingsError: the folder holds another training, or the losses became infinite.
            StorageError: the folder cannot be written, or another process trains in it.
        """
        labels = np.asarray(labels)
        check_training_images(pixels, labels, SIZES)
        classes, numbers = np.unique(labels, return_inverse=True)
        size = int(pixels.shape[1])
        schedule = Schedule(
            -(-self.images_seen // self.batch_size), self.batch_size, self.checkpoint_every, self.grid_every
        )
        alone = [str(c) for c, n in zip(classes, np.bincount(numbers), strict=True) if n == 1]
        data = fingerprint(pixels, labels)
        with (
            computing(self.device, self.precision, self.threads) as compute,
            claimed(folder, self._identity(data, seed)),
        ):
            if finished(folder):
                return
            game = Game(pixels, numbers.astype(np.int64), self._rules(), compute, seed=seed, steps=schedule.steps)
            about = {
                "classes": [str(c) for c in classes],
                "size": size,
                "width": self.width,
                "latent_dim": self.latent_dim,
            }
            note = f"one image only: {', '.join(alone)}" if alone else ""
            train(game, folder, schedule, report, about, arithmetic=compute.arithmetic, note=note)

    def sample(self, labels: NDArray[np.str_], folder: Path, *, seed: int, batch: int = 64) -> Grey:
        """Return one image a label, (n, size, size) in [0, 1], from the finished training in `folder`.

        Image i depends on (seed, i, labels[i]) alone. Images are drawn in chunks of one fixed size, the last one
        padded, so that `batch` changes neither a bit nor the memory by much; it is taken for the contract's sake.

        Raises:
            InputError: no finished training, a label it does not know, or a batch under 1.
        """
        _refuse_unless(batch >= 1, "batch", batch, "1 or more")
        tensors, about = trained(folder)
        numbers = check_wanted_labels(labels, about["classes"])
        size, latent_dim = int(about["size"]), int(about["latent_dim"])
        pixels = np.empty((len(numbers), size, size), dtype=np.float32)
        with computing(self.device, self.precision, self.threads) as compute:
            with torch.device("meta"):  # no weights to draw: those come from the file
                network = GeneratorNetwork(size, len(about["classes"]), int(about["width"]), latent_dim)
            network.load_state_dict(tensors, assign=True)
            compute.settle(network)
            for start in range(0, len(numbers), CHUNK):
                part = np.zeros(CHUNK, dtype=np.int64)
                wanted = numbers[start : start + CHUNK]
                part[: len(wanted)] = wanted
                noise = noise_of(seed, range(start, start + CHUNK), latent_dim)
                pixels[start : start + len(wanted)] = draw(network, noise, part, compute)[: len(wanted)]
        return pixels

    def _rules(self) -> Rules:
        return Rules(
            batch_size=self.batch_size,
            latent_dim=self.latent_dim,
            width=self.width,
            generator_rate=self.generator_rate,
            discriminator_rate=self.discriminator_rate,
            penalty=self.penalty,
            penalty_every=self.penalty_every,
            average_half_life=self.average_half_life,
            augment=Augment(
                shift=self.augment_shift,
                intensity=self.augment_intensity,
                cutout=self.augment_cutout,
                flip=self.augment_flip,
            ),
        )

    def _identity(self, data: str, seed: int) -> dict[str, Any]:
        """Return what decides the weights, so that a folder is never continued with something else."""
        return {
            "generator": self.name,
            "images": data,
            "seed": seed,
            "images_seen": self.images_seen,
            **asdict(self._rules()),
            "precision": self.precision,
        }


def _refuse_unless(right: bool, name: str, got: object, possible: str) -> None:
    if not right:
        raise SettingsError(f"Setting `{name}` of the conditional GAN is out of range", got=got, possible=possible)
