"""Healthy simulated chests become ill where illness belongs, as often as ill ones look ill; the rest stays in place."""

import runpy
from pathlib import Path

import pytest

from radassay.generators.translation.cyclegan import CycleGAN

EXAMPLE = Path(__file__).parents[2] / "docs" / "example_translation.py"


@pytest.mark.slow
def test_cyclegan_paints_disease_into_the_lungs_and_leaves_the_anatomy(tmp_path):
    example = runpy.run_path(str(EXAMPLE))
    chests = example["Chests"].draw(300, 32, 1)
    translator = CycleGAN(images_seen=3_000, threads=1, device="cpu", **example["QUICK"])
    translator.fit(chests.training, chests.labels, tmp_path, seed=1)
    found, _ = example["measured"](chests, translator, tmp_path, 1)
    assert found["detector's AUC"] >= 0.9
    assert found["found in ill"] >= 0.6
    assert found["found in translated"] >= found["found in ill"] - 0.25
    assert found["found in translated"] >= found["found in healthy"] + 0.4
    assert found["painted in the lungs, translated"] >= 0.8
    assert found["Dice of the lungs, translated"] >= found["Dice of the lungs, ill"] - 0.05
    assert found["heart moved by 1 px or more, translated"] < 0.5
    assert found["heart moved by 2 px or more, translated"] <= 0.05
