"""Small real and synthetic sets of simulated chests, and readers whose truth is known."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from radassay.images.imageset import ImageSet
from radassay.images.phantom import Cohort, make_phantoms
from radassay.reading.key import Key

SIZE = 48
COLUMNS = ("reader", "block", "item", "version", "at", "answer_id", "value", "seen")


def cohort(folder, patients=120):
    """Return simulated chests, one of each patient."""
    return make_phantoms(folder, Cohort(patients=patients, images_per_patient=1, size=SIZE, seed=3), workers=1)


def two_sets(whole, mark=0):
    """Return the patients as a real and a synthetic set of one source; `mark` brightens a synthetic corner."""
    codes = list(whole.table["patient"].unique())
    real = whole.where(patient=codes[: len(codes) // 2]).with_columns(split="test", origin="acquired")
    made = whole.where(patient=codes[len(codes) // 2 :])
    rows = []
    for row in range(len(made)):
        pixels = made.pixels(row).copy()
        pixels[:mark, :mark] = made.table["high"].iloc[row]
        shown = made.table.iloc[row]
        rows.append(
            {
                "image": made.store.put(pixels),
                "label": shown["label"],
                "origin": "generated",
                "source": f"made-{row}",
                "height": SIZE,
                "width": SIZE,
                "low": shown["low"],
                "high": shown["high"],
            }
        )
    return real, ImageSet.of("synthetic", rows, made.store)


def answers(study, key: Key, rng, *, seen=0.0, careless=(), diagnosing=1.5, missing=()):
    """Return the answers of simulated readers as the web side exports them.

    `seen`: d' between synthetic and real. `careless`: readers, by number, who do not look at catch trials.
    `missing`: (reader number, item id) that cannot be judged.
    """
    rows, images = [], key.by_image
    items = {item.id: item for item in key.items}
    shift = {i.id: rng.standard_normal() * 0.5 for i in key.items}
    for number, (reader, order) in enumerate(sorted(study["orders"].items())):
        for step, name in enumerate(order):
            item = items[name]
            value = _value(study, item, images, rng, seen, number in careless, diagnosing, shift[item.repeats or name])
            if (number, name) in missing:
                value = {"cannot_judge": True, "reason": ""}
            at = (pd.Timestamp("2026-01-05T09:00:00+00:00") + pd.Timedelta(seconds=20 * step)).isoformat()
            rows.append([reader, item.block, name, 1, at, f"{number}-{step}", json.dumps(value), "{}"])
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _value(study, item, images, rng, seen, careless, diagnosing, shift):
    if item.block == "choice":
        strength = {i: rng.standard_normal() + seen * (images[i].arm == "real") for i in item.images}
        return {"image": max(strength, key=strength.get)}
    image = images[item.images[0]]
    if item.block == "realness":
        if image.broken and not careless:
            return {"level": 1}
        latent = shift + np.sqrt(0.75) * rng.standard_normal() + seen * (image.arm == "real") - seen / 2
        return {"level": int(np.searchsorted([-0.97, -0.43, 0, 0.43, 0.97], latent)) + 1}
    block = next(b for b in study["blocks"] if b["id"] == item.block)
    if item.block == "diagnosis":
        latent = rng.standard_normal() + (diagnosing if image.label == "disease" else 0) - diagnosing / 2
        option = "disease" if latent > 0 else "healthy"
        return {"option": option, "certainty": int(min(5, 1 + abs(latent) * 2))}
    levels = {o: 3 if rng.random() < (0.9 if image.arm == "real" else 0.6) else 1 for o in block["options"]}
    return {"structures": {o: {"level": n, "place": None if n == 3 else [4, 5, 0]} for o, n in levels.items()}}
