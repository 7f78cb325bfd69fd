"""The folders that readers take to a viewer of their own: DICOM files, an answer sheet and a README each."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

from radassay.errors import SettingsError
from radassay.evidence.run import storage
from radassay.reading.asked import PixelFormat, ReaderList
from radassay.reading.dicom_export import dicom_files
from radassay.reading.sheet import Separator, sheet
from radassay.reading.study import require_new

WRITTEN = 315_619_200
"""Time of all files: 2 January 1980, since a ZIP archive knows none before 1980."""


def export(
    out: Path,
    readers: Sequence[ReaderList],
    about: PixelFormat,
    pixels: Callable[[str], bytes],
    *,
    title: str,
    consent: str,
    separator: Separator = "comma",
    only: int = 0,
) -> list[Path]:
    """Write a folder for every reader, or for one, and return them; one image is in memory at a time.

    Args:
        out: new or empty.
        readers: who is asked what.
        about: what holds for all images.
        pixels: the bytes of an image by its opaque id, as they are served.
        title: name of the study.
        consent: what readers agree to.
        separator: of the answer sheets.
        only: number of the one reader who gets a folder, from 1; 0 for all.

    Raises:
        SettingsError: `out` is not empty, or there is no such reader.
        StorageError: it cannot be written.
    """
    if not 0 <= only <= len(readers):
        raise SettingsError("There is no such reader", got=only, possible=f"1 to {len(readers)}")
    require_new(out)
    folders = []
    with storage(out):
        for number, who in enumerate(readers, start=1):
            if only not in (0, number):
                continue
            folder = out / f"reader-{number:02d}-{who.reader[:8]}"
            for asked in who.asked:
                item = folder / "dicom" / who.digits(asked.number)
                item.mkdir(parents=True)
                for letter, image in enumerate(asked.images):
                    for name, content in dicom_files(who, asked, letter, pixels(image), about):
                        (item / name).write_bytes(content)
            (folder / f"answers-{who.reader[:8]}.csv").write_bytes(sheet(who, separator))
            (folder / "README.txt").write_text(readme(who, title, consent), encoding="utf-8", newline="\r\n")
            folders.append(folder)
        for path in (*out.rglob("*"), out):
            os.utime(path, (WRITTEN, WRITTEN))
    return folders


def readme(who: ReaderList, title: str, consent: str) -> str:
    """Return what the reader must know, in plain words."""
    last = who.asked[-1].number
    paragraphs = [
        title,
        "BEFORE YOU BEGIN",
        *consent.split("\n\n"),
        "By sending back the sheet you agree to this. To withdraw, do not send it, or ask for it to be deleted.",
        "THE IMAGES",
        f"Open the folder dicom in your viewer. Every item is a patient of its own: {who.digits(1)} to "
        f"{who.digits(last)}. Read them in this order. Windows that fit are stored with the images; change them as "
        "you like.",
        "THE ANSWERS",
        f"Open answers-{who.reader[:8]}.csv in a spreadsheet. There is one row for every item. The column `how` says "
        "what to fill in for that row; leave the other cells empty. If you cannot judge an image, write yes under "
        "cannot_judge and nothing else in that row. Do not change the columns number, item and reader. Save it as CSV "
        "and send it back. A sheet may be sent back with rows left empty.",
        "Please read alone, do not talk about the images with other readers, and give an answer before you go on.",
    ]
    if any(len(asked.images) > 1 for asked in who.asked):
        told = "Where one of several images is asked for, they are the series A, B (C, D) of one study."
        paragraphs.insert(6, told)
    training = [asked for asked in who.asked if asked.feedback is not None]
    if training:
        paragraphs += ["TRAINING", "These items do not count. Answer each one first; then look here."]
        paragraphs += [f"{who.digits(asked.number)}: {asked.feedback}" for asked in training]
    return "\n\n".join(textwrap.fill(" ".join(part.split()), 100) for part in paragraphs) + "\n"
