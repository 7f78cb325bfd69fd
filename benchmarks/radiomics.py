"""Radiomic features: how fast beside pyradiomics, and how often the intervals of all features hold together.

pyradiomics builds without isolation only (`tests/references/pyradiomics_values.py` says how), so it works in a Python
of its own on the same pictures: first order and the same five kinds of texture, 32 levels, four directions.

    python benchmarks/radiomics.py --peer /tmp/peer/bin/python
    python benchmarks/radiomics.py --coverage 500
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from interval_coverage import CASES, Sizes, drawn, people, shifted, world

from radassay.checks.radiomics import Radiomics
from radassay.checks.space import draws
from radassay.contracts.check import Inputs
from radassay.engine.processes import one_thread
from radassay.radiomics.feature_set import NAMES, extract, remembered
from radassay.stats.auc import aucs
from radassay.stats.proportion import wilson
from radassay.stats.simultaneous import simultaneous_areas

WORLD = Path(tempfile.gettempdir()) / "radassay-coverage-world"
PICTURES, PEER_PICTURES = 1000, 60
PEER = """
import json, logging, sys, time
import numpy as np
import SimpleITK as sitk
from radiomics import firstorder, gldm, glcm, glrlm, glszm, ngtdm
logging.getLogger("radiomics").setLevel(logging.ERROR)
pictures = np.load(sys.argv[1])
kinds = (firstorder.RadiomicsFirstOrder, glcm.RadiomicsGLCM, glrlm.RadiomicsGLRLM, glszm.RadiomicsGLSZM,
         ngtdm.RadiomicsNGTDM, gldm.RadiomicsGLDM)
whole = sitk.GetImageFromArray(np.ones((1, *pictures.shape[1:]), dtype=np.uint8))
started, features = time.process_time(), 0
for picture in pictures:
    image = sitk.GetImageFromArray(picture[None] * 256.0)
    features = 0
    for kind in kinds:
        found = kind(image, whole, binWidth=8, force2D=True, force2Ddimension=0)
        found.enableAllFeatures()
        features += len(found.execute())
print(json.dumps([len(pictures) / (time.process_time() - started), features]))
"""


def speed(peer: str, side: int) -> None:
    """Print images a second on one core, ours and theirs."""
    rng = np.random.default_rng(0)
    pictures = people(world(WORLD, 1)).pixels[rng.permutation(2 * PICTURES)[:PICTURES]]
    if side != pictures.shape[1]:
        pictures = np.kron(pictures[:, : side // 2, : side // 2], np.ones((2, 2), dtype=np.float32))
    extract(pictures[:8])
    started = time.process_time()
    extract(pictures)
    ours = len(pictures) / (time.process_time() - started)
    print(f"{side} px: radassay {ours:.0f} images a second on one core, {len(NAMES)} features")
    if peer:
        with tempfile.TemporaryDirectory() as folder:
            np.save(Path(folder) / "pictures.npy", pictures[:PEER_PICTURES])
            arguments = [peer, "-c", PEER, str(Path(folder) / "pictures.npy")]
            told = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout
        theirs, features = json.loads(told.splitlines()[-1])
        print(f"{side} px: pyradiomics {theirs:.1f} images a second, {features} features; ratio {ours / theirs:.0f}")


def repetitions(case: str, count: int) -> Iterator[tuple[tuple[float, float, float], bool, bool, bool]]:
    """Yield the Fréchet distance with its limits, and whether all, the shown and no differing features are right."""
    everybody = people(WORLD)
    other = everybody if case == "same" else shifted(WORLD)
    scores = np.concatenate([remembered(everybody.pixels), remembered(other.pixels[::2])]).T
    truth = 2 * aucs(scores, np.arange(scores.shape[1]) >= len(everybody)) - 1
    for seed in range(count):
        rng = np.random.default_rng([seed, CASES.index(case)])
        inputs: Inputs = drawn(WORLD, case, Sizes(), "random-conv", rng)
        found = Radiomics().measure(inputs, rng)
        real, made = inputs.held_out, inputs.synthetic
        assert made is not None
        x = np.concatenate([remembered(real.pixels), remembered(made.pixels)]).T
        units = np.concatenate([np.char.add("real:", draws(real)), np.char.add("made:", draws(made))])
        areas = simultaneous_areas(x, np.arange(len(units)) >= len(real), units, rng)
        low, high = 2 * areas.low - 1, 2 * areas.high - 1
        shown = [f for f in found if f.name == "feature_difference"]
        kept = all(f.low <= truth[NAMES.index(f.slice.removeprefix("feature="))] <= f.high for f in shown)
        distance = (found[0].value, found[0].low, found[0].high)
        yield distance, bool(((low <= truth) & (truth <= high)).all()), kept, bool(((low > 0) | (high < 0)).any())


def coverage(count: int) -> None:
    """Print how often the intervals hold: of the distance, and of all features and those shown together."""
    world(WORLD, 1)
    for case in ("same", "shifted"):
        distances, everything, shown, differs = zip(*repetitions(case, count), strict=True)
        value, low, high = np.array(distances).T
        held = (low <= value.mean()) & (value.mean() <= high)
        print(f"{case}: distance {value.mean():.3f}, sd {value.std(ddof=1):.3f}; intervals that hold the mean", end=" ")
        print(
            _share(held.tolist()), f"below {np.mean(high < value.mean()):.3f} above {np.mean(low > value.mean()):.3f}"
        )
        print(f"{case}: all {len(NAMES)} intervals hold at once {_share(everything)}, those shown {_share(shown)}")
        print(f"{case}: at least one feature is called different {_share(differs)}", flush=True)


def _share(held: list[bool] | tuple[bool, ...]) -> str:
    low, high = wilson(sum(held), len(held))
    return f"{np.mean(held):.3f} ({low:.3f}-{high:.3f})"


def main() -> None:
    """Print the figures asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", default="", help="a Python that has pyradiomics")
    parser.add_argument("--coverage", type=int, default=0, help="repetitions")
    options = parser.parse_args()
    if options.coverage:
        coverage(options.coverage)
        return
    for side in (64, 128):
        speed(options.peer, side)


if __name__ == "__main__":
    one_thread()
    main()
