"""The arms of a trial: the same real images, and extra ones that differ in their source alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

REAL = "real"
CLASSICAL = "real+classical"
DUPLICATES = "real+duplicates"
REWEIGHTING = "real+reweighting"
MIXED = "real+synthetic"
SYNTHETIC = "synthetic"
SHUFFLED = "real+shuffled"
HELD_OUT = "real+held-out"

KINDS = {
    REAL: "the real training images alone",
    CLASSICAL: "the same with classical augmentation",
    DUPLICATES: "the same with real images repeated, as many of each class as `real+synthetic` has synthetic ones",
    REWEIGHTING: "the real images, both classes equally often in every batch",
    MIXED: "the real and the synthetic images, in every dose of the plan",
    SYNTHETIC: "as many synthetic images, no real one (train on synthetic, test on real)",
    SHUFFLED: "the real and the synthetic images, whose labels are dealt anew (must not help)",
    HELD_OUT: "the real images and further patients' that nothing else learned from (must help)",
}
"""Every kind of arm there is, and what it trains on."""

CONTROLS = (REAL, CLASSICAL, DUPLICATES, REWEIGHTING)
"""The arms that cost no synthetic images; a gain must be over the best of them."""

Extra = Literal["none", "repeats", "synthetic", "shuffled", "held-out"]
Augment = Literal["never", "always", "chosen"]


@dataclass(frozen=True)
class Arm:
    """What one arm learns from."""

    name: str
    extra: Extra = "none"
    dose: float = 0.0
    """Extra images per real training image."""
    augment: Augment = "chosen"
    """`chosen`: as in the better of `real` and `real+classical`, by their validation images."""
    balanced: bool = False
    real: bool = True
    """Whether it sees the real training images."""
    patients: int = 0
    """Real training patients; 0 for all. More than all takes held-out ones too. For the learning curve."""

    @property
    def slug(self) -> str:
        """Return the arm as part of a file or finding name; `synthetic` becomes `synthetic_only`."""
        return "synthetic_only" if self.name == SYNTHETIC else re.sub(r"[^0-9a-z]+", "_", self.name)


def dosed(dose: float, headline: float) -> str:
    """Return the name of the arm with this dose of synthetic images; the headline's is plain."""
    return MIXED if dose == headline else f"{MIXED} x{dose:g}"


def sized(patients: int) -> str:
    """Return the name of the arm of the learning curve with so many real patients."""
    return f"{REAL} n={patients}"


def made(kinds: tuple[str, ...], doses: tuple[float, ...], headline: float, sizes: tuple[int, ...]) -> tuple[Arm, ...]:
    """Return the arms in the order of their kinds, doses ascending, then those of the learning curve.

    Args:
        kinds: some of `KINDS`.
        doses: synthetic images per real one.
        headline: the dose that duplicates, shuffled labels and `synthetic` have too.
        sizes: real patients of each point of the learning curve but the one that has all of them.
    """
    arms = {
        REAL: [Arm(REAL, augment="never")],
        CLASSICAL: [Arm(CLASSICAL, augment="always")],
        DUPLICATES: [Arm(DUPLICATES, "repeats", headline)],
        REWEIGHTING: [Arm(REWEIGHTING, balanced=True)],
        MIXED: [Arm(dosed(dose, headline), "synthetic", dose) for dose in sorted(doses)],
        SYNTHETIC: [Arm(SYNTHETIC, "synthetic", headline, real=False)],
        SHUFFLED: [Arm(SHUFFLED, "shuffled", headline)],
        HELD_OUT: [Arm(HELD_OUT, "held-out", headline)],
    }
    curve = [Arm(sized(size), patients=size) for size in sizes]
    return (*(arm for kind in kinds for arm in arms[kind]), *curve)
