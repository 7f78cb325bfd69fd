"""Oddities planted into a user's own images, to learn how many of them would have been seen."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.uint8]
"""(height, width) or (height, width, 3), 0 to 255."""
Plant = Callable[[Picture, np.random.Generator], Picture]


def text(picture: Picture, rng: np.random.Generator) -> Picture:
    """Return the picture with a line of white letters on a black box, 5 % of the shorter side high, near an edge."""
    height, width = picture.shape[:2]
    size = max(9.0, 0.05 * min(height, width))
    words = "".join(rng.choice(list("ABDEHKLMPRST0246"), 9).tolist())
    top = 0.02 * height if rng.random() < 0.5 else 0.98 * height - 1.3 * size
    at = (float(rng.uniform(0.03, 0.4) * width), float(top))
    return _written(picture, [(at, words, size)], boxed=True)


def marker(picture: Picture, rng: np.random.Generator) -> Picture:
    """Return the picture with a white L or R, 7 % of the shorter side high, in an upper corner."""
    height, width = picture.shape[:2]
    size = max(4.0, 0.1 * min(height, width))  # of the type; the letter is seven tenths of it
    at = (float(rng.choice([0.05, 0.88]) * width), float(rng.uniform(0.03, 0.1) * height))
    return _written(picture, [(at, str(rng.choice(["L", "R"])), size)], boxed=True)


def _written(picture: Picture, parts: list[tuple[tuple[float, float], str, float]], *, boxed: bool) -> Picture:
    canvas = Image.fromarray(picture)
    draw = ImageDraw.Draw(canvas)
    black, white = (0, 255) if picture.ndim == 2 else ((0, 0, 0), (255, 255, 255))
    for at, words, size in parts:
        font = ImageFont.load_default(size)
        if boxed:
            left, top, right, bottom = draw.textbbox(at, words, font=font)
            draw.rectangle((left - 4, top - 4, right + 4, bottom + 4), fill=black)
        draw.text(at, words, fill=white, font=font)
    return np.asarray(canvas)


def negative(picture: Picture, rng: np.random.Generator) -> Picture:
    """Return the picture with inverted grey scale."""
    return np.asarray(255 - picture)


def turned(picture: Picture, rng: np.random.Generator) -> Picture:
    """Return the picture upside down or on its side."""
    return np.ascontiguousarray(np.rot90(picture, int(rng.integers(1, 4))))


def tint(picture: Picture, rng: np.random.Generator) -> Picture:
    """Return the picture in a bluish, sepia or other tint: its channels 12 % of the grey value apart."""
    gain = np.roll(np.array([1.0, 0.94, 0.88]), int(rng.integers(3)))
    return np.asarray(np.rint(three(picture) * gain).astype(np.uint8))


def drawn(picture: Picture, rng: np.random.Generator) -> Picture:
    """Return the picture with a coloured circle, a tenth of the shorter side across."""
    canvas = Image.fromarray(three(picture))
    height, width = picture.shape[:2]
    r = 0.05 * min(height, width)
    x, y = rng.uniform(0.3, 0.7) * width, rng.uniform(0.3, 0.7) * height
    ink = tuple(int(255 * v) for v in np.roll([1, 0.1, 0.1], int(rng.integers(3))))
    ImageDraw.Draw(canvas).ellipse((x - r, y - r, x + r, y + r), outline=ink, width=max(2, round(r / 6)))
    return np.asarray(canvas)


def border(picture: Picture, rng: np.random.Generator) -> Picture:
    """Return the picture with black or white bars, 4 % of the side, on two sides."""
    shade, bar = int(rng.choice([0, 255])), [max(2, round(0.04 * side)) for side in picture.shape[:2]]
    made = picture.copy()
    if rng.random() < 0.5:
        made[: bar[0]], made[-bar[0] :] = shade, shade
    else:
        made[:, : bar[1]], made[:, -bar[1] :] = shade, shade
    return made


def enlarged(picture: Picture, rng: np.random.Generator) -> Picture:
    """Return the picture as it is after a stay at a quarter of its side."""
    height, width = picture.shape[:2]
    small = Image.fromarray(picture).resize((max(1, width // 4), max(1, height // 4)), Image.Resampling.BOX)
    how = Image.Resampling.BILINEAR if rng.random() < 0.5 else Image.Resampling.BICUBIC
    return np.asarray(small.resize((width, height), how))


def blocking(picture: Picture, rng: np.random.Generator) -> Picture:
    """Return the picture after a save as JPEG of quality 20."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=20)
    return np.asarray(Image.open(stream))


def screenshot(picture: Picture, rng: np.random.Generator) -> Picture:
    """Return the picture in a window: a title bar with words and buttons, and a column of words beside it."""
    height, width = picture.shape[:2]
    bar, side = max(14, round(0.09 * height)), max(30, round(0.25 * width))
    dark = bool(rng.random() < 0.5)
    shell, ink = (45, 230) if dark else (225, 30)
    canvas = Image.new("L", (width + side, height + bar), shell)
    canvas.paste(Image.fromarray(picture).convert("L"), (side, bar))
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(max(8.0, 0.55 * bar))
    draw.text((4, 0.15 * bar), "Viewer - Study 1", fill=ink, font=font)
    for k in range(3):
        x = width + side - (k + 1) * bar
        draw.rectangle((x + 0.3 * bar, 0.3 * bar, x + 0.7 * bar, 0.7 * bar), outline=ink, width=2)
    for k in range(5):
        draw.text(
            (3, bar * (1.4 + 1.3 * k)),
            "Series " + str(k + 1),
            fill=ink,
            font=ImageFont.load_default(max(6.0, side / 6)),
        )
    return np.asarray(canvas)


def notice(picture: Picture, rng: np.random.Generator) -> Picture:
    """Return a notice, a page, or an empty picture of the same size in place of the picture."""
    height, width = picture.shape[:2]
    paper = int(rng.choice([0, 255]))
    canvas = Image.new("L", (width, height), paper)
    lines = int(rng.choice([0, 2, 4, 9]))
    draw = ImageDraw.Draw(canvas)
    size = max(4.0, min(0.7 * height / max(lines, 1), 0.14 * width))
    for k in range(lines):
        words = "".join(rng.choice(list("abcdefghiklmnoprstu  "), int(rng.integers(6, 12))).tolist())
        draw.text((0.08 * width, (0.1 + 0.8 * k / lines) * height), words, 255 - paper, ImageFont.load_default(size))
    return np.asarray(canvas)


def scene(picture: Picture, rng: np.random.Generator) -> Picture:
    """Return a scene of overlapping shapes in several colours in place of the picture (dead leaves)."""
    height, width = picture.shape[:2]
    canvas = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(canvas)
    for _ in range(int(rng.integers(40, 300))):
        a, b = 0.03 * min(height, width) / max(rng.random(), 0.03) ** 0.8 * rng.uniform(0.4, 1, 2)
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        fill = tuple(int(v) for v in rng.integers(0, 256, 3))
        (draw.ellipse if rng.random() < 0.5 else draw.rectangle)((x - a, y - b, x + a, y + b), fill=fill)
    return np.asarray(canvas)


def three(picture: Picture) -> Picture:
    """Return the picture in three channels."""
    return picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
