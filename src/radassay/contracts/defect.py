"""What a planted defect must do."""

from __future__ import annotations

from typing import ClassVar, Literal, Protocol

import numpy as np

from radassay.contracts.check import Inputs


class Defect(Protocol):
    """A known fault, planted in a dose into inputs that have none.

    Contract:
        - `plant` at dose 0 changes nothing; a larger dose is a worse fault; the same rng state, the same result.
        - It changes `inputs.synthetic` (`into == "synthetic"`) or the real samples (`into == "real"`), nothing else.
    """

    name: ClassVar[str]
    what: ClassVar[str]
    """The fault in a radiologist's words."""
    unit: ClassVar[str]
    """Unit of the dose, such as `share of images`."""
    into: ClassVar[Literal["real", "synthetic"]]
    doses: tuple[float, ...]
    """Doses tried, ascending."""

    def plant(self, inputs: Inputs, dose: float, rng: np.random.Generator) -> Inputs: ...
