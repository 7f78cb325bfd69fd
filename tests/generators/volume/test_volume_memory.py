"""Sampling a volume takes no more memory than is stated, measured on a process of its own."""

import os
import subprocess
import sys

import pytest

CHILD = """
import sys, threading, time
import numpy as np, torch
from radassay.generators.compute import computing
from radassay.generators.volume.drawing import Wanted
from radassay.generators.volume.flow import VolumeFlow
from radassay.generators.volume.networks import Cascade

flow = VolumeFlow(width=8, coarse_width=8, tile=36, fine_steps=2, draw_steps=2, threads=1, device="cpu")
network = Cascade(2, flow.coarse_width, flow.width, flow.factor, (8, 8, 8))

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

most, watching = 0, True
def watch():
    global most
    while watching:
        most = max(most, resident())
        time.sleep(0.001)

with computing("cpu", "auto", 1) as compute:
    compute.settle(network)
    def draw(side):
        shape = (side, side, side)
        wanted = Wanted(shape, 1, np.zeros(3, dtype=np.float32))
        drawn = flow._drawing(network, shape, compute).volume(wanted, np.random.default_rng(0))
        assert drawn.shape == shape
        return flow.sampling_bytes(shape)
    draw(int(sys.argv[1]))  # loads and prepares what is kept for good
    before = resident()
    watcher = threading.Thread(target=watch)
    watcher.start()
    stated = draw(int(sys.argv[1]))
    watching = False
    watcher.join()
    print(most - before, stated)
"""


@pytest.mark.parametrize("side", [64, pytest.param(128, marks=pytest.mark.slow)])
def test_sampling_takes_no_more_than_is_stated(side):
    # what is freed goes back at once, or the first volume's memory is there already when the second is drawn
    freed = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    command = [sys.executable, "-c", CHILD, str(side)]
    child = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **freed})
    taken, stated = map(int, child.stdout.split())
    print(f"{side} voxels a side: {taken / 2**20:.0f} MiB taken, {stated / 2**20:.0f} MiB stated")
    assert 4 * side**3 < taken <= stated
    # a bound that nothing could exceed would say nothing
    assert stated < 6 * taken
