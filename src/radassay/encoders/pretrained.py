"""What encoders with weights from elsewhere share: finding the weights, fixed passes, exact arithmetic."""

from __future__ import annotations

import contextlib
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from radassay.encoders.chunks import require_images
from radassay.encoders.weights import Found, find, missing
from radassay.errors import InputError, SettingsError

Device = Literal["auto", "cpu", "cuda"]

IGNORED = ("num_batches_tracked",)
"""Ends of names that old checkpoints lack and no feature depends on."""


@dataclass(frozen=True)
class Pretrained(ABC):
    """An encoder whose weights come from a file.

    Images go through the network in passes of `chunk`, the last one filled with black, so that no row depends on the
    others and memory does not grow with their number. Features are float32 throughout: no bfloat16, no TF32.
    """

    name: ClassVar[str]
    paper: ClassVar[str]
    known: ClassVar[str] = ""
    """Name of its weights in the catalogue; empty where any file will do."""
    chunk: ClassVar[int] = 8

    weights: str = ""
    """Path of the weights; by default the file that `radassay weights get` brought."""
    device: Device = "auto"
    """Where the network runs: `auto` takes a CUDA card where one answers."""

    def __post_init__(self) -> None:
        if self.device not in ("auto", "cpu", "cuda"):
            raise SettingsError("No such device", got=self.device, possible="auto, cpu, cuda")

    @property
    def missing(self) -> str:
        """Return what keeps this encoder from use, or nothing."""
        return missing(self.known, self.weights)

    @property
    def fingerprint(self) -> str:
        """Return the SHA-256 of settings, kind of device and weights.

        Raises:
            InputError: the weights are not there.
        """
        found = find(self.known, self.weights)
        settings = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("weights", "device")}
        told = f"{self.name} {sorted(settings.items())} {self._place().type} {found.sha256}"
        return hashlib.sha256(told.encode()).hexdigest()

    def encode(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the features of (n, size, size) grey values in [0, 1], (n, d).

        Raises:
            InputError: another shape, a value that is not finite, or weights that are not there or do not fit.
        """
        require_images(pixels)
        place = self._place()
        network = _loaded(self, find(self.known, self.weights), place)
        # with no image at all one pass of black tells how many features there are
        starts = range(0, max(len(pixels), 1), self.chunk)
        return np.concatenate([self._pass(network, pixels[i : i + self.chunk], place) for i in starts])

    @abstractmethod
    def loaded(self, path: Path) -> nn.Module:
        """Return the network with the weights of a file."""

    @abstractmethod
    def prepared(self, grey: Tensor) -> Tensor:
        """Return what the network sees of (n, 1, size, size) grey values in [0, 1]."""

    def features(self, network: nn.Module, seen: Tensor) -> Tensor:
        """Return the features of what the network sees, (n, d)."""
        features: Tensor = network(seen)
        return features

    def _place(self) -> torch.device:
        if self.device == "cuda" and not torch.cuda.is_available():
            raise SettingsError("No CUDA device answers", got="device = cuda", possible="device = cpu or auto")
        return torch.device("cuda" if self.device != "cpu" and torch.cuda.is_available() else "cpu")

    def _pass(self, network: nn.Module, part: NDArray[np.float32], place: torch.device) -> NDArray[np.float32]:
        chunk = np.zeros((self.chunk, 1, *part.shape[1:]), dtype=np.float32)
        chunk[: len(part), 0] = part
        with torch.inference_mode(), exact():
            features = self.features(network, self.prepared(torch.from_numpy(chunk).to(place))).float().cpu().numpy()
        if features.ndim != 2 or len(features) != self.chunk or not np.isfinite(features).all():
            raise InputError(
                f"The network of {self.name} gives no features with these weights",
                got=f"shape {features.shape}, {'finite' if np.isfinite(features).all() else 'not finite'}",
                possible="Finite numbers of shape (images, features)",
            )
        return np.asarray(features[: len(part)], dtype=np.float32)


@lru_cache(maxsize=2)
def _loaded(encoder: Pretrained, found: Found, place: torch.device) -> nn.Module:
    return encoder.loaded(found.path).eval().to(place)


@contextlib.contextmanager
def exact() -> Iterator[None]:
    """Keep a card from rounding to TF32 and from choosing kernels by their speed of the moment."""
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
        before = torch.backends.cuda.matmul.allow_tf32
        torch.backends.cuda.matmul.allow_tf32 = False
        try:
            yield
        finally:
            torch.backends.cuda.matmul.allow_tf32 = before


def filled(network: nn.Module, state: dict[str, Tensor], name: str, without: tuple[str, ...] = ()) -> nn.Module:
    """Put tensors into a network; it must get all it needs, and nothing may be left over.

    Args:
        network: the network.
        state: tensors by name.
        name: the encoder, for the message.
        without: beginnings of names that the checkpoint may hold in vain, such as those of a classifier.

    Raises:
        InputError: the tensors are those of another network.
    """
    wanted = network.state_dict()
    needed = {key for key in wanted if not key.endswith(IGNORED)}
    given = {key: tensor for key, tensor in state.items() if not key.startswith(without or ("\0",))}
    lacking, over = sorted(needed - given.keys()), sorted(given.keys() - wanted.keys())
    unlike = sorted(key for key in needed & given.keys() if given[key].shape != wanted[key].shape)
    if lacking or over or unlike:
        told = {"lacking": lacking, "unknown": over, "of another shape": unlike}
        raise InputError(
            f"These weights are not those of the network of {name}",
            got="; ".join(f"{what}: {', '.join(keys[:3])} ({len(keys)})" for what, keys in told.items() if keys),
            possible="`radassay weights list` names the right file",
        )
    network.load_state_dict(given, strict=False)
    return network


def at_side(grey: Tensor, side: int, mode: Literal["bilinear", "bicubic"]) -> Tensor:
    """Return (n, 1, side, side) grey values in [0, 1], resized with antialiasing as Pillow does (Parmar 2022).

    Overshoots of the bicubic kernel are cut off, as in clean-fid.
    """
    if grey.shape[-1] == side:
        return grey
    larger: Any = nn.functional.interpolate(grey, size=(side, side), mode=mode, antialias=True)
    return torch.clamp(larger, 0, 1)


def coloured(grey: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """Return (n, 3, side, side): grey in each channel, less the channel's mean, over its standard deviation."""
    shape = (1, len(mean), 1, 1)
    return (grey - grey.new_tensor(mean).view(shape)) / grey.new_tensor(std).view(shape)
