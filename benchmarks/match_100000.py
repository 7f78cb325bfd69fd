"""Up to 100,000 images against themselves: time of each stage and peak memory, so that growth is seen.

Images are simulated chests, warped and mixed with detail of their own so that no two are alike, 192 px; one in a
hundred is an altered copy of another. They are made as they are read, in about 3 ms each. Descriptions go to a file.

    python benchmarks/match_100000.py [--images 5000] [--start 2500] [--processes 2] [--folder /var/tmp]
"""

from __future__ import annotations

import argparse
import contextlib
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
from radassay.matching.matcher import describe, match

SIZE = 192
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


def measure(count: int, processes: int, folder: Path) -> None:
    """Match so many images and print one line."""
    peak = Peak()
    peak.start()
    marks: dict[str, float] = {}
    started = time.perf_counter()
    described = describe(picture, count, folder=folder, processes=processes)
    marks["described"] = time.perf_counter()

    def told(done: int, total: int, what: str) -> None:
        marks.setdefault("listed", time.perf_counter())
        marks["pairs"] = total

    found = match(described, rng=np.random.default_rng(0), processes=processes, report=told)
    ended = time.perf_counter()
    peak.ended = True
    sure = {tuple(pair) for pair in found.pairs[found.verified].tolist()}
    planted = {(number - COPIED // 2, number) for number in range(COPIED, count, COPIED)}
    print(
        f"{count:7,d}  {marks['described'] - started:8.1f}  {marks['listed'] - marks['described']:8.1f}"
        f"  {ended - marks['listed']:8.1f}  {int(marks['pairs']):9,d}  {peak.most / 2**20:6.0f}"
        f"  {len(planted & sure)} of {len(planted)}, {len(sure - planted)} others",
        flush=True,
    )


def main() -> None:
    """Measure at ever larger sizes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=5_000, help="100000 takes more than an hour")
    parser.add_argument("--start", type=int, default=2_500)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=None, help="where descriptions go, 88 kB an image")
    chosen = parser.parse_args()
    print(" images  describe  shortlist  verify     pairs     MiB  copies found")
    sizes = [chosen.start]
    while sizes[-1] < chosen.images:
        sizes.append(min(2 * sizes[-1], chosen.images))
    for count in sizes:
        with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
            measure(count, chosen.processes, Path(folder))


if __name__ == "__main__":
    main()
