"""Tensors out of a checkpoint, without running anything that it holds.

safetensors and PyTorch checkpoints are read by PyTorch's safe reader alone (`weights_only`). Some published files, such
as those of TorchXRayVision, are whole pickled networks, whose reading would call code that the file names. To the safe
reader every such name is given as an empty shell, and the tensors are taken out of the shells. Names that PyTorch
blocks are refused, and so are whole networks in the format from before PyTorch 1.6, which the safe reader cannot take.
"""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.serialization import safe_globals

from radassay.errors import InputError

WRAPPERS = ("state_dict", "model_state_dict", "model")
"""Names under which checkpoints keep their tensors."""
ASKED = re.compile(r"Unsupported global: GLOBAL ([\w.]+)")
"""How the safe reader says which name it does not know."""
MOST_NAMES = 200
"""Names that a network may be made of."""


def read_state(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint by name, on the processor.

    Raises:
        InputError: it is no checkpoint, or holds no tensors by name.
    """
    try:
        loaded = load_file(path) if path.suffix == ".safetensors" else _unpickled(path)
    except Exception as error:
        # a file from outside may break its reader in any way
        told = str(error).splitlines()
        raise InputError(
            f"{path} holds no weights that can be read without running code from it",
            got=told[0][:200] if told else type(error).__name__,
            possible="A safetensors file or a PyTorch checkpoint; of a network from before PyTorch 1.6, load it where "
            "you trust it and save its `state_dict()`",
        ) from None
    for wrapper in WRAPPERS:
        if isinstance(loaded, Mapping) and wrapper in loaded:
            loaded = loaded[wrapper]
    named = dict(_within(loaded)) if isinstance(loaded, Shell) else loaded
    state = {str(k): v for k, v in named.items() if isinstance(v, Tensor)} if isinstance(named, Mapping) else {}
    if not state:
        raise InputError(f"{path} holds no tensors by name", possible="The weights of one network")
    return state


class Shell:
    """Stands for any class or function that a pickle names; does nothing, holds what it is given."""

    dump_patches = False  # asked for by PyTorch's reader of old files

    def __new__(cls, *given: Any, **settings: Any) -> Shell:
        """Make one from any arguments."""
        return super().__new__(cls)

    def __init__(self, *given: Any, **settings: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        """Hold what is named, and drop the rest."""
        if isinstance(state, dict):
            self.__dict__.update(state)


def _unpickled(path: Path) -> Any:
    shells: dict[str, type[Shell]] = {}
    while True:
        with warnings.catch_warnings(), safe_globals([(shell, name) for name, shell in shells.items()]):
            warnings.simplefilter("ignore")  # that the source of a shell is not that of the class
            try:
                return torch.load(path, map_location="cpu", weights_only=True)
            except pickle.UnpicklingError as error:
                asked = ASKED.search(str(error))
                name = asked[1] if asked else ""
                name = name if "." in name else f"builtins.{name}"
                if not asked or name in shells or len(shells) >= MOST_NAMES:
                    raise
                shells[name] = type(name.rpartition(".")[2], (Shell,), {})


def _within(shell: Any, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of a network's shell by the names that its `state_dict` would give."""
    for kind in ("_parameters", "_buffers"):
        for name, tensor in (getattr(shell, kind, None) or {}).items():
            if isinstance(tensor, Tensor):
                yield f"{prefix}{name}", tensor.detach()
    for name, part in (getattr(shell, "_modules", None) or {}).items():
        yield from _within(part, f"{prefix}{name}.")
