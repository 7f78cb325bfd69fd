"""The history of translated pictures that a discriminator of CycleGAN is shown (Shrivastava et al. 2017)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


class Pool:
    """Half of the pictures that leave it are the newest, half were drawn some steps ago; state of the training.

    Args:
        length: how many it holds (50 in Zhu et al. 2017, section 4); 0 hands every picture on.
    """

    def __init__(self, length: int, size: int, device: torch.device) -> None:
        self.held = torch.zeros(length, 1, size, size, device=device)
        self.full = 0

    def through(self, drawn: Tensor, rng: np.random.Generator) -> Tensor:
        """Return as many pictures (n, 1, size, size) as are given, some of them older."""
        shown = drawn.clone()
        for row in range(len(drawn)) if len(self.held) else ():
            old, at = bool(rng.random() < 0.5), int(rng.integers(len(self.held)))
            if self.full < len(self.held):
                self.held[self.full] = drawn[row]
                self.full += 1
            elif old:
                shown[row] = self.held[at]
                self.held[at] = drawn[row]
        return shown

    def state(self) -> dict[str, Tensor]:
        """Return what is held."""
        return {"held": self.held[: self.full].clone()}

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Go back to what `state` returned."""
        self.full = len(tensors["held"])
        self.held[: self.full] = tensors["held"].to(self.held.device)
