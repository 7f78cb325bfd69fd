"""Twenty kills over one training of every family: weights, losses, looks and grids of the unbroken one."""

import json
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from radassay import registry
from radassay.generators.family import Family

CHILD = Path(__file__).parent / "kill_and_resume.py"
SHORT = {"batch_size": 4, "width": 2, "checkpoint_every": 8, "grid_every": 32, "threads": 1, "device": "cpu"}
IMAGES_SEEN = 240
FAMILIES = [
    *(("generators", n) for n in registry.names("generators") if issubclass(registry.load("generators", n), Family)),
    *(("volume-generators", n) for n in registry.names("volume-generators")),
]


@pytest.fixture
def given(kind, images, tmp_path):
    """The file with what is given to learn from."""
    pixels, labels = images
    if kind == "generators":
        np.savez(tmp_path / "given.npz", pixels=pixels, labels=labels)
    else:
        volumes = np.random.default_rng(0).random((8, 32, 32, 32), dtype=np.float32)
        np.savez(tmp_path / "given.npz", volumes=volumes, labels=labels[:8], spacing_mm=np.full((8, 3), 2.0))
    return tmp_path / "given.npz"


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), FAMILIES)
def test_twenty_kills_change_nothing(kind, name, given, tmp_path):
    known = {f.name for f in fields(registry.load(kind, name))}
    settings = {**{key: value for key, value in SHORT.items() if key in known}, "images_seen": IMAGES_SEEN}
    command = [sys.executable, CHILD, kind, name, given, tmp_path, "20", "7", json.dumps(settings)]
    child = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=900, check=False)
    assert child.returncode == 0, child.stderr
    assert int(child.stdout.split()[-1]) >= 15
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    written = {p.relative_to(whole) for p in whole.rglob("*") if p.is_file() and p.suffix in (".png", ".jsonl")}
    assert written == {p.relative_to(killed) for p in killed.rglob("*") if p.suffix in (".png", ".jsonl")}
    for path in [*written, Path("weights.safetensors"), Path("weights.json")]:
        assert (whole / path).read_bytes() == (killed / path).read_bytes(), path
