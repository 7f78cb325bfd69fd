"""Train one generator whole, and once more under kills at random moments, each in a process of its own.

Usage: `kill_and_resume.py KIND NAME GIVEN FOLDER KILLS SEED SETTINGS`, GIVEN being the arrays to fit in their order;
prints how many kills found a training at work. The kills are counted in reports of the training, not in seconds, so
that they find it at work on any machine.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import torch

from radassay.generators import telling
from radassay.registry import load

MOST_REPORTS = 5
"""One report tells that a training has begun, each further one that it took a step."""


def forked(work):
    """Return the process that does the work; the libraries are loaded already, so that it begins at once."""
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    return child


def main():
    kind, name, arrays, folder, kills, seed, settings = sys.argv[1:]
    given, folder = list(np.load(arrays).values()), Path(folder)
    generator = load(kind, name)(**json.loads(settings))
    telling.REPORT_SECONDS = 0
    torch.optim.SGD([torch.zeros(1)])  # loads two seconds' worth of libraries, here once for all processes

    def fit(part, told=None):
        report = {} if told is None else {"report": lambda _: os.write(told, b".")}
        return lambda: generator.fit(*given, folder / part, seed=5, **report)

    _, status = os.waitpid(forked(fit("whole")), 0)
    assert status == 0
    rng, at_work = np.random.default_rng(int(seed)), 0
    for _ in range(int(kills)):
        heard, told = os.pipe()
        child = forked(fit("killed", told))
        os.close(told)
        for _ in range(rng.integers(1, MOST_REPORTS + 1)):
            os.read(heard, 1)
        time.sleep(rng.uniform(0, 0.02))
        at_work += os.waitpid(child, os.WNOHANG)[0] == 0
        try:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        os.close(heard)
    _, status = os.waitpid(forked(fit("killed")), 0)
    print(at_work)
    sys.exit(status != 0)


if __name__ == "__main__":
    main()
