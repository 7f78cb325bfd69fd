"""DenseNet-121 (Huang et al. 2017, arXiv 1608.06993) up to its last pooling, named as in published weights."""

from __future__ import annotations

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

GROWTH, INNER = 32, 128
LAYERS = (6, 12, 24, 16)
"""Layers of each dense block."""


class Layer(nn.Module):
    """Adds 32 maps to those that it is given."""

    def __init__(self, ins: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(ins), nn.Conv2d(ins, INNER, 1, bias=False)
        self.norm2, self.conv2 = nn.BatchNorm2d(INNER), nn.Conv2d(INNER, GROWTH, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the maps given and the new ones."""
        new = self.conv2(F.relu(self.norm2(self.conv1(F.relu(self.norm1(x))))))
        return torch.cat([x, new], 1)


class Transition(nn.Module):
    """Halves maps and sides."""

    def __init__(self, ins: int) -> None:
        super().__init__()
        self.norm, self.conv = nn.BatchNorm2d(ins), nn.Conv2d(ins, ins // 2, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return half as many maps at half the side."""
        return F.avg_pool2d(self.conv(F.relu(self.norm(x))), 2)


class DenseNet121(nn.Module):
    """(n, channels, side, side) to the 1,024 features of the last pooling."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        parts: OrderedDict[str, nn.Module] = OrderedDict()
        parts["conv0"] = nn.Conv2d(channels, 64, 7, stride=2, padding=3, bias=False)
        parts["norm0"], parts["relu0"] = nn.BatchNorm2d(64), nn.ReLU()
        parts["pool0"] = nn.MaxPool2d(3, stride=2, padding=1)
        maps = 64
        for block, layers in enumerate(LAYERS, 1):
            named = [(f"denselayer{i + 1}", Layer(maps + i * GROWTH)) for i in range(layers)]
            parts[f"denseblock{block}"] = nn.Sequential(OrderedDict(named))
            maps += layers * GROWTH
            if block < len(LAYERS):
                parts[f"transition{block}"] = Transition(maps)
                maps //= 2
        parts["norm5"] = nn.BatchNorm2d(maps)
        self.features = nn.Sequential(parts)

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, 1024)."""
        return F.relu(self.features(x)).mean(dim=(2, 3))
