"""Up to 100,000 images against themselves: seconds of each stage and peak memory, so that growth is seen.

Images are simulated chests, warped and mixed with detail of their own so that no two are alike, 192 px; one in a
hundred is an altered copy of another. They are made as they are read, in about 2 ms each. Descriptions go to a file,
once for all sizes: a smaller size takes the first of them, and with `--folder` a later run takes them up again.

With `--shortlist`, the graph of neighbours alone, at 5,000 to 80,000 vectors mixed from those of 1,000 such images:
seconds, distances computed, and how many of 1,000 vectors as like as copies are found.

    python benchmarks/match_100000.py [--images 5000] [--start 2500] [--processes 2] [--folder /var/tmp/matching]
    python benchmarks/match_100000.py --shortlist
"""

from __future__ import annotations

import argparse
import contextlib
import os
import tempfile
import threading
import time
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import psutil
from alterations import ALTERATIONS

from radassay.images.phantom import Cohort, make_phantoms
from radassay.matching.codebook import Codebook
from radassay.matching.described import RECORD
from radassay.matching.keypoints import CHANGES
from radassay.matching.matcher import Described, describe, match
from radassay.matching.shortlist import around, graph_of

SIZE = 192
LIKE = 0.37
"""Cosine of the vectors of a copy and its original: what one in twenty republished radiographs has, or less."""
COPIED = 100
"""One image in so many is a copy of the one half as far before it."""
MILD = (
    "half size",
    "cropped to 80 %",
    "framed in black",
    "CLAHE 3",
    "inverted",
    "mirrored",
    "turned 4 degrees",
    "republished",
)


@lru_cache(maxsize=1)
def chests() -> np.ndarray:
    """Return simulated chests to start from, (40, 192, 192)."""
    with tempfile.TemporaryDirectory() as folder:
        cohort = make_phantoms(Path(folder) / "cohort", Cohort(patients=40, images_per_patient=1, size=SIZE, seed=0))
        return cohort.load(SIZE)


@lru_cache(maxsize=1)
def amplitude() -> np.ndarray:
    """Return how strong each frequency is in natural detail."""
    frequency = np.hypot(np.fft.fftfreq(SIZE)[:, None], np.fft.rfftfreq(SIZE)[None, :])
    return 1 / np.maximum(frequency, 4 / SIZE) ** 1.5


def original(number: int) -> np.ndarray:
    """Return one image that is like no other."""
    rng = np.random.default_rng(number)
    shift = cv2.resize(rng.normal(0, 5, (5, 5, 2)).astype(np.float32), (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    chest = chests()[rng.integers(len(chests()))]
    warped = cv2.remap(chest, x + shift[..., 0], y + shift[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    noise = rng.standard_normal((SIZE, SIZE // 2 + 1), dtype=np.float32) * amplitude()
    turns = np.exp(2j * np.pi * rng.random(noise.shape, dtype=np.float32))
    detail = np.fft.irfft2(noise * turns, s=(SIZE, SIZE))
    return np.clip(warped + 0.06 * detail / detail.std(), 0, 1).astype(np.float32)


def picture(number: int) -> np.ndarray:
    """Return one image, or the altered copy that stands in its place."""
    if number % COPIED or not number:
        return original(number)
    alteration = ALTERATIONS[MILD[number // COPIED % len(MILD)]]
    return alteration(original(number - COPIED // 2), np.random.default_rng(number))


class Peak(threading.Thread):
    """Watches the memory of this process and those it starts."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most, self.ended = 0, False

    def run(self) -> None:
        """Sample every 100 ms."""
        tree = psutil.Process()
        while not self.ended:
            with contextlib.suppress(psutil.Error):
                used = sum(p.memory_info().rss for p in (tree, *tree.children(recursive=True)))
                self.most = max(self.most, used)
            time.sleep(0.1)


def spent() -> float:
    """Return the processor seconds of this process and those it has ended."""
    return sum(os.times()[:4])


def described(sizes: list[int], processes: int, folder: Path) -> tuple[Path, dict[int, float]]:
    """Return the file of descriptions and the processor seconds that each size took; made by an earlier run, none."""
    path, took = folder / "described.bin", {}
    if path.exists():
        if path.stat().st_size < sizes[-1] * RECORD.itemsize:
            raise SystemExit(f"{path} holds fewer than {sizes[-1]} images")
        return path, took
    for size in sizes if processes == 1 else sizes[-1:]:
        took[size] = 0.0
    started = spent()

    def told(done: int, total: int, what: str) -> None:
        for size in took:
            took[size] = took[size] or (spent() - started if done >= size else 0.0)

    describe(picture, sizes[-1], folder=folder, processes=processes, report=told)
    took[sizes[-1]] = spent() - started
    return path, took


def measure(images: Described, processes: int) -> str:
    """Match images and return the columns of one line."""
    peak = Peak()
    peak.start()
    marks: dict[str, float] = {}
    clock, started = time.perf_counter(), spent()

    def told(done: int, total: int, what: str) -> None:
        marks.setdefault("listed", spent())
        marks["pairs"] = total

    found = match(images, rng=np.random.default_rng(0), processes=processes, report=told)
    clock, ended, peak.ended = time.perf_counter() - clock, spent(), True
    # Processes count when they end, so that the first stage of several cannot be told from what follows.
    listed = (
        f"{marks['listed'] - started:9.1f}  {ended - marks['listed']:8.1f}"
        if processes == 1
        else f"{'–':>9s}  {'–':>8s}"
    )
    sure = {tuple(pair) for pair in found.pairs[found.verified].tolist()}
    planted = {(number - COPIED // 2, number) for number in range(COPIED, len(images), COPIED)}
    return (
        f"{listed}  {ended - started:8.1f}  {clock:8.1f}  {int(marks['pairs']):9,d}  {peak.most / 2**20:6.0f}"
        f"  {len(planted & sure)} of {len(planted)}, {len(sure - planted)} others"
    )


def graph(start: int = 5_000, last: int = 80_000, asked: int = 1_000) -> None:
    """Print what the graph of neighbours costs as it grows."""
    rng = np.random.default_rng(0)
    images = describe(picture, 1_000)
    book = Codebook.learn([images], rng)
    base = book.vectors(images, CHANGES[:1])[0]

    def mixed(count: int) -> np.ndarray:
        parts = base[rng.integers(len(base), size=(count, 3))] * rng.dirichlet(np.ones(3), count)[:, :, None]
        sums = parts.sum(axis=1) + rng.normal(0, 0.02, (count, base.shape[1]))
        return (sums / np.linalg.norm(sums, axis=1, keepdims=True)).astype(np.float32)

    index, size = None, 0
    costs: list[tuple[int, float, float, float]] = []
    print("vectors  ms to add one  ms to search  distances a search  copies found")
    queries = np.empty(0)
    while size < last:
        added = mixed(max(size, start))
        clock = time.process_time()
        index = graph_of(added, index)
        adding = (time.process_time() - clock) / len(added)
        size += len(added)
        if size == start:
            noise = rng.normal(0, 1 / np.sqrt(base.shape[1]), (asked, base.shape[1]))
            queries = (LIKE * added[:asked] + np.sqrt(1 - LIKE**2) * noise).astype(np.float32)
        clock = time.process_time()
        keys, _, distances = around(queries, index, 7)
        searching = (time.process_time() - clock) / asked
        right = (keys == np.arange(asked)[:, None]).any(axis=1).mean()
        costs.append((size, adding, searching, distances / asked))
        print(
            f"{size:7,d}  {adding * 1e3:13.3f}  {searching * 1e3:12.3f}  {distances / asked:18,.0f}  {right:13.3f}",
            flush=True,
        )
    n, add, search, computed = np.array(costs).T
    for name, cost in (("adding", add), ("searching", search), ("distances", computed)):
        print(f"{name}: all {last:,d} cost as n to the {1 + np.polyfit(np.log(n), np.log(cost), 1)[0]:.2f}")
    print(f"n log n over these sizes: n to the {1 + np.polyfit(np.log(n), np.log(np.log(n)), 1)[0]:.2f}")


def main() -> None:
    """Measure at ever larger sizes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=5_000)
    parser.add_argument("--start", type=int, default=2_500)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=None, help="where descriptions go and stay, 88 kB an image")
    parser.add_argument("--shortlist", action="store_true", help="measure the graph of neighbours alone")
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    if chosen.shortlist:
        graph()
        return
    sizes = [chosen.start]
    while sizes[-1] < chosen.images:
        sizes.append(min(2 * sizes[-1], chosen.images))
    with tempfile.TemporaryDirectory() as own:
        folder = chosen.folder or Path(own)
        path, took = described(sizes, chosen.processes, folder)
        print("         processor seconds                            wall")
        print(" images  describe  shortlist    verify   both     seconds      pairs     MiB  copies found")
        for count in sizes:
            before = f"{took[count]:8.1f}" if count in took else f"{'–':>8s}"
            line = measure(Described(count, None, path), chosen.processes)
            print(f"{count:7,d}  {before}  {line}", flush=True)


if __name__ == "__main__":
    main()
