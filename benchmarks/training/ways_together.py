"""Processor milliseconds a step of one training of the small network, by the way in which several are done together.

`loop`: one after the other. `grouped`: one pass with grouped convolutions, as `Networks` does. `vmap`: the same by
`torch.func.vmap` over stacked parameters. In float32 and, where it multiplies natively, bfloat16; on one thread. The
smallest of several repetitions counts, since other work on the machine only ever adds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import batch_norm, binary_cross_entropy_with_logits, conv2d

from radassay.classifiers.arithmetic import arithmetic, multiplies_bfloat16
from radassay.classifiers.networks import Networks

WIDTHS, BATCH = (16, 32, 64, 96), 32


def losses(networks: Networks, pixels: Tensor, targets: Tensor) -> Tensor:
    """Return the sum over networks of the mean loss of each."""
    return binary_cross_entropy_with_logits(networks(pixels), targets, reduction="none").mean(dim=0).sum()


def step_of(networks: Networks, pixels: Tensor, targets: Tensor) -> Callable[[], None]:
    """Return one optimisation step of networks in one pass."""
    optimiser = torch.optim.AdamW(networks.parameters(), lr=1e-3, fused=True)

    def step() -> None:
        optimiser.zero_grad()
        losses(networks, pixels, targets).backward()
        optimiser.step()

    return step


def mapped_step_of(size: int, count: int, pixels: Tensor, targets: Tensor) -> Callable[[], None]:
    """Return one optimisation step of `count` networks by vmap over their stacked parameters."""
    single = [[p.detach() for p in Networks(WIDTHS, size, [seed]).parameters()] for seed in range(count)]
    stacked = [torch.stack(parts).requires_grad_() for parts in zip(*single, strict=True)]
    optimiser = torch.optim.AdamW(stacked, lr=1e-3, fused=True)

    def loss(parameters: list[Tensor], x: Tensor, y: Tensor) -> Tensor:
        # `Networks` registers head and bias first, then kernels, then scale and shift of each normalisation
        head, bias, *rest = parameters
        stages = len(rest) // 3
        for stage in range(stages):
            x = conv2d(x, rest[stage], stride=2, padding=1)
            scale, shift = rest[stages + 2 * stage], rest[stages + 2 * stage + 1]
            x = batch_norm(x, None, None, scale, shift, training=True).relu()
        logits = (x.float().mean(dim=(2, 3)) * head).sum(dim=1) + bias
        return binary_cross_entropy_with_logits(logits, y)

    def step() -> None:
        optimiser.zero_grad()
        torch.func.vmap(loss)(stacked, pixels, targets).sum().backward()
        optimiser.step()

    return step


def milliseconds(step: Callable[[], None], repetitions: int) -> float:
    """Return the processor time of the quickest step."""
    spent = []
    for _ in range(repetitions + 2):
        begun = time.process_time()
        step()
        spent.append(time.process_time() - begun)
    return 1000 * min(spent[2:])


def main() -> None:
    """Print one line a way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--together", type=int, default=4)
    parser.add_argument("--repetitions", type=int, default=8)
    given = parser.parse_args()
    count, side = given.together, given.size
    pixels = torch.rand((BATCH, count, side, side))
    targets = (torch.arange(BATCH) % 2).float()
    many = targets[:, None].expand(-1, count)
    for precision in ("float32", "bfloat16") if multiplies_bfloat16() else ("float32",):
        with arithmetic("cpu", precision) as how, how.autocast(how.half):
            alone = step_of(Networks(WIDTHS, side, [0]), pixels[:, :1].contiguous(), many[:, :1])
            whole = pixels.contiguous(memory_format=torch.channels_last)
            ways = {
                "loop": (alone, 1),
                "grouped": (step_of(Networks(WIDTHS, side, range(count)), whole, many), count),
                "vmap": (mapped_step_of(side, count, pixels.transpose(0, 1)[:, :, None], many.T), count),
            }
            for name, (step, trainings) in ways.items():
                spent = milliseconds(step, given.repetitions) / trainings
                print(f"{precision:9s} {name:8s} {trainings} together: {spent:6.1f} ms a step and training", flush=True)


if __name__ == "__main__":
    main()
