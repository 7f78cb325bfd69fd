"""Where the arithmetic runs: device, threads and precision, settled once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from radassay.errors import SettingsError

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "float32", "bfloat16"]


@dataclass(frozen=True)
class Compute:
    """Device and precision of one training."""

    device: torch.device
    half: bool
    """Whether convolutions run in bfloat16; weights, losses and optimisers stay in float32."""
    threads: int

    @property
    def arithmetic(self) -> str:
        """Return what decides the last digits, such as `cpu bfloat16, 2 threads`."""
        return f"{self.device.type} {'bfloat16' if self.half else 'float32'}, {self.threads} threads"

    def autocast(self) -> torch.autocast:
        """Return the context in which the networks run."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.half)

    def settle(self, network: nn.Module) -> None:
        """Move a network to the device, with kernels in channels-last order, which is fastest on both kinds."""
        network.to(self.device)
        for parameter in network.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
            elif parameter.ndim == 5:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last_3d)


@contextlib.contextmanager
def computing(device: Device, precision: Precision, threads: int) -> Iterator[Compute]:
    """Settle on device, precision and threads, and put the process's thread count back afterwards.

    Args:
        device: `auto` takes CUDA where a card answers.
        precision: `auto` takes bfloat16 on CUDA and on processors that multiply it natively.
        threads: processor threads; 0 leaves the process's count.

    Raises:
        SettingsError: CUDA was asked for and no card answers.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise SettingsError("No CUDA device answers", got="device = cuda", possible="device = cpu or auto")
    cuda = device == "cuda" or (device == "auto" and torch.cuda.is_available())
    half = precision == "bfloat16" or (precision == "auto" and (cuda or multiplies_bfloat16()))
    before = torch.get_num_threads()
    try:
        if threads:
            torch.set_num_threads(threads)
        yield Compute(torch.device("cuda" if cuda else "cpu"), half, torch.get_num_threads())
    finally:
        torch.set_num_threads(before)


def multiplies_bfloat16() -> bool:
    """Return whether this processor has AVX512-BF16 or AMX, without which bfloat16 is slower than float32."""
    told = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(told and told()) or bool(getattr(torch.cpu, "_is_amx_tile_supported", lambda: False)())
