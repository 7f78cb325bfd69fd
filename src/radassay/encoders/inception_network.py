"""Inception-v3 as TensorFlow's graph of December 2015 has it, which the Fréchet Inception distance is defined on.

It differs from the later Inception-v3 (Szegedy et al. 2016) in three poolings: averages leave out the padding, and the
last block takes a maximum. Names of the parts are those of the published weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Side = int | tuple[int, int]


class Unit(nn.Module):
    """A convolution with batch norm and ReLU."""

    def __init__(self, ins: int, outs: int, side: Side, stride: int = 1, padding: Side = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(ins, outs, side, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outs, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        """Return its response."""
        return F.relu(self.bn(self.conv(x)))


def chain(block: nn.Module, x: Tensor, names: Sequence[str]) -> Tensor:
    """Return x after the parts of a block, one after the other."""
    for name in names:
        x = getattr(block, name)(x)
    return x


def mean(x: Tensor) -> Tensor:
    """Return the mean of each pixel's 3 x 3 neighbours; the padding does not count."""
    return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


class BlockA(nn.Module):
    """35 x 35 pixels."""

    def __init__(self, ins: int, pooled: int) -> None:
        super().__init__()
        self.branch1x1 = Unit(ins, 64, 1)
        self.branch5x5_1 = Unit(ins, 48, 1)
        self.branch5x5_2 = Unit(48, 64, 5, padding=2)
        self.branch3x3dbl_1 = Unit(ins, 64, 1)
        self.branch3x3dbl_2 = Unit(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = Unit(96, 96, 3, padding=1)
        self.branch_pool = Unit(ins, pooled, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return its four branches, one below the other."""
        five = chain(self, x, ["branch5x5_1", "branch5x5_2"])
        three = chain(self, x, ["branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"])
        return torch.cat([self.branch1x1(x), five, three, self.branch_pool(mean(x))], 1)


class BlockB(nn.Module):
    """35 x 35 to 17 x 17 pixels."""

    def __init__(self, ins: int) -> None:
        super().__init__()
        self.branch3x3 = Unit(ins, 384, 3, stride=2)
        self.branch3x3dbl_1 = Unit(ins, 64, 1)
        self.branch3x3dbl_2 = Unit(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = Unit(96, 96, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """Return its three branches, one below the other."""
        three = chain(self, x, ["branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"])
        return torch.cat([self.branch3x3(x), three, F.max_pool2d(x, 3, stride=2)], 1)


class BlockC(nn.Module):
    """17 x 17 pixels; long and narrow kernels."""

    def __init__(self, ins: int, inner: int) -> None:
        super().__init__()
        wide, high = ((1, 7), (0, 3)), ((7, 1), (3, 0))
        self.branch1x1 = Unit(ins, 192, 1)
        self.branch7x7_1 = Unit(ins, inner, 1)
        self.branch7x7_2 = Unit(inner, inner, wide[0], padding=wide[1])
        self.branch7x7_3 = Unit(inner, 192, high[0], padding=high[1])
        self.branch7x7dbl_1 = Unit(ins, inner, 1)
        self.branch7x7dbl_2 = Unit(inner, inner, high[0], padding=high[1])
        self.branch7x7dbl_3 = Unit(inner, inner, wide[0], padding=wide[1])
        self.branch7x7dbl_4 = Unit(inner, inner, high[0], padding=high[1])
        self.branch7x7dbl_5 = Unit(inner, 192, wide[0], padding=wide[1])
        self.branch_pool = Unit(ins, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return its four branches, one below the other."""
        once = chain(self, x, [f"branch7x7_{i}" for i in range(1, 4)])
        twice = chain(self, x, [f"branch7x7dbl_{i}" for i in range(1, 6)])
        return torch.cat([self.branch1x1(x), once, twice, self.branch_pool(mean(x))], 1)


class BlockD(nn.Module):
    """17 x 17 to 8 x 8 pixels."""

    def __init__(self, ins: int) -> None:
        super().__init__()
        self.branch3x3_1 = Unit(ins, 192, 1)
        self.branch3x3_2 = Unit(192, 320, 3, stride=2)
        self.branch7x7x3_1 = Unit(ins, 192, 1)
        self.branch7x7x3_2 = Unit(192, 192, (1, 7), padding=(0, 3))
        self.branch7x7x3_3 = Unit(192, 192, (7, 1), padding=(3, 0))
        self.branch7x7x3_4 = Unit(192, 192, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """Return its three branches, one below the other."""
        seven = chain(self, x, [f"branch7x7x3_{i}" for i in range(1, 5)])
        return torch.cat([chain(self, x, ["branch3x3_1", "branch3x3_2"]), seven, F.max_pool2d(x, 3, stride=2)], 1)


class BlockE(nn.Module):
    """8 x 8 pixels; the last of them pools by the maximum."""

    def __init__(self, ins: int, maximum: bool) -> None:
        super().__init__()
        self.maximum = maximum
        self.branch1x1 = Unit(ins, 320, 1)
        self.branch3x3_1 = Unit(ins, 384, 1)
        self.branch3x3_2a = Unit(384, 384, (1, 3), padding=(0, 1))
        self.branch3x3_2b = Unit(384, 384, (3, 1), padding=(1, 0))
        self.branch3x3dbl_1 = Unit(ins, 448, 1)
        self.branch3x3dbl_2 = Unit(448, 384, 3, padding=1)
        self.branch3x3dbl_3a = Unit(384, 384, (1, 3), padding=(0, 1))
        self.branch3x3dbl_3b = Unit(384, 384, (3, 1), padding=(1, 0))
        self.branch_pool = Unit(ins, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return its branches, two of them forked, one below the other."""
        once = self.branch3x3_1(x)
        twice = chain(self, x, ["branch3x3dbl_1", "branch3x3dbl_2"])
        forks = [self.branch3x3_2a(once), self.branch3x3_2b(once)]
        forks += [self.branch3x3dbl_3a(twice), self.branch3x3dbl_3b(twice)]
        pooled = F.max_pool2d(x, 3, stride=1, padding=1) if self.maximum else mean(x)
        return torch.cat([self.branch1x1(x), *forks, self.branch_pool(pooled)], 1)


class FIDInception(nn.Module):
    """(n, 3, 299, 299) in about [-1, 1] to the 2,048 features of the last pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = Unit(3, 32, 3, stride=2)
        self.Conv2d_2a_3x3 = Unit(32, 32, 3)
        self.Conv2d_2b_3x3 = Unit(32, 64, 3, padding=1)
        self.Conv2d_3b_1x1 = Unit(64, 80, 1)
        self.Conv2d_4a_3x3 = Unit(80, 192, 3)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = BlockA(192, 32), BlockA(256, 64), BlockA(288, 64)
        self.Mixed_6a = BlockB(288)
        self.Mixed_6b, self.Mixed_6c = BlockC(768, 128), BlockC(768, 160)
        self.Mixed_6d, self.Mixed_6e = BlockC(768, 160), BlockC(768, 192)
        self.Mixed_7a = BlockD(768)
        self.Mixed_7b, self.Mixed_7c = BlockE(1280, maximum=False), BlockE(2048, maximum=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, 2048)."""
        x = F.max_pool2d(chain(self, x, ["Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3"]), 3, stride=2)
        x = F.max_pool2d(chain(self, x, ["Conv2d_3b_1x1", "Conv2d_4a_3x3"]), 3, stride=2)
        x = chain(self, x, [f"Mixed_{place}" for place in ("5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e")])
        return chain(self, x, ["Mixed_7a", "Mixed_7b", "Mixed_7c"]).mean(dim=(2, 3))
