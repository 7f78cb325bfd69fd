"""Copies of the user's own images, altered as copies are on their way from set to set: what a search must find."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.float32]
"""(height, width), grey values in [0, 1]."""
Alteration = Callable[[Picture, np.random.Generator], Picture]


def shrunk(picture: Picture, rng: np.random.Generator) -> Picture:
    """Return the picture at 60 % of its size."""
    return _resized(picture, 0.6, 0.6)


def cropped(picture: Picture, rng: np.random.Generator) -> Picture:
    """Return the picture without a tenth of its height and of its width, cut from random sides."""
    height, width = picture.shape
    top, left = (int(rng.integers(0, side // 10 + 1)) for side in (height, width))
    return picture[top : top + height - height // 10, left : left + width - width // 10].copy()


def padded(picture: Picture, rng: np.random.Generator) -> Picture:
    """Return the picture in a black square with a frame of a twentieth of its longer side."""
    height, width = picture.shape
    side = round(max(height, width) * 1.1)
    canvas = np.zeros((side, side), dtype=np.float32)
    top, left = (side - height) // 2, (side - width) // 2
    canvas[top : top + height, left : left + width] = picture
    return canvas


def squashed(picture: Picture, rng: np.random.Generator) -> Picture:
    """Return the picture with a fifth off its height."""
    return _resized(picture, 0.8, 1.0)


def windowed(picture: Picture, rng: np.random.Generator) -> Picture:
    """Return the picture with its darkest and brightest tenth of pixels lost in black and white."""
    low, high = np.quantile(picture, (0.1, 0.9))
    stretched: Picture = np.clip((picture - low) / max(float(high - low), 1e-3), 0, 1).astype(np.float32)
    return stretched


def darkened(picture: Picture, rng: np.random.Generator) -> Picture:
    """Return the picture with its grey values raised to the power of 1.6."""
    return np.asarray(picture**1.6, dtype=np.float32)


def equalised(picture: Picture, rng: np.random.Generator) -> Picture:
    """Return the picture with its histogram made flat."""
    _, where, counts = np.unique(np.rint(picture * 255), return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - counts / 2) / counts.sum()
    return np.asarray(rank[where].reshape(picture.shape), dtype=np.float32)


def inverted(picture: Picture, rng: np.random.Generator) -> Picture:
    """Return the negative."""
    return 1 - picture


def mirrored(picture: Picture, rng: np.random.Generator) -> Picture:
    """Return the picture with left and right exchanged."""
    return np.ascontiguousarray(picture[:, ::-1])


def rotated(picture: Picture, rng: np.random.Generator) -> Picture:
    """Return the picture turned by three degrees, either way, its corners black."""
    angle = float(rng.choice([-3.0, 3.0]))
    return _whole(Image.fromarray(picture).rotate(angle, Image.Resampling.BICUBIC))


def recompressed(picture: Picture, rng: np.random.Generator) -> Picture:
    """Return the picture after JPEG at quality 40."""
    stream = io.BytesIO()
    Image.fromarray(np.rint(picture * 255).astype(np.uint8)).save(stream, "JPEG", quality=40)
    return np.asarray(Image.open(stream), dtype=np.float32) / np.float32(255)


def annotated(picture: Picture, rng: np.random.Generator) -> Picture:
    """Return the picture with a line of text, an arrow and a side marker burned in."""
    height, width = picture.shape
    shown = Image.fromarray(np.rint(picture * 255).astype(np.uint8))
    pen = ImageDraw.Draw(shown)
    large = ImageFont.load_default(size=max(8, height // 12))
    pen.text((width * 0.04, height * 0.9), "CASE 7  AP", fill=255, font=large)
    pen.text((width * float(rng.choice([0.06, 0.88])), height * 0.05), "L", fill=255, font=large)
    tip = rng.uniform((0.3, 0.3), (0.7, 0.7)) * (width, height)
    pen.line([*map(float, tip), float(tip[0] + width / 8), float(tip[1] + height / 8)], fill=255, width=3)
    return np.asarray(shown, dtype=np.float32) / np.float32(255)


ALTERATIONS: Mapping[str, Alteration] = {
    "made smaller": shrunk,
    "cropped": cropped,
    "put in a black frame": padded,
    "squashed": squashed,
    "windowed": windowed,
    "darkened": darkened,
    "histogram flattened": equalised,
    "inverted": inverted,
    "mirrored": mirrored,
    "turned by 3 degrees": rotated,
    "recompressed": recompressed,
    "written on": annotated,
}
"""What may happen to a radiograph on its way into another set, by what a reader calls it."""


def _resized(picture: Picture, down: float, across: float) -> Picture:
    height, width = picture.shape
    size = (max(8, round(width * across)), max(8, round(height * down)))
    return _whole(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))


def _whole(picture: Image.Image) -> Picture:
    whole: Picture = np.clip(np.asarray(picture, dtype=np.float32), 0, 1)
    return whole


@dataclass(frozen=True)
class Planted:
    """One altered copy that was looked for."""

    image: int
    """The image of the subject that was copied."""
    alteration: str
    found: bool


def draw_images(sets: NDArray[np.str_], most: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return positions of about `most` images drawn at random, as many of each set as it has, ascending.

    Args:
        sets: (n,) the set of each image.
    """
    names = sorted(set(sets.tolist()))
    each = -(-most // max(1, len(names)))
    drawn = [rng.permutation(np.flatnonzero(sets == name))[:each] for name in names]
    return np.sort(np.concatenate([np.empty(0, dtype=np.intp), *drawn]).astype(np.intp))


def alteration(number: int) -> str:
    """Return the name of the alteration that copy `number` gets; they take turns."""
    return list(ALTERATIONS)[number % len(ALTERATIONS)]


def altered(picture: Picture, number: int, rng: np.random.Generator) -> Picture:
    """Return copy `number` of a picture."""
    return ALTERATIONS[alteration(number)](picture, rng)
