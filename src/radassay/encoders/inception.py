"""Inception-v3 with the weights of the Fréchet Inception distance."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from radassay.encoders.inception_network import FIDInception
from radassay.encoders.pretrained import Pretrained, at_side, filled
from radassay.encoders.state import read_state
from radassay.errors import SettingsError

SIDE = 299


@dataclass(frozen=True)
class Inception(Pretrained):
    """Inception-v3 as in FID and KID: 2,048 numbers learnt from photographs.

    The encoder that papers report, and so the one to report beside a better one: its ranks of generators differ from
    radiologists' (Woodland et al. 2024). Where sizes, numbers of images or resizing differ, so do values from those of
    papers. Images are not rounded to 8 bits.
    """

    name: ClassVar[str] = "inception"
    paper: ClassVar[str] = "Heusel et al. 2017, arXiv 1706.08500; resizing: Parmar et al. 2022, arXiv 2104.11222"
    known: ClassVar[str] = "inception"

    resize: Literal["clean", "tensorflow"] = "clean"
    """To 299 px: `clean` is bicubic with antialiasing as in clean-fid; `tensorflow` is the bilinear of the original
    graph, without antialiasing, as in pytorch-fid and torch-fidelity."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.resize not in ("clean", "tensorflow"):
            raise SettingsError("No such way to resize", got=self.resize, possible="clean, tensorflow")

    def loaded(self, path: Path) -> nn.Module:
        """Return the network; the classifier of the checkpoint is left out."""
        return filled(FIDInception(), read_state(path), self.name, without=("fc.", "AuxLogits."))

    def prepared(self, grey: Tensor) -> Tensor:
        """Return (n, 3, 299, 299), (x - 128) / 128 of grey values from 0 to 255."""
        seen = at_side(grey, SIDE, "bicubic") if self.resize == "clean" else tensorflow_bilinear(grey, SIDE)
        return ((seen * 255 - 128) / 128).expand(-1, 3, -1, -1)


def tensorflow_bilinear(grey: Tensor, side: int) -> Tensor:
    """Return images resized as TensorFlow 1 did: pixel i lies at i times the ratio of sides, nothing is antialiased."""
    size = grey.shape[-1]
    at = torch.arange(side, dtype=torch.float64) * size / side
    low = at.long().clamp(max=size - 1)
    high = (low + 1).clamp(max=size - 1)
    share = (at - low).to(grey.dtype)
    rows = torch.zeros(side, size, dtype=grey.dtype)
    rows.scatter_add_(1, low[:, None], (1 - share)[:, None])
    rows.scatter_add_(1, high[:, None], share[:, None])
    rows = rows.to(grey.device)
    return rows @ grey @ rows.T
