"""`radassay assess` at 2,000 + 2,000 images: time and peak memory, beside the peers' bare numbers.

Ours: import, split, six checks with intervals, floors, planted defects and limits of detection, report.
Peers: on the same images and the same features, what a paper usually reports: one Fréchet distance (scipy's matrix
square root, as pytorch-fid does), KID on 100 subsets of 1,000 (as torch-fidelity does), and the `prdc` package.

Both run as child processes of this script, one after the other; the ratio says what the evidence costs beyond the
bare numbers. `--images` sets another size.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def simulate(folder: Path, images: int) -> None:
    """Write two cohorts of simulated chests as PNG folders, one file an image."""
    from PIL import Image

    from radassay.images.phantom import Cohort

    for name, seed in (("real", 1), ("made", 2)):
        cohort = Cohort(patients=images, images_per_patient=1, size=64, seed=seed)
        for number, picture in enumerate(cohort.pictures()):
            out = folder / name / picture.patient.label
            out.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture.pixels()).save(out / f"{number:05d}.png")


def ours(folder: Path) -> None:
    """Run the assessment as a user does."""
    from radassay.cli.main import main

    out = folder / "run"
    code = main(["assess", str(folder / "real"), str(folder / "made"), "--positive", "disease", "--out", str(out)])
    if code:
        raise SystemExit(code)


def peers(folder: Path) -> None:
    """Print Fréchet distance, KID and PRDC as published tools compute them."""
    import numpy as np
    from PIL import Image
    from scipy.linalg import sqrtm

    from radassay import registry

    encoder = registry.load("encoders", "random-conv")()

    def features(name: str) -> np.ndarray:
        files = sorted((folder / name).rglob("*.png"))
        grey = np.stack([np.asarray(Image.open(f).convert("L"), dtype=np.float32) / 255 for f in files])
        return encoder.encode(grey).astype(np.float64)

    x, y = features("real"), features("made")
    root = sqrtm(np.cov(x, rowvar=False) @ np.cov(y, rowvar=False)).real
    shift = x.mean(0) - y.mean(0)
    frechet = shift @ shift + np.trace(np.cov(x, rowvar=False) + np.cov(y, rowvar=False) - 2 * root)
    rng, values = np.random.default_rng(0), []
    for _ in range(100):
        a, b = (s[rng.choice(len(s), min(1000, len(s)), replace=False)] for s in (x, y))
        kaa, kbb, kab = (((p @ q.T) / x.shape[1] + 1) ** 3 for p, q in ((a, a), (b, b), (a, b)))
        n = len(a)
        same = (kaa.sum() - np.trace(kaa) + kbb.sum() - np.trace(kbb)) / (n * (n - 1))
        values.append(same - 2 * kab.mean())
    told = {"frechet": float(frechet), "kid": float(np.mean(values))}
    try:
        from prdc import compute_prdc

        told |= {k: float(v) for k, v in compute_prdc(x, y, nearest_k=5).items()}
    except ImportError:
        told["prdc"] = "not installed: pip install prdc"
    print(json.dumps(told))


def child(part: str, folder: Path) -> tuple[float, float]:
    """Run one part in a process of its own; return wall seconds and peak memory in MiB of the largest process."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, __file__, "--part", part, "--folder", str(folder)], check=True)
    return time.perf_counter() - begun, float((folder / f"{part}.peak").read_text())


def main() -> None:
    """Run both and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--part", choices=["ours", "peers"])
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    if given.part:
        {"ours": ours, "peers": peers}[given.part](given.folder)
        peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        Path(given.folder / f"{given.part}.peak").write_text(str(peak / 1024))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        simulate(folder, given.images)
        result = {}
        for part in ("peers", "ours"):
            result[part] = child(part, folder)
            print(f"{part}: {result[part][0]:.1f} s wall, peak memory {result[part][1]:.0f} MiB", flush=True)
    (a, am), (b, bm) = result["ours"], result["peers"]
    print(
        f"ours / peers at {given.images} + {given.images} images on {os.cpu_count()} cores: "
        f"time {a / b:.2f}, peak memory {am / bm:.2f}"
    )


if __name__ == "__main__":
    main()
