"""Features of image sets of any size: read, encoded and kept shard by shard, by several processes or a cluster.

::

    FOLDER/extraction.json   what is extracted from what; another extraction is refused
    FOLDER/shards of N/*.npy the rows done so far; dropped at the end
    FOLDER/features.npy      (n, d) float32, in the order of `rows.parquet`
    FOLDER/rows.parquet      image id, source, label and patient code of each row, as in the image set
    FOLDER/features.json     encoder, fingerprints and the SHA-256 of features.npy: the mark of completion
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radassay.contracts.encoder import Encoder, LearntEncoder
from radassay.contracts.progress import Progress, Report, silent
from radassay.engine.claim import claimed
from radassay.engine.spread import Where, spread
from radassay.errors import InputError, SettingsError
from radassay.evidence.run import storage, write_atomic, write_table
from radassay.images.imageset import ImageSet
from radassay.images.intensity import Fit

SHARD = 1024
"""Images read and encoded at a time; memory is bounded by so many a worker."""
MOST_LEARNT = 5_000
"""Images that an encoder learns from at most."""
ROWS = ["image", "source", "label", "patient"]
READ = ["image", "low", "high"]
"""The columns that reading a picture needs."""


@dataclass(frozen=True)
class Features:
    """Features on disk."""

    folder: Path
    about: dict[str, Any]
    """Encoder, fingerprints, numbers of images and features."""

    @classmethod
    def open(cls, folder: Path) -> Features:
        """Return the features that `extract` wrote.

        Raises:
            InputError: the folder holds no finished extraction.
        """
        try:
            return cls(folder, json.loads((folder / "features.json").read_text()))
        except (OSError, ValueError):
            raise InputError(
                f"{folder} holds no finished features", possible="Run the same `radassay encode` again to finish it"
            ) from None

    @property
    def values(self) -> NDArray[np.float32]:
        """Return (n, d) float32, mapped from the disk, not read."""
        values: NDArray[np.float32] = np.load(self.folder / "features.npy", mmap_mode="r", allow_pickle=False)
        return values

    @property
    def rows(self) -> pd.DataFrame:
        """Return image id, source, label and patient code of each row."""
        return pd.read_parquet(self.folder / "rows.parquet")

    def __len__(self) -> int:
        return int(self.about["images"])


class Task(NamedTuple):
    """What every worker needs to know."""

    encoder: Encoder
    size: int
    fit: Fit


def extract(
    images: ImageSet,
    encoder: Encoder,
    size: int,
    folder: Path,
    *,
    fit: Fit = "squash",
    shard: int = SHARD,
    where: Where | None = None,
    report: Report = silent,
) -> Features:
    """Encode a set into a folder, shard by shard; killed and called again it carries on with the shards left.

    The bytes of `features.npy` depend on images, encoder, size and fit alone: not on `shard`, `where` or kills.

    Args:
        images: the set; on a cluster its folder must lie under the same path on every node.
        encoder: one that has learnt, where it is of that kind.
        size: side in pixels at which pictures are read.
        folder: where features are written.
        fit: how pictures become square.
        shard: images a piece of work.
        where: processes of this machine, or a Ray cluster; this process alone by default.
        report: told after each shard.

    Raises:
        InputError: no images, or a picture is missing from the set.
        SettingsError: the folder holds another extraction; Ray is not installed or does not answer.
        StorageError: the folder cannot be written, or another process works in it.
    """
    if not len(images):
        raise InputError("There are no images to encode")
    if shard < 1:
        raise SettingsError("A shard needs an image", got=shard, possible="shard >= 1")
    identity = {
        "set": images.name,
        "set_fingerprint": images.fingerprint,
        "images": len(images),
        "encoder": encoder.name,
        "encoder_fingerprint": encoder.fingerprint,
        "size": size,
        "fit": fit,
    }
    with claimed(folder, identity, "extraction"):
        if not (folder / "features.json").exists():
            shards = folder / f"shards of {shard}"
            _encode(images, Task(encoder, size, fit), shards, shard, where or Where(), report)
            _assemble(images, folder, shards, shard, identity)
        report(Progress(len(images), len(images), "images", task="encode"))
        return Features.open(folder)


def taught(
    encoder: Encoder,
    images: ImageSet,
    size: int,
    folder: Path,
    *,
    fit: Fit = "squash",
    seed: int,
    report: Report = silent,
) -> Encoder:
    """Return an encoder that has learnt from a set, in `folder`; one that does not learn is returned as it is.

    It learns from the training split where there is one, from all images otherwise; of more than 5,000, from a random
    5,000, so that memory is bounded.

    Raises:
        InputError: there are too few images to learn from.
        SettingsError: the folder holds another training.
    """
    if not isinstance(encoder, LearntEncoder):
        return encoder
    given = images.where(split="train") if (images.table["split"] != "").any() else images
    drawn = np.random.default_rng(seed).permutation(len(given))[:MOST_LEARNT]
    given = given.take(np.sort(drawn))
    return encoder.learn(given.load(size, fit), given.units, folder, seed=seed, report=report)


def _encode(images: ImageSet, task: Task, shards: Path, shard: int, where: Where, report: Report) -> None:
    """Write the shards that are not there yet."""
    with storage(shards):
        shards.mkdir(exist_ok=True)
        for torn in shards.glob("*.tmp"):
            torn.unlink()
    starts = [start for start in range(0, len(images), shard) if not _path(shards, start).exists()]
    missing = sum(min(shard, len(images) - start) for start in starts)
    done = len(images) - missing
    report(Progress(done, len(images), "images", task="encode"))
    for number, rows in spread(encoded, task, _parts(images, starts, shard), where):
        with storage(shards):
            path = _path(shards, starts[number])
            with open(path.with_suffix(".tmp"), "wb") as file:
                np.save(file, rows, allow_pickle=False)
            os.replace(path.with_suffix(".tmp"), path)
        done += len(rows)
        report(Progress(done, len(images), "images", task="encode"))


def _parts(images: ImageSet, starts: list[int], shard: int) -> Iterator[ImageSet]:
    """Yield the shards that start at these rows, with the columns that reading needs."""
    for start in starts:
        table = images.table[READ].iloc[start : start + shard].reset_index(drop=True)
        yield ImageSet(images.name, table, images.store)


def encoded(task: Task, images: ImageSet) -> NDArray[np.float32]:
    """Return the features of one shard, (n, d); the work of one process."""
    return task.encoder.encode(images.load(task.size, task.fit))


def _path(shards: Path, start: int) -> Path:
    return shards / f"{start:09d}.npy"


def _assemble(images: ImageSet, folder: Path, shards: Path, shard: int, identity: dict[str, Any]) -> None:
    """Put the shards together, mark the extraction as finished, and drop them."""
    starts = range(0, len(images), shard)
    dims = int(np.load(_path(shards, 0), mmap_mode="r", allow_pickle=False).shape[1])
    header = {"descr": "<f4", "fortran_order": False, "shape": (len(images), dims)}
    with storage(folder):
        temporary, digest = folder / "features.npy.tmp", hashlib.sha256()
        with open(temporary, "wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            for start in starts:
                part = np.load(_path(shards, start), allow_pickle=False).astype("<f4", copy=False).tobytes()
                file.write(part)
                digest.update(part)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, folder / "features.npy")
        write_table(folder / "rows.parquet", images.table[ROWS])
        about = {**identity, "dims": dims, "sha256": digest.hexdigest()}
        write_atomic(folder / "features.json", (json.dumps(about, indent=1, sort_keys=True) + "\n").encode())
        for path in sorted(shards.glob("*.npy")):
            path.unlink()
        shards.rmdir()
