"""A check whose values depend on the number of images is judged at the numbers of its controls."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from radassay.contracts.check import Inputs
from radassay.controls.floor import blank
from radassay.evidence.finding import Finding
from radassay.images.sample import Sample
from radassay.workbench.assessing import ALL_IMAGES, measure


@dataclass(frozen=True)
class Counts:
    """A check that counts."""

    name: ClassVar[str] = "counts"
    reads: ClassVar[str] = "synthetic"
    matched: ClassVar[bool] = True

    def measure(self, inputs, rng):
        sides = {"synthetic": inputs.synthetic, "held_out": inputs.held_out, "training": inputs.training}
        found = [Finding(check="counts", name=k, value=float(len(s)), reason="counted") for k, s in sides.items()]
        return [*found, Finding(check="counts", name="synthetic", slice="label=a", value=1.0, reason="counted")]


class Unmatched(Counts):
    """The same, for which numbers do not matter."""

    matched = False


def sample(name, n):
    labels = np.where(np.arange(n) % 2, "a", "b")
    names = np.array([f"{name}{i}" for i in range(n)])
    pixels = np.random.default_rng(n).uniform(size=(n, 4, 4)).astype(np.float32)
    return Sample(name, pixels, labels, names, names, names, pd.DataFrame({"image": names, "label": labels}))


def counted(check, inputs, **more):
    found = measure(check, inputs, np.random.default_rng(0), 50, **more)
    return {(f.name, f.slice): f.value for f in found}


def test_the_judged_measurement_has_the_numbers_of_a_blank_and_another_has_all_images():
    inputs = Inputs(sample("t", 300), sample("h", 100), sample("s", 200))
    found = counted(Counts(), inputs)
    clean = blank(inputs, Counts(), np.random.default_rng(1), 50)
    for side in ("training", "held_out", "synthetic"):
        assert found[side, "all"] == len(getattr(clean, side)) == 50
        assert found[side, ALL_IMAGES] == len(getattr(inputs, side))
    assert [part for name, part in found if name == "synthetic"] == ["all", "label=a", ALL_IMAGES]
    assert (("synthetic", ALL_IMAGES)) not in counted(Counts(), inputs, whole=False)


def test_a_check_that_needs_no_equal_numbers_measures_once_with_all():
    found = counted(Unmatched(), Inputs(sample("t", 300), sample("h", 100), sample("s", 200)))
    assert found["synthetic", "all"] == 200
    assert not any(part == ALL_IMAGES for _, part in found)
