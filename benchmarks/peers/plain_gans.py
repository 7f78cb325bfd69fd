"""StyleGAN2 and R3GAN in plain PyTorch, in the structure of the published code; what `gan_speed.py` compares with."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

LEAST = 4
LATENT = 64


def counts(width: int, size: int) -> list[tuple[int, int]]:
    """Return (side, channels) from the smallest side up."""
    sides = [LEAST * 2**k for k in range(int(math.log2(size // LEAST)) + 1)]
    return [(side, min(width * size // side, 16 * width)) for side in sides]


def filtered(x: Tensor, taps: tuple[int, ...], up: int = 1, down: int = 1) -> Tensor:
    """Return x with zeros put between its pixels, filtered, and every `down`-th pixel kept."""
    n, c, h, w = x.shape
    if up > 1:
        x = F.pad(x.reshape(n, c, h, 1, w, 1), [0, up - 1, 0, 0, 0, up - 1]).reshape(n, c, h * up, w * up)
    line = torch.tensor(taps, dtype=torch.float32, device=x.device) / sum(taps) * up
    kernel = torch.outer(line, line).expand(c, 1, -1, -1)
    spare = len(taps) - 1
    x = F.conv2d(F.pad(x, [(spare + 1) // 2, spare // 2] * 2), kernel, groups=c)
    return x[:, :, ::down, ::down]


FIR = (1, 3, 3, 1)


class Equal(nn.Module):
    """Linear or convolution with an equalised rate, then the rectifier."""

    def __init__(self, a: int, b: int, kernel: int = 0, *, rate: float = 1.0, linear: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(b, a, *([kernel] * 2 if kernel else [])) / rate)
        self.bias = nn.Parameter(torch.zeros(b))
        self.scale, self.rate, self.linear = rate / math.sqrt(a * max(1, kernel) ** 2), rate, linear

    def forward(self, x: Tensor) -> Tensor:
        """Return the features."""
        weight, bias = self.weight * self.scale, self.bias * self.rate
        if weight.ndim == 2:
            x = F.linear(x, weight, bias)
        else:
            x = F.conv2d(x, weight, padding=weight.shape[-1] // 2) + bias[:, None, None]
        return x if self.linear else F.leaky_relu(x, 0.2) * math.sqrt(2)


class Modulated(nn.Module):
    """Weights made for each picture and applied in as many groups as there are pictures."""

    def __init__(self, a: int, b: int, kernel: int, *, up: bool = False, picture: bool = False) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(b, a, kernel, kernel)), nn.Parameter(torch.zeros(b))
        self.affine, self.strength = Equal(LATENT, a, linear=True), nn.Parameter(torch.zeros(()))
        nn.init.ones_(self.affine.bias)
        self.up, self.picture = up, picture

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Return features under a style."""
        n, _, h, width = x.shape
        b, a, k, _ = self.weight.shape
        style = self.affine(w) / (math.sqrt(a * k**2) if self.picture else 1)
        weight = self.weight[None] * style[:, None, :, None, None]
        if not self.picture:
            weight = weight * (weight.square().sum(dim=(2, 3, 4), keepdim=True) + 1e-8).rsqrt()
        x = x.reshape(1, n * a, h, width)
        if self.up:
            turned = weight.transpose(1, 2).reshape(n * a, b, k, k)
            x = F.conv_transpose2d(x, turned, stride=2, padding=1, output_padding=1, groups=n)
            x = filtered(x.reshape(n, b, 2 * h, 2 * width), FIR) * 4
        else:
            x = F.conv2d(x, weight.reshape(n * b, a, k, k), padding=k // 2, groups=n).reshape(n, b, h, width)
        if self.picture:
            return x + self.bias[:, None, None]
        x = x + torch.randn(n, 1, *x.shape[2:], device=x.device) * self.strength
        return F.leaky_relu(x + self.bias[:, None, None], 0.2) * math.sqrt(2)


class StyleDrawer(nn.Module):
    """Mapping and synthesis with picture skips."""

    def __init__(self, width: int, size: int, classes: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(classes, LATENT)
        self.map = nn.Sequential(Equal(2 * LATENT, LATENT, rate=0.01), Equal(LATENT, LATENT, rate=0.01))
        at = counts(width, size)
        self.constant = nn.Parameter(torch.randn(at[0][1], LEAST, LEAST))
        self.layers, self.pictures, before = nn.ModuleList(), nn.ModuleList(), at[0][1]
        for side, c in at:
            if side > LEAST:
                self.layers.append(Modulated(before, c, 3, up=True))
            self.layers.append(Modulated(c, c, 3))
            self.pictures.append(Modulated(c, 1, 1, picture=True))
            before = c
        self.styles = len(self.layers) + 1

    def style(self, z: Tensor, y: Tensor) -> Tensor:
        """Return the styles of every layer."""
        z, e = (v * (v.square().mean(1, keepdim=True) + 1e-8).rsqrt() for v in (z, self.embed(y)))
        return self.map(torch.cat([z, e], 1))[:, None].repeat(1, self.styles, 1)

    def paint(self, ws: Tensor) -> Tensor:
        """Return pictures of styles."""
        x, k, picture = self.constant[None].repeat(len(ws), 1, 1, 1), 0, None
        for level, draw in enumerate(self.pictures):
            for _ in range(2 if level else 1):
                x = self.layers[k](x, ws[:, k])
                k += 1
            drawn = draw(x, ws[:, k])
            picture = drawn if picture is None else filtered(picture, FIR, up=2) + drawn
        return picture

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Return pictures of noise and class."""
        ws = self.style(z, y)
        cut = int(torch.randint(1, self.styles, ())) if float(torch.rand(())) < 0.9 else self.styles
        return self.paint(torch.cat([ws[:, :cut], self.style(torch.randn_like(z), y)[:, cut:]], 1))


class StyleJudge(nn.Module):
    """Residual blocks, minibatch deviation, projection of the class."""

    def __init__(self, width: int, size: int, classes: int) -> None:
        super().__init__()
        at = counts(width, size)[::-1]
        self.picture, last = Equal(1, at[0][1], 1), at[-1][1]
        pairs = [(a, b) for (_, a), (_, b) in pairwise(at)]
        self.first = nn.ModuleList(Equal(a, a, 3) for a, _ in pairs)
        self.second = nn.ModuleList(Equal(a, b, 3) for a, b in pairs)
        self.short = nn.ModuleList(Equal(a, b, 1, linear=True) for a, b in pairs)
        self.last, self.flat = Equal(last + 1, last, 3), Equal(last * LEAST**2, last)
        self.score, self.embed = Equal(last, last, linear=True), nn.Embedding(classes, last)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return scores of pictures and classes."""
        x = self.picture(x)
        for first, second, short in zip(self.first, self.second, self.short, strict=True):
            beside = short(filtered(x, FIR, down=2))
            x = (second(filtered(first(x), FIR, down=2)) + beside) * math.sqrt(0.5)
        group = x.reshape(4 if len(x) % 4 == 0 else 1, -1, *x.shape[1:])
        spread = (group.var(0, unbiased=False) + 1e-8).sqrt().mean((1, 2, 3)).repeat(len(group))
        x = self.last(torch.cat([x, spread[:, None, None, None].expand(-1, 1, *x.shape[2:])], 1))
        x = self.score(self.flat(x.flatten(1)))
        return (x * self.embed(y)).sum(1) / math.sqrt(x.shape[1])


class Block(nn.Module):
    """Residual block of R3GAN: 1x1, grouped 3x3, 1x1, with biased rectifiers between."""

    def __init__(self, c: int) -> None:
        super().__init__()
        inside = 2 * c
        self.a, self.c = nn.Conv2d(c, inside, 1, bias=False), nn.Conv2d(inside, c, 1, bias=False)
        self.b = nn.Conv2d(inside, inside, 3, padding=1, groups=math.gcd(max(1, inside // 16), inside), bias=False)
        self.one, self.two = nn.Parameter(torch.zeros(inside)), nn.Parameter(torch.zeros(inside))
        nn.init.zeros_(self.c.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return the features."""
        y = F.leaky_relu(self.a(x) + self.one[:, None, None], 0.2)
        return x + self.c(F.leaky_relu(self.b(y) + self.two[:, None, None], 0.2))


class PairDrawer(nn.Module):
    """Basis weighted by noise and class, then blocks and filtered enlarging."""

    def __init__(self, width: int, size: int, classes: int) -> None:
        super().__init__()
        at = [c for _, c in counts(width, size)]
        self.embed, self.first = nn.Embedding(classes, LATENT), nn.Linear(2 * LATENT, at[0], bias=False)
        self.basis = nn.Parameter(torch.randn(at[0], LEAST, LEAST))
        self.blocks = nn.ModuleList(Block(c) for c in at)
        self.across = nn.ModuleList(nn.Conv2d(a, b, 1, bias=False) for a, b in pairwise(at))
        self.picture = nn.Conv2d(at[-1], 1, 1)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Return pictures of noise and class."""
        x = self.blocks[0](self.basis * self.first(torch.cat([z, self.embed(y)], 1))[:, :, None, None])
        for across, block in zip(self.across, list(self.blocks)[1:], strict=True):
            x = block(filtered(across(x), (1, 2, 1), up=2))
        return self.picture(x)


class PairJudge(nn.Module):
    """Blocks and filtered halving, then a basis and the projection of the class."""

    def __init__(self, width: int, size: int, classes: int) -> None:
        super().__init__()
        at = [c for _, c in counts(width, size)][::-1]
        self.picture, last = nn.Conv2d(1, at[0], 1, bias=False), at[-1]
        self.blocks = nn.ModuleList(Block(c) for c in at)
        self.across = nn.ModuleList(nn.Conv2d(a, b, 1, bias=False) for a, b in pairwise(at))
        self.basis = nn.Conv2d(last, last, LEAST, groups=last, bias=False)
        self.score, self.embed = nn.Linear(last, last, bias=False), nn.Embedding(classes, last)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return scores of pictures and classes."""
        x = self.blocks[0](self.picture(x))
        for across, block in zip(self.across, list(self.blocks)[1:], strict=True):
            x = block(across(filtered(x, (1, 2, 1), down=2)))
        x = self.score(self.basis(x).flatten(1))
        return (x * self.embed(y)).sum(1) / math.sqrt(x.shape[1])


class Plain:
    """What both plain trainings share: pictures in memory, two players, an average."""

    def __init__(
        self, drawer: nn.Module, judge: nn.Module, images: tuple[np.ndarray, np.ndarray], batch: int, device: str
    ):
        self.g, self.d = drawer.to(device), judge.to(device)
        self.mean, self.images, self.batch, self.device = copy.deepcopy(self.g), images, batch, device
        settings = {"lr": 2e-3, "betas": (0.0, 0.99), "foreach": False, "fused": False}
        self.of_g = torch.optim.Adam(self.g.parameters(), **settings)
        self.of_d = torch.optim.Adam(self.d.parameters(), **settings)

    def real(self) -> tuple[Tensor, Tensor]:
        """Return a batch, copied to the device."""
        rows = torch.randint(len(self.images[0]), (self.batch,)).numpy()
        pixels, labels = self.images[0][rows], self.images[1][rows]
        return torch.from_numpy(pixels).to(self.device) / 127.5 - 1, torch.from_numpy(labels).to(self.device)

    def noise(self, n: int = 0) -> Tensor:
        """Return new noise."""
        return torch.randn(n or self.batch, LATENT, device=self.device)

    def down(self, optimiser: torch.optim.Optimizer, *losses: Callable[[], Tensor]) -> None:
        """Step one player down some losses."""
        self.g.requires_grad_(optimiser is self.of_g)
        self.d.requires_grad_(optimiser is self.of_d)
        optimiser.zero_grad(set_to_none=True)
        for loss in losses:
            loss().backward()
        optimiser.step()

    def average(self) -> None:
        """Move the average."""
        with torch.no_grad():
            for kept, new in zip(self.mean.parameters(), self.g.parameters(), strict=True):
                kept.copy_(new.lerp(kept, 0.999))


def slope(scores: Tensor, pictures: Tensor) -> Tensor:
    """Return the mean squared gradient."""
    return torch.autograd.grad(scores.sum(), pictures, create_graph=True)[0].square().sum((1, 2, 3)).mean()


class PlainStyle(Plain):
    """Four phases, each with pictures of its own."""

    def __init__(self, *given: object, path: tuple[int, int], penalty: int) -> None:
        super().__init__(*given)  # type: ignore[arg-type]
        self.path, self.penalty, self.length = path, penalty, torch.zeros((), device=given[-1])

    def path_loss(self, y: Tensor) -> Tensor:
        """Return the spread of path lengths."""
        ws = self.g.style(self.noise(len(y)), y)
        drawn = self.g.paint(ws)
        direction = torch.randn_like(drawn) / drawn.shape[-1]
        (found,) = torch.autograd.grad((drawn * direction).sum(), ws, create_graph=True)
        lengths = found.square().sum(2).mean(1).sqrt()
        self.length = self.length.lerp(lengths.detach().mean(), 0.01)
        return (lengths - self.length).square().mean() * 2 * self.path[0]

    def real_slope(self, x: Tensor, y: Tensor) -> Tensor:
        """Return R1."""
        x = x.requires_grad_()
        return slope(self.d(x, y), x) * 0.05 * self.penalty

    def step(self, k: int) -> None:
        """Play one round."""
        x, y = self.real()
        self.down(self.of_g, lambda: F.softplus(-self.d(self.g(self.noise(), y), y)).mean())
        if k % self.path[0] == 0:
            self.down(self.of_g, lambda: self.path_loss(y[: len(y) // self.path[1]]))

        def of_drawn() -> Tensor:
            with torch.no_grad():
                drawn = self.g(self.noise(), y)
            return F.softplus(self.d(drawn, y)).mean()

        self.down(self.of_d, of_drawn, lambda: F.softplus(-self.d(x, y)).mean())
        if k % self.penalty == 0:
            self.down(self.of_d, lambda: self.real_slope(x, y))
        self.average()


class PlainPairs(Plain):
    """The two players in turn, with R1 and R2."""

    def __init__(self, *given: object, penalty: int) -> None:
        super().__init__(*given)  # type: ignore[arg-type]
        self.penalty = penalty

    def step(self, k: int) -> None:
        """Play one round."""
        due = k % self.penalty == 0

        def judging() -> Tensor:
            x, y = self.real()
            with torch.no_grad():
                drawn = self.g(self.noise(), y)
            x, drawn = x.requires_grad_(due), drawn.requires_grad_(due)
            a, b = self.d(x, y), self.d(drawn, y)
            loss = F.softplus(b - a).mean()
            return loss + 0.25 * self.penalty * (slope(a, x) + slope(b, drawn)) if due else loss

        def drawing() -> Tensor:
            x, y = self.real()
            return F.softplus(self.d(x, y) - self.d(self.g(self.noise(), y), y)).mean()

        self.down(self.of_d, judging)
        self.down(self.of_g, drawing)
        self.average()
