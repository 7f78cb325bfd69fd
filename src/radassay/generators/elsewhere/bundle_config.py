"""Networks and schedulers out of a MONAI bundle's configuration, without running any of its Python."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from radassay.errors import InputError

DEPTH = 20
"""References that may point to references."""
WRAPPERS = ("model", "state_dict", "network")
"""Names under which checkpoints keep the tensors of one network."""


def configuration(path: Path, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a bundle's configuration, some of its entries replaced; nothing in it is run.

    Args:
        path: a JSON file.
        values: plain values by place, such as `latent_size` or `network_def#channels`.

    Raises:
        InputError: it cannot be read or is no JSON object.
    """
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is no configuration that can be read", got=error, possible="A JSON file") from None
    if not isinstance(read, dict):
        raise InputError(f"{path} is no configuration", got=type(read).__name__, possible="A JSON object")
    for place, value in values.items():
        *above, last = place.replace("::", "#").split("#")
        section: Any = read
        for name in above:
            section = section.setdefault(name, {}) if isinstance(section, dict) else None
        if not isinstance(section, dict):
            raise InputError("Setting `values` names no entry of the configuration", got=place)
        section[last] = value
    return read


def made(config: Mapping[str, Any], section: str, library: ModuleType, kind: type[Any]) -> Any:
    """Return the object that a section describes: a class of MONAI by name, with plain arguments.

    Allowed are numbers, strings, lists, objects, `null`, and references (`@name`) to such values. Not allowed, and
    never evaluated, are expressions (`$...`), macros (`%...`) and classes from anywhere else.

    Args:
        config: the configuration.
        section: name of the section.
        library: `monai.networks.nets` or `monai.networks.schedulers`.
        kind: what the class must be a subclass of.

    Raises:
        InputError: the section is missing, or holds something that is not allowed or does not fit.
    """
    told = config.get(section)
    if not isinstance(told, dict) or not isinstance(told.get("_target_"), str):
        named = [name for name, value in config.items() if isinstance(value, dict) and "_target_" in value]
        raise InputError(
            f"The bundle's configuration has no section {section!r} that names a class",
            possible="Sections: " + ", ".join(named),
        )
    above, _, name = told["_target_"].rpartition(".")
    found = getattr(library, name, None) if above == "" or f"{above}.".startswith(f"{library.__name__}.") else None
    if not (isinstance(found, type) and issubclass(found, kind) and found.__module__.startswith("monai.")):
        raise InputError(
            f"Section {section!r} of the bundle names a class that is not allowed",
            got=told["_target_"],
            possible=f"Classes of {library.__name__}",
        )
    arguments = {key: plain(config, value, f"{section}#{key}") for key, value in told.items() if key[:1] != "_"}
    try:
        return found(**arguments)
    except Exception as error:
        # MONAI's classes raise whatever they like on arguments that do not fit
        raise InputError(
            f"Section {section!r} of the bundle makes no {name}", got=f"{type(error).__name__}: {error}"[:300]
        ) from None


def plain(config: Mapping[str, Any], value: Any, where: str, depth: int = 0) -> Any:
    """Return a value with its references followed.

    Raises:
        InputError: an expression, a macro, a class, or a reference that leads nowhere.
    """
    if depth > DEPTH:
        raise InputError(f"References of the bundle's entry {where} go in a circle")
    if isinstance(value, str) and value[:1] == "@":
        target: Any = config
        for name in value[1:].replace("::", "#").split("#"):
            if isinstance(target, list) and name.isdecimal() and int(name) < len(target):
                target = target[int(name)]
            elif isinstance(target, dict) and name in target:
                target = target[name]
            else:
                raise InputError(f"The bundle's entry {where} refers to nothing", got=value)
        return plain(config, target, where, depth + 1)
    if isinstance(value, str) and value[:1] in ("$", "%"):
        raise InputError(
            f"The bundle's entry {where} is Python to be run, or text from another file; radassay does neither",
            got=value[:200],
            possible=f'Look what it comes to and set it: values = {{"{where}" = ...}}',
        )
    if isinstance(value, dict):
        if "_target_" in value:
            raise InputError(f"The bundle's entry {where} makes a further object", got=value["_target_"])
        return {key: plain(config, inside, f"{where}#{key}", depth) for key, inside in value.items()}
    if isinstance(value, list):
        return [plain(config, inside, f"{where}#{i}", depth) for i, inside in enumerate(value)]
    return value


def filled(network: nn.Module, path: Path) -> nn.Module:
    """Return a network with the weights of a file put in; every tensor must fit.

    safetensors, or a PyTorch checkpoint that PyTorch's safe reader (`weights_only`) takes.

    Raises:
        InputError: the file cannot be read safely, or holds the weights of another network.
    """
    try:
        read = load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
    except Exception as error:
        # a file from outside may break its reader in any way
        raise InputError(
            f"{path} holds no weights that can be read without running code from it",
            got=(str(error).splitlines() or [type(error).__name__])[0][:200],
            possible="A safetensors file, or the `state_dict()` of one network",
        ) from None
    for wrapper in WRAPPERS:
        if isinstance(read, dict) and isinstance(read.get(wrapper), dict):
            read = read[wrapper]
    state = {str(k): v for k, v in read.items() if isinstance(v, Tensor)} if isinstance(read, dict) else {}
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        said = " ".join(str(error).split())
        raise InputError(f"{path} holds the weights of another network", got=said[:300]) from None
    return network.eval().requires_grad_(False)
