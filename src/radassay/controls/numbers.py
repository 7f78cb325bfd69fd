"""How many images of each label a blank is made of; the measurement held against it has as many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from radassay.contracts.check import Inputs

MOST = 200
"""Synthetic and held-out images of a blank, and training images for each of these, where the study has more."""


@dataclass(frozen=True)
class Numbers:
    """Images of each label on the three sides of a blank."""

    training: Mapping[str, int]
    held_out: Mapping[str, int]
    synthetic: Mapping[str, int]

    @classmethod
    def of(cls, inputs: Inputs, most: int = MOST) -> Numbers:
        """Return the numbers of a blank of a check of synthetic images.

        Held-out images: as many as there are, at most `most`. Synthetic ones: as many as there are, at most `most`,
        and at most half of the real ones beyond the held-out number, so that the blank's training set is no smaller
        than its synthetic one. Training images: what remains of the real ones, at most as many as the user has and at
        most `most`. Held-out and training images keep the user's mix of labels. That of the stand-ins follows the
        synthetic images as far as the real ones of each label reach; what one label lacks the others fill up. Labels
        that only one side has are left out there, since real images cannot stand in for them.
        """
        training, held = _count(inputs.training.labels), _count(inputs.held_out.labels)
        real = training + held
        held_out = apportioned(min(most, held.total()), held, held)
        caps = {label: max(0, (count - held_out.get(label, 0)) // 2) for label, count in sorted(real.items())}
        mix, wanted = real, min(most, sum(caps.values()))
        if inputs.synthetic is not None:
            mix = _count(inputs.synthetic.labels)
            caps = {label: min(cap, mix[label]) for label, cap in caps.items()}
            wanted = min(wanted, len(inputs.synthetic))
        synthetic = apportioned(min(wanted, sum(caps.values())), {label: mix[label] for label in caps}, caps)
        left = {label: max(0, n - held_out.get(label, 0) - synthetic.get(label, 0)) for label, n in real.items()}
        kept = min(most, sum(left.values()), training.total())
        return cls(apportioned(kept, left, left), held_out, synthetic)

    def totals(self) -> dict[str, int]:
        """Return the number of images on each side."""
        sides = {"training": self.training, "held_out": self.held_out, "synthetic": self.synthetic}
        return {side: sum(counts.values()) for side, counts in sides.items()}


def _count(labels: object) -> Counter[str]:
    return Counter(labels.tolist())  # type: ignore[attr-defined]


def apportioned(total: int, mix: Mapping[str, int], caps: Mapping[str, int]) -> dict[str, int]:
    """Return whole numbers that sum to `total`, in proportion to `mix` (Webster's method) but never above `caps`."""
    counts = dict.fromkeys(sorted(caps), 0)
    for _ in range(total):
        room = [label for label in counts if counts[label] < caps[label]]
        counts[max(room, key=lambda label: mix[label] / (2 * counts[label] + 1))] += 1
    return counts
