"""`radassay reading export`, and the sheets that come back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from radassay.errors import InputError, SettingsError
from radassay.reading.sheet import Separator

if TYPE_CHECKING:
    from radassay.reading.asked import Asked, PixelFormat, ReaderList
    from radassay.reading.plan import ReadingPlan


@dataclass(frozen=True)
class Export:
    """Write a planned study as DICOM files with an answer sheet for each reader, to be read in any viewer.

    The key is not opened: names, ids and the order of the files say nothing of what an image is.

    Example: radassay reading export studies/blind --out studies/for-readers
    """

    study: Annotated[Path, tyro.conf.Positional]
    """Folder that `radassay reading plan` wrote."""
    out: Path
    """Folder of the files; new or empty."""
    separator: Separator = "comma"
    """Of the answer sheets; `semicolon` for spreadsheets of countries that write 0,5."""
    reader: int = 0
    """Number of the one reader who gets a folder, from 1; 0 for all."""

    def run(self) -> int:
        """Run it."""
        from radassay.reading.own_viewer import export

        plan, folder = opened(self.study)
        study, readers = folder.study, reader_lists(folder.study)
        about, words = pixel_format(plan, study), {"title": study.title, "consent": study.consent}
        for one in export(self.out, readers, about, folder.pixels, separator=self.separator, only=self.reader, **words):
            print(one)
        whom = f"reader {self.reader} of {len(readers)}" if self.reader else f"each of {len(readers)} readers"
        print(f"{len(readers[0].asked)} items for {whom}; README.txt tells what to do")
        print(f'next: radassay reading analyse {self.study} --who "A. Smith" --out RUN --sheets FILLED.csv ...')
        return 0


def opened(study: Path) -> tuple[ReadingPlan, Any]:
    """Return the plan and the served folder of a study that was not changed since it was planned."""
    from radassay.cli.reading_command import web
    from radassay.reading.study import read_study

    return read_study(study).plan, web("served").ServedFolder.open(study / "served")


def with_sheets(study: Path, files: tuple[Path, ...], page: bytes) -> bytes:
    """Return the answers of filled sheets after those of the page, as a CSV like the page's export; print their counts.

    Args:
        study: folder of the study.
        files: the sheets.
        page: the page's export, which may hold no answer or nothing.

    Raises:
        InputError: a sheet cannot be read, or cells cannot be used.
        RefusedError: a reader gave two different answers to an item.
    """
    from radassay.cli.reading_command import web
    from radassay.reading.answers import read_answers
    from radassay.reading.filled import Bounds, read_sheets

    sheets = {}
    for file in files:
        try:
            sheets[str(file)] = file.read_bytes()
        except OSError as error:
            raise InputError("A sheet cannot be read", got=f"{file}: {error.strerror}") from None
    before = read_answers(page) if b"\n" in page.strip() else None
    served = opened(study)[1].study
    shape = (served.pixels.width, served.pixels.height, served.pixels.depth)
    filled = read_sheets(sheets, reader_lists(served), Bounds(shape, web("questions").inside), before)
    for count in filled.counts:
        print(count)
    return filled.answers.to_csv(index=False, lineterminator="\n").encode()


def reader_lists(study: Any) -> list[ReaderList]:
    """Return what every planned reader is asked, in the order of the page.

    Raises:
        SettingsError: the study plans no readers.
    """
    from radassay.cli.reading_command import web
    from radassay.reading.asked import ReaderList

    if not study.orders:
        raise SettingsError("The study gives no reader an order", possible="One that `radassay reading plan` wrote")
    tasks = web("worklist").worklist
    lists = []
    for reader in sorted(study.orders):
        asked = (_asked(study, reader, n + 1, task) for n, task in enumerate(tasks(study, reader)))
        lists.append(ReaderList(reader, tuple(asked)))
    return lists


def _asked(study: Any, reader: str, number: int, task: Any) -> Asked:
    from radassay.cli.reading_command import web
    from radassay.reading.asked import Asked

    questions = web("questions")
    scales = {
        "realness": questions.REALNESS,
        "diagnosis": questions.CERTAINTY,
        "plausibility": questions.PLAUSIBILITY,
    }
    block, images = task.block, tuple(web("worklist").shown_images(study, reader, task.item))
    scale, feedback = scales.get(block.kind, ()), (task.item.feedback or "") if task.training else None
    about = (block.id, block.kind, block.question, tuple(block.options), scale, feedback)
    return Asked(number, task.item.id, images, *about)


def pixel_format(plan: ReadingPlan, study: Any) -> PixelFormat:
    """Return what holds for the pixels of a study, with the windows that its page offers."""
    from radassay.reading.asked import PixelFormat, Window

    fields = ("width", "height", "depth", "slope", "intercept", "spacing_mm", "right_on_left")
    windows = tuple(Window(preset.name, preset.width, preset.center) for preset in study.shown_presets)
    known = {name: getattr(study.pixels, name) for name in fields}
    return PixelFormat(**known, modality=plan.modality, hu=bool(plan.hu), windows=windows)
