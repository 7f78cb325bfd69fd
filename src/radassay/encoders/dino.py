"""ViT-B/14 of DINOv2, with the weights of its makers (photographs) or of RAD-DINO (chest radiographs)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from torch import Tensor, nn

from radassay.encoders.pretrained import Pretrained, at_side, coloured, filled
from radassay.encoders.state import read_state
from radassay.encoders.vit import PATCH, ViT, as_made, shape_of
from radassay.errors import InputError, SettingsError


@dataclass(frozen=True)
class Dino(Pretrained):
    """A vision transformer of DINOv2: the features are the class token after the last norm.

    Weights are read as DINOv2's makers name them, and as the Hugging Face hub does.
    """

    chunk: ClassVar[int] = 4
    side: ClassVar[int]
    """Side in pixels that its paper has the network see."""
    mean: ClassVar[tuple[float, ...]]
    std: ClassVar[tuple[float, ...]]

    size: int = 0
    """Side in pixels of what the network sees, a multiple of 14; 0 for that of its paper."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.size < 0 or self.size % PATCH:
            raise SettingsError("The network sees patches of 14 px", got=self.size, possible="0, or a multiple of 14")

    def loaded(self, path: Path) -> nn.Module:
        """Return the network, as large as the tensors say."""
        state = as_made(read_state(path))
        try:
            network = ViT(shape_of(state))
        except (KeyError, ValueError) as error:
            raise InputError(f"These weights are not those of the network of {self.name}", got=str(error)) from None
        return filled(network, state, self.name, without=("mask_token",))

    def prepared(self, grey: Tensor) -> Tensor:
        """Return (n, 3, side, side), the whole image resized bicubically with antialiasing; nothing is cut off."""
        return coloured(at_side(grey, self.size or self.side, "bicubic"), self.mean, self.std)


@dataclass(frozen=True)
class DinoV2(Dino):
    """DINOv2 ViT-B/14: 768 numbers learnt from photographs without labels.

    Of nine encoders the ones whose distances agreed best with people's judgement of photographs (Stein et al. 2023,
    whose resizing of the whole image to 224 px is taken here). Not made for radiology, and so no set of radiographs
    was in its training on purpose.
    """

    name: ClassVar[str] = "dinov2"
    paper: ClassVar[str] = "Oquab et al. 2024, arXiv 2304.07193; as a measure: Stein et al. 2023, arXiv 2306.04675"
    known: ClassVar[str] = "dinov2"
    side: ClassVar[int] = 224
    mean: ClassVar[tuple[float, ...]] = (0.485, 0.456, 0.406)
    std: ClassVar[tuple[float, ...]] = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class RadDino(Dino):
    """RAD-DINO ViT-B/14: 768 numbers learnt from 883,000 chest radiographs without labels.

    Made for chest radiographs; says little of CT. It was trained on MIMIC-CXR, CheXpert, NIH, PadChest and BRAX:
    images of these sets, among them the healthy and pneumonia classes of darkcovidnet, are not new to it. At 518 px
    a processor core needs seconds for each image: set `size = 224` there, or use a card.
    """

    name: ClassVar[str] = "rad-dino"
    paper: ClassVar[str] = "Pérez-García et al. 2025, Nat Mach Intell 7:119, arXiv 2401.10815"
    known: ClassVar[str] = "rad-dino"
    side: ClassVar[int] = 518
    mean: ClassVar[tuple[float, ...]] = (0.5307,) * 3
    std: ClassVar[tuple[float, ...]] = (0.2583,) * 3
