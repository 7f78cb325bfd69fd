"""Checkpoints: safetensors with a sidecar that vouches for every byte; the last two are kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load as from_bytes
from safetensors.torch import save as to_bytes
from torch import Tensor

from radassay.evidence.run import storage, write_atomic

KEPT = 2


@dataclass(frozen=True)
class Checkpoint:
    """The state after `step` steps."""

    step: int
    tensors: dict[str, Tensor]
    about: dict[str, Any]


def write_tensors(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
    """Write `path` (safetensors) and, after it, `path` with `.json`: about, and the SHA-256 of the first.

    Each is written beside and renamed, and the second is the mark of completion, so that a kill at any moment
    leaves either nothing or a pair that agrees.
    """
    # A tensor's own memory, in plain order: safetensors refuses shared and channels-last memory.
    plain = {key: value.detach().cpu().clone(memory_format=torch.contiguous_format) for key, value in tensors.items()}
    content = to_bytes(plain)
    sidecar = {**about, "sha256": hashlib.sha256(content).hexdigest()}
    with storage(path.parent):
        write_atomic(path, content)
        write_atomic(path.with_suffix(".json"), (json.dumps(sidecar, indent=1, sort_keys=True) + "\n").encode())


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Return what `write_tensors` wrote, or None where it is absent, torn or altered."""
    try:
        about: dict[str, Any] = json.loads(path.with_suffix(".json").read_text())
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != about["sha256"]:
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return from_bytes(content), about


class Checkpoints:
    """The checkpoints of one training, in `folder/checkpoints`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "checkpoints"

    def write(self, step: int, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
        """Write the state after `step` steps and drop all but the last two."""
        write_tensors(self.folder / f"{step:09d}.safetensors", tensors, {**about, "step": step})
        with storage(self.folder):
            for old in sorted(self.folder.glob("*.safetensors"))[:-KEPT]:
                # The mark goes first: what is left by a kill in between counts as torn.
                old.with_suffix(".json").unlink(missing_ok=True)
                old.unlink(missing_ok=True)

    def newest(self) -> Checkpoint | None:
        """Return the newest whole checkpoint; torn and corrupt ones are passed over and removed."""
        for path in sorted(self.folder.glob("*.safetensors"), reverse=True):
            read = read_tensors(path)
            if read is not None:
                tensors, about = read
                return Checkpoint(int(about["step"]), tensors, about)
            with storage(self.folder):
                path.with_suffix(".json").unlink(missing_ok=True)
                path.unlink(missing_ok=True)
        return None
