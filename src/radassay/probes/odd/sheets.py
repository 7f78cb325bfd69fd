"""Contact sheets: the oddest pictures, small, with what is odd marked, named and explained."""

from __future__ import annotations

import io
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageFont

from radassay.contracts.probe import Subject
from radassay.probes.odd.look import Look
from radassay.probes.odd.sensitivity import look_at
from radassay.probes.odd.survey import ODDITIES

CELL, TEXT, COLUMNS = 240, 62, 4
"""Side of a small picture, height of the words below it, pixels; pictures a row."""
MARK = (255, 140, 0)
PAPER, INK, FAINT = (250, 250, 248), (25, 25, 25), (110, 110, 110)
QUIET = ("unlike",)
"""Oddities that are shown on the overall sheet at most."""


def sheets(subject: Subject, odd: pd.DataFrame, most: int) -> tuple[dict[str, bytes], dict[str, str]]:
    """Return PNG sheets and their captions: the oddest pictures of all, and the oddest of each sort.

    Args:
        subject: the sets.
        odd: rows of `odd_images` with `image`, oddest first.
        most: pictures on a sheet.
    """
    pictures, captions = {}, {}
    # on the overall sheet a picture comes once, and every sort before any sort comes twice
    first = odd.drop_duplicates("image").assign(turn=lambda t: t.groupby("oddity", sort=False).cumcount())
    overall = first[first["turn"] < 3].head(2 * most)
    if len(overall):
        pictures["oddities"] = _sheet(subject, overall)
        captions["oddities"] = (
            f"The oddest pictures of all sets, at most three of a sort; {len(odd):,} oddities were seen in "
            f"{odd['image'].nunique():,} pictures. Orange: where."
        )
    for oddity, (words, _) in ODDITIES.items():
        rows = odd[odd["oddity"] == oddity]
        if len(rows) and oddity not in QUIET:
            name = f"oddities-{oddity.replace('_', '-')}"
            pictures[name] = _sheet(subject, rows.head(most))
            captions[name] = (
                f"{words[:1].upper()}{words[1:]}: the surest {min(most, len(rows))} of {len(rows):,} pictures."
            )
    return pictures, captions


def _sheet(subject: Subject, rows: pd.DataFrame) -> bytes:
    columns = min(COLUMNS, len(rows))
    down = -(-len(rows) // columns)
    canvas = Image.new("RGB", (columns * (CELL + 8) + 8, down * (CELL + TEXT + 8) + 8), PAPER)
    for k, row in enumerate(rows.itertuples(index=False)):
        place = (8 + (k % columns) * (CELL + 8), 8 + (k // columns) * (CELL + TEXT + 8))
        canvas.paste(_small(look_at(subject, int(str(row.image))), str(row.box)), place)
        _words(canvas, (place[0], place[1] + CELL + 2), row)
    stream = io.BytesIO()
    canvas.save(stream, "PNG")
    return stream.getvalue()


def _small(look: Look, box: str) -> Image.Image:
    """Return a picture within a square cell, with a box around what is odd."""
    values = look.grey if look.colour is None else look.colour
    shown = Image.fromarray(np.rint(values * 255).astype(np.uint8)).convert("RGB")
    scale = CELL / max(shown.size)
    shown = shown.resize((max(1, round(shown.width * scale)), max(1, round(shown.height * scale))))
    if box:
        scale /= look.scale
        left, top, right, bottom = (float(v) * scale for v in box.split(","))
        ImageDraw.Draw(shown).rectangle((left - 2, top - 2, right + 1, bottom + 1), outline=MARK, width=2)
    cell = Image.new("RGB", (CELL, CELL), (225, 225, 222))
    cell.paste(shown, ((CELL - shown.width) // 2, (CELL - shown.height) // 2))
    return cell


def _words(canvas: Image.Image, place: tuple[int, int], row: Any) -> None:
    draw, font, small = ImageDraw.Draw(canvas), ImageFont.load_default(12), ImageFont.load_default(11)
    name = f"{row.set}/{PurePosixPath(row.path).name}"
    head = f"{ODDITIES[row.oddity][0]} ({row.score:.2f})"
    lines = [(head, font, INK), *((line, small, INK) for line in _wrapped(row.reason, small)[:2])]
    lines.append((_wrapped(name, small)[0], small, FAINT))
    for k, (line, face, ink) in enumerate(lines):
        draw.text((place[0], place[1] + 15 * k), line, fill=ink, font=face)


def _wrapped(words: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> list[str]:
    """Return text in lines that fit a cell; a word too long is cut."""
    lines = [""]
    for word in words.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= CELL:
            lines[-1] = longer
            continue
        while font.getlength(word + "…") > CELL and len(word) > 1:
            word = word[:-1]
        lines = [*lines, word] if lines[-1] else [word]
    return lines
