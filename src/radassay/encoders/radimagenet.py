"""The DenseNet-121 of RadImageNet."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from torch import Tensor, nn

from radassay.encoders.densenet import DenseNet121
from radassay.encoders.pretrained import Pretrained, at_side, coloured, filled
from radassay.encoders.state import read_state

SIDE = 224
WITHIN = r"^(module\.)?backbone\.0\."
"""What stands before the names of the features in the published files."""
HEADS = ("classifier.", "fc.")


@dataclass(frozen=True)
class RadImageNet(Pretrained):
    """RadImageNet DenseNet-121: 1,024 numbers learnt from 165 findings on CT, MRI and ultrasound.

    Made for cross-sectional images: the one to take for CT. It has seen no radiographs.
    """

    name: ClassVar[str] = "radimagenet"
    paper: ClassVar[str] = "Mei et al. 2022, RadImageNet, Radiol Artif Intell 4:e210315"
    known: ClassVar[str] = "radimagenet"

    def loaded(self, path: Path) -> nn.Module:
        """Return the network; the classifier of the checkpoint is left out."""
        named = {re.sub(WITHIN, "features.", key): tensor for key, tensor in read_state(path).items()}
        return filled(DenseNet121(channels=3), named, self.name, without=HEADS)

    def prepared(self, grey: Tensor) -> Tensor:
        """Return (n, 3, 224, 224) from -1 to 1, resized bilinearly (here with antialiasing), as in the makers' code."""
        return coloured(at_side(grey, SIDE, "bilinear"), (0.5,) * 3, (0.5,) * 3)
