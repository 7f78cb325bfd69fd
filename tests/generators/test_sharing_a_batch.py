"""A batch taken in parts, or shared by processes, teaches what the whole batch teaches."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from radassay.generators.compute import Compute
from radassay.generators.crew import Crew
from radassay.generators.players import Players, parted
from radassay.generators.training import trained

from .conftest import tiny

CPU = Compute(torch.device("cpu"), False, 1)


def team():
    torch.manual_seed(0)
    players = Players(CPU, Crew())
    players.add("one", nn.Linear(5, 1), rate=0.1, half_life=10)
    return players, torch.randn(12, 5), torch.randn(12, 1)


def squared(players, x, y):
    network = players.of["one"].network
    return lambda rows: (network(x[rows]) - y[rows]).square().mean()


def test_parts_cover_all_rows_once():
    for length in (1, 2, 7, 12):
        for parts in (1, 2, 3, 16):
            pieces = parted(slice(3, 3 + length), parts)
            assert [i for piece in pieces for i in range(piece.start, piece.stop)] == list(range(3, 3 + length))
            assert all(piece.stop > piece.start for piece in pieces)


@pytest.mark.parametrize("parts", [2, 3, 5])
def test_parts_add_up_to_the_whole_batch(parts):
    whole, x, y = team()
    apart, _, _ = team()
    apart.parts = parts
    for _ in range(3):
        one = whole.descend("one", squared(whole, x, y), 12)
        two = apart.descend("one", squared(apart, x, y), 12)
        assert two == pytest.approx(one, rel=1e-5)
    torch.testing.assert_close(apart.of["one"].network.weight, whole.of["one"].network.weight, rtol=1e-5, atol=1e-6)


def test_out_of_memory_halves_the_parts_until_they_fit():
    players, x, y = team()
    loss, asked = squared(players, x, y), []

    def narrow(rows):
        asked.append(rows.stop - rows.start)
        if rows.stop - rows.start > 3:
            raise torch.OutOfMemoryError
        return loss(rows)

    whole, _, _ = team()
    value = players.descend("one", narrow, 12)
    assert value == pytest.approx(whole.descend("one", squared(whole, x, y), 12), rel=1e-5)
    assert asked == [12, 6, 3, 3, 3, 3]
    assert players.parts == 4


def test_where_not_even_one_image_fits_the_error_stays():
    players, _, _ = team()

    def never(rows):
        raise torch.OutOfMemoryError

    with pytest.raises(torch.OutOfMemoryError):
        players.descend("one", never, 12)


def test_a_training_short_of_memory_says_so_and_ends(images, tmp_path, monkeypatch):
    from radassay.generators.gan.game import Game

    judged = Game.judged_together

    def narrow(self, real, drawn, classes):
        if len(real) > 2:
            raise torch.OutOfMemoryError
        return judged(self, real, drawn, classes)

    monkeypatch.setattr(Game, "judged_together", narrow)
    monkeypatch.setattr("radassay.generators.gan.projection.ProjectionGame.judged_together", narrow)
    notes = []
    tiny(batch_size=4).fit(*images, tmp_path, seed=5, report=lambda p: notes.append(p.note))
    assert any("out of memory: each batch is now taken in 2 parts" in note for note in notes)
    assert np.isfinite(tiny().sample(np.array(["dark"]), tmp_path, seed=0)).all()


CHILD = """
import sys
from pathlib import Path
import numpy as np
from radassay.registry import load
given = np.load(sys.argv[1])
name, settings = sys.argv[3], eval(sys.argv[4], {"__builtins__": {}})
load("generators", name)(**settings).fit(given["pixels"], given["labels"], Path(sys.argv[2]), seed=5)
"""


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def together(given, folder, settings, size, name="projection-gan"):
    port, children = str(free_port()), []
    for rank in range(size):
        about = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": size, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        env = {**os.environ, **{key: str(value) for key, value in about.items()}, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-c", CHILD, str(given), str(folder), name, repr(settings)]
        children.append(subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True))
    told = [child.communicate(timeout=300)[1] for child in children]
    assert [child.returncode for child in children] == [0] * size, told


@pytest.mark.slow
def test_two_processes_follow_the_loss_curve_of_one(images, tmp_path: Path):
    import json

    np.savez(tmp_path / "given.npz", pixels=images[0], labels=images[1])
    settings = {
        "images_seen": 160, "batch_size": 8, "width": 4, "precision": "float32", "threads": 1, "device": "cpu",
    }  # fmt: skip
    name = "edm"  # no batch statistics, which would be each process's own, and no game of two that magnifies rounding
    together(tmp_path / "given.npz", tmp_path / "two", settings, 2, name)
    together(tmp_path / "given.npz", tmp_path / "one", settings, 1, name)
    curves = [
        [json.loads(line) for line in (tmp_path / kind / "losses.jsonl").read_text().splitlines()]
        for kind in ("one", "two")
    ]
    assert len(curves[0]) == 20
    for one, two in zip(*curves, strict=True):
        assert two == pytest.approx(one, abs=1e-3)
    one, two = (trained(tmp_path / kind)[0] for kind in ("one", "two"))
    for key in one:
        torch.testing.assert_close(two[key], one[key], rtol=1e-2, atol=1e-3)
