"""Oddities against the metadata of `cohen-cxr`: CT among X-rays, lateral among frontal films, and the notice.

    python benchmarks/oddities.py [--data ../shared/data] [--table kinds_seen.parquet]

The network saw simulated chests alone, so every image is a test image. Truth is what `metadata.csv` says of view and
modality; it holds errors, which are listed. Precision and recall come with intervals over patients.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from radassay.contracts.probe import Subject
from radassay.images.importing import import_images
from radassay.probes.odd.oddities import Oddities
from radassay.stats.proportion import share


def precision_and_recall(name: str, said: np.ndarray, true: np.ndarray, units: np.ndarray) -> None:
    """Print both with intervals, and the counts behind them."""
    for what, among, hit in (("precision", said, true), ("recall", true, said)):
        value = share(hit[among], units[among])
        print(
            f"{name:28s} {what:9s} {value.value:.3f} ({value.low:.3f}-{value.high:.3f}), "
            f"{int(hit[among].sum())} of {int(among.sum())} images"
        )


def report(table: pd.DataFrame) -> None:
    """Print precision and recall of what was seen against what the metadata say."""
    units = np.where(table["patient"] != "", table["patient"], table["path"]).astype(str)
    ct, lateral = (table["kind"].str.endswith("CT")).to_numpy(), (table["kind"] == "lateral").to_numpy()
    known = (table["told"] != "").to_numpy()
    true_ct = table["told"].str.endswith("CT").to_numpy()
    precision_and_recall("CT against X-ray", (ct & known)[known], true_ct[known], units[known])
    film = known & ~true_ct
    true_lateral = (table["told"] == "lateral").to_numpy()
    precision_and_recall("lateral against frontal", lateral[film], true_lateral[film], units[film])
    axial = (table["kind"] == "axial CT").to_numpy()
    both = known & true_ct
    precision_and_recall(
        "axial against reformatted", axial[both], (table["told"] == "axial CT").to_numpy()[both], units[both]
    )
    none = (table["kind"] == "none").to_numpy()
    print(f"no radiograph: {int(none.sum())} named, {int((none & known).sum())} of them with a view in the metadata")
    print(pd.crosstab(table["told"].replace("", "no row"), table["kind"]).to_string())
    print("contradictions:")
    for row in table[table["contradicted"]].itertuples():
        print(
            f"  {Path(str(row.path)).name}: told {row.view_told} {row.modality_told}, seen {row.kind} ({row.sure:.2f})"
        )


def main() -> None:
    """Import, look, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = given.data / "cohen-cxr"
        images, _ = import_images(root, Path(name), unnamed=True)
        begun = time.process_time()
        answer = Oddities(planted=0).measure(Subject((images,), (root,)), np.random.default_rng(0))
        spent = time.process_time() - begun
    table = answer.tables["kinds_seen"]
    patients = {
        (root / source).as_posix(): p for source, p in images.table[["source", "patient"]].itertuples(index=False)
    }
    report(table.assign(patient=[patients[path] for path in table["path"]]))
    first = answer.tables["odd_images"].iloc[0]
    print(f"oddest: {Path(first['path']).name}: {first['oddity']}, {first['reason']}")
    print(f"{1000 * spent / len(images):.0f} ms an image on one core, contact sheets included")


if __name__ == "__main__":
    main()
