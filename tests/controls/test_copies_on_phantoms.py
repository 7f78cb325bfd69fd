"""On simulated chests, copies above the stated limit of detection are found, and far below it mostly are not."""

import numpy as np
import pandas as pd
import pytest

from radassay import registry
from radassay.contracts.check import Inputs
from radassay.controls.defects import Copies
from radassay.controls.floor import blank
from radassay.controls.rows import RememberedRows
from radassay.controls.runner import Controls, run_controls
from radassay.images.phantom import Cohort
from radassay.images.sample import Sample
from radassay.images.store import pixels_id


def chests(patients, seed, name):
    """Return two simulated radiographs of each patient."""
    pictures = list(Cohort(patients=patients, images_per_patient=2, size=48, seed=seed).pictures())
    pixels = np.stack([p.grey() for p in pictures]).astype(np.float32)
    table = pd.DataFrame([p.row() for p in pictures]).assign(image=[pixels_id(p) for p in pixels])
    labels, codes, sources = (table[c].to_numpy(dtype=str) for c in ("label", "patient", "source"))
    return Sample(name, pixels, labels, np.char.add(name, codes), table["image"].to_numpy(dtype=str), sources, table)


@pytest.mark.slow
def test_planted_copies_are_found_above_the_stated_limit_and_not_far_below():
    encoder = registry.load("encoders", "random-conv")()
    check = registry.load("checks", "memorisation")()
    real = Inputs(
        chests(160, 1, "a"), chests(80, 2, "b"), encode=encoder.encode, encoder=encoder.name, positive="disease"
    )
    defect = Copies(doses=(0.02, 0.05, 0.1, 0.2, 0.4))
    findings = run_controls([check], [defect], real, Controls(blanks=60), np.random.default_rng(0))["memorisation"]
    limit = next(f for f in findings if f.role == "limit" and f.name == "copy_share")
    assert limit.value is not None
    rows = RememberedRows(real)

    def found(dose, repeats=25):
        hits = 0
        for seed in range(repeats):
            rng = np.random.default_rng([77, seed])
            planted = rows.attached(defect.plant(blank(real, check, rng), dose, rng))
            values = {f.name: f.value for f in check.quick().measure(planted, rng) if f.slice == "all"}
            hits += values["copy_share"] > limit.details["limit_of_blank"]
            rows.forget()
        return hits / repeats

    assert found(1.25 * limit.value) >= 0.9
    assert found(limit.value / 4) < 0.5
    assert found(0.0, repeats=50) < 0.15
