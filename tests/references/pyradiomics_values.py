"""Writes `pyradiomics_values.json`: what pyradiomics 3.0.1 finds in seeded pictures.

pyradiomics builds without isolation only, so it gets a virtual environment of its own:

    python -m venv /tmp/peer && /tmp/peer/bin/pip install "setuptools<70" wheel cython "numpy<2" versioneer \
        SimpleITK pykwalify PyWavelets six
    /tmp/peer/bin/pip install --no-build-isolation --no-deps pyradiomics==3.0.1
    /tmp/peer/bin/python tests/references/pyradiomics_values.py
"""

import json
import logging
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_suffix(".json")
SETTINGS = {"binWidth": 8, "force2D": True, "force2Ddimension": 0, "distances": [1]}
TEXTURES = ("glcm", "glrlm", "glszm", "ngtdm", "gldm")


def pictures():
    """Four pictures of integers from 0 to 255, both ends present, each with its mask, (rows, columns)."""
    rng = np.random.default_rng(20)
    y, x = np.mgrid[:24, :31]
    waves = 128 + 90 * np.sin(x / 4.0) * np.cos(y / 5.0) + rng.normal(0, 6, (24, 31))
    noise = rng.integers(0, 256, (16, 16)).astype(float)
    steps = np.kron(rng.integers(0, 5, (5, 6)) * 63.75, np.ones((5, 4)))
    everywhere = np.ones((24, 31), dtype=bool)
    oval = ((y - 11) / 9.0) ** 2 + ((x - 15) / 12.0) ** 2 < 1
    oval[9:12, 12:15] = False
    oval[2, 2] = oval[3, 3] = True
    found = {}
    for name, values, mask in (
        ("waves", waves, everywhere),
        ("waves in an oval with a hole", waves, oval),
        ("noise", noise, np.ones((16, 16), dtype=bool)),
        ("steps", steps, np.ones((25, 24), dtype=bool)),
    ):
        whole = np.clip(np.round(values), 0, 255).astype(int)
        inside = np.argwhere(mask)
        whole[tuple(inside[0])], whole[tuple(inside[-1])] = 0, 255
        found[name] = (whole, mask)
    return found


def values(whole, mask):
    """What pyradiomics finds: first order, textures averaged over directions and merged, shape."""
    import SimpleITK as sitk
    from radiomics import firstorder, glcm, gldm, glrlm, glszm, ngtdm, shape2D

    modules = {
        "glcm": glcm.RadiomicsGLCM,
        "glrlm": glrlm.RadiomicsGLRLM,
        "glszm": glszm.RadiomicsGLSZM,
        "ngtdm": ngtdm.RadiomicsNGTDM,
        "gldm": gldm.RadiomicsGLDM,
    }
    image = sitk.GetImageFromArray(np.pad(whole, 1)[None].astype(float))
    region = sitk.GetImageFromArray(np.pad(mask, 1)[None].astype(np.uint8))

    def run(module, **more):
        calculator = module(image, region, **SETTINGS, **more)
        calculator.enableAllFeatures()
        return {name: float(value) for name, value in calculator.execute().items()}

    found = {name: run(module) for name, module in modules.items()}
    found |= {f"{name} merged": run(modules[name], weightingNorm="no_weighting") for name in ("glcm", "glrlm")}
    found["firstorder"] = run(firstorder.RadiomicsFirstOrder)
    found["shape"] = run(shape2D.RadiomicsShape2D)
    return found


if __name__ == "__main__":
    logging.getLogger("radiomics").setLevel(logging.ERROR)
    FILE.write_text(json.dumps({name: values(*given) for name, given in pictures().items()}, indent=1) + "\n")
