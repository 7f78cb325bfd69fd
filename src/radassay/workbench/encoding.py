"""The encoders of a study: what they learn from, and the inputs as each of them sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from radassay.contracts.check import Inputs
from radassay.contracts.encoder import Encoder, LearntEncoder
from radassay.contracts.progress import Report, silent
from radassay.evidence.finding import Finding
from radassay.evidence.wording import BY_ENCODER
from radassay.workbench.feature_cache import CachedEncoder
from radassay.workbench.making import plugin
from radassay.workbench.materials import stage_seed
from radassay.workbench.study import Study

FEATURES = "features"


@dataclass(frozen=True)
class Eye:
    """One encoder of a study."""

    name: str
    settings: dict[str, Any] = field(default_factory=dict)
    second: bool = False
    """Whether it stands beside the study's main encoder, to show what depends on the choice."""

    @property
    def part(self) -> str:
        """Return the slice of what it measures."""
        return f"{BY_ENCODER}{self.name}" if self.second else "all"

    def stage(self, name: str) -> str:
        """Return the name of a stage as this encoder does it."""
        return f"{name}, {self.part}" if self.second else name

    def require(self) -> None:
        """Raise before any work what the encoder would raise after it, where weights or settings are missing.

        Raises:
            InputError: what is missing, and how to get it.
        """
        encoder = plugin("encoders", self.name, self.settings)
        if getattr(encoder, "missing", ""):
            encoder.encode(np.zeros((0, 1, 1), dtype=np.float32))

    def sees(self, inputs: Inputs, study: Study, folder: Path, report: Report = silent) -> Inputs:
        """Return the inputs with this encoder, which first learns from the training images where it is of that kind.

        Features of the study's images are kept on disk, by picture and encoder; those of planted ones are not.

        Args:
            inputs: the images.
            study: gives the seed.
            folder: keeps what is learnt, and features.
            report: told how far the learning has come.

        Raises:
            InputError: weights are missing, or there are too few images to learn from.
            SettingsError: it has no such setting.
        """
        encoder: Encoder = plugin("encoders", self.name, self.settings)
        if isinstance(encoder, LearntEncoder):
            seed = int(stage_seed(study, "encoder", self.name).generate_state(1)[0])
            training = inputs.training
            encoder = encoder.learn(training.pixels, training.patients, folder / self.name, seed=seed, report=report)
        name = f"{encoder.name} {encoder.fingerprint[:12]}"
        seen = inputs.but(encode=CachedEncoder(encoder, folder / FEATURES).encode, encoder=name, cache={})
        for sample in (seen.training, seen.held_out, seen.synthetic):
            if sample is not None:
                seen.features(sample)
        return seen.but(encode=encoder.encode)

    def told(self, findings: Sequence[Finding]) -> list[Finding]:
        """Return findings of this encoder: of a second one those about all images, in a slice of their own."""
        if not self.second:
            return list(findings)
        return [replace(f, slice=self.part) for f in findings if f.slice == "all"]


def eyes(study: Study) -> list[Eye]:
    """Return the encoders of a study, the main one first."""
    main = Eye(study.checks.encoder, study.checks.encoder_settings)
    if not study.checks.second:
        return [main]
    return [main, Eye(study.checks.second, study.checks.second_settings, second=True)]
