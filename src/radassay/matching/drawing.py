"""Two pictures side by side with their matched points joined, as PNG bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.float32]
Points = NDArray[np.floating]

PAPER, INK, FAINT = (255, 255, 255), (25, 25, 25), (95, 95, 95)
LINE = (255, 145, 0)
"""Orange: no grey of a radiograph, and told from it by every eye."""
GAP, LINE_HEIGHT, FONT, MARGIN = 24, 17, 13, 6


@dataclass(frozen=True)
class Shown:
    """A pair as it is drawn."""

    first: Picture
    """(height, width), grey values in [0, 1]."""
    second: Picture
    above: tuple[str, str]
    """What stands over each picture, such as its set and file."""
    below: Sequence[str]
    """Lines under both, such as the score."""
    points: tuple[Points, Points] = field(default_factory=lambda: (np.empty((0, 2)), np.empty((0, 2))))
    """Matched points, (k, 2) each, as x and y in pixels of the picture."""


def draw_pair(pair: Shown, side: int = 300, lines: int = 30) -> bytes:
    """Return the pair side by side, each in a square of `side` pixels, with at most so many points joined by lines."""
    return _png(_tile(pair, side, lines))


def draw_sheet(pairs: Sequence[Shown], columns: int = 2, side: int = 180, lines: int = 12) -> bytes:
    """Return several pairs on one sheet, row by row.

    Raises:
        ValueError: there are no pairs.
    """
    tiles = [_tile(pair, side, lines) for pair in pairs]
    if not tiles:
        raise ValueError("a sheet needs at least one pair")
    width, height = tiles[0].width + GAP, max(tile.height for tile in tiles) + GAP // 2
    across = min(columns, len(tiles))
    sheet = Image.new("RGB", (across * width - GAP, -(-len(tiles) // across) * height - GAP // 2), PAPER)
    for number, tile in enumerate(tiles):
        sheet.paste(tile, (number % across * width, number // across * height))
    return _png(sheet)


def _tile(pair: Shown, side: int, lines: int) -> Image.Image:
    font = ImageFont.load_default(size=FONT)
    width = 2 * side + GAP
    below = [line for text in pair.below for line in _wrapped(text, width, font)]
    fitted = [_fit(picture, side) for picture in (pair.first, pair.second)]
    tall = max(small.height for small, _ in fitted)
    tile = Image.new("RGB", (width, tall + LINE_HEIGHT * (1 + len(below)) + 4), PAPER)
    pen = ImageDraw.Draw(tile)
    joined = []
    for left, (small, scale), name, points in zip((0, side + GAP), fitted, pair.above, pair.points, strict=True):
        pen.text((left, 0), _fitted(name, side, font), fill=INK, font=font)
        corner = np.array([left + (side - small.width) // 2, LINE_HEIGHT + (tall - small.height) // 2])
        tile.paste(small, (int(corner[0]), int(corner[1])))
        joined.append(corner + (np.asarray(points, dtype=float).reshape(-1, 2) + 0.5) * scale)
    _join(tile, joined[0], joined[1], lines)
    for number, text in enumerate(below):
        at = (0, tall + LINE_HEIGHT * (number + 1) + 2)
        pen.text(at, text, fill=FAINT if number else INK, font=font)
    return tile


def _fit(picture: Picture, side: int) -> tuple[Image.Image, float]:
    """Return the picture with its longer side at `side` pixels, and how many of them one of its own pixels takes."""
    height, width = picture.shape
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    grey = Image.fromarray(np.rint(picture.clip(0, 1) * 255).astype(np.uint8))
    how = Image.Resampling.BICUBIC if scale > 1 else Image.Resampling.BOX
    return grey.resize(size, how).convert("RGB"), scale


def _join(tile: Image.Image, first: Points, second: Points, lines: int, fine: int = 3) -> None:
    """Draw thin lines between matched points, spread over the height of the first picture."""
    order = np.argsort(first[:, 1], kind="stable")
    chosen = order[np.unique(np.linspace(0, len(order) - 1, min(lines, len(order))).round().astype(int))]
    # Drawn larger and shrunk: the lines come out thin and smooth.
    layer = Image.new("L", (tile.width * fine, tile.height * fine), 0)
    pen = ImageDraw.Draw(layer)
    for a, b in zip(first[chosen] * fine, second[chosen] * fine, strict=True):
        pen.line([*map(float, a), *map(float, b)], fill=200, width=fine)
        for x, y in (a, b):
            pen.ellipse([x - 2 * fine, y - 2 * fine, x + 2 * fine, y + 2 * fine], outline=255, width=fine)
    tile.paste(Image.new("RGB", tile.size, LINE), (0, 0), layer.resize(tile.size, Image.Resampling.BOX))


def _fitted(text: str, width: int, font: ImageFont.ImageFont | ImageFont.FreeTypeFont) -> str:
    """Return the text, its middle left out where it is too long: the end of a path says most."""
    if font.getlength(text) <= width:
        return text
    keep = len(text) - 1
    while keep > 4 and font.getlength(_cut(text, keep)) > width:
        keep -= 1
    return _cut(text, keep)


def _cut(text: str, keep: int) -> str:
    head = keep // 3
    return f"{text[:head]}…{text[len(text) - (keep - head) :]}"


def _wrapped(text: str, width: int, font: ImageFont.ImageFont | ImageFont.FreeTypeFont) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return [_fitted(line, width, font) for line in lines if line]


@cache
def _palette() -> Image.Image:
    """Return greys, and line over greys: radiographs stay readable, lines stay whole and the files small."""
    colours = [(grey, grey, grey) for grey in np.linspace(0, 255, 48).round().astype(int)]
    for opacity in (0.3, 0.55, 0.8, 1.0):
        under = np.linspace(0, 255, 1 if opacity == 1 else 24)[:, None]
        colours += [tuple(row) for row in (under * (1 - opacity) + np.array(LINE) * opacity).round().astype(int)]
    palette = Image.new("P", (1, 1))
    palette.putpalette([int(value) for colour in colours for value in colour])
    return palette


def _png(sheet: Image.Image) -> bytes:
    framed = Image.new("RGB", (sheet.width + 2 * MARGIN, sheet.height + 2 * MARGIN), PAPER)
    framed.paste(sheet, (MARGIN, MARGIN))
    buffer = io.BytesIO()
    framed.quantize(palette=_palette(), dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
