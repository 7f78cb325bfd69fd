"""Import of 10,000 small PNGs: radassay against a plain Pillow, NumPy and pandas loop.

Both end with pixels and a table on disk. The plain loop decodes each file, keeps it as grey values in one array, and
writes that and a table of path, label and size. radassay also tells formats by content, decodes in processes of its
own, keeps every picture under the SHA-256 of its values and every file in a report. Each side runs in a fresh process
tree, best of `--repeats`, alternating; peak memory is the largest sum over the tree, sampled every 20 ms.

    python benchmarks/import_small_pngs.py [--images 10000] [--size 64] [--repeats 3]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

PLAIN = """
import sys
from pathlib import Path
import numpy as np, pandas as pd
from PIL import Image
source, out = Path(sys.argv[1]), Path(sys.argv[2])
out.mkdir(parents=True)
pixels, rows = [], []
for path in sorted(source.rglob("*.png")):
    with Image.open(path) as picture:
        values = np.asarray(picture.convert("L"))
    pixels.append(values)
    rows.append({"path": str(path.relative_to(source)), "label": path.parent.name,
                 "height": values.shape[0], "width": values.shape[1]})
np.save(out / "pixels.npy", np.stack(pixels))
pd.DataFrame(rows).to_parquet(out / "table.parquet")
"""
OURS = """
import sys
from pathlib import Path
from radassay.images.importing import import_images
import_images(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def make(folder: Path, count: int, size: int) -> None:
    """Write smooth noisy pictures in two classes."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:size, 0:size] / size
    for i in range(count):
        a, b, c = rng.random(3) * 6
        picture = 127 + 90 * np.sin(a * x + b * y + c) + rng.normal(0, 6, (size, size))
        path = folder / ("ill" if i % 2 else "well") / f"{i:05d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(path)


def measure(code: str, source: Path, out: Path) -> tuple[float, float, float]:
    """Run code in a fresh process; return seconds, processor seconds and peak MiB of it and all its children."""
    shutil.rmtree(out, ignore_errors=True)
    before = _processor_seconds()
    started = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-c", code, str(source), str(out)])
    tree, peak = psutil.Process(child.pid), 0
    while child.poll() is None:
        total = 0
        try:
            for process in (tree, *tree.children(recursive=True)):
                try:
                    total += process.memory_info().rss
                except psutil.Error:
                    continue
        except psutil.Error:
            pass
        peak = max(peak, total)
        time.sleep(0.02)
    seconds = time.perf_counter() - started
    if child.returncode:
        sys.exit(f"failed with exit code {child.returncode}")
    return seconds, _processor_seconds() - before, peak / 2**20


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure both sides and print one JSON line and one sentence."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    best: dict[str, tuple[float, float, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "pngs"
        make(source, chosen.images, chosen.size)
        for _ in range(chosen.repeats):
            for name, code in (("plain", PLAIN), ("radassay", OURS)):
                seconds, processor, peak = measure(code, source, Path(folder) / name)
                known = best.get(name, (float("inf"), float("inf"), 0.0))
                best[name] = (min(known[0], seconds), min(known[1], processor), max(known[2], peak))
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", OURS, str(source), str(Path(folder) / "radassay")], check=True)
        again = time.perf_counter() - started
    ratio = best["radassay"][0] / best["plain"][0]
    result = {
        "benchmark": "import_small_pngs",
        "images": chosen.images,
        "size": chosen.size,
        "cores": len(os.sched_getaffinity(0)),
        "seconds": {name: round(s, 2) for name, (s, _, _) in best.items()},
        "processor_seconds": {name: round(p, 2) for name, (_, p, _) in best.items()},
        "peak_mib": {name: round(m) for name, (_, _, m) in best.items()},
        "ratio": round(ratio, 2),
        "radassay_again_seconds": round(again, 2),
    }
    print(json.dumps(result))
    print(
        f"radassay takes {ratio:.2f} times as long as the plain loop "
        f"({best['radassay'][0]:.1f} s against {best['plain'][0]:.1f} s), peak memory of all its processes "
        f"{best['radassay'][2]:.0f} MiB against {best['plain'][2]:.0f} MiB."
    )


if __name__ == "__main__":
    main()
