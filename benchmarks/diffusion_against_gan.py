"""The diffusion model against the default GAN at the same CPU-seconds, on simulated and on public radiographs.

    OMP_NUM_THREADS=1 python benchmarks/diffusion_against_gan.py [--seconds 120] [--set FOLDER] [--grids FOLDER]
        [--run NAME 'JSON SETTINGS'] ...

Without `--set`: 360 simulated chests of 180 patients at 64 px to learn from, 360 of 180 others to compare with. With
it: a folder of `radassay import`, of which a random third is held out. Prints Fréchet distance (F), kernel distance
(KID), precision (P), recall (R), coverage (C) in random convolutional features, and how many drawn pictures are nearer
to a training image than 99 % of held-out ones are (near). One thread; seconds are CPU-seconds of the whole training,
looks included. Lengths come from a short trial of each generator, so that they fit the seconds within the machine's
noise.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from radassay.engine.processes import one_thread

SIZE = 64
TRIAL = 480
"""Images shown to find out how fast a generator learns."""


def simulated() -> tuple[Any, Any, Any]:
    """Return training pixels, their labels, and pixels of other patients."""
    import numpy as np

    from radassay.images.phantom import Cohort

    halves = []
    for seed in (7, 8):
        drawn = list(Cohort(patients=180, images_per_patient=2, size=SIZE, seed=seed).pictures())
        pixels = np.stack([p.pixels() for p in drawn]).astype(np.float32) / 255
        halves.append((pixels, np.array([p.patient.label for p in drawn])))
    return *halves[0], halves[1][0]


def imported(folder: Path) -> tuple[Any, Any, Any]:
    """Return training pixels, their labels, and pixels held out at random."""
    import numpy as np

    from radassay.images.imageset import ImageSet

    images = ImageSet.open(folder)
    pixels, labels = images.load(SIZE, "squash"), images.table["label"].to_numpy(dtype=str)
    order = np.random.default_rng(0).permutation(len(pixels))
    held = order[: len(order) // 3]
    rest = np.setdiff1d(order, held)
    return pixels[rest], labels[rest], pixels[held]


def trained(name: str, settings: dict[str, Any], data: tuple[Any, Any, Any], seconds: float, folder: Path) -> Any:
    """Return the generator, fitted in `folder` for about so many CPU-seconds, and what the training took."""
    from radassay import registry

    make = registry.load("generators", name)
    fixed = {"threads": 1, "device": "cpu", **settings}
    seen: list[tuple[int, float]] = []
    trial = make(**{**fixed, "images_seen": TRIAL})
    trial.fit(*data[:2], folder / "trial", seed=0, report=lambda p: seen.append((p.done, time.process_time())))
    (first, began), (last, ended) = seen[1], seen[-1]
    generator = make(**{**fixed, "images_seen": int(seconds * (last - first) / (ended - began))})
    begun = time.process_time()
    generator.fit(*data[:2], folder / "run", seed=0)
    return generator, time.process_time() - begun


def main(about: str = __doc__, runs: Sequence[tuple[str, str]] = (("projection-gan", "{}"), ("edm", "{}"))) -> None:
    """Train, draw and compare these generators, unless others are asked for."""
    one_thread()
    import numpy as np
    from scipy.spatial.distance import cdist

    from radassay.encoders.random_conv import RandomConv
    from radassay.generators.grid import contact_sheet
    from radassay.stats.balls import prdc
    from radassay.stats.frechet import frechet_distance
    from radassay.stats.mmd import kid

    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--set", type=Path)
    parser.add_argument("--grids", type=Path)
    parser.add_argument("--run", nargs=2, action="append", metavar=("NAME", "SETTINGS"))
    options = parser.parse_args()
    data = imported(options.set) if options.set else simulated()
    encode = RandomConv().encode
    pixels, labels, held = data
    real, other = encode(held), encode(pixels)
    nearest = cdist(real, other).min(axis=1)

    def line(name: str, drawn: Any, note: str) -> None:
        features = encode(drawn)
        found = prdc(real, features)
        units = np.arange(len(real) + len(features)).astype(str)
        distance = kid(features, real, units[len(real) :], units[: len(real)]).value
        near = (cdist(features, other).min(axis=1) < np.quantile(nearest, 0.01)).mean()
        values = " ".join(f"{key[0].upper()} {found[key].value:.2f}" for key in ("precision", "recall", "coverage"))
        print(
            f"{name}: F {frechet_distance(real, features):.3f} KID {distance:.5f} {values} near {near:.2f} {note}",
            flush=True,
        )

    line("other real images", pixels[: len(held)], "(near counts themselves)")
    wanted = np.random.default_rng(1).permutation(labels)[: len(held)]
    for name, written in options.run or runs:
        with tempfile.TemporaryDirectory() as folder:
            generator, spent = trained(name, json.loads(written), data, options.seconds, Path(folder))
            begun = time.process_time()
            drawn = generator.sample(wanted, Path(folder) / "run", seed=1)
            drawing = (time.process_time() - begun) / len(drawn)
        note = f"{spent:.0f} CPU-s, {generator.images_seen} images, {1000 * drawing:.0f} ms to draw one"
        line(f"{name} {written}", drawn, note)
        if options.grids:
            options.grids.mkdir(parents=True, exist_ok=True)
            rows = np.stack([drawn[wanted == label][:12] for label in sorted(set(wanted))])
            told = "".join(c if c.isalnum() else "-" for c in f"{name}{written}{options.seconds:.0f}")
            (options.grids / f"{told}.png").write_bytes(contact_sheet(rows))


if __name__ == "__main__":
    main()
