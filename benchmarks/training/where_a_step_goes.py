"""Where the time of one training step of the small network goes: memory handed back, order of channels, precision.

Prints user and system milliseconds and page faults a step, on one thread, and the milliseconds of augmentation. A
process starts with memory handed back, as the C library does by itself; it is kept from the third line on.
"""

from __future__ import annotations

import argparse
import os
import resource
from collections.abc import Callable

import torch
from ways_together import BATCH, WIDTHS, step_of

from radassay.classifiers.arithmetic import arithmetic
from radassay.classifiers.augmentation import Augmentation
from radassay.classifiers.networks import Networks


def spent(name: str, step: Callable[[], object], repetitions: int) -> None:
    """Print what one step costs on average."""
    for _ in range(3):
        step()
    before, faults = os.times(), resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(repetitions):
        step()
    after, now = os.times(), resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    user, system = (1000 * (after[i] - before[i]) / repetitions for i in (0, 1))
    print(
        f"{name:44s} {user:6.1f} ms user {system:6.1f} ms system {(now - faults) / repetitions:8.0f} faults", flush=True
    )


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
    for precision in ("float32", "bfloat16"):
        with arithmetic("cpu", precision) as how, how.autocast(how.half):
            spent(f"{precision}, channels last, memory kept", step(), given.repetitions)
    with arithmetic("cpu", "float32"):
        source = torch.Generator().manual_seed(0)
        spent("augmentation, memory kept", lambda: Augmentation().apply(pixels, source), given.repetitions)


if __name__ == "__main__":
    main()
