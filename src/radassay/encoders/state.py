"""Tensors out of a checkpoint, without running anything that it holds.

safetensors and plain PyTorch checkpoints are read as they are (`weights_only`). Some published files, such as those of
TorchXRayVision, are whole pickled networks, whose reading would call code that the file names. For these the reader of
`pickle` is given nothing to call (Python's manual: "Restricting globals"): it gets the functions that put a tensor
together, and an empty shell for every other name. The tensors are then taken out of the shells.
"""

from __future__ import annotations

import pickle
import warnings
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import IO, Any

import torch
import torch._utils
from safetensors.torch import load_file
from torch import Tensor

from radassay.errors import InputError

WRAPPERS = ("state_dict", "model_state_dict", "model")
"""Names under which checkpoints keep their tensors."""
TENSORS = ("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_parameter")
"""Functions of `torch._utils` that put a tensor together from its storage."""


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
            possible="A safetensors file, or a PyTorch checkpoint of tensors or of a network",
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


class Reader(pickle.Unpickler):
    """Reads a pickle without the means to call anything of its choice."""

    def find_class(self, module: str, name: str) -> Any:
        """Return a function that makes tensors, an ordered dictionary, or else an empty shell of that name."""
        if module == "torch._utils" and name in TENSORS:
            return partial(getattr(torch._utils, name))
        if (module, name) == ("collections", "OrderedDict"):
            return partial(OrderedDict)
        return type(name.rpartition(".")[2] or "Shell", (Shell,), {})


class Inert:
    """What PyTorch asks of a module that reads pickles."""

    Unpickler = Reader

    @staticmethod
    def load(file: IO[bytes], **settings: Any) -> Any:
        """Read one pickle."""
        return Reader(file, **settings).load()


def _unpickled(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that the source of a shell is not that of the class
            return torch.load(path, map_location="cpu", weights_only=False, pickle_module=Inert)


def _within(shell: Any, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of a network's shell by the names that its `state_dict` would give."""
    for kind in ("_parameters", "_buffers"):
        for name, tensor in (getattr(shell, kind, None) or {}).items():
            if isinstance(tensor, Tensor):
                yield f"{prefix}{name}", tensor.detach()
    for name, part in (getattr(shell, "_modules", None) or {}).items():
        yield from _within(part, f"{prefix}{name}.")
