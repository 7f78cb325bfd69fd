"""What settings of `edm` learn in a few CPU-seconds: the loss on held-out simulated chests, by noise level.

    OMP_NUM_THREADS=1 python benchmarks/diffusion_losses.py SECONDS 'JSON SETTINGS' ...

The loss is that of the averaged denoiser without a class, 1 for one that knows nothing, on 96 chests of other patients.
"""

from __future__ import annotations

import json
import sys
import time

from diffusion_against_gan import simulated

LEVELS = (0.05, 0.2, 0.5, 1.5, 5.0, 20.0)
HELD = 96


def main() -> None:
    """Train each and print its losses."""
    import numpy as np
    import torch

    from radassay.generators.compute import computing
    from radassay.generators.crew import Crew
    from radassay.generators.diffusion.edm import EDM
    from radassay.generators.diffusion.preconditioning import scales
    from radassay.generators.given import Given

    pixels, labels, held = simulated()
    numbers = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    for written in sys.argv[2:]:
        model = EDM(**json.loads(written))
        with computing("cpu", "auto", 1) as compute:
            given = Given.of(pixels, numbers, compute.device)
            steps = 11
            for _ in range(2):  # a few steps to find out how many fit, then as many as do
                torch.manual_seed(0)
                learner = model.learner(given, compute, Crew(), seed=0, steps=steps)
                begun = time.process_time()
                for step in range(steps):
                    learner.step(step)
                spent, done = time.process_time() - begun, steps
                steps = max(1, int(float(sys.argv[1]) * done / spent))
            clean = learner.denoiser.standardised(torch.from_numpy(held[:HELD])[:, None] * 2 - 1)
            rng = np.random.default_rng(0)
            losses = []
            with torch.no_grad(), compute.autocast():
                for level in LEVELS:
                    noise = torch.from_numpy(rng.standard_normal(tuple(clean.shape), dtype=np.float32))
                    sigma = torch.full((HELD,), level)
                    nothing = torch.full((HELD,), given.classes)
                    found = learner.averaged(clean + level * noise, sigma, nothing)
                    losses.append(float((scales(sigma).weight * (found - clean).square()).mean()))
        by_level = " ".join(f"{loss:.3f}" for loss in losses)
        print(
            f"{written}: {done} steps, {spent:.0f} CPU-s, mean {np.mean(losses):.3f}, by level {by_level}", flush=True
        )


if __name__ == "__main__":
    main()
