"""`radassay sample`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from radassay.cli.progress import progress


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
    """How many images, or volumes."""
    shape: tuple[int, int, int] | None = None
    """Volumes alone: depth, height and width in voxels; more or less of the body than that of the training volumes."""
    seed: int = 1
    """Seed; image i of a seed is always the same."""

    def run(self) -> int:
        """Run it."""
        import numpy as np

        from radassay.workbench.making import sample, trained
        from radassay.workbench.making_volumes import sample_volumes, trained_volumes

        labels = np.repeat(self.label, self.count)
        volumes = trained_volumes(self.trained)
        if volumes is None:
            images = sample(trained(self.trained), self.trained, self.out, labels, seed=self.seed)
        else:
            with progress() as report:
                images = sample_volumes(
                    volumes, self.trained, self.out, labels, seed=self.seed, shape=self.shape, report=report
                )
            print(f"{self.count} volumes, in {self.out / 'volumes'}; their slices:")
        print(f"{len(images)} images, fingerprint {images.fingerprint[:16]}, in {self.out}")
        return 0
