"""Features of up to 100,000 simulated chests, shard by shard: images a second and peak memory as the set grows.

Chests are made from a few hundred, each moved, windowed and grained by its number, as they are read (64 px). One pass
over the largest number gives the line of every smaller one. What grows with the set is its table; what an image costs
does not.

Measured with random-conv in one process on a busy machine (processor seconds of the process; on a wall clock it had a
sixth of a core): 10,240 images 17.8 s, 20,480 32.9 s, 50,176 77.6 s, 100,000 146 s, so 1.46 ms an image; memory stays
at 462 to 469 MiB from the tenth shard to the last. All lines are of one pass, so the table of 100,000 rows is in each
of them: it takes 92 MiB, and 148 for a moment while its fingerprint is made (a set of 3,000 images needs 379 MiB in
all). Extrapolated, not measured: 1,000,000 images take 25 minutes of one core, 0.5 GB of disk and about 1.8 GB of
memory at most, which the table alone decides.

    python benchmarks/features.py [--images 100000] [--encoder random-conv] [--workers 1] [--folder /var/tmp]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from functools import lru_cache
from pathlib import Path

import numpy as np
import psutil

from radassay import registry
from radassay.contracts.encoder import LearntEncoder
from radassay.contracts.progress import Progress
from radassay.engine.processes import one_thread
from radassay.engine.spread import Where
from radassay.images.imageset import ImageSet
from radassay.images.phantom import Cohort, make_phantoms
from radassay.images.store import PixelStore
from radassay.workbench.features import SHARD, extract

SIZE = 64
MARKS = (1_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000)
CHESTS = 300


class Made(PixelStore):
    """Pictures made from their number as they are asked for."""

    def get(self, image: str) -> np.ndarray:
        """Return one picture, (64, 64) bytes."""
        rng = np.random.default_rng(int(image))
        base = chests(self.folder)
        shift = rng.integers(-3, 4, 2)
        moved = np.roll(base[rng.integers(len(base))], shift, axis=(0, 1))
        grain = rng.standard_normal((SIZE, SIZE), dtype=np.float32)
        toned = moved * rng.uniform(0.85, 1.0) + rng.uniform(0.0, 0.1) + 0.01 * grain
        return np.asarray(np.clip(toned, 0, 1) * 255, dtype=np.uint8)


@lru_cache(maxsize=1)
def chests(folder: Path) -> np.ndarray:
    """Return the chests to start from, (300, 64, 64)."""
    return np.load(folder / "chests.npy")


def made_set(count: int, folder: Path) -> ImageSet:
    """Return a set of so many pictures that lie nowhere."""
    cohort = Cohort(patients=CHESTS, images_per_patient=1, size=SIZE, seed=0)
    np.save(folder / "chests.npy", make_phantoms(folder / "cohort", cohort).load(SIZE))
    rows = {"image": [f"{n:09d}" for n in range(count)], "source": [f"{n}.png" for n in range(count)]}
    rows |= {"label": "x", "patient": [f"p{n // 2}" for n in range(count)]}
    import pandas as pd

    return ImageSet.of("made", pd.DataFrame(rows).assign(low=0.0, high=255.0), Made(folder))


class Clock:
    """Prints a line when a mark is passed."""

    def __init__(self, before: float) -> None:
        self.before, self.wall, self.marks, self.peak = before, time.perf_counter(), list(MARKS), 0.0

    def __call__(self, progress: Progress) -> None:
        """Take the time and the memory after a shard."""
        tree = psutil.Process()
        used = sum(p.memory_info().rss for p in (tree, *tree.children(recursive=True))) / 2**20
        self.peak = max(self.peak, used)
        if self.marks and progress.done >= self.marks[0]:
            self.marks.pop(0)
            cpu, wall = time.process_time() - self.before, time.perf_counter() - self.wall
            print(
                f"{progress.done:9,d}  {cpu:8.1f}  {wall:8.1f}  {progress.done / max(cpu, 1e-9):8.0f}"
                f"  {progress.done / wall:8.0f}  {self.peak:8.0f}",
                flush=True,
            )


def main() -> None:
    """Extract and print a line at every mark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--encoder", default="random-conv")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--ray", default="", help="address of a Ray cluster; `local` starts one")
    parser.add_argument("--folder", type=Path, default=None, help="where features go, 0.5 kB an image")
    chosen = parser.parse_args()
    one_thread()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as name:
        folder = Path(name)
        images = made_set(chosen.images, folder)
        encoder = registry.load("encoders", chosen.encoder)()
        if isinstance(encoder, LearntEncoder):
            real = chests(folder)
            encoder = encoder.learn(real, np.arange(len(real)).astype(str), folder / "encoder", seed=1)
        encoder.encode(chests(folder)[:1])
        print(f"{chosen.encoder}, {chosen.workers} workers, shards of {SHARD}")
        print("   images     cpu s    wall s  images/s of this process's cpu  images/s wall  peak MiB")
        where = Where(chosen.workers, chosen.ray)
        extract(images, encoder, SIZE, folder / "features", where=where, report=Clock(time.process_time()))


if __name__ == "__main__":
    main()
