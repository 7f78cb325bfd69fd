"""What all generators made elsewhere share: labels, refusals, the record, a first look, and sizes."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from radassay.contracts.generator import Aside
from radassay.contracts.grey import Grey
from radassay.contracts.progress import Progress, Report, silent
from radassay.engine.claim import claimed
from radassay.errors import InputError, SettingsError
from radassay.evidence.run import storage, write_atomic
from radassay.generators.elsewhere.record import RECORD, UNKNOWN, Origin, Record, refuse_changed, refuse_other
from radassay.generators.given import check_training_images, check_wanted_labels, fingerprint
from radassay.generators.grid import contact_sheet
from radassay.images.intensity import Fit, to_display

COLUMNS = 4
"""Pictures of each class in the first look."""
Shown = NDArray[np.float32]
"""(height, width) grey values in [0, 1], as the model drew it."""
Draw = Callable[[int, int, Sequence[str]], Sequence[Shown]]
"""`draw(seed, start, classes)` gives one picture a class; picture i depends on (seed, start + i, classes[i]) alone, as
long as `classes` is always equally long."""


@dataclass(frozen=True)
class Elsewhere(ABC):
    """A generator made elsewhere; a subclass tells what it is (`known`), readies it and makes it draw.

    `fit` trains nothing, unless the subclass does: it writes down what the model is and what it was given, and draws
    a first sheet, its first block twice, so that a model that cannot draw fails here and one that does not repeat is
    known.
    """

    name: ClassVar[str]
    paper: ClassVar[str]
    sizes: ClassVar[tuple[int, ...]] = (16, 32, 64, 128, 256, 512)
    """Sides in pixels that its pictures are resized to."""

    labels: dict[str, str] = field(default_factory=dict)
    """Class of the model by label of the study, such as `{covid = "1"}`; empty where they have the same names."""
    version: str = UNKNOWN
    """Version of the model, where you know it."""
    licence: str = UNKNOWN
    """Its licence, where you know it."""
    trained_on: str = UNKNOWN
    """Images that it was trained on before it came here; `nothing else` where it saw this study's alone."""
    sha256: dict[str, str] = field(default_factory=dict)
    """SHA-256 that files of the model must have, by path as in `elsewhere.json`; a published sum goes here."""
    square: Fit = "squash"
    """How a picture that is not square becomes so: squash, pad or crop."""
    block: int = 4
    """Pictures drawn together, always exactly so many, so that none depends on how many were asked for."""

    def __post_init__(self) -> None:
        if self.block < 1:
            raise SettingsError(f"Setting `block` of {self.name} is out of range", got=self.block, possible="1 or more")
        if self.square not in ("squash", "pad", "crop"):
            raise SettingsError("Cannot make a picture square so", got=self.square, possible="squash, pad, crop")
        if not all(isinstance(value, str) for pair in self.labels.items() for value in pair):
            raise SettingsError("Classes of the model are named by strings", got=self.labels, possible='{covid = "1"}')

    @property
    @abstractmethod
    def missing(self) -> str:
        """Return what keeps this generator from use, or nothing."""

    @abstractmethod
    def readied(self, pixels: Grey, labels: NDArray[np.str_], folder: Path, seed: int, report: Report) -> Origin:
        """Train the model where it is trained here, check it, and return what is known of it."""

    @abstractmethod
    def files(self, folder: Path, classes: Sequence[str]) -> dict[str, str]:
        """Return the SHA-256 of the files that decide what it draws, by path, as they are now."""

    @abstractmethod
    def drawer(self, folder: Path, classes: Sequence[str]) -> Draw:
        """Return what draws these classes of the model, loaded once for many calls."""

    def fit(
        self,
        pixels: Grey,
        labels: NDArray[np.str_],
        folder: Path,
        *,
        seed: int,
        report: Report = silent,
        aside: Aside | None = None,
    ) -> None:
        """Ready the model in `folder`, or return at once where that was done.

        Args:
            pixels: (n, size, size) in [0, 1]; `size` is what its pictures are resized to.
            labels: (n,) strings; each needs a class of the model.
            folder: where its record (`elsewhere.json`) and a first sheet (`grids/`) go.
            seed: of the first sheet, and of a training.
            report: told how far it is.
            aside: not used: the snapshot was chosen elsewhere.

        Raises:
            InputError: images or labels that cannot be used, a model that is not there, unsafe, or does not draw.
            SettingsError: the folder holds another model, or a label has no class.
            StorageError: the folder cannot be written, or another process works in it.
        """
        labels = np.asarray(labels)
        check_training_images(pixels, labels, self.sizes)
        if self.missing:
            raise InputError(f"The generator {self.name} is not ready", got=self.missing)
        classes = self.classes_of(sorted(set(labels.tolist())))
        identity = {"generator": self.name, "images": fingerprint(pixels, labels), "seed": seed, **asdict(self)}
        with claimed(folder, identity):
            total = COLUMNS * len(classes)
            if (folder / RECORD).exists():
                report(Progress(total, total, "images", "done before"))
                return
            try:
                origin = self.readied(pixels, labels, folder, seed, report)
                refuse_other(origin.files, self.sha256)
                self._look(origin, classes, folder, int(pixels.shape[1]), seed, report)
            except InputError:
                # nothing was finished, so the same folder may be tried with better settings
                (folder / "training.json").unlink(missing_ok=True)
                raise

    def sample(self, labels: NDArray[np.str_], folder: Path, *, seed: int, batch: int = 64) -> Grey:
        """Return one image a label, (n, size, size) in [0, 1], resized with antialiasing.

        Pictures are asked for in blocks of one size, whatever `batch`.

        Raises:
            InputError: no finished training, a label it does not know, or a model that changed since `fit`.
        """
        if batch < 1:
            raise SettingsError("Setting `batch` is out of range", got=batch, possible="1 or more")
        record = Record.read(folder)
        numbers = check_wanted_labels(labels, list(record.labels))
        classes = [list(record.labels.values())[number] for number in numbers]
        if self.missing:
            raise InputError(f"The generator {self.name} is not ready", got=self.missing)
        now = self.files(folder, tuple(record.labels.values()))
        refuse_changed(record.origin.files, now, record.origin.model)
        drawn = np.empty((len(classes), record.size, record.size), dtype=np.float32)
        draw = self.drawer(folder, sorted(set(classes)))
        for row, shown in enumerate(self._shown(draw, seed, classes)):
            drawn[row] = to_display(shown, (0.0, 1.0), record.size, self.square)
        return drawn

    def classes_of(self, labels: list[str]) -> dict[str, str]:
        """Return the model's class of each label, in the order of labels.

        Raises:
            SettingsError: a label has none.
        """
        lacking = [label for label in labels if self.labels and label not in self.labels]
        if lacking:
            raise SettingsError(
                f"Setting `labels` of {self.name} has no class for some labels",
                got=", ".join(lacking),
                possible="labels = {" + ", ".join(f'{label} = "…"' for label in labels) + "}",
            )
        return {label: self.labels.get(label, label) for label in labels}

    def _shown(self, draw: Draw, seed: int, classes: Sequence[str]) -> Iterator[Shown]:
        """Yield one picture a class, drawn in blocks of one size; the last one is filled up with its last class."""
        for start in range(0, len(classes), self.block):
            wanted = list(classes[start : start + self.block])
            drawn = draw(seed, start, wanted + wanted[-1:] * (self.block - len(wanted)))
            if len(drawn) != self.block:
                raise InputError(f"{self.name} drew {len(drawn)} pictures", possible=f"{self.block} were asked for")
            for place, shown in enumerate(drawn[: len(wanted)], start):
                if shown.ndim != 2 or not shown.size or not np.isfinite(shown).all():
                    raise InputError(f"Picture {place} of {self.name} is no grey picture", got=f"shape {shown.shape}")
                yield shown

    def _look(
        self, origin: Origin, classes: dict[str, str], folder: Path, size: int, seed: int, report: Report
    ) -> None:
        """Draw the first sheet, its first block twice, and write the record."""
        wanted = [chosen for chosen in classes.values() for _ in range(COLUMNS)]
        began, shown = time.monotonic(), []
        report(Progress(0, len(wanted), "images", "first look"))
        draw = self.drawer(folder, sorted(set(wanted)))
        for picture in self._shown(draw, seed, wanted):
            shown.append(picture)
            rate = len(shown) / max(time.monotonic() - began, 1e-9)
            report(Progress(len(shown), len(wanted), "images", f"{rate:.1f}/s"))
        again = self._shown(draw, seed, wanted[: self.block])
        sheet = np.stack([to_display(picture, (0.0, 1.0), size, self.square) for picture in shown])
        with storage(folder):
            png = contact_sheet(sheet.reshape(len(classes), COLUMNS, size, size))
            write_atomic(folder / "grids" / f"{len(shown):09d}.png", png)
        sides = sorted({f"{picture.shape[0]} x {picture.shape[1]}" for picture in shown})
        repeats = all(np.array_equal(one, two) for one, two in zip(shown, again, strict=False))
        record = Record(origin, classes, size, ", ".join(sides), repeats)
        record.write(folder)
        notes = [record.leaks] if repeats else ["the same call drew other images", record.leaks]
        report(Progress(len(wanted), len(wanted), "images", f"{rate:.1f}/s; {'; '.join(notes)}"))


def seed_of(*numbers: Any) -> int:
    """Return a seed below 2**31 made of whole numbers and names."""
    words = [n if isinstance(n, int) else int.from_bytes(str(n).encode().ljust(1, b"\0"), "little") for n in numbers]
    return int(np.random.SeedSequence(words).generate_state(1)[0] >> 1)
