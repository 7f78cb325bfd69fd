"""Any model of the library timm, with weights from a file."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, Literal

from torch import Tensor, nn

from radassay.encoders.pretrained import Pretrained, at_side, coloured, filled
from radassay.encoders.state import read_state
from radassay.errors import InputError

INSTALL = "`pip install 'radassay[timm]'`"


@dataclass(frozen=True)
class Timm(Pretrained):
    """Any model of timm: the features before its classifier, of images seen as its configuration says.

    The whole image is resized, with antialiasing and without timm's crop of the centre. Needs the library timm, and so
    a torchvision of the same build as torch.
    """

    name: ClassVar[str] = "timm"
    paper: ClassVar[str] = "Wightman 2019, PyTorch image models; and the paper of the model that is set"
    chunk: ClassVar[int] = 4

    model: str = ""
    """timm's name of the model, such as `vit_small_patch14_dinov2.lvd142m`; the setting `weights` names its file."""

    @property
    def missing(self) -> str:
        """Return what keeps this encoder from use, or nothing."""
        lacking = "" if self.model else "the setting `model` must name a model of timm"
        return super().missing or lacking or ("" if find_spec("timm") else f"timm is not installed; {INSTALL}")

    def loaded(self, path: Path) -> nn.Module:
        """Return the network; the classifier of the checkpoint is left out."""
        network = _made(self.model)
        heads = _told(network, "classifier")
        names = tuple(f"{head}." for head in ([heads] if isinstance(heads, str) else heads))
        return filled(network, read_state(path), f"{self.name} {self.model}", without=names)

    def features(self, network: nn.Module, seen: Tensor) -> Tensor:
        """Return the features of (n, 1, size, size) grey values, (n, d)."""
        channels, side, _ = _told(network, "input_size")
        mode: Literal["bicubic", "bilinear"] = "bicubic" if _told(network, "interpolation") == "bicubic" else "bilinear"
        normal = coloured(at_side(seen, side, mode), _told(network, "mean"), _told(network, "std"))
        features: Tensor = network(normal[:, :1] if channels == 1 else normal)
        return features

    def prepared(self, grey: Tensor) -> Tensor:
        """Return the images as they are: the network itself tells what it wants to see."""
        return grey


def _made(model: str) -> nn.Module:
    """Return an untrained model of timm without its classifier."""
    try:
        import timm
    except Exception as error:
        # a torchvision that does not fit torch breaks the import in ways of its own
        raise InputError(
            "The library timm is not there, or does not load",
            got=f"{type(error).__name__}: {error}".splitlines()[0],
            possible=f"{INSTALL}; torch and torchvision must be builds of one kind, for the processor or for CUDA",
        ) from None
    try:
        network: nn.Module = timm.create_model(model, pretrained=False, num_classes=0)
    except Exception as error:
        # timm raises whatever the model's own code does
        raise InputError("timm makes no such model", got=f"{model!r}: {error}".splitlines()[0]) from None
    return network


def _told(network: nn.Module, name: str) -> Any:
    """Return an entry of the configuration that timm keeps with each network."""
    return network.pretrained_cfg[name]  # type: ignore[index]
