"""`radassay translate`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro


@dataclass(frozen=True)
class Command:
    """Turn the images of a set into another class with a trained translator (cyclegan, pix2pix).

    The result is an image set whose every row is marked as generated; it keeps the patient, and the column
    `translated_from` names the image that each was made from. Images of the target class are left out.

    Example: radassay translate generators/cyclegan sets/healthy --target disease --out sets/made-ill
    """

    trained: Annotated[Path, tyro.conf.Positional]
    """Folder that `radassay train` wrote."""
    images: Annotated[Path, tyro.conf.Positional]
    """Image set to translate."""
    target: str
    """Class that the images shall become."""
    out: Path
    """Folder of the new image set."""
    seed: int = 1
    """Seed of the noise; cyclegan has none."""

    def run(self) -> int:
        """Run it."""
        from radassay.images.imageset import ImageSet
        from radassay.workbench.making import trained, translate

        images = ImageSet.open(self.images)
        made = translate(trained(self.trained), self.trained, images, self.out, self.target, seed=self.seed)
        left = len(images) - len(made)
        print(
            f"{len(made)} images translated{f', {left} were {self.target} already' if left else ''}, "
            f"fingerprint {made.fingerprint[:16]}, in {self.out}"
        )
        return 0
