"""The same radiograph under another name: radassay against perceptual hashes and small-picture correlation.

Radiographs published twice: `darkcovidnet/Covid-19` against `cohen-cxr` in ../shared/data, every pair of one with the
other; files of the same name are true pairs. Pairs of other names whose 64 px pictures correlate above 0.98 are left
out, being neither. Without that data, simulated chests against altered copies. Every side runs in a fresh process tree
on the same files; scores of pairs that it does not name are its lowest. imagededup needs torchvision and so a Python of
its own, which `--imagededup` names. With `--alterations`, altered copies of
radiographs are looked for among 1,000 others, alteration by alteration.

    python benchmarks/same_radiograph.py [--alterations] [--each 8] [--processes 2] [--imagededup OTHER/bin/python]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import cv2
import imagehash
import numpy as np
import psutil
from alterations import ALTERATIONS
from PIL import Image
from sklearn.metrics import average_precision_score, precision_recall_curve

from radassay.images.phantom import Cohort, make_phantoms
from radassay.matching.matcher import describe, match

DATA = Path(__file__).parents[2] / "shared" / "data"
HASHES = {
    "phash 8": partial(imagehash.phash, hash_size=8),
    "phash 16": partial(imagehash.phash, hash_size=16),
    "dhash 8": partial(imagehash.dhash, hash_size=8),
    "dhash 16": partial(imagehash.dhash, hash_size=16),
    "whash 8": partial(imagehash.whash, hash_size=8),
    "whash 16": partial(imagehash.whash, hash_size=16),
}
DEDUP = "imagededup "
SIDES = ("radassay", *HASHES, "thumbnail correlation")


def read(paths: list[str], number: int) -> np.ndarray:
    """Return one file as grey values in [0, 1]."""
    return np.asarray(Image.open(paths[number]).convert("L"), dtype=np.float32) / 255


def files(folder: Path) -> tuple[list[str], list[str]]:
    """Return the files of both sets; simulated ones are written into the folder."""
    if DATA.exists():
        first, second = (DATA / name for name in ("cohen-cxr/images", "darkcovidnet/Covid-19"))
        return tuple(sorted(str(p) for p in part.iterdir() if p.is_file()) for part in (first, second))
    rng = np.random.default_rng(0)
    cohort = make_phantoms(folder / "cohort", Cohort(patients=300, images_per_patient=1, size=256, seed=0))
    for number, name in enumerate(sorted(ALTERATIONS) * 2):
        for part, picture in (("a", cohort.display(number)), ("b", ALTERATIONS[name](cohort.display(number), rng))):
            (folder / part).mkdir(exist_ok=True)
            Image.fromarray(np.rint(picture * 255).astype(np.uint8)).save(folder / part / f"{number:03d}.png")
    for number in range(2 * len(ALTERATIONS), len(cohort)):
        Image.fromarray(np.rint(cohort.display(number) * 255).astype(np.uint8)).save(folder / "a" / f"{number:03d}.png")
    return tuple(sorted(str(p) for p in (folder / part).iterdir()) for part in ("a", "b"))


def scored(side: str, first: list[str], second: list[str], processes: int) -> np.ndarray:
    """Return the score of every pair, (n, m); higher is surer."""
    if side == "radassay":
        a, b = (describe(partial(read, paths), len(paths), processes=processes) for paths in (first, second))
        found = match(a, b, rng=np.random.default_rng(0), processes=processes)
        scores = np.zeros((len(first), len(second)))
        scores[found.pairs[:, 0], found.pairs[:, 1]] = found.scores
        return scores
    if side == "thumbnail correlation":
        return thumbnails(first, 32) @ thumbnails(second, 32).T
    codes = [
        np.array([HASHES[side](Image.open(p).convert("L")).hash.reshape(-1) for p in part], dtype=np.float32)
        for part in (first, second)
    ]
    a, b = (2 * code - 1 for code in codes)
    return a @ b.T / a.shape[1]


def thumbnails(paths: list[str], size: int) -> np.ndarray:
    """Return small pictures (n, size * size), centred and of length 1."""
    rows = [
        cv2.resize(read(paths, k), (size, size), interpolation=cv2.INTER_AREA).reshape(-1) for k in range(len(paths))
    ]
    values = np.stack(rows) - np.mean(rows, axis=1, keepdims=True)
    return values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-9)


def one_side(side: str, folder: Path, processes: int) -> None:
    """Score all pairs and write scores and seconds."""
    first, second = json.loads((folder / "files.json").read_text())
    started = time.perf_counter()
    scores = scored(side, first, second, processes)
    np.savez(folder / f"{side}.npz", scores=scores, seconds=time.perf_counter() - started)


def watched(side: str, folder: Path, processes: int, other: Path | None = None) -> float:
    """Run one side in a fresh process tree; return its peak MiB, all processes together, sampled every 50 ms."""
    command = [sys.executable, __file__, "--side", side, "--folder", str(folder), "--processes", str(processes)]
    if side.startswith(DEDUP):
        script = Path(__file__).parent / "peers" / "imagededup_scores.py"
        command = [str(other), str(script), side.removeprefix(DEDUP), str(folder)]
    # One thread a process, as the command line has it: threads of several processes hold each other up.
    child = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})
    tree, peak = psutil.Process(child.pid), 0
    while child.poll() is None:
        with contextlib.suppress(psutil.Error):
            peak = max(peak, sum(p.memory_info().rss for p in (tree, *tree.children(recursive=True))))
        time.sleep(0.05)
    if child.returncode:
        sys.exit(f"{side} failed with exit code {child.returncode}")
    return peak / 2**20


def compare(processes: int, other: Path | None) -> None:
    """Print a table of all sides."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first, second = files(folder)
        (folder / "files.json").write_text(json.dumps([first, second]))
        same = np.array([[Path(a).name == Path(b).name for b in second] for a in first])
        left_out = ~same & (thumbnails(first, 64) @ thumbnails(second, 64).T > 0.98)
        judged = ~left_out
        print(f"{len(first)} x {len(second)} images, {same.sum()} true pairs, {left_out.sum()} left out")
        print(f"{'':24s}  AP     recall at 99 % precision  seconds  MiB   seconds of radassay / its own")
        ours = 0.0
        more = [f"{DEDUP}{method}" for method in ("PHash", "DHash", "WHash", "AHash")] if other else []
        for side in (*SIDES, *more):
            peak = watched(side, folder, processes, other)
            result = np.load(folder / f"{side}.npz")
            truth, scores = same[judged], result["scores"][judged]
            precision, recall, _ = precision_recall_curve(truth, scores)
            seconds = float(result["seconds"])
            ours = ours or seconds
            at = recall[precision >= 0.99].max()
            area = average_precision_score(truth, scores)
            print(f"{side:24s}  {area:.3f}  {at:24.3f}  {seconds:7.1f}  {peak:4.0f}  {ours / seconds:6.1f}", flush=True)
            if side == "radassay":
                best = np.sort(scores[~truth])[::-1][:3]
                print(f"{'':24s}  true pairs score {scores[truth].min():.2f} and more, others at most {best.round(2)}")


def alterations(each: int, processes: int) -> None:
    """Print how many altered copies are found among 1,000 other radiographs, and the highest score of another."""
    folder = DATA / "darkcovidnet"
    if not folder.exists():
        sys.exit("../shared/data is absent")
    paths = sorted(str(p) for name in ("No_findings", "Pneumonia") for p in (folder / name).iterdir())
    rng = np.random.default_rng(1)
    made = [(name, int(k)) for name in ALTERATIONS for k in rng.choice(len(paths), each, replace=False)]
    copies = [ALTERATIONS[name](read(paths, k), rng) for name, k in made]
    among = describe(partial(read, paths), len(paths), processes=processes)
    found = match(describe(copies.__getitem__, len(copies)), among, rng=rng, processes=processes)
    sure = {int(i): bool(v) for (i, j), v in zip(found.pairs, found.verified, strict=True) if made[i][1] == j}
    for name in ALTERATIONS:
        hits = [sure.get(i) for i, (other, _) in enumerate(made) if other == name]
        print(
            f"{name:30s} verified {sum(h is True for h in hits)} of {each}, listed {sum(h is not None for h in hits)}"
        )
    wrong = [s for (i, j), s in zip(found.pairs, found.scores, strict=True) if made[i][1] != j]
    print(f"threshold {found.threshold:.2f}; highest scores of other pairs: {np.round(wrong[:5], 2)}; {found.false}")


def main() -> None:
    """Compare all sides, or look for altered copies."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--alterations", action="store_true")
    parser.add_argument("--each", type=int, default=8)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--imagededup", type=Path, default=None, help="a Python that has imagededup")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.side:
        one_side(chosen.side, chosen.folder, chosen.processes)
    elif chosen.alterations:
        alterations(chosen.each, chosen.processes)
    else:
        compare(chosen.processes, chosen.imagededup)


if __name__ == "__main__":
    main()
