"""A trial of twelve arms, ours and written as plain sequential PyTorch training, on the same simulated chests.

Plain is what one writes first: a `Dataset` that opens a picture, an `nn.Sequential`, one training after the other, with
PyTorch's own number of threads. `plain, in memory` differs in one thing: each picture is decoded once a trial. Network,
loss, optimiser, schedule, augmentation, batches (half of each real pictures, the same in every arm of a seed) and the
choice of the snapshot are the same as ours; only the random draws differ, so areas agree within noise and not to the
digit.

Each side runs as a child of this script. Printed are processor seconds and wall seconds, start and decoding included,
peak memory of all its processes together (pages that they share count once), and how often ours is faster.
`--full` is the size of a real trial, 1,000 patients and 300 steps, for one seed: seeds are alike, so ten take ten times
as long but for the start (`--full --seeds 10 --sides ours` trains them all). The default does the same with fewer
patients and steps, in minutes. `--scaling` also runs ours in one process.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

SIDE = 128
STEPS_A_VALIDATION = 25
VALIDATION, TEST = 300, 500
SIDES = {"plain": "plain, from files", "memory": "plain, in memory", "ours": "ours"}


@dataclass(frozen=True)
class Arm:
    """What one arm learns from: rows of all pictures, and whether they are augmented."""

    name: str
    rows: np.ndarray
    augment: bool
    shuffled: bool = False
    core: int = 0
    """So many of the first rows are the real pictures that fill half of every batch."""


def arms(n: int) -> list[Arm]:
    """Return the arms; pictures 0 to n are the patients', the next n held-out ones, and 4 n stand in for synthetic."""
    real, held_out, made = np.arange(n), np.arange(n, 2 * n), np.arange(2 * n, 6 * n)

    def beside(name: str, more: np.ndarray, augment: bool = True, shuffled: bool = False) -> Arm:
        return Arm(name, np.r_[real, more], augment, shuffled, core=n)

    return [
        beside("real", real[:0], augment=False),
        beside("real + classical", real[:0]),
        beside("real + duplicates", real),
        *(beside(f"real + {k:g} synthetic", made[: round(k * n)]) for k in (0.25, 0.5, 1, 2, 4)),
        beside("real + 1 synthetic, not augmented", made[:n], augment=False),
        Arm("synthetic only", made[:n], False),
        beside("real + 1 synthetic, shuffled labels", made[:n], shuffled=True),
        beside("real + held-out real", held_out),
    ]


def simulate(folder: Path, n: int) -> None:
    """Write 6 n pictures to learn from, then those of validation and test, and their labels."""
    from PIL import Image

    from radassay.images.phantom import Cohort

    count, positive = 6 * n + VALIDATION + TEST, []
    for number, picture in enumerate(Cohort(patients=count, images_per_patient=1, size=SIDE, seed=1).pictures()):
        Image.fromarray(picture.pixels()).save(folder / f"{number:05d}.png")
        positive.append(picture.patient.label == "disease")
    np.save(folder / "positive.npy", positive)


def targets(arm: Arm, positive: np.ndarray) -> np.ndarray:
    """Return what an arm is told of its rows; shuffled labels are those of the synthetic pictures alone."""
    told = positive[arm.rows].copy()
    if arm.shuffled:
        half = len(told) // 2
        told[half:] = np.random.default_rng(0).permutation(told[half:])
    return told


def decoded(file: Path) -> np.ndarray:
    """Return one picture, grey values in [0, 1]."""
    from PIL import Image

    with Image.open(file) as picture:
        return np.asarray(picture.convert("L"), dtype=np.float32) / 255


# ------------------------------------------------------------------------------------------------ ours


def ours(folder: Path, given: argparse.Namespace) -> np.ndarray:
    """Decode once into a memory map, then train in one process a core; return scores, (arms, seeds, test)."""
    from radassay.engine.processes import one_thread, processes
    from radassay.trials.record import parted

    one_thread()
    files = sorted(folder.glob("*.png"))
    pixels = np.lib.format.open_memmap(folder / "pixels.npy", "w+", np.float32, (len(files), SIDE, SIDE))
    for row, file in enumerate(files):
        pixels[row] = decoded(file)
    pixels.flush()
    seeds = [[(i, seed) for i in range(len(arms(given.patients)))] for seed in range(given.seeds)]
    work = parted(seeds, given.workers)
    with processes(given.workers, begin, folder, given) as pool:
        scores = [each for group in pool.map(train_here, work) for each in group]
    return np.reshape(scores, (given.seeds, -1, TEST)).swapaxes(0, 1)


WORK: list = []


def begin(folder: Path, given: argparse.Namespace) -> None:
    """Open in a worker what all workers share."""
    pixels = np.load(folder / "pixels.npy", mmap_mode="r")
    WORK[:] = [pixels, np.load(folder / "positive.npy"), arms(given.patients), given]


def train_here(group: list[tuple[int, int]]) -> list[np.ndarray]:
    """Return the scores of some trainings of one seed, each named by arm and seed."""
    from radassay.classifiers.small_cnn import SmallCNN
    from radassay.contracts.classifier import Job

    pixels, positive, every, given = WORK
    learnt = 6 * given.patients
    validation = slice(learnt, learnt + VALIDATION)
    classifier = SmallCNN(validations=max(1, given.steps // STEPS_A_VALIDATION), precision=given.precision)
    jobs = [Job(every[i].rows, targets(every[i], positive), every[i].augment, s, core=every[i].core) for i, s in group]
    chosen_by = (pixels[validation], positive[validation])
    return list(classifier.fit_scores(pixels[:learnt], jobs, chosen_by, pixels[-TEST:], steps=given.steps))


# ------------------------------------------------------------------------------------------------ plain


def plain(folder: Path, given: argparse.Namespace) -> np.ndarray:
    """Train one arm and seed after the other; return scores, (arms, seeds, test)."""
    files, positive = sorted(folder.glob("*.png")), np.load(folder / "positive.npy")
    kept = {} if given.side == "memory" else None
    return np.stack(
        [
            [plain_training(files, positive, arm, seed, given.steps, kept) for seed in range(given.seeds)]
            for arm in arms(given.patients)
        ]
    )


def plain_batches(arm: Arm, seed: int, steps: int) -> np.ndarray:
    """Return (steps, 32) positions in an arm's rows: 16 of its core, then of the others at most 16, then its core.

    Each of the others comes as often as one of the core, or, where they are more than the core, fills the second half.
    """
    core = arm.core or len(arm.rows)
    more = len(arm.rows) - core
    beyond = max(round(32 * min(more / len(arm.rows), 0.5)), 1) if more else 0
    rng = np.random.default_rng(seed)

    def passes(first: int, last: int, count: int) -> np.ndarray:
        rows = [rng.permutation(np.arange(first, last)) for _ in range(-(-steps * count // max(last - first, 1)))]
        return np.concatenate([np.zeros(0, dtype=int), *rows])[: steps * count].reshape(steps, count)

    return np.hstack([passes(0, core, 16), passes(0, core, 16 - beyond), passes(core, len(arm.rows), beyond)])


def plain_training(files: list, positive: np.ndarray, arm: Arm, seed: int, steps: int, kept: dict | None) -> np.ndarray:
    """Return the scores of the test pictures, (n,), of one training."""
    import torch
    from sklearn.metrics import roc_auc_score
    from torch import nn
    from torch.nn.functional import affine_grid, binary_cross_entropy_with_logits, grid_sample

    torch.manual_seed(seed)

    def picture(row: int) -> torch.Tensor:
        if kept is None:
            return torch.from_numpy(decoded(files[row]))[None]
        if row not in kept:
            kept[row] = torch.from_numpy(decoded(files[row]))[None]
        return kept[row]

    def augmented(x: torch.Tensor) -> torch.Tensor:
        turn, zoom, across, down, gain, offset, strength = torch.rand(7) * 2 - 1
        angle, factor = torch.deg2rad(7 * turn), 1 / (1 + 0.08 * zoom)
        cosine, sine = factor * torch.cos(angle), factor * torch.sin(angle)
        theta = torch.stack([cosine, -sine, 0.12 * across, sine, cosine, 0.12 * down]).reshape(1, 2, 3)
        grid = affine_grid(theta, [1, *x.shape], align_corners=False)
        x = grid_sample(x[None], grid, padding_mode="border", align_corners=False)[0]
        x = x.mean() + (x - x.mean()) * (1 + 0.2 * gain) + 0.08 * offset
        return (x + torch.randn_like(x) * 0.02 * strength.abs()).clamp(0, 1)

    class Chests(torch.utils.data.Dataset):
        def __init__(self, rows: np.ndarray, told: np.ndarray, augment: bool) -> None:
            self.rows, self.told, self.augment = rows, told, augment

        def __len__(self) -> int:
            return len(self.rows)

        def __getitem__(self, i: int) -> tuple[torch.Tensor, float]:
            x = picture(self.rows[i])
            x = augmented(x) if self.augment else x
            return (x - mean) / sd, float(self.told[i])

    told = targets(arm, positive)
    learnt = torch.stack([picture(row) for row in np.unique(arm.rows)])
    mean, sd = learnt.mean(), learnt.std()
    batches = plain_batches(arm, seed, steps).tolist()
    layers: list[nn.Module] = []
    for before, width in ((1, 16), (16, 32), (32, 64), (64, 96), (96, 96)):
        layers += [nn.Conv2d(before, width, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        nn.init.kaiming_normal_(layers[-3].weight, mode="fan_out", nonlinearity="relu")
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(96, 1))
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, 3e-3, total_steps=steps + 1, pct_start=0.1, cycle_momentum=False
    )

    def scored(rows: np.ndarray) -> torch.Tensor:
        model.eval()
        loader = torch.utils.data.DataLoader(Chests(rows, positive[rows], False), batch_size=64)
        with torch.no_grad():
            out = torch.cat([model(x).flatten() for x, _ in loader]).double()
        model.train()
        return out

    total = len(files)
    validation, test = np.arange(total - TEST - VALIDATION, total - TEST), np.arange(total - TEST, total)
    truth, best, snapshot = torch.from_numpy(positive[validation]).double(), (-1.0, 0.0), None
    every = max(1, steps // max(1, steps // STEPS_A_VALIDATION))
    loader = torch.utils.data.DataLoader(Chests(arm.rows, told, arm.augment), batch_sampler=batches)
    for step, (x, y) in enumerate(loader, start=1):
        optimiser.zero_grad()
        binary_cross_entropy_with_logits(model(x).flatten(), y.float()).backward()
        optimiser.step()
        schedule.step()
        if step % every == 0 or step == steps:
            logits = scored(validation)
            loss = binary_cross_entropy_with_logits(logits, truth, reduction="none")
            balanced = float(loss[truth == 1].mean() + loss[truth == 0].mean())
            merit = (float(roc_auc_score(truth, logits)), -balanced)
            if merit > best:
                best, snapshot = merit, {k: v.clone() for k, v in model.state_dict().items()}
    model.load_state_dict(snapshot)
    return torch.sigmoid(scored(test)).numpy()


# ------------------------------------------------------------------------------------------------ both


def child(side: str, folder: Path, given: argparse.Namespace, workers: int) -> dict[str, float]:
    """Run one side in a process of its own; return its seconds and its peak memory in MiB."""
    call = [sys.executable, __file__, "--side", side, "--folder", str(folder), "--workers", str(workers)]
    for name in ("patients", "seeds", "steps", "precision"):
        call += [f"--{name}", str(getattr(given, name))]
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    running = subprocess.Popen(call)
    peak = [0.0]
    watch = threading.Thread(target=_watch, args=(psutil.Process(running.pid), peak))
    watch.start()
    if running.wait():
        raise SystemExit(f"{side} failed")
    wall = time.perf_counter() - begun
    watch.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu": spent, "wall": wall, "peak": peak[0]}


def _watch(process: psutil.Process, peak: list[float]) -> None:
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        held = 0
        for each in (process, *process.children(recursive=True)):
            try:
                held += each.memory_full_info().pss
            except psutil.Error:
                continue
        peak[0] = max(peak[0], held / 2**20)
        time.sleep(1.0)


def areas(folder: Path, side: str) -> np.ndarray:
    """Return the AUC of each arm and seed on the test pictures, (arms, seeds)."""
    from sklearn.metrics import roc_auc_score

    scores, truth = np.load(folder / f"{side}.npy"), np.load(folder / "positive.npy")[-TEST:]
    return np.array([[roc_auc_score(truth, s) for s in arm] for arm in scores])


def tell(folder: Path, given: argparse.Namespace, spent: dict[str, dict[str, float]]) -> None:
    """Print seconds, memory, ratios and the areas of both sides."""
    found = {side: areas(folder, side) for side in spent if side in SIDES}
    for side, name in SIDES.items():
        if side in spent and side != "ours":
            ratio = {unit: spent[side][unit] / spent["ours"][unit] for unit in ("cpu", "wall")}
            # arms of one seed start from the same weights, so seeds are what noise is counted over
            difference = (found["ours"] - found[side]).mean(axis=0)
            error = difference.std(ddof=1) / given.seeds**0.5 if given.seeds > 1 else float("nan")
            print(
                f"{name}: ours is {ratio['wall']:.2f} times faster by the clock, {ratio['cpu']:.2f} in processor time"
            )
            print(f"  AUC, ours - plain, mean of arms and seeds: {difference.mean():+.4f} (standard error {error:.4f})")
    if "ours, 1" in spent:
        gain = spent["ours, 1"]["wall"] / spent["ours"]["wall"]
        print(f"{given.workers} processes against one: {gain:.2f} times; linear / measured {given.workers / gain:.2f}")
    for i, arm in enumerate(arms(given.patients)):
        print(f"  {arm.name:38s}" + "  ".join(f"{SIDES[s]} {found[s][i].mean():.3f}" for s in found))


def main() -> None:
    """Run the sides one after the other and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, help="200, or 1,000 with --full")
    parser.add_argument("--seeds", type=int, help="2, or 1 with --full")
    parser.add_argument("--steps", type=int, help="50, or 300 with --full")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--full", action="store_true", help="1,000 patients, 300 steps, 1 seed, but what is given")
    parser.add_argument("--scaling", action="store_true", help="also run ours in one process")
    parser.add_argument("--sides", nargs="+", choices=list(SIDES), default=list(SIDES))
    parser.add_argument("--side", choices=list(SIDES), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help="keep the pictures here, and use those that are there")
    given = parser.parse_args()
    for name, usual, full in (("patients", 200, 1000), ("seeds", 2, 1), ("steps", 50, 300)):
        if getattr(given, name) is None:
            setattr(given, name, full if given.full else usual)
    if given.side:
        np.save(given.folder / f"{given.side}.npy", (ours if given.side == "ours" else plain)(given.folder, given))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = given.folder or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "positive.npy").exists():
            simulate(folder, given.patients)
        runs = [(side, side, given.workers) for side in given.sides] + [("ours, 1", "ours", 1)] * given.scaling
        spent = {}
        print(f"{len(arms(given.patients))} arms x {given.seeds} seeds x {given.steps} steps at {SIDE} px, busy: "
              f"{os.getloadavg()[0]:.1f} of {os.cpu_count()} cores", flush=True)  # fmt: skip
        for name, side, workers in runs:
            spent[name] = child(side, folder, given, workers)
            print(name, json.dumps({k: round(v, 1) for k, v in spent[name].items()}), flush=True)
        tell(folder, given, spent)


if __name__ == "__main__":
    main()
