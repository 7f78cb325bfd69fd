"""The vision transformer of DINOv2 (Oquab et al. 2024; Dosovitskiy et al. 2021), named as in its makers' weights.

Written out because the names and shapes in published files are fixed, and those in libraries change between versions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PATCH, HEAD = 14, 64
OFFSET = 0.1
"""Added to the grid's side before positions are interpolated, as the makers do against rounding."""
RENAMED = (
    (r"^dinov2\.", ""),
    (r"^embeddings\.(cls_token|mask_token)$", r"\1"),
    (r"^embeddings\.position_embeddings$", "pos_embed"),
    (r"^embeddings\.patch_embeddings\.projection\.", "patch_embed.proj."),
    (r"^encoder\.layer\.", "blocks."),
    (r"\.attention\.output\.dense\.", ".attn.proj."),
    (r"\.layer_scale([12])\.lambda1$", r".ls\1.gamma"),
    (r"^layernorm\.", "norm."),
)
"""Names in the files of the Hugging Face hub, and those of the makers."""
QUERY = re.compile(r"^(.*)\.attention\.attention\.query\.(weight|bias)$")


@dataclass(frozen=True)
class Shape:
    """How large a network is."""

    width: int
    blocks: int
    inner: int
    """Numbers in the middle of each block's perceptron."""
    places: int
    """Rows of the grid of patches that positions were learnt for."""


class Scale(nn.Module):
    """Multiplies each number by a learnt one."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """Return the product."""
        return x * self.gamma


class Attention(nn.Module):
    """Attention of all tokens to all, in heads of 64 numbers."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, tokens, width)."""
        n, tokens, width = x.shape
        split = self.qkv(x).reshape(n, tokens, 3, width // HEAD, HEAD).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(split[0], split[1], split[2])
        mapped: Tensor = self.proj(mixed.transpose(1, 2).reshape(n, tokens, width))
        return mapped


class Block(nn.Module):
    """Attention and perceptron, each after a norm and added to what came in."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width, inner = shape.width, shape.inner
        self.norm1, self.attn, self.ls1 = nn.LayerNorm(width, eps=1e-6), Attention(width), Scale(width)
        self.norm2, self.ls2 = nn.LayerNorm(width, eps=1e-6), Scale(width)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, inner), "fc2": nn.Linear(inner, width)})

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, tokens, width)."""
        x = x + self.ls1(self.attn(self.norm1(x)))
        new: Tensor = x + self.ls2(self.mlp["fc2"](F.gelu(self.mlp["fc1"](self.norm2(x)))))
        return new


class ViT(nn.Module):
    """(n, 3, side, side), the side a multiple of 14, to the class token after the last norm, (n, width)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.width
        self.places = shape.places
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + shape.places**2, width))
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, width, PATCH, stride=PATCH)})
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.blocks))
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """Return the class token."""
        patches = self.patch_embed["proj"](x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), patches], 1) + self.positions(x.shape[-1] // PATCH)
        for block in self.blocks:
            x = block(x)
        token: Tensor = self.norm(x[:, 0])
        return token

    def positions(self, rows: int) -> Tensor:
        """Return the positions of a grid of patches with the class token's before them, (1, 1 + rows², width)."""
        if rows == self.places:
            return self.pos_embed
        grid = self.pos_embed[:, 1:].reshape(1, self.places, self.places, -1).permute(0, 3, 1, 2)
        scale = (rows + OFFSET) / self.places
        grid = F.interpolate(grid, scale_factor=(scale, scale), mode="bicubic")
        return torch.cat([self.pos_embed[:, :1], grid.flatten(2).transpose(1, 2)], 1)


def shape_of(state: dict[str, Tensor]) -> Shape:
    """Return how large the network of these tensors is.

    Raises:
        KeyError: they are not those of such a network; the name that lacks is told.
    """
    tokens, width = state["pos_embed"].shape[1:]
    return Shape(
        width=width,
        blocks=len({key.split(".")[1] for key in state if key.startswith("blocks.")}),
        inner=state["blocks.0.mlp.fc1.weight"].shape[0],
        places=round((tokens - 1) ** 0.5),
    )


def as_made(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors under the names of DINOv2's makers, whether they are so named or as on the Hugging Face hub."""
    renamed: dict[str, Tensor] = {}
    for key, tensor in state.items():
        query = QUERY.match(key)
        if query:
            parts = [state[key.replace(".query.", f".{part}.")] for part in ("query", "key", "value")]
            key, tensor = f"{query[1]}.attn.qkv.{query[2]}", torch.cat(parts)
        elif ".attention.attention." in key:
            continue
        for theirs, makers in RENAMED:
            key = re.sub(theirs, makers, key)
        renamed[key] = tensor
    return renamed
