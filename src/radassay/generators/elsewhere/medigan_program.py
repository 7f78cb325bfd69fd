"""Run by the Python of medigan's own environment: draw with one model, without a network. Needs nothing of radassay.

Arguments: the folder with `config/` and `models/`, the model, the folder for pictures, how many, the seed, and further
arguments of the model as JSON.
"""

import json
import os
import random
import sys
from typing import Any


def offline(event: str, given: tuple[Any, ...]) -> None:
    """Refuse every look-up and connection; an audit hook cannot be taken off again."""
    if event in ("socket.getaddrinfo", "socket.gethostbyname") or (
        event == "socket.connect" and isinstance(given[1], tuple)
    ):
        raise PermissionError("radassay runs medigan without a network; fetch the model beforehand")


def main() -> None:
    """Draw."""
    home, model, out, count, seed, further = sys.argv[1:]
    sys.addaudithook(offline)
    os.chdir(home)  # medigan looks for config/ and models/ where it runs
    sys.path.insert(0, home)
    os.environ["PYTHONHASHSEED"] = seed
    random.seed(int(seed))
    try:
        import numpy

        numpy.random.seed(int(seed))  # noqa: NPY002 - the models draw from the global state
        import torch

        torch.manual_seed(int(seed))
    except ImportError:
        pass
    from medigan import Generators

    Generators().generate(
        model_id=model,
        num_samples=int(count),
        output_path=out,
        save_images=True,
        install_dependencies=False,
        batch_size=int(count) + 1,  # so that all are drawn in one batch: medigan adds an empty one otherwise
        **json.loads(further),
    )


if __name__ == "__main__":
    main()
