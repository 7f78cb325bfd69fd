"""What a check may look at, and what it must do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from radassay.contracts.grey import Grey
from radassay.evidence.finding import Finding
from radassay.images.sample import Sample


@dataclass(frozen=True)
class Inputs:
    """What a check may look at. A check never touches the sealed test images."""

    training: Sample
    """Real images that the generator and the trial learn from."""
    held_out: Sample
    """Real images of other patients: the reference of fidelity, coverage and memorisation."""
    synthetic: Sample | None = None
    """Generated images; None for a check of real data alone."""
    encode: Callable[[Grey], NDArray[np.float32]] | None = None
    """The encoder, (n, size, size) -> (n, d)."""
    encoder: str = ""
    """Name and fingerprint of the encoder."""
    positive: str = ""
    """The label that the task calls positive."""
    others: Sequence[Sample] = ()
    """Further sets that must share nothing with this one."""
    sealed: Sample | None = None
    """The test images, for the leakage check alone (pixels against pixels, no labels); None otherwise."""
    cache: dict[str, NDArray[np.float32]] = field(default_factory=dict, repr=False, compare=False)

    def features(self, sample: Sample) -> NDArray[np.float32]:
        """Return the features of a sample, (n, d), computed once."""
        if self.encode is None:
            raise ValueError("no encoder was given")
        key = f"{self.encoder}:{sample.fingerprint}"
        if key not in self.cache:
            self.cache[key] = self.encode(sample.pixels)
        return self.cache[key]

    def but(self, **changes: Any) -> Inputs:
        """Return the inputs with some of them replaced; the cache of features is shared."""
        return replace(self, **changes)

    def fingerprints(self, *samples: Sample | None) -> tuple[str, ...]:
        """Return the fingerprints to put into a finding."""
        return tuple(s.fingerprint[:16] for s in samples if s is not None)


class Check(Protocol):
    """One question about images, answered with findings.

    Contract:
        - `measure` returns findings alone; it draws, judges and writes nothing, and reads no global random state.
        - What cannot be measured is a finding without a value and with the reason; bad data are no exception.
        - The same inputs and the same generator state give the same findings.
        - Every value has an interval over patients, or a reason why none is valid.
        - `quick` returns the same check without intervals, for the controls; its values are the same.
        - No check knows that controls exist.
    """

    name: ClassVar[str]
    question: ClassVar[str]
    """What it asks, in a radiologist's words."""
    reads: ClassVar[Literal["real", "synthetic"]]
    """`real`: it looks at the real images; `synthetic`: it compares generated images with real ones."""
    matched: ClassVar[bool]
    """Whether its values depend on the number of synthetic images, so that controls must have equally many."""
    encoded: ClassVar[bool]
    """Whether its values depend on the encoder, so that it is measured with each encoder of a study."""
    watched: ClassVar[Mapping[str, str]]
    """The measures that the controls follow: finding name -> `higher` or `lower`, the way a defect moves it."""
    meets: ClassVar[tuple[str, ...]]
    """Names of the only defects planted for it, where any other would be costly and cannot reach it; empty for all."""

    def measure(self, inputs: Inputs, rng: np.random.Generator) -> list[Finding]: ...

    def quick(self) -> Check: ...
