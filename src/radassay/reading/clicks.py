"""Where readers clicked a structure that was not plausible, as points or, of many clicks, as a map."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radassay.evidence.finding import Finding
from radassay.reading.answers import Read
from radassay.reading.found import finding
from radassay.reading.key import REAL, SYNTHETIC
from radassay.reading.plan import ReadingPlan

Floats = NDArray[np.float64]
FEWEST_CLICKS, FEWEST_READERS = 30, 3
"""Below either, points are told instead of a map, which would show single clicks as if they were regions."""
TILES = 20
"""Tiles of a map along either side."""
WIDTH = 0.06
"""Standard deviation, as a share of the side, by which a click is spread over the tiles."""


def places(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a row a reader, item and structure of question D: its level, and the place clicked in pixels."""
    out: list[dict[str, Any]] = []
    for row in rows[(rows["block"] == "plausibility") & (rows["structures"] != "")].itertuples():
        for structure, rated in json.loads(str(row.structures)).items():
            place = rated.get("place") or (np.nan,) * 3
            told = {"reader": row.reader, "item": row.item, "role": row.role, "arm": row.arm, "image": row.image}
            where = dict(zip(("column", "row", "slice"), map(float, place), strict=True))
            out.append({**told, "structure": structure, "level": float(rated["level"]), **where})
    columns = ["reader", "item", "role", "arm", "image", "structure", "level", "column", "row", "slice"]
    return pd.DataFrame(out, columns=columns)


def clicks(read: Read, plan: ReadingPlan) -> list[Finding]:
    """Return for every structure and arm how often a fault was clicked, and where; repeats are left out.

    Places are told as shares of the side, slices of a stack together. A map tells clicks in a tile for every 100
    readings, so that arms and structures of different numbers can be compared.
    """
    told = places(read.rows)
    told = told[told["role"] == "case"]
    findings = []
    for structure in plan.structures:
        for arm in (SYNTHETIC, REAL):
            some = told[(told["structure"] == structure) & (told["arm"] == arm)]
            findings.append(_clicked(some, plan.size, f"structure={structure}, arm={arm}"))
    return findings


def _clicked(some: pd.DataFrame, side: int, part: str) -> Finding:
    if some.empty or side < 1:
        reason = "the side of the images is not known" if len(some) else "nobody has judged it"
        return finding("n_clicks", slice=part, reason=reason)
    faults = some[some["level"] < 3]
    marked = faults[faults["column"].notna() & faults["row"].notna()]
    # The page tells whole pixels; a click lies in their middle.
    at = (marked[["column", "row"]].to_numpy(dtype=np.float64) + 0.5) / side
    at = np.clip(at, 0.0, 1.0)
    details: dict[str, Any] = {
        "readings": len(some),
        "faults": len(faults),
        "readers": int(marked["reader"].nunique()),
        "most_by_one": int(marked["reader"].value_counts().max()) if len(marked) else 0,
    }
    if len(marked) >= FEWEST_CLICKS and details["readers"] >= FEWEST_READERS:
        per_hundred = heat(at) * 100 / len(some)
        details["heat"] = [[round(float(v), 5) for v in row] for row in per_hundred]
    else:
        details["points"] = [[round(float(x), 4), round(float(y), 4)] for x, y in at]
    counts = {"n_images": int(some["image"].nunique()), "unit": "count", "method": "count, exact"}
    return finding("n_clicks", value=float(len(marked)), slice=part, details=details, **counts)


def heat(at: Floats) -> Floats:
    """Return how many clicks lie about every tile, (TILES, TILES) by row and column; the sum is that of the clicks.

    Each click is spread by a Gaussian of `WIDTH`, of which nothing is lost at the border.

    Args:
        at: (n, 2) column and row as shares of the side.
    """
    middles = (np.arange(TILES) + 0.5) / TILES
    across, down = (np.exp(-(((at[:, [axis]] - middles) / WIDTH) ** 2) / 2) for axis in (0, 1))
    across, down = (part / part.sum(axis=1, keepdims=True) for part in (across, down))
    return np.asarray(down.T @ across)
