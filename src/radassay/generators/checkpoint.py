"""Checkpoints of networks: the arrays of `engine.checkpoint` as tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from radassay.engine import checkpoint
from radassay.engine.checkpoint import Arrays, read_arrays, write_arrays


@dataclass(frozen=True)
class Checkpoint:
    """The state after `step` steps."""

    step: int
    tensors: dict[str, Tensor]
    about: dict[str, Any]


def write_tensors(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
    """Write tensors and their sidecar, so that a kill leaves nothing or a pair that agrees."""
    write_arrays(path, _arrays(tensors), about)


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Return what `write_tensors` wrote, or None where it is absent, torn or altered."""
    read = read_arrays(path)
    return None if read is None else (_tensors(read[0]), read[1])


class Checkpoints:
    """The checkpoints of one training, in `folder/checkpoints`."""

    def __init__(self, folder: Path) -> None:
        self._kept = checkpoint.Checkpoints(folder)

    def write(self, step: int, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
        """Write the state after `step` steps and drop all but the last two."""
        self._kept.write(step, _arrays(tensors), about)

    def newest(self) -> Checkpoint | None:
        """Return the newest whole checkpoint; torn and corrupt ones are passed over and removed."""
        newest = self._kept.newest()
        return None if newest is None else Checkpoint(newest.step, _tensors(newest.arrays), newest.about)


def _arrays(tensors: Mapping[str, Tensor]) -> Arrays:
    return {key: value.detach().cpu().numpy() for key, value in tensors.items()}


def _tensors(arrays: Arrays) -> dict[str, Tensor]:
    return {key: torch.tensor(value) for key, value in arrays.items()}
