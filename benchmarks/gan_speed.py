"""Training speed of StyleGAN2-ADA and R3GAN: ours against plain PyTorch in the structure of the published code.

    OMP_NUM_THREADS=1 python benchmarks/gan_speed.py [--size 64] [--batch 8] [--width 8] [--steps 16] [--rounds 3]
        [--device cuda] [--family NAME]

Plain is what the official repositories do where their own CUDA kernels do not build: pictures copied to the device
batch by batch, NCHW in float32, weights of the modulated convolution made for each picture and applied in groups,
zero-insertion filters, new noise for each of the two players, real and drawn pictures judged one after the other,
penalties as steps of their own (StyleGAN2) or at every step (R3GAN), Adam one tensor at a time, the average one
parameter at a time (`peers/plain_gans.py`). Channels, latent lengths and batches are those of ours; ours runs in
bfloat16 where the hardware multiplies it, as in every training. Adaptive augmentation is off on both sides.

Sides take turns in one process, on the same pictures; printed are images per CPU-second (on a card: per second of its
clock, waited for) in the median of all rounds, and the ratios. `as lazy` gives plain the intervals of penalties that
ours has, so that what remains is how the arithmetic is done. R3GAN's are at every step on both sides, and `lazy` every
fourth.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median

import numpy as np
import torch
from peers.plain_gans import LATENT, PairDrawer, PairJudge, PlainPairs, PlainStyle, StyleDrawer, StyleJudge

from radassay.generators.compute import Compute, multiplies_bfloat16
from radassay.generators.crew import Crew
from radassay.generators.gan.r3gan import R3GAN
from radassay.generators.gan.stylegan2 import StyleGAN2ADA
from radassay.generators.given import Given
from radassay.images.phantom import Cohort

LAZY = 4
"""Steps between two penalties of the lazy sides of R3GAN."""


def sides(family: str, options: argparse.Namespace) -> dict[str, Callable[[int], object]]:
    """Return the step of each side."""
    drawn = list(Cohort(patients=128, images_per_patient=1, size=options.size, seed=7).pictures())
    pixels = np.stack([p.pixels() for p in drawn])
    labels = np.array([p.patient.label == "disease" for p in drawn]).astype(np.int64)
    given = (pixels[:, None].astype(np.float32), labels)
    size = {"width": options.width, "latent_dim": LATENT, "batch_size": options.batch, "augment_target": 0.0}
    rules = {"stylegan2-ada": StyleGAN2ADA, "r3gan": R3GAN}[family](**size)
    device = torch.device(options.device)
    compute = Compute(device, device.type == "cuda" or multiplies_bfloat16(), torch.get_num_threads())
    torch.manual_seed(0)
    learned = Given.of(pixels / np.float32(255), labels, device, None)
    ours = rules.learner(learned, compute, Crew(), seed=0, steps=10**6)
    shape = (options.width, options.size, 2)
    if family == "r3gan":
        make = lambda penalty: PlainPairs(  # noqa: E731
            PairDrawer(*shape), PairJudge(*shape), given, options.batch, options.device, penalty=penalty
        )
        seldom = R3GAN(**size, penalty_every=LAZY).learner(learned, compute, Crew(), seed=0, steps=10**6)
        return {
            "ours": ours.step,
            "plain": make(1).step,
            "ours, lazy": seldom.step,
            "plain, lazy": make(LAZY).step,
        }
    make = lambda path: PlainStyle(  # noqa: E731
        StyleDrawer(*shape), StyleJudge(*shape), given, options.batch, options.device, path=path, penalty=16
    )
    return {"ours": ours.step, "plain": make((4, 2)).step, "plain, as lazy": make((rules.path_every, 1)).step}


def timed(step: Callable[[int], object], first: int, steps: int, device: str) -> float:
    """Return the seconds of some steps."""
    clock = time.process_time
    if device == "cuda":
        torch.cuda.synchronize()
        clock = time.perf_counter
    begun = clock()
    for k in range(first, first + steps):
        step(k)
    if device == "cuda":
        torch.cuda.synchronize()
    return clock() - begun


def main() -> None:
    """Time both sides in turns."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, value in {"size": 64, "batch": 8, "width": 8, "steps": 16, "rounds": 3}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--family", choices=("stylegan2-ada", "r3gan"))
    options = parser.parse_args()
    torch.manual_seed(0)
    if options.device == "cpu":
        torch.set_num_threads(1)
    where = torch.cuda.get_device_name() if options.device == "cuda" else "one thread"
    print(f"{options.size} px, batch {options.batch}, width {options.width}, {where}", flush=True)
    for family in (options.family,) if options.family else ("stylegan2-ada", "r3gan"):
        steps = sides(family, options)
        rates: dict[str, list[float]] = {name: [] for name in steps}
        for round_ in range(options.rounds + 1):
            for name, step in steps.items():
                seconds = timed(step, round_ * options.steps, options.steps, options.device)
                if round_:  # the first warms up
                    rates[name].append(options.steps * options.batch / seconds)
        middle = {name: median(values) for name, values in rates.items()}
        for name, rate in middle.items():
            print(f"{family}, {name}: {rate:.1f} images/s, ours {middle['ours'] / rate:.2f} times", flush=True)


if __name__ == "__main__":
    main()
