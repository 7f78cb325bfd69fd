"""What a picture shows: a frontal or lateral chest film, a CT slice, or no radiograph at all.

A small convolutional network says so. Its weights come from simulated chests and drawn pictures alone, varied more
widely than real ones are (`benchmarks/training/train_kinds.py` makes them). How widely, and from which share on a kind
is believed, was set with an eye on errors in public sets.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from radassay.anatomy.content import Box, content

KINDS = ("frontal", "lateral", "axial CT", "reformatted CT", "none")
"""Frontal film; lateral film; axial slice; coronal or sagittal slice; no radiograph of a chest."""
LEARNED = np.array([10, 7, 8, 5, 4]) / 34
"""Share of each kind among the pictures that the network learned from."""
OTHER, SURE = 0.2, 0.9
"""Probability from which a picture is named another kind than its set's, and no radiograph."""
BEYOND_DOUBT = 0.999
"""Probability that the network itself gives to what is no radiograph at all."""
SIDE = 64
LAYERS = (("a", 2), ("b", 2), ("c", 2), ("d", 1), ("e", 1))
"""Name and stride of each convolution."""
HEADS = {"kind": slice(0, 5), "negative": slice(5, 7), "turns": slice(7, 11), "mirrored": slice(11, 13)}
"""Which outputs of the network belong to which question; `mirrored` is learned and never asked, since in films of the
ill too few hearts lie clearly to one side."""
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Seen:
    """Probabilities for n pictures."""

    kind: Array
    """(n, 5), in the order of `KINDS`."""
    negative: Array
    """(n,) grey values are inverted; means nothing where there is no radiograph."""
    turns: Array
    """(n, 4) quarter turns anticlockwise from upright; for films alone."""

    @property
    def best(self) -> NDArray[np.str_]:
        """Return the likeliest kind of each picture."""
        return np.asarray(np.array(KINDS)[self.kind.argmax(axis=1)])


def prepare(shown: NDArray[np.floating[Any]], box: Box | None = None) -> Array:
    """Return what the network sees of a picture, (2, SIDE, SIDE): grey values stretched, and ranked.

    Args:
        shown: (height, width) grey values in [0, 1].
        box: what flat margins leave, where it is known.
    """
    box = box or content(shown)
    inner = np.ascontiguousarray(shown[box.top : box.bottom, box.left : box.right], dtype=np.float32)
    small = np.asarray(Image.fromarray(inner).resize((SIDE, SIDE), Image.Resampling.BOX), dtype=np.float32)
    low, high = np.percentile(small, (1, 99))
    stretched = np.clip((small - low) / max(float(high - low), 1e-3), 0, 1)
    # ranks of 64 grey steps: whatever tone curve was laid over the film, it looks the same
    steps = np.minimum((stretched * 64).astype(np.intp), 63)
    counts = np.bincount(steps.ravel(), minlength=64)
    ranked = ((np.cumsum(counts) - counts / 2) / steps.size)[steps]
    return np.stack([stretched, ranked]).astype(np.float32) * 2 - 1


def see(prepared: Array) -> Seen:
    """Return what pictures show, mean over each picture and its mirror image.

    Args:
        prepared: (n, 2, SIDE, SIDE) from `prepare`.
    """
    plain, flipped = _heads(prepared), _heads(prepared[..., ::-1])
    turned = flipped["turns"][:, [0, 3, 2, 1]]
    half = np.float32(0.5)
    return Seen(
        half * (plain["kind"] + flipped["kind"]),
        half * (plain["negative"][:, 1] + flipped["negative"][:, 1]),
        half * (plain["turns"] + turned),
    )


def shares(kind: NDArray[np.floating[Any]], rounds: int = 100) -> NDArray[np.float64]:
    """Return the share of each kind in a set, (5,), for which the probabilities explain themselves best.

    Expectation maximisation over the shares alone (Saerens, Latinne & Decaestecker, Neural Comput 2002;14:21), from
    the shares that the network learned from, with one picture's worth of doubt spread over all kinds. The share of
    pictures that are no radiograph is those beyond doubt and one more: a set of washed-out films, each of them
    doubtful, would otherwise talk itself into many.

    Args:
        kind: (n, 5) probabilities of the pictures of one set, from `see`.
        rounds: steps; the shares settle within a few dozen.
    """
    none = KINDS.index("none")
    found, pinned = LEARNED.copy(), (1 + (kind[:, none] > BEYOND_DOUBT).sum()) / (len(kind) + 2)
    for _ in range(rounds):
        found = (given(kind, found).sum(axis=0) + 1 / len(KINDS)) / (len(kind) + 1)
        found *= (1 - pinned) / (1 - found[none])
        found[none] = pinned
    return found


def given(kind: NDArray[np.floating[Any]], held: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probabilities of kinds, (n, 5), given the shares of the set that the pictures are from."""
    weighed = np.asarray(kind, dtype=np.float64) * (held / LEARNED)
    return np.asarray(weighed / weighed.sum(axis=1, keepdims=True))


def decide(kind: NDArray[np.floating[Any]], held: NDArray[np.float64]) -> NDArray[np.str_]:
    """Return the kind of each picture, (n,), given the shares of its set.

    A picture of another kind costs more where it stays than where a person looks at it in vain: four times more, so
    it is named from a probability of `OTHER`. That it is no radiograph must be nearly certain.
    """
    odds = given(kind, held)
    none, main = KINDS.index("none"), int(held[:-1].argmax())
    modality = np.array([0, 0, 1, 1, -1])
    named = np.full(len(odds), KINDS[main], dtype="U16")
    # first within the modality of the set, then against it: a slice is a slice, whichever way it was cut
    for mine in (modality == modality[main], modality == 1 - modality[main]):
        others = np.where(mine & (np.arange(5) != main), odds, 0)
        best = np.array(KINDS)[others.argmax(axis=1)]
        named = np.where(others.sum(axis=1) >= OTHER, best, named)
    return np.where(odds[:, none] >= SURE, "none", named)


def _heads(pictures: Array) -> dict[str, Array]:
    w = _weights()
    x = np.ascontiguousarray(pictures.transpose(0, 2, 3, 1))
    for name, stride in LAYERS:
        x = np.maximum(_convolved(x, w[f"{name}.weight"], w[f"{name}.bias"], stride), 0)
    pooled = np.concatenate([x.mean(axis=(1, 2)), x.reshape(len(x), -1) @ w["spot.weight"] + w["spot.bias"]], axis=1)
    out = np.maximum(pooled, 0) @ w["out.weight"] + w["out.bias"]
    return {name: _softmax(out[:, part]) for name, part in HEADS.items()}


def _convolved(x: Array, kernel: Array, bias: Array, stride: int) -> Array:
    """Return the convolution of (n, h, w, c) with (k, k, c, d), padded by k // 2."""
    k = len(kernel)
    x = np.pad(x, ((0, 0), (k // 2, k // 2), (k // 2, k // 2), (0, 0)))
    n, height, width, c = x.shape
    rows, columns = (height - k) // stride + 1, (width - k) // stride + 1
    a, b, d, e = x.strides
    shape, strides = (n, rows, columns, k, k, c), (a, b * stride, d * stride, b, d, e)
    patches = np.lib.stride_tricks.as_strided(x, shape, strides, writeable=False)
    made: Array = patches.reshape(n * rows * columns, -1) @ kernel.reshape(-1, kernel.shape[-1]) + bias
    return made.reshape(n, rows, columns, -1)


def _softmax(x: Array) -> Array:
    raised = np.exp(x - x.max(axis=1, keepdims=True))
    shares: Array = raised / raised.sum(axis=1, keepdims=True)
    return shares


@lru_cache(maxsize=1)
def _weights() -> dict[str, Array]:
    with files("radassay.anatomy").joinpath("kinds.npz").open("rb") as stream, np.load(stream) as stored:
        return {name: stored[name].astype(np.float32) for name in stored.files}
