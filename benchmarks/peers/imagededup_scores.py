"""Score all pairs of files with imagededup, in an environment of its own, since it asks for torchvision.

    OTHER/bin/python benchmarks/peers/imagededup_scores.py METHOD FOLDER

reads FOLDER/files.json (two lists of files) and writes FOLDER/imagededup METHOD.npz (scores, higher is surer; seconds).
METHOD is PHash, DHash, WHash, AHash, or CNN, which needs its MobileNet weights where torch keeps such files. The hashes
use nothing of torchvision: where there is none, an empty one stands in (`pip install --no-deps imagededup`).
"""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np

if importlib.util.find_spec("torchvision") is None:
    empty = MagicMock()
    for name in ("", ".models", ".models.vision_transformer", ".transforms"):
        sys.modules[f"torchvision{name}"] = empty

from imagededup import methods


def rows(method: str, paths: list[str]) -> np.ndarray:
    """Return one row a file whose products are similarities from -1 to 1."""
    made = getattr(methods, method)(verbose=False)
    codes = [made.encode_image(image_file=path) for path in paths]
    if method == "CNN":
        values = np.concatenate(codes).astype(np.float32)
        return values / np.linalg.norm(values, axis=1, keepdims=True)
    bits = [[int(bit) for digit in code for bit in f"{int(digit, 16):04b}"] for code in codes]
    return (2.0 * np.array(bits, dtype=np.float32) - 1) / np.sqrt(len(bits[0]))


def main() -> None:
    """Write the scores."""
    method, folder = sys.argv[1], Path(sys.argv[2])
    first, second = json.loads((folder / "files.json").read_text())
    started = time.perf_counter()
    scores = rows(method, first) @ rows(method, second).T
    np.savez(folder / f"imagededup {method}.npz", scores=scores, seconds=time.perf_counter() - started)


if __name__ == "__main__":
    main()
