"""How well the lung finder finds lungs: Dice coefficients against radiologists' outlines, beside two simple peers.

Peers: the fixed pair of superellipses that a study's shortcut check blacks out, and Otsu's threshold (IEEE Trans Syst
Man Cybern 1979;9:62), dark inside. Nobody trained on these pictures. How near to the midline and to the pleura an
outline goes was set after looking at half of the patients (`development`); the other half was kept back.

    python benchmarks/lungs.py [--data ../shared/data/cohen-cxr] [--worst FILE.png]
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from skimage.filters import threshold_otsu

from radassay.anatomy.lungs import lungs
from radassay.anatomy.regions import outside_lungs
from radassay.images.imageset import ImageSet
from radassay.images.importing import import_images
from radassay.images.masks import find_masks, read_mask
from radassay.stats.resample import bootstrap_rows, percentile_interval

SIZE = 128


def outlined(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return pictures, lungs, patients and views of all pictures with outlined lungs."""
    with tempfile.TemporaryDirectory() as place:
        import_images(folder, Path(place) / "set")
        images = ImageSet.open(Path(place) / "set")
        table = images.table
        files = find_masks(folder, table["source"].tolist())["lung"]
        rows = sorted(files)
        pictures = np.stack([images.display(row, SIZE) for row in rows])
        masks = []
        for row in rows:
            mask = read_mask(files[row], (int(table["height"].iloc[row]), int(table["width"].iloc[row])))
            masks.append(cv2.resize(mask.astype(np.float32), (SIZE, SIZE), interpolation=cv2.INTER_AREA) > 0.5)
        return pictures, np.stack(masks), images.units[rows], table["view"].to_numpy(dtype=str)[rows]


def dice(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the Dice coefficient of each picture, (n,)."""
    return 2 * (found & truth).sum((1, 2)) / np.maximum(found.sum((1, 2)) + truth.sum((1, 2)), 1)


def told(name: str, values: np.ndarray, patients: np.ndarray) -> None:
    """Print mean, median and 5th percentile with 95 % intervals over patients."""
    draws = list(bootstrap_rows(patients, 1000, np.random.default_rng(0))) if len(np.unique(patients)) > 1 else []
    words = []
    for what, statistic in (
        ("mean", np.mean),
        ("median", np.median),
        ("5th percentile", lambda v: np.quantile(v, 0.05)),
    ):
        span = "{:.3f}-{:.3f}".format(*percentile_interval([statistic(values[d]) for d in draws])) if draws else "-"
        words.append(f"{what} {statistic(values):.3f} ({span})")
    print(f"{name:34s} n {len(values):3d}  " + "  ".join(words))


def drawn(path: Path, pictures: np.ndarray, truth: np.ndarray, found: np.ndarray, values: np.ndarray) -> None:
    """Write the pictures in ascending order of Dice: outlines of radiologists green, ours red."""
    tiles = []
    for i in np.argsort(values, kind="stable"):
        tile = cv2.cvtColor(cv2.resize((pictures[i] * 255).astype(np.uint8), (192, 192)), cv2.COLOR_GRAY2BGR)
        for mask, colour in ((truth[i], (0, 255, 0)), (found[i], (0, 0, 255))):
            large = cv2.resize(mask.astype(np.uint8), (192, 192), interpolation=cv2.INTER_NEAREST)
            cv2.drawContours(tile, cv2.findContours(large, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0], -1, colour, 1)
        cv2.putText(tile, f"{values[i]:.2f}", (3, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 255, 255), 1)
        tiles.append(tile)
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % 10)
    cv2.imwrite(str(path), np.concatenate([np.concatenate(tiles[i : i + 10], 1) for i in range(0, len(tiles), 10)]))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared/data/cohen-cxr")
    parser.add_argument("--worst", type=Path)
    args = parser.parse_args()
    if not args.data.is_dir():
        print(f"left out: the pictures with outlined lungs are not there ({args.data})")
        return
    pictures, truth, patients, views = outlined(args.data)
    start = time.process_time()
    found = lungs(pictures)
    spent = time.process_time() - start
    values = dice(found.masks, truth)
    told("ours", values, patients)
    told("fixed superellipses", dice(np.repeat(~outside_lungs(SIZE)[None], len(truth), 0), truth), patients)
    told("Otsu's threshold", dice(np.stack([p < threshold_otsu(p) for p in pictures]), truth), patients)
    # the digest deals patients into halves whatever the order of files
    half = np.array([int(hashlib.sha256(p.encode()).hexdigest(), 16) % 2 == 0 for p in patients])
    told("ours, development patients", values[half], patients[half])
    told("ours, patients kept back", values[~half], patients[~half])
    for view in np.unique(views):
        told(f"ours, {view}", values[views == view], patients[views == view])
    order = np.corrcoef(np.argsort(np.argsort(found.confidence)), np.argsort(np.argsort(values)))[0, 1]
    print(f"rank correlation of confidence and Dice {order:.2f}; {1000 * spent / len(values):.1f} ms a picture")
    if args.worst:
        drawn(args.worst, pictures, truth, found.masks, values)


if __name__ == "__main__":
    main()
