"""`radassay encode`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from radassay.cli.placing import Placed
from radassay.cli.progress import progress


@dataclass(frozen=True)
class Command(Placed):
    """Turn an image set into features: one row of numbers an image, for measures of your own or for many at once.

    Images are read and encoded in shards, so that memory does not grow with their number; each finished shard is kept.
    Killed at any moment, the same command carries on. The result does not depend on shards or workers; on a cluster the
    set must lie under the same path on every node. An encoder that learns (`self-supervised`) first learns, without
    labels, from the training split of the set, or from `--learn-from`: give the real training images there when you
    encode synthetic ones, or the features of the two cannot be compared.

    It writes features.npy (images x features, float32; `numpy.load(..., mmap_mode="r")` opens it without reading it),
    rows.parquet (image id, source, label and patient code of each row) and features.json (encoder and fingerprints).

    Example: radassay encode sets/synthetic --learn-from sets/real --out features/synthetic --workers 2
    """

    images: Annotated[Path, tyro.conf.Positional]
    """Folder of an image set (`radassay import` or `radassay simulate` makes one)."""
    out: Path
    """Folder for the features."""
    encoder: str = "self-supervised"
    """Which encoder (`radassay list`)."""
    set: dict[str, str] = field(default_factory=dict)
    """The encoder's settings, as pairs such as `images_seen 40000`."""
    learn_from: Path | None = None
    """Image set whose training images the encoder learns from; the set itself by default."""
    size: int = 64
    """Side in pixels at which images are read."""
    fit: Literal["squash", "pad", "crop"] = "squash"
    """How pictures become square: squashed, padded with black, or cut to their central square."""
    shard: int = 1024
    """Images read and encoded at a time, by each worker."""
    workers: int = field(default=1, kw_only=True)
    """Processes at once, each of which takes about 0.4 GB; 0 for as many as there are processors."""
    seed: int = 1
    """Seed of what the encoder learns."""

    def run(self) -> int:
        """Run it."""
        from radassay.images.imageset import ImageSet
        from radassay.workbench.features import extract, taught
        from radassay.workbench.making import plugin, typed

        images = ImageSet.open(self.images)
        source = images if self.learn_from is None else ImageSet.open(self.learn_from)
        encoder = plugin("encoders", self.encoder, {k: typed(v) for k, v in self.set.items()})
        with progress() as report:
            folder = self.out / "encoder"
            encoder = taught(encoder, source, self.size, folder, fit=self.fit, seed=self.seed, report=report)
            done = extract(
                images, encoder, self.size, self.out, fit=self.fit, shard=self.shard, where=self.where, report=report
            )
        print(f"{len(done)} images x {done.about['dims']} features of {encoder.name} {encoder.fingerprint[:12]}")
        print(f"features: {self.out / 'features.npy'}")
        return 0
