"""The generator of `radassay demo`: how long it trains, and how far its chests are from real ones.

    python benchmarks/demo_generator.py [--grid FILE.png]

Simulates the demo's patients, splits them, and trains the demo's generator on the training split under the demo's
settings, one thread, as the demo does: the other core is left to the checks of real images. Prints wall and processor
seconds of the training, and Fréchet distance, precision, recall and coverage of drawn chests against chests of other
simulated patients, in random convolutional features; then the same for real chests against those.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import tomllib
from importlib.resources import files
from pathlib import Path

from radassay.engine.processes import one_thread

HELD_OUT = 100
"""Simulated patients whom nobody has seen, with as many images each as the demo's."""


def main() -> None:
    """Train, draw and compare."""
    one_thread()
    import numpy as np

    from radassay.contracts.progress import silent
    from radassay.encoders.random_conv import RandomConv
    from radassay.generators.grid import contact_sheet
    from radassay.images.phantom import Cohort
    from radassay.stats.balls import prdc
    from radassay.stats.frechet import frechet_distance
    from radassay.workbench import making
    from radassay.workbench.materials import gather, stage_seed
    from radassay.workbench.study import study_of

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--grid", type=Path)
    options = parser.parse_args()
    text = (files("radassay.workbench") / "demo.toml").read_text(encoding="utf-8")
    study = study_of(tomllib.loads(text))
    made = {**study.real.simulated, "patients": HELD_OUT, "size": study.size}
    encode = RandomConv().encode

    def fresh(seed: int) -> tuple[np.ndarray, np.ndarray]:
        pictures = list(Cohort(**{**made, "seed": seed}).pictures())
        pixels = np.stack([p.pixels() for p in pictures]).astype(np.float32) / 255
        return pixels, np.array([p.patient.label for p in pictures])

    held, wanted = fresh(1_000)
    real = encode(held)

    def line(name: str, pixels: np.ndarray) -> None:
        features = encode(pixels)
        found = prdc(real, features)
        values = " ".join(f"{key} {found[key].value:.2f}" for key in ("precision", "recall", "coverage"))
        print(f"{name}: Fréchet distance {frechet_distance(real, features):.3f}, {values}", flush=True)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        training = gather(study, folder, silent).training
        generator = making.generator_for(study.synthetic.generator, study.synthetic.settings, study.size)
        seed = int(stage_seed(study, "generator").generate_state(1)[0])
        wall, spent = time.perf_counter(), time.process_time()
        making.train(
            training, folder / "run", generator, size=study.size, fit=study.fit, seed=seed, aside=study.synthetic.aside
        )
        wall, spent = time.perf_counter() - wall, time.process_time() - spent
        drawn = generator.sample(wanted, folder / "run", seed=seed)
    shown = study.synthetic.settings["images_seen"]
    print(f"{generator.name}, {shown} images of {study.size} px shown, {len(training)} to learn from")
    print(f"training: {wall:.0f} s wall, {spent:.0f} processor seconds")
    line("drawn", drawn)
    line("other real patients", fresh(1_001)[0])
    if options.grid:
        options.grid.write_bytes(contact_sheet(np.stack([drawn[wanted == k][:12] for k in sorted(set(wanted))])))


if __name__ == "__main__":
    main()
