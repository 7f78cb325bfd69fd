"""Where trainings compute: device, precision, one thread, and memory that is kept from step to step."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch

from radassay.errors import SettingsError

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "float32", "bfloat16"]
DEVICES: tuple[Device, ...] = ("auto", "cpu", "cuda")
PRECISIONS: tuple[Precision, ...] = ("auto", "float32", "bfloat16")

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Names of the two limits in glibc's malloc.h."""
_KEPT = 1 << 30
_USUAL = {_MMAP_THRESHOLD: 32 << 20, _TRIM_THRESHOLD: 64 << 20}
"""Bytes at which glibc's own adjustment of both limits ends (mallopt(3))."""


@dataclass(frozen=True)
class Arithmetic:
    """Device and precision of trainings."""

    device: torch.device
    half: bool
    """Whether convolutions multiply in bfloat16; weights, losses, optimiser and test scores stay in float32."""

    def autocast(self, half: bool) -> torch.autocast:
        """Return the context in which a network runs."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=half)


@contextmanager
def arithmetic(device: Device, precision: Precision) -> Iterator[Arithmetic]:
    """Settle device and precision; use one thread and keep freed memory until the end.

    Args:
        device: `auto` takes CUDA where a card answers.
        precision: `auto` takes bfloat16 on CUDA and on processors that multiply it natively.

    Raises:
        SettingsError: CUDA was asked for and no card answers.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise SettingsError("No CUDA device answers", got="device = cuda", possible="device = cpu or auto")
    cuda = device != "cpu" and torch.cuda.is_available()
    half = precision == "bfloat16" or (precision == "auto" and (cuda or multiplies_bfloat16()))
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with _memory_kept(), torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
            yield Arithmetic(torch.device("cuda" if cuda else "cpu"), half)
    finally:
        torch.set_num_threads(before)


def multiplies_bfloat16() -> bool:
    """Return whether this processor has AVX512-BF16 or AMX, without which bfloat16 is slower than float32."""
    instructions = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, lambda: False)() for name in instructions)


@contextmanager
def _memory_kept() -> Iterator[None]:
    """Let the C library keep what a step frees, since the next step asks for the same sizes.

    Otherwise it hands tens of MiB back to the system and gets them again at every step, page fault by page fault
    (`benchmarks/training/where_a_step_goes.py`). Only glibc has this knob; elsewhere nothing changes.
    """
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    if library is None or not hasattr(library, "mallopt"):
        yield
        return
    for limit in _USUAL:
        library.mallopt(limit, _KEPT)
    try:
        yield
    finally:
        for limit, size in _USUAL.items():
            library.mallopt(limit, size)
        if hasattr(library, "malloc_trim"):
            library.malloc_trim(0)
