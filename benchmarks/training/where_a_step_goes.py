"""Where the time of one training step of the small network goes: memory handed back, order of channels, precision.

Prints user and system milliseconds and page faults a step, on one thread, and those of making the augmented pictures of
a step, for one training and for each of four of one seed side by side, which have half of their pictures in common. A
process starts with memory handed back, as the C library does by itself; it is kept from the third line on.
"""

from __future__ import annotations

import argparse
import itertools
import os
import resource
from collections.abc import Callable

import numpy as np
import torch
from ways_together import BATCH, WIDTHS, step_of

from radassay.classifiers.arithmetic import arithmetic, multiplies_bfloat16
from radassay.classifiers.augmentation import Augmentation
from radassay.classifiers.batches import Batches
from radassay.classifiers.course import Course
from radassay.classifiers.networks import Networks
from radassay.contracts.classifier import Job


def spent(name: str, step: Callable[[], object], repetitions: int, trainings: int = 1) -> None:
    """Print what one step costs a training on average."""
    for _ in range(3):
        step()
    before, faults = os.times(), resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(repetitions):
        step()
    after, now = os.times(), resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    user, system = (1000 * (after[i] - before[i]) / repetitions / trainings for i in (0, 1))
    faulted = (now - faults) / repetitions / trainings
    print(f"{name:44s} {user:6.1f} ms user {system:6.1f} ms system {faulted:8.0f} faults", flush=True)


def batches(pixels: torch.Tensor, count: int, steps: int) -> Batches:
    """Return the batches of some trainings of one seed: the same core, and as many other images in each."""
    core = len(pixels) // (count + 1)
    moments = torch.ones(len(pixels), 2, dtype=torch.float64)
    courses = []
    for i in range(1, count + 1):
        rows = np.r_[:core, i * core : (i + 1) * core]
        courses.append(Course(Job(rows, rows % 2 == 0, True, 0, core=core), moments, steps, BATCH))
    return Batches(pixels, Augmentation(), courses)


def main() -> None:
    """Print one line a setting."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--repetitions", type=int, default=20)
    given = parser.parse_args()
    torch.set_num_threads(1)
    pixels = torch.rand((BATCH, 1, given.size, given.size))
    targets = (torch.arange(BATCH) % 2).float()[:, None]

    def step(channels_last: bool = True) -> Callable[[], None]:
        networks = Networks(WIDTHS, given.size, [0])
        if not channels_last:
            networks.to(memory_format=torch.contiguous_format)
        return step_of(networks, pixels, targets)

    spent("float32, default order, memory handed back", step(channels_last=False), given.repetitions)
    spent("float32, channels last, memory handed back", step(), given.repetitions)
    for precision in ("float32", "bfloat16") if multiplies_bfloat16() else ("float32",):
        with arithmetic("cpu", precision) as how, how.autocast(how.half):
            spent(f"{precision}, channels last, memory kept", step(), given.repetitions)
    with arithmetic("cpu", "float32"):
        images = torch.rand((500, 1, given.size, given.size))
        for count in (1, 4):
            made, number = batches(images, count, given.repetitions + 3), itertools.count()
            name = f"augmented pictures, {count} side by side"
            spent(name, lambda made=made, number=number: made.at(next(number)), given.repetitions, count)


if __name__ == "__main__":
    main()
