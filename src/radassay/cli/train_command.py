"""`radassay train`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from radassay.cli.progress import progress


@dataclass(frozen=True)
class Command:
    """Train a generator on an image set; only its training split where it has one. Killed, it carries on.

    Which one? `radassay train --list` tells all of them apart. To compare with a published study, take the generator
    that it used; for synthetic images of your own, the default; where you have a generator already, `command`.

    Example: radassay train sets/phantoms --out generators/projection-gan --set images_seen 60000
    """

    images: Annotated[Path | None, tyro.conf.Positional] = None
    """Folder of an image set (`radassay import` or `radassay simulate` makes one)."""
    out: Path | None = None
    """Folder for checkpoints, sample grids and losses."""
    list: bool = False
    """Print every generator with its paper and what it still needs, and do nothing else."""
    generator: str = "projection-gan"
    """Which generator (`--list`)."""
    set: dict[str, str] = field(default_factory=dict)
    """The generator's settings, as pairs such as `images_seen 60000`."""
    size: int = 64
    """Side in pixels; most generators draw 16, 32, 64 and 128."""
    depth: int = 0
    """Volumes alone: how many slices; 0 takes as many as `size`."""
    aside: float = 0.1
    """Share of the patients not learnt from, by whose images the best snapshot is kept; 0 keeps the last one."""
    window: str = "lung"
    """CT alone: values learned from, `lung` (-1350 to 150 HU), `wide` (-1024 to 1024), `own` or such as `-1000,400`."""
    seed: int = 1
    """Seed of weights and batches."""

    def run(self) -> int:
        """Run it."""
        import numpy as np

        from radassay.errors import SettingsError
        from radassay.images.imageset import ImageSet
        from radassay.workbench.making import generator_for, train, typed
        from radassay.workbench.making_volumes import makes_volumes, train_volumes, volume_generator

        if self.list:
            print("\n".join(told()))
            return 0
        if self.images is None or self.out is None:
            raise SettingsError("Which images, and where to?", possible="radassay train IMAGES --out FOLDER")
        settings = {k: typed(v) for k, v in self.set.items()}
        volumes = volume_generator(self.generator, settings) if makes_volumes(self.generator) else None
        generator = None if volumes else generator_for(self.generator, settings, self.size)
        images = ImageSet.open(self.images)
        if (images.table["split"] != "").any():
            images = images.take(np.flatnonzero(images.table["split"] == "train"))
        if volumes is not None:
            shape = (self.depth or self.size, self.size, self.size)
            with progress() as report:
                count = train_volumes(
                    images, self.out, volumes, shape=shape, seed=self.seed, window=self.window, report=report
                )
            print(f"trained on {count} volumes; losses, looks and grids are in {self.out / 'training.html'}")
            return 0
        assert generator is not None
        with progress() as report:
            train(
                images,
                self.out,
                generator,
                size=self.size,
                fit="squash",
                seed=self.seed,
                aside=self.aside,
                window=self.window,
                report=report,
            )
        page = self.out / "training.html"
        where = f"losses, looks and grids are in {page}" if page.exists() else f"all about it is in {self.out}"
        print(f"trained on {len(images)} images; {where}")
        return 0


def told() -> Iterator[str]:
    """Yield what tells each generator apart: its name, a sentence, its paper, and what it still needs."""
    from radassay import registry
    from radassay.cli.list_command import lacking

    for kind in ("generators", "volume-generators"):
        yield f"{kind}:"
        for name in registry.names(kind):
            plugin = registry.load(kind, name)
            sentence = (plugin.__doc__ or "").strip().split("\n\n")[0]
            yield f"  {name:<18} {' '.join(sentence.split())}{lacking(plugin)}"
            yield f"  {'':<18} {plugin.paper}"
