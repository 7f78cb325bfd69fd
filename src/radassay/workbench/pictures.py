"""What a person should look at: contact sheets, pairs and examples, as PNG bytes."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from radassay.evidence.finding import Finding
from radassay.images.sample import Sample

INK, PAPER = 40, 255


def contact_sheet(sample: Sample, columns: int, rows_per_label: int, seed: int, cell: int = 96) -> bytes:
    """Return a sheet with some images of every label, drawn at random, one band of rows a label."""
    rng = np.random.default_rng(seed)
    bands: list[tuple[str, NDArray[np.float32]]] = []
    for label in sorted(set(sample.labels.tolist())):
        rows = np.flatnonzero(sample.labels == label)
        chosen = rng.permutation(rows)[: columns * rows_per_label]
        bands.append((str(label), sample.pixels[np.sort(chosen)]))
    gap, title = 2, 16
    width = columns * (cell + gap) - gap
    height = sum(title + -(-len(band) // columns) * (cell + gap) for _, band in bands)
    sheet = Image.new("L", (width, max(height, 1)), PAPER)
    draw = ImageDraw.Draw(sheet)
    top = 0
    for label, band in bands:
        draw.text((0, top + 1), label, fill=INK)
        top += title
        for index, picture in enumerate(band):
            row, column = divmod(index, columns)
            sheet.paste(_cell(picture, cell), (column * (cell + gap), top + row * (cell + gap)))
        top += -(-len(band) // columns) * (cell + gap)
    return _png(sheet)


def pair_sheet(pairs: Sequence[tuple[NDArray[np.float32], NDArray[np.float32], float]], cell: int = 112) -> bytes:
    """Return a sheet of pairs side by side, each with its score."""
    gap, title, columns = 14, 14, 4
    rows = -(-len(pairs) // columns)
    sheet = Image.new("L", (columns * (2 * cell + gap) - gap, rows * (cell + title + 6)), PAPER)
    draw = ImageDraw.Draw(sheet)
    for index, (left, right, score) in enumerate(pairs):
        row, column = divmod(index, columns)
        x, y = column * (2 * cell + gap), row * (cell + title + 6)
        draw.text((x, y), f"{index + 1}: score {score:.3g}", fill=INK)
        sheet.paste(_cell(left, cell), (x, y + title))
        sheet.paste(_cell(right, cell), (x + cell, y + title))
    return _png(sheet)


def pairs_of(finding: Finding, pictures: Mapping[str, NDArray[np.float32]], most: int = 8) -> bytes | None:
    """Return the sheet of the pairs that a finding names, or None where it names none."""
    pairs = [
        (pictures[a], pictures[b], float(score))
        for a, b, score in finding.details.get("pairs", [])[:most]
        if a in pictures and b in pictures
    ]
    return pair_sheet(pairs) if pairs else None


def examples_of(finding: Finding, pictures: Mapping[str, NDArray[np.float32]], most: int = 12) -> bytes | None:
    """Return the sheet of the single images that a finding names, each with its reason, or None."""
    named = [
        (pictures[image], str(why)) for image, why in finding.details.get("examples", [])[:most] if image in pictures
    ]
    if not named:
        return None
    cell, gap, title, columns = 160, 14, 30, 4
    sheet = Image.new("L", (columns * (cell + gap) - gap, -(-len(named) // columns) * (cell + title + 6)), PAPER)
    draw = ImageDraw.Draw(sheet)
    for index, (picture, why) in enumerate(named):
        row, column = divmod(index, columns)
        x, y = column * (cell + gap), row * (cell + title + 6)
        draw.multiline_text((x, y), "\n".join(textwrap.wrap(why, cell // 6)[:2]), fill=INK, spacing=2)
        sheet.paste(_cell(picture, cell), (x, y + title))
    return _png(sheet)


def _cell(picture: NDArray[np.float32], side: int) -> Image.Image:
    grey = Image.fromarray(np.rint(picture.clip(0, 1) * 255).astype(np.uint8))
    return grey.resize((side, side), Image.Resampling.BICUBIC if side > picture.shape[0] else Image.Resampling.BOX)


def _png(sheet: Image.Image) -> bytes:
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
