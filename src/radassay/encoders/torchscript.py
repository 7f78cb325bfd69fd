"""Any network saved as TorchScript."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from radassay.encoders.pretrained import Pretrained, at_side, coloured
from radassay.errors import InputError, SettingsError


@dataclass(frozen=True)
class TorchScript(Pretrained):
    """Any TorchScript file that maps images to features; maps of features are averaged.

    TorchScript is a program: the file is run only where `runs_its_code` says so. What it wants to see must be set:
    side, channels, and the mean and standard deviation to take off grey values in [0, 1]. The network that clean-fid
    downloads, for instance, takes 0 to 255 and resizes by itself: `size = 299, mean = [0, 0, 0]`,
    `std = [0.003921569, 0.003921569, 0.003921569]`.
    """

    name: ClassVar[str] = "torchscript"
    paper: ClassVar[str] = "the paper of the network that is set"

    runs_its_code: bool = False
    """Must be true: loading TorchScript runs code from the file, so it must come from somebody you trust."""
    size: int = 224
    """Side in pixels of what the network sees."""
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    """Taken off grey values in [0, 1], one number a channel: three numbers make three channels."""
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    """What they are divided by after that."""
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    """How images are resized, with antialiasing."""

    def __post_init__(self) -> None:
        super().__post_init__()
        # a study file gives lists
        object.__setattr__(self, "mean", tuple(map(float, self.mean)))
        object.__setattr__(self, "std", tuple(map(float, self.std)))
        if not self.mean or len(self.mean) != len(self.std) or not all(value > 0 for value in self.std):
            raise SettingsError("mean and std need one number a channel, std above 0", got=f"{self.mean}, {self.std}")
        if self.size < 1 or self.interpolation not in ("bilinear", "bicubic"):
            raise SettingsError(
                "Cannot resize so", got=f"{self.size}, {self.interpolation}", possible="bilinear, bicubic"
            )

    @property
    def missing(self) -> str:
        """Return what keeps this encoder from use, or nothing."""
        return super().missing or ("" if self.runs_its_code else "`runs_its_code = true` must be set")

    def loaded(self, path: Path) -> nn.Module:
        """Return the network of the file.

        Raises:
            SettingsError: nobody has said that the file's code may run.
            InputError: it is no TorchScript file.
        """
        if not self.runs_its_code:
            raise SettingsError(
                f"{path} is a program, and loading it runs its code",
                possible="Set `runs_its_code = true` if you trust whoever made it",
            )
        try:
            network: nn.Module = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
        except (RuntimeError, ValueError) as error:
            raise InputError(f"{path} is no TorchScript file", got=str(error).splitlines()[0]) from None
        return network

    def prepared(self, grey: Tensor) -> Tensor:
        """Return (n, channels, size, size)."""
        return coloured(at_side(grey, self.size, self.interpolation), self.mean, self.std)

    def features(self, network: nn.Module, seen: Tensor) -> Tensor:
        """Return the network's answer, averaged over places where it is a map."""
        answer = network(seen)
        if not isinstance(answer, Tensor):
            raise InputError(f"The network of {self.name} answers with no tensor", got=type(answer).__name__)
        return answer.mean(dim=tuple(range(2, answer.ndim))) if answer.ndim > 2 else answer
