"""The DenseNet-121 of TorchXRayVision."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from torch import Tensor, nn

from radassay.encoders.densenet import DenseNet121
from radassay.encoders.pretrained import Pretrained, at_side, filled
from radassay.encoders.state import read_state

SIDE, REACH = 224, 1024


@dataclass(frozen=True)
class XRayVision(Pretrained):
    """TorchXRayVision DenseNet-121: 1,024 numbers learnt from 18 findings on radiographs of eight sets.

    Made for frontal chest radiographs; says little of CT. It was trained on NIH, PadChest, CheXpert, MIMIC-CXR and
    others: images of these sets, among them the healthy and pneumonia classes of darkcovidnet, are not new to it.
    """

    name: ClassVar[str] = "xrv"
    paper: ClassVar[str] = "Cohen et al. 2022, TorchXRayVision, arXiv 2111.00595"
    known: ClassVar[str] = "xrv"

    def loaded(self, path: Path) -> nn.Module:
        """Return the network; the classifier of the checkpoint is left out."""
        return filled(DenseNet121(channels=1), read_state(path), self.name, without=("classifier.", "op_threshs"))

    def prepared(self, grey: Tensor) -> Tensor:
        """Return (n, 1, 224, 224) from -1024 to 1024, resized bilinearly with antialiasing, as the library does."""
        return (2 * at_side(grey, SIDE, "bilinear") - 1) * REACH
