"""`radassay assess`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from radassay.cli.ending import run_and_tell
from radassay.cli.placing import Placed


@dataclass(frozen=True)
class Command(Placed):
    """Put synthetic images made elsewhere on trial against real ones.

    Example: radassay assess real/ synthetic/ --positive COVID-19 --out runs/theirs
    """

    real: Annotated[Path, tyro.conf.Positional]
    """Real images: a folder with one folder a class, a table, or an image set."""
    synthetic: Annotated[Path, tyro.conf.Positional]
    """Synthetic images, in the same form."""
    positive: tuple[str, ...]
    """Labels that count as positive."""
    out: Path = Path("runs/assess")
    """Folder of the run."""
    size: int = 64
    """Side in pixels at which images are compared: 32, 64 or 128."""
    seed: int = 1
    """Seed of splits, controls and intervals."""
    encoder: str = "self-supervised"
    """Encoder of the features that distances are measured in (`radassay list encoders`)."""
    second: str = "radiomics"
    """A second one, of another kind: a verdict that turns round with the encoder is called unclear. "" for none."""
    trial: bool = False
    """Also train diagnosis models with and without the synthetic images."""
    others: tuple[Path, ...] = ()
    """Further sets that must share no radiograph with the real images."""

    def run(self) -> int:
        """Run it."""
        from radassay.workbench.study import study_of

        return run_and_tell(
            study_of(
                {
                    "name": f"{self.synthetic.name} against {self.real.name}",
                    "seed": self.seed,
                    "size": self.size,
                    "real": {"source": str(self.real), "positive": list(self.positive)},
                    "synthetic": {"source": str(self.synthetic)},
                    "others": [{"source": str(other)} for other in self.others],
                    "checks": {"encoder": self.encoder, "second": self.second},
                    "trial": {"run": self.trial},
                }
            ),
            self.out,
            where=self.where,
        )
