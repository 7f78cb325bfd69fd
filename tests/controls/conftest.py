"""Small real and synthetic samples: smooth random fields, two images a patient, and checks that look at them."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter

from radassay.contracts.check import Inputs
from radassay.evidence.finding import Finding
from radassay.images.sample import Sample
from radassay.images.store import pixels_id

SIDE = 24


def fields(n, rng):
    """Return smooth random images, (n, SIDE, SIDE), all alike in distribution."""
    grain = gaussian_filter(rng.standard_normal((n, SIDE, SIDE)), (0, 2, 2))
    return np.clip(0.5 + grain, 0.05, 0.8).astype(np.float32)


def sample(name, n, seed, per_patient=2, positives=0.5):
    """Return a sample of smooth fields; a patient has one label."""
    rng = np.random.default_rng(seed)
    pixels = fields(n, rng)
    unit = np.arange(n) // per_patient
    labels = np.where((unit * positives) % 1.0 + positives >= 1.0, "covid", "normal")
    images = np.array([pixels_id(p) for p in pixels])
    patients = np.array([f"{name}-{i}" for i in unit])
    table = pd.DataFrame({"image": images, "label": labels, "patient": patients})
    return Sample(name, pixels, labels, patients, images, np.array([f"{name}/{i}.png" for i in range(n)]), table)


def toy(training=200, held_out=60, synthetic=120, seed=0):
    """Return inputs without any fault: the synthetic images come from the true distribution."""
    return Inputs(
        sample("train", training, seed + 1),
        sample("held", held_out, seed + 2),
        sample("made", synthetic, seed + 3, per_patient=1),
        positive="covid",
    )


@pytest.fixture
def inputs():
    return toy()


@pytest.fixture
def make():
    return toy


def nearest(one, other):
    a, b = (s.pixels.reshape(len(s), -1).astype(np.float64) for s in (one, other))
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T
    return np.sqrt(np.maximum(squares.min(axis=1), 0.0))


@dataclass(frozen=True)
class CloseCopies:
    """Share of synthetic images closer to training than nearly all held-out images are."""

    name: ClassVar[str] = "close-copies"
    question: ClassVar[str] = "Are images copied?"
    reads: ClassVar[str] = "synthetic"
    matched: ClassVar[bool] = True
    watched: ClassVar[dict] = {"share_close": "higher", "sharpness": "lower"}
    meets: ClassVar[tuple[str, ...]] = ()

    def measure(self, inputs, rng):
        threshold = np.quantile(nearest(inputs.held_out, inputs.training), 0.05)
        close = float((nearest(inputs.synthetic, inputs.training) < threshold).mean())
        sharp = float(np.abs(np.diff(inputs.synthetic.pixels, axis=2)).mean())
        return [
            Finding(check=self.name, name="share_close", value=close, reason="quick", direction="lower is better"),
            Finding(check=self.name, name="sharpness", value=sharp, reason="quick", unit="grey"),
            Finding(check=self.name, name="sharpness", value=9.0, reason="quick", slice="label=covid"),
        ]

    def quick(self):
        return self


@dataclass(frozen=True)
class CornerTells:
    """How far the corner's mean differs between the labels."""

    name: ClassVar[str] = "corner-tells"
    question: ClassVar[str] = "Does the corner tell the label?"
    reads: ClassVar[str] = "real"
    matched: ClassVar[bool] = False
    watched: ClassVar[dict] = {"difference": "higher"}
    meets: ClassVar[tuple[str, ...]] = ()

    def measure(self, inputs, rng):
        both = inputs.training.joined(inputs.held_out)
        corner = both.pixels[:, :8, :8].mean(axis=(1, 2))
        positive = both.labels == inputs.positive
        value = float(corner[positive].mean() - corner[~positive].mean())
        return [Finding(check=self.name, name="difference", value=value, reason="quick")]

    def quick(self):
        return self


@dataclass(frozen=True)
class Broken:
    """A check that fails."""

    name: ClassVar[str] = "broken"
    question: ClassVar[str] = "?"
    reads: ClassVar[str] = "synthetic"
    matched: ClassVar[bool] = False
    watched: ClassVar[dict] = {"nothing": "higher"}
    meets: ClassVar[tuple[str, ...]] = ()

    def measure(self, inputs, rng):
        raise ZeroDivisionError("no good")

    def quick(self):
        return self


@dataclass(frozen=True)
class UsesFeatures:
    """A check that reads features and draws random numbers."""

    name: ClassVar[str] = "uses-features"
    question: ClassVar[str] = "?"
    reads: ClassVar[str] = "synthetic"
    matched: ClassVar[bool] = True
    watched: ClassVar[dict] = {"gap": "higher"}
    meets: ClassVar[tuple[str, ...]] = ()

    def measure(self, inputs, rng):
        gap = inputs.features(inputs.synthetic).mean(0) - inputs.features(inputs.held_out).mean(0)
        assert inputs.features(inputs.training).shape[0] == len(inputs.training)
        value = float(np.linalg.norm(gap) + 1e-6 * rng.standard_normal())
        return [Finding(check=self.name, name="gap", value=value, reason="quick")]

    def quick(self):
        return self


@pytest.fixture
def checks():
    return {kind.name: kind() for kind in (CloseCopies, CornerTells, Broken, UsesFeatures)}
