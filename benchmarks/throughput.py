"""Images a second: simulated chests on all cores, and features of the default encoder on one.

There is no peer that draws chests with known truth; the encoder is held against a plain NumPy loop that only reads
and resizes the same pictures, which is what any encoder needs at least.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from radassay.engine.processes import cores, one_thread

ONE_CORE = 400


def main() -> None:
    """Print the rates and the ratio."""
    one_thread()
    import numpy as np

    from radassay import registry
    from radassay.images.intensity import to_display
    from radassay.images.phantom import Cohort, make_phantoms

    with tempfile.TemporaryDirectory() as name:
        cohort = Cohort(patients=500, images_per_patient=2, size=128)
        begun = time.perf_counter()
        images = make_phantoms(Path(name), cohort)
        spent = time.perf_counter() - begun
        print(f"simulated X-rays at 128 px: {len(images) / spent:.0f} a second on {cores()} cores, start included")
        raw = [images.pixels(row) for row in range(ONE_CORE)]
        begun = time.perf_counter()
        small = np.stack([to_display(picture, (0, 255), 64) for picture in raw])
        resizing = time.perf_counter() - begun
        encoder = registry.load("encoders", "random-conv")()
        encoder.encode(small[:16])
        begun = time.perf_counter()
        encoder.encode(small)
        encoding = time.perf_counter() - begun
        print(f"encoder at 64 px: {ONE_CORE / encoding:.0f} images a second on one core")
        print(f"encoding / reading and resizing: {encoding / resizing:.2f}")


if __name__ == "__main__":
    main()
