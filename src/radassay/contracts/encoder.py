"""What an encoder must do."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from radassay.contracts.grey import Grey
from radassay.contracts.progress import Report, silent


class Encoder(Protocol):
    """Turns images into features.

    Contract:
        - `encode` maps (n, size, size) in [0, 1] to (n, d) float32, row by row: a row never depends on the others.
        - The same settings give the same features; `fingerprint` names them (settings and weights).
        - An encoder that needs weights or settings of its own has an attribute `missing`, which tells what it lacks and
          is empty where it is ready; without them `encode` is an `InputError` that says how to get them.
    """

    name: ClassVar[str]
    paper: ClassVar[str]

    @property
    def fingerprint(self) -> str: ...

    def encode(self, pixels: Grey) -> NDArray[np.float32]: ...


@runtime_checkable
class LearntEncoder(Encoder, Protocol):
    """An encoder that first learns from the user's own real training images, without their labels.

    Contract:
        - `learn` sees the training images alone and returns the encoder with its weights, which lie in `folder`
          (safetensors); `encode` of an encoder that has not learnt is an `InputError`.
        - `learn` killed at any moment and called again with the same arguments carries on and ends in the same
          weights as an unbroken run; called on a finished folder it returns at once.
    """

    def learn(
        self, pixels: Grey, patients: NDArray[np.str_], folder: Path, *, seed: int, report: Report = silent
    ) -> Encoder: ...
