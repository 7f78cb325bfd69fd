"""Train one generator whole, and once more under kills at random moments, each in a process of its own.

Usage: `kill_and_resume.py NAME IMAGES FOLDER KILLS SEED SETTINGS`; prints how many kills found a training at work.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

from radassay.registry import load


def forked(work):
    """Return the process that does the work; the libraries are loaded already, so that it begins at once."""
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    return child


def main():
    name, images, folder, kills, seed, settings = sys.argv[1:]
    given, folder = np.load(images), Path(folder)
    generator = load("generators", name)(**json.loads(settings))

    def fit(part):
        return lambda: generator.fit(given["pixels"], given["labels"], folder / part, seed=5)

    clock = time.monotonic()
    os.waitpid(forked(fit("whole")), 0)
    took = time.monotonic() - clock
    rng, at_work = np.random.default_rng(int(seed)), 0
    for _ in range(int(kills)):
        child = forked(fit("killed"))
        time.sleep(rng.uniform(0.02, 0.6) * took)
        at_work += os.waitpid(child, os.WNOHANG)[0] == 0
        try:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
    _, status = os.waitpid(forked(fit("killed")), 0)
    print(at_work)
    sys.exit(status != 0)


if __name__ == "__main__":
    main()
