"""The default encoder: learnt on the user's own real training images, without their labels, in about a minute."""

from __future__ import annotations

import hashlib
import time
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load as from_bytes
from torch import Tensor

from radassay.contracts.encoder import Encoder
from radassay.contracts.grey import Grey
from radassay.contracts.progress import Progress, Report, silent
from radassay.encoders.chunks import in_chunks, require_images, resized
from radassay.encoders.random_conv import RandomConv
from radassay.encoders.vicreg import Course, Learning, Network, plain, reproducible
from radassay.encoders.views import Views
from radassay.engine.checkpoint import Arrays, Checkpoints, read_arrays, write_arrays
from radassay.engine.claim import claimed
from radassay.errors import InputError, SettingsError

FEWEST = 16
"""Images below which nothing is learnt."""
REPORT_SECONDS = 0.3
"""Shortest time between two reports of progress."""
WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class SelfSupervised:
    """What stays the same when a radiograph is moved, windowed or exposed anew; and, beside it, its texture.

    64 features are learnt on the real training images alone, without labels: a small convolutional network gives two
    changed views of an image (`views.py`) the same features and keeps features apart from each other (VICReg, Bardes
    et al., ICLR 2022). What it learns to overlook it no longer sees: on its own it is blind to blur, noise and faint
    texture, which are faults of generators. So the 128 features of `random-conv` stand beside them. Each kind has
    mean 0 and mean variance 1 over the training images. About 40 s of one core for any number of images.

    Measured at 64 px on 60 % of the patients, for the other 40 % (logistic probe on whitened features, area under the
    ROC curve; in brackets `random-conv` alone, then a 32 x 32 thumbnail): COVID-CT 0.83 (0.79, 0.73), darkcovidnet
    COVID against the rest 0.99 (0.97, 0.97) and pneumonia against no finding 0.89 (0.88, 0.79), frontal cohen-cxr
    0.75 (0.72, 0.71), simulated disease 0.90 (0.90, 0.79). Each is one split, between which values move by up to
    0.03, so that only the gain on CT is clear. The learnt 64 alone lose on simulated disease, faint opacities (0.72).
    In standard deviations of the real-against-real floor KID moves as with `random-conv`, on darkcovidnet by 125 for a
    4 x 3 px corner marker, 51 for noise of 0.01, 34 for a blur of 0.7 px, 9 for one of 0.5 px, 16 for a shift by 2 px,
    5 for a gamma of 0.8, but 1 for a blur of 0.4 px or a gamma of 0.9.

    It has seen the training images. Their KID to images of other patients is, in the same units, 0.3, 3.0, -0.3 and
    -0.4 on darkcovidnet, cohen-cxr, COVID-CT and simulated chests; with `random-conv`, which has learnt from nothing,
    0.3, 2.7, -0.3 and -0.3 (on cohen-cxr patients with several images cause it). Distances to the nearest of other
    training images differ between seen and unseen ones by at most 1.2 %, with `random-conv` by 1.4 %. The check
    `features` says both, quality and seen against unseen, for the images of a run. Never run on a GPU so far.
    """

    name: ClassVar[str] = "self-supervised"
    paper: ClassVar[str] = "VICReg, Bardes et al. 2022, beside random features, Naeem et al. 2020"

    side: int = 64
    """Side in pixels to which images are resized, with antialiasing."""
    dims: int = 64
    """Learnt features of an image."""
    texture: int = 128
    """Features of layout and texture beside them, by fixed random filters; 0 for none."""
    widths: tuple[int, ...] = (24, 48, 96)
    """Channels of each stage; each stage halves the side."""
    images_seen: int = 20_000
    """Length of the training, in images; each is seen in two views."""
    batch: int = 128
    """Images a step; as many as there are, where there are fewer."""
    rate: float = 2e-3
    """Highest learning rate of AdamW."""
    decay: float = 1e-4
    """Weight decay of AdamW."""
    checkpoint_every: int = 4_000
    """How often the training is kept, in images; changes no weights."""
    threads: int = 1
    """Processor threads of the training; another number gives other last digits."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where it learns; it encodes on the processor. `auto` takes CUDA where a card answers."""
    views: Views = field(default_factory=Views)
    """What the features learn to overlook."""

    def __post_init__(self) -> None:
        # settings of a study file come as lists and tables
        object.__setattr__(self, "widths", tuple(self.widths))
        if isinstance(self.views, dict):
            object.__setattr__(self, "views", Views(**self.views))
        if self.side < 16 or not self.widths or self.side >> len(self.widths) < 4:
            raise SettingsError(
                "The last maps would be smaller than 4 px",
                got=f"side {self.side}, {len(self.widths)} stages",
                possible="A larger side or fewer widths; side >= 16",
            )
        if self.dims < 1 or not 0 <= self.texture <= 1024 or self.images_seen < 1 or self.batch < FEWEST:
            raise SettingsError(
                "The encoder cannot learn like that",
                got=f"dims {self.dims}, texture {self.texture}, images_seen {self.images_seen}, batch {self.batch}",
                possible=f"dims and images_seen from 1, texture from 0 to 1024, batch from {FEWEST}",
            )
        if not (self.rate > 0 and self.decay >= 0 and self.checkpoint_every > 0 and self.threads >= 0):
            raise SettingsError("rate and checkpoint_every must be above 0, decay and threads not below")

    @property
    def fingerprint(self) -> str:
        """Return the SHA-256 of the settings; that of a learnt one counts its weights too."""
        return hashlib.sha256(f"{self.name} {sorted(self._identity().items())}".encode()).hexdigest()

    def encode(self, pixels: Grey) -> NDArray[np.float32]:
        """Raise `InputError`: it has not learnt; `learn` returns the encoder that has."""
        require_images(pixels)
        raise InputError(
            f"The encoder {self.name} has not learnt from any images", possible="Call `learn` and use what it returns"
        )

    def learn(
        self, pixels: Grey, patients: NDArray[np.str_], folder: Path, *, seed: int, report: Report = silent
    ) -> Encoder:
        """Return the encoder learnt from (n, size, size) grey values; its weights lie in `folder`.

        Killed and called again it carries on; a finished folder is read. `patients` are not used: two images of one
        patient are two images, as the assessment means them to be.

        Raises:
            InputError: fewer than 16 images, another shape, values that are not finite, all images alike.
            SettingsError: the folder holds another training.
            StorageError: the folder cannot be written, or another process trains in it.
        """
        require_images(pixels)
        if len(pixels) < FEWEST or len(patients) != len(pixels):
            raise InputError(
                "Cannot learn from so few images" if len(pixels) < FEWEST else "Images and patients differ in number",
                got=f"{len(pixels)} images, {len(patients)} patients",
                possible=f"At least {FEWEST} images; `random-conv` needs none",
            )
        if float(pixels.std()) < 1e-6:
            raise InputError("Cannot learn from images that are all of one grey")
        given = hashlib.sha256(np.ascontiguousarray(pixels, dtype=np.float32).tobytes()).hexdigest()
        identity = {**self._identity(), "seed": seed, "images": given, "count": len(pixels)}
        with claimed(folder, identity, "learning"):
            read = read_arrays(folder / WEIGHTS)
            if read is None:
                with reproducible(self.threads):
                    arrays = self._learnt(pixels, folder, seed, report)
                write_arrays(folder / WEIGHTS, arrays, {"torch": str(torch.__version__), "images": len(pixels)})
                Checkpoints(folder).clear()
            return Learnt(self, (folder / WEIGHTS).read_bytes())

    def _learnt(self, pixels: Grey, folder: Path, seed: int, report: Report) -> Arrays:
        """Train from the newest checkpoint to the end and return the weights."""
        side = resized(torch.from_numpy(np.ascontiguousarray(pixels, dtype=np.float32))[:, None], self.side)
        course = Course(-(-self.images_seen // self.batch), min(self.batch, len(pixels)), self.rate, self.decay)
        with reproducible(0, seed):
            network = Network(self.widths, self.dims).to(_device(self.device), memory_format=torch.channels_last)  # type: ignore[call-overload]
            learning = Learning(network, side.to(_device(self.device)), course, self.views, seed, self.dims)
        _train(learning, course, folder, max(1, self.checkpoint_every // course.batch), report)
        arrays = {f"network/{name}": plain(value) for name, value in network.state_dict().items()}
        arrays |= {"input": np.array([float(learning.mean), float(learning.sd)], dtype=np.float32)}
        return arrays | self._scales(arrays, pixels)

    def _scales(self, arrays: Arrays, pixels: Grey) -> Arrays:
        """Return what brings each kind of feature to mean 0 and mean variance 1 over the training images."""
        network, mean, sd = _network(self, arrays)
        learnt = in_chunks(pixels, self.dims, lambda chunk: _forward(network, chunk, self.side, mean, sd))
        parts = {
            "learnt": learnt,
            "texture": RandomConv(self.side, self.texture).encode(pixels) if self.texture else None,
        }
        out: Arrays = {}
        for name, x in parts.items():
            if x is not None:
                out[f"{name}/mean"] = x.mean(axis=0)
                out[f"{name}/scale"] = np.array([max(float(x.var(axis=0).mean()) ** 0.5, 1e-6)], dtype=np.float32)
        return out

    def _identity(self) -> dict[str, Any]:
        """Return the settings that decide the weights."""
        return {k: v for k, v in asdict(self).items() if k != "checkpoint_every"}


@dataclass(frozen=True)
class Learnt:
    """A `SelfSupervised` that has learnt; frozen, and whole in itself, so that it can go to other processes."""

    name: ClassVar[str] = SelfSupervised.name
    paper: ClassVar[str] = SelfSupervised.paper

    settings: SelfSupervised
    weights: bytes = field(repr=False)
    """safetensors."""

    @property
    def fingerprint(self) -> str:
        """Return the SHA-256 of settings and weights."""
        return hashlib.sha256(self.settings.fingerprint.encode() + self.weights).hexdigest()

    def encode(self, pixels: Grey) -> NDArray[np.float32]:
        """Return the features of (n, size, size) grey values in [0, 1], (n, dims + texture).

        Raises:
            InputError: another shape, or a value that is not finite.
        """
        settings = self.settings
        arrays, network, mean, sd = _ready(settings, self.weights)
        learnt = in_chunks(pixels, settings.dims, lambda chunk: _forward(network, chunk, settings.side, mean, sd))
        parts = [(learnt - arrays["learnt/mean"]) / arrays["learnt/scale"]]
        if settings.texture:
            texture = RandomConv(settings.side, settings.texture).encode(pixels)
            parts.append((texture - arrays["texture/mean"]) / arrays["texture/scale"])
        return np.concatenate(parts, axis=1)


def _train(learning: Learning, course: Course, folder: Path, every: int, report: Report) -> None:
    """Do all steps that are not done yet."""
    checkpoints = Checkpoints(folder)
    newest = checkpoints.newest()
    done = 0 if newest is None else newest.step
    if newest is not None:
        learning.load(newest.arrays)
    told, value = 0.0, float("nan")
    report(Progress(done * course.batch, course.steps * course.batch, "images", task="encoder"))
    while done < course.steps:
        value = learning.step(done)
        if not np.isfinite(value):
            raise SettingsError("The learning diverged: its loss is no finite number", possible="Lower `rate`")
        done += 1
        if done % every == 0 and done < course.steps:
            checkpoints.write(done, learning.state(), {"torch": str(torch.__version__)})
        if time.monotonic() - told >= REPORT_SECONDS or done == course.steps:
            told = time.monotonic()
            report(Progress(done * course.batch, course.steps * course.batch, "images", f"loss {value:.2f}", "encoder"))


def _device(wanted: str) -> torch.device:
    """Return where to learn.

    Raises:
        SettingsError: CUDA was asked for and no card answers.
    """
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise SettingsError("No CUDA device answers", got="device = cuda", possible="device = cpu or auto")
    return torch.device("cuda" if there and wanted != "cpu" else "cpu")


@lru_cache(maxsize=4)
def _ready(settings: SelfSupervised, weights: bytes) -> tuple[Arrays, Network, float, float]:
    """Return the arrays and the network of weights; kept, because encoding is asked for again and again."""
    arrays: Arrays = from_bytes(weights)
    return (arrays, *_network(settings, arrays))


def _network(settings: SelfSupervised, arrays: Arrays) -> tuple[Network, float, float]:
    """Return the network for encoding, and mean and deviation of its input."""
    with reproducible(0, 0):
        network = Network(settings.widths, settings.dims)
    head = "network/"
    network.load_state_dict({n.removeprefix(head): torch.tensor(v) for n, v in arrays.items() if n.startswith(head)})
    network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    mean, sd = arrays["input"].tolist()
    return network, mean, sd


@torch.inference_mode()
def _forward(network: Network, pixels: Tensor, side: int, mean: float, sd: float) -> NDArray[np.float32]:
    return np.asarray(network((resized(pixels[:, None], side) - mean) / sd).numpy())
