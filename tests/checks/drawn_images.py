"""Pictures drawn from a law that is known, for the checks' tests."""

import numpy as np
import pandas as pd

from radassay.contracts.check import Inputs
from radassay.images.sample import Sample

SIDE, CELLS = 32, 8


def pictures(rng, labels):
    """Smooth random fields; the sick have a bright place on the left."""
    coarse = rng.normal(0.5, 0.12, (len(labels), CELLS, CELLS))
    coarse[labels == "covid", 3:5, 1:3] += 0.12
    rows = np.clip(np.linspace(-0.5, CELLS - 0.5, SIDE), 0, CELLS - 1)
    low = np.minimum(rows.astype(int), CELLS - 2)
    weights = np.zeros((SIDE, CELLS))
    weights[np.arange(SIDE), low], weights[np.arange(SIDE), low + 1] = 1 - (rows - low), rows - low
    fine = rng.normal(0, 0.02, (len(labels), SIDE, SIDE))
    return np.clip(weights @ coarse @ weights.T + fine, 0, 1).astype(np.float32)


def of(name, pixels, labels, each=1):
    n = len(pixels)
    patients = np.array([f"{name}-{i // each}" for i in range(n)], dtype=str)
    images = np.array([f"{name}-image-{i}" for i in range(n)], dtype=str)
    table = pd.DataFrame({"image": images, "label": labels, "patient": patients})
    return Sample(name, pixels, labels, patients, images, images, table)


def drawn(name, n, rng, share=0.5):
    labels = np.where(np.arange(n) < share * n, "covid", "normal")
    return of(name, pictures(rng, labels), labels)


def encode(pixels):
    """Means of 8 x 8 cells: 64 features, no network."""
    n, cell = len(pixels), pixels.shape[1] // CELLS
    return pixels.reshape(n, CELLS, cell, CELLS, cell).mean(axis=(2, 4)).reshape(n, -1).astype(np.float32)


def fresh(seed, n=300, n_held_out=None, n_training=None):
    """Inputs whose synthetic images are new draws from the law of the real ones."""
    rng = np.random.default_rng(seed)
    return Inputs(
        drawn("training", n_training or n, rng),
        drawn("held", n_held_out or n, rng),
        drawn("made", n, rng),
        encode,
        "cells",
        positive="covid",
    )


def copied(inputs, share, seed=0, noise=0.01):
    """Inputs with a share of the synthetic images replaced by training images with noise."""
    rng = np.random.default_rng(seed)
    made = inputs.synthetic
    rows = np.arange(round(share * len(made)))
    pixels = made.pixels.copy()
    copies = inputs.training.pixels[rows]
    pixels[rows] = np.clip(copies + noise * rng.standard_normal(copies.shape), 0, 1)
    return inputs.but(synthetic=made.changed(name="copies", pixels=pixels))


def repainted(inputs, pixels):
    return inputs.but(synthetic=inputs.synthetic.changed(name="changed", pixels=pixels.astype(np.float32)))


def by_name(findings, part="all"):
    return {f.name: f for f in findings if f.slice == part}
