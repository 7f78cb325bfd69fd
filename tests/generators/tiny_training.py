"""Run the tiny training in a process of its own, to be killed.

Usage: `tiny_training.py FOLDER IMAGES SETTINGS [RENAMING]`; with RENAMING it kills itself at its n-th renaming of
a file, just before or just after it.
"""

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np

from radassay.generators.gan.projection import ProjectionGAN


def die_at_renaming(number):
    rename, renamed = os.replace, [0]

    def replace(*paths):
        renamed[0] += 1
        if renamed[0] == number and number % 2:
            os.kill(os.getpid(), signal.SIGKILL)
        rename(*paths)
        if renamed[0] == number:
            os.kill(os.getpid(), signal.SIGKILL)

    os.replace = replace


def main():
    folder, given = Path(sys.argv[1]), np.load(sys.argv[2])
    settings = json.loads(sys.argv[3])
    if len(sys.argv) > 4:
        die_at_renaming(int(sys.argv[4]))
    generator = ProjectionGAN(**settings)
    generator.fit(given["pixels"], given["labels"], folder, seed=5, report=lambda p: print(p.done, flush=True))


if __name__ == "__main__":
    main()
