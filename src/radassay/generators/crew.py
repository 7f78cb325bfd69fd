"""Processes that train one model together, each on its rows of every batch; started by `torchrun` or `srun`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn

from radassay.errors import SettingsError


@dataclass(frozen=True)
class Crew:
    """This process among those that train together; alone where nobody started several."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Return whether this process writes checkpoints, losses, grids and progress."""
        return self.rank == 0

    def rows(self, images: int) -> slice:
        """Return this process's rows of a batch."""
        return slice(images * self.rank // self.size, images * (self.rank + 1) // self.size)

    def average(self, network: nn.Module, value: float) -> float:
        """Average the gradients of a network, and a loss, over all processes; return the loss."""
        if self.size == 1:
            return value
        told = next(network.parameters()).new_tensor([value], dtype=torch.float32)
        gradients = [p.grad for p in network.parameters() if p.grad is not None]
        flat = torch.cat([*(g.reshape(-1).float() for g in gradients), told])
        distributed.all_reduce(flat)
        flat /= self.size
        at = 0
        for gradient in gradients:
            gradient.copy_(flat[at : at + gradient.numel()].view_as(gradient))
            at += gradient.numel()
        return float(flat[-1])

    def joined(self, rows: Tensor) -> Tensor:
        """Return a batch of which each process gives its own rows and zeros elsewhere, (images, ...)."""
        if self.size > 1:
            rows = rows.contiguous()
            distributed.all_reduce(rows)
        return rows

    def wait(self) -> None:
        """Return when all processes have come here."""
        if self.size > 1:
            distributed.barrier()


@contextlib.contextmanager
def crew() -> Iterator[Crew]:
    """Join the processes that a launcher started (`RANK`, `WORLD_SIZE`, `MASTER_ADDR`, `MASTER_PORT`), if any.

    Cards talk over NCCL, processors over Gloo. Each process takes the card of its `LOCAL_RANK`.

    Raises:
        SettingsError: the launcher's variables do not fit together.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield Crew()
        return
    try:
        cuda = torch.cuda.is_available()
        if cuda:
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        distributed.init_process_group("nccl" if cuda else "gloo")
    except (ValueError, KeyError, RuntimeError) as error:
        raise SettingsError(
            f"WORLD_SIZE is {size}, but the processes do not find each other",
            got=str(error).splitlines()[0],
            possible="Start with `torchrun --nproc-per-node N -m radassay train ...`, or unset WORLD_SIZE",
        ) from None
    try:
        yield Crew(distributed.get_rank(), size)
    finally:
        distributed.destroy_process_group()
