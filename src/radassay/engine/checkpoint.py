"""Checkpoints: safetensors with a sidecar that vouches for every byte; the last two are kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load as from_bytes
from safetensors.numpy import save as to_bytes

from radassay.evidence.run import storage, write_atomic

KEPT = 2
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Checkpoint:
    """The state after `step` steps."""

    step: int
    arrays: Arrays
    about: dict[str, Any]


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]], about: Mapping[str, Any]) -> None:
    """Write `path` (safetensors) and, after it, `path` with `.json`: about, and the SHA-256 of the first.

    Each is written beside and renamed, and the second is the mark of completion, so that a kill at any moment
    leaves either nothing or a pair that agrees.
    """
    content = to_bytes({key: np.asarray(value, order="C") for key, value in arrays.items()})
    sidecar = {**about, "sha256": hashlib.sha256(content).hexdigest()}
    with storage(path.parent):
        write_atomic(path, content)
        write_atomic(path.with_suffix(".json"), (json.dumps(sidecar, indent=1, sort_keys=True) + "\n").encode())


def read_arrays(path: Path) -> tuple[Arrays, dict[str, Any]] | None:
    """Return what `write_arrays` wrote, or None where it is absent, torn or altered."""
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

    def write(self, step: int, arrays: Mapping[str, NDArray[Any]], about: Mapping[str, Any]) -> None:
        """Write the state after `step` steps and drop all but the last two."""
        write_arrays(self.folder / f"{step:09d}.safetensors", arrays, {**about, "step": step})
        self._drop(sorted(self.folder.glob("*.safetensors"))[:-KEPT])

    def newest(self) -> Checkpoint | None:
        """Return the newest whole checkpoint; torn and corrupt ones are passed over and removed."""
        for path in sorted(self.folder.glob("*.safetensors"), reverse=True):
            read = read_arrays(path)
            if read is not None:
                arrays, about = read
                return Checkpoint(int(about["step"]), arrays, about)
            self._drop([path])
        return None

    def clear(self) -> None:
        """Drop all of them: the training has ended."""
        self._drop(sorted(self.folder.glob("*.safetensors")))

    def _drop(self, paths: list[Path]) -> None:
        with storage(self.folder):
            for path in paths:
                # The mark goes first: what is left by a kill in between counts as torn.
                path.with_suffix(".json").unlink(missing_ok=True)
                path.unlink(missing_ok=True)
