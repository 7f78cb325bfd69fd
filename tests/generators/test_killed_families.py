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
LONGER = {"pix2pix": 1280}
"""Images for a family whose steps are so quick that kills would come too late."""
FAMILIES = [n for n in registry.names("generators") if issubclass(registry.load("generators", n), Family)]


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_twenty_kills_change_nothing(name, images, tmp_path):
    np.savez(tmp_path / "given.npz", pixels=images[0], labels=images[1])
    known = {f.name for f in fields(registry.load("generators", name))}
    settings = {**{key: value for key, value in SHORT.items() if key in known}, "images_seen": LONGER.get(name, 160)}
    command = [sys.executable, CHILD, name, tmp_path / "given.npz", tmp_path, "20", "7", json.dumps(settings)]
    child = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=900, check=False)
    assert child.returncode == 0, child.stderr
    assert int(child.stdout.split()[-1]) >= 5
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    written = {p.relative_to(whole) for p in whole.rglob("*") if p.is_file() and p.suffix in (".png", ".jsonl")}
    assert written == {p.relative_to(killed) for p in killed.rglob("*") if p.suffix in (".png", ".jsonl")}
    for path in [*written, Path("weights.safetensors"), Path("weights.json")]:
        assert (whole / path).read_bytes() == (killed / path).read_bytes(), path
