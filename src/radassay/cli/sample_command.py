"""`radassay sample`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro


@dataclass(frozen=True)
class Command:
    """Make images with a trained generator, as an image set whose every row is marked as generated.

    Example: radassay sample generators/projection-gan --out sets/made --label disease --count 200
    """

    trained: Annotated[Path, tyro.conf.Positional]
    """Folder that `radassay train` wrote."""
    out: Path
    """Folder of the new image set."""
    label: str
    """Class to make."""
    count: int = 64
    """How many images."""
    seed: int = 1
    """Seed; image i of a seed is always the same."""

    def run(self) -> int:
        """Run it."""
        import numpy as np

        from radassay.workbench.making import sample, trained

        images = sample(
            trained(self.trained), self.trained, self.out, np.repeat(self.label, self.count), seed=self.seed
        )
        print(f"{len(images)} images, fingerprint {images.fingerprint[:16]}, in {self.out}")
        return 0
