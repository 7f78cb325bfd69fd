"""Any program that writes a folder of images."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from shutil import rmtree
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from radassay.contracts.grey import Grey
from radassay.contracts.progress import Progress, Report
from radassay.errors import SettingsError
from radassay.evidence.run import storage, write_atomic
from radassay.generators.elsewhere.adapter import Draw, Elsewhere, Shown, seed_of
from radassay.generators.elsewhere.exchange import hand_over, read_back, write_table
from radassay.generators.elsewhere.record import Origin, sums
from radassay.generators.elsewhere.running import filled, program_missing, run, words_of
from radassay.generators.given import fingerprint

IN_FIT = ("images", "labels", "out", "seed")
IN_SAMPLE = ("out", "model", "count", "label", "labels", "seed")


@dataclass(frozen=True)
class Command(Elsewhere):
    """Any program that writes a folder of images: your own training script, a container, another project's code.

    Both commands are run without a shell, from the folder in which radassay runs, and the program sees your whole
    environment: name only programs that you trust. Of what it writes nothing is run; pictures are read by radassay's
    own readers.

    `sample` is called in one of two ways. With `{labels}` it gets a table with one row a picture (file, label, seed)
    and must draw each from its own seed. Without, it is asked for blocks of exactly `block` pictures of one `{label}`
    under one `{seed}`, of which those that were not wanted are thrown away: so picture i stays the same however many
    are asked for.
    """

    name: ClassVar[str] = "command"
    paper: ClassVar[str] = "that of the program which is set"

    fit_command: str = ""
    """Trains: `{images}` is a folder of PNGs, one folder a class; `{labels}` a table (file, label); `{out}` the folder
    for the model; `{seed}` a number. Empty where the generator is trained already."""
    sample_command: str = ""
    """Draws: `{out}` is the folder to write pictures to; `{model}` the `{out}` of `fit_command`; `{count}`, `{label}`
    and `{seed}` say what is wanted, or `{labels}` names a table (file, label, seed)."""
    files_wanted: str = "*"
    """Which names of files below `{out}` are pictures, such as `*.png`."""
    model: str = ""
    """File or folder of a model that was trained elsewhere, `{model}` of `sample_command` where nothing is trained."""
    limit_minutes: float = 60.0
    """Time after which a call of `sample_command` is ended."""
    fit_limit_minutes: float = 10_080.0
    """Time after which `fit_command` is ended; a week."""
    resumes: bool = False
    """Whether `fit_command` carries on from what a killed call left in `{out}`; else that is deleted first."""
    block: int = 100
    """Pictures asked for in one call, always exactly so many."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.fit_command:
            words_of(self.fit_command, IN_FIT, "fit_command")
        if self.fit_command and self.model:
            raise SettingsError(f"{self.name} either trains a model or is given one", got="fit_command and model")
        if min(self.limit_minutes, self.fit_limit_minutes) <= 0:
            raise SettingsError("A time limit must be more than nothing", got=self.limit_minutes)
        if not self.sample_command:
            return
        asked = {word for word in IN_SAMPLE if any("{" + word + "}" in w for w in self._words)}
        if "out" not in asked or not ("labels" in asked or {"count", "seed"} <= asked):
            raise SettingsError(
                "Setting `sample_command` leaves open what is wanted",
                got=self.sample_command,
                possible="It needs {out}, and {labels} or both {count} and {seed}",
            )

    @property
    def _words(self) -> list[str]:
        return words_of(self.sample_command, IN_SAMPLE, "sample_command")

    @property
    def missing(self) -> str:
        """Return what keeps this generator from use, or nothing."""
        if not self.sample_command:
            return "the setting `sample_command` must name a program"
        if self.model and not Path(self.model).expanduser().exists():
            return f"no file or folder {self.model}"
        fit = words_of(self.fit_command, IN_FIT, "fit_command") if self.fit_command else self._words
        return program_missing(fit) or program_missing(self._words)

    def classes_of(self, labels: list[str]) -> dict[str, str]:
        """Return the model's class of each label.

        Raises:
            SettingsError: a label has none, or the command is not told which class is wanted.
        """
        classes = super().classes_of(labels)
        if len(set(classes.values())) > 1 and not any("{label}" in w or "{labels}" in w for w in self._words):
            raise SettingsError(
                "Setting `sample_command` does not say which class is wanted",
                got=", ".join(classes.values()),
                possible="Add {label} or {labels}",
            )
        return classes

    def readied(self, pixels: Grey, labels: NDArray[np.str_], folder: Path, seed: int, report: Report) -> Origin:
        """Hand over the training images and run `fit_command`, where there is one."""
        if self.fit_command:
            report(Progress(0, 1, "images", "training; what it says is in fit.err"))
            asked = {"command": self.fit_command, "labels": self.labels, "seed": seed}
            wanted = json.dumps({**asked, "images": fingerprint(pixels, labels)}, sort_keys=True).encode()
            mark = folder / "trained.json"
            if not mark.exists() or mark.read_bytes() != wanted:
                mark.unlink(missing_ok=True)
                self._train(pixels, labels, folder, seed)
                with storage(folder):
                    write_atomic(mark, wanted)
        return Origin(
            model=self.model or self.sample_command,
            version=self.version,
            licence=self.licence,
            trained_on=self.trained_on,
            trained_here=bool(self.fit_command),
            files=self.files(folder, ()),
        )

    def _train(self, pixels: Grey, labels: NDArray[np.str_], folder: Path, seed: int) -> None:
        given, out = folder / "given", self._model(folder)
        with storage(folder):
            rmtree(given, ignore_errors=True)
            if not self.resumes:
                rmtree(out, ignore_errors=True)
            out.mkdir(parents=True, exist_ok=True)
        classes = self.classes_of(sorted(set(labels.tolist())))
        named = np.array([classes[str(label)] for label in labels])
        hand_over(pixels, named, given / "images")
        files = sorted((given / "images").rglob("*.png"), key=lambda path: path.name)
        rows = [(path.relative_to(given / "images").as_posix(), name) for path, name in zip(files, named, strict=True)]
        write_table(given / "labels.csv", ("file", "label"), rows)
        values = {"images": given / "images", "labels": given / "labels.csv", "out": out, "seed": seed}
        words = words_of(self.fit_command, IN_FIT, "fit_command")
        run(
            filled(words, {name: str(value) for name, value in values.items()}),
            folder / "fit",
            self.fit_limit_minutes * 60,
        )
        rmtree(given, ignore_errors=True)

    def _model(self, folder: Path) -> Path:
        return Path(self.model).expanduser() if self.model else (folder / "model").resolve()

    def files(self, folder: Path, classes: Sequence[str]) -> dict[str, str]:
        """Return the SHA-256 of the files of the model; none where neither `model` nor `fit_command` is set."""
        model = self._model(folder)
        if model.is_file():
            return sums([model], model.parent)
        return sums((path for path in model.rglob("*") if path.is_file()), model) if model.is_dir() else {}

    def drawer(self, folder: Path, classes: Sequence[str]) -> Draw:
        """Return what calls `sample_command`."""
        return partial(self._drawn, folder)

    def _drawn(self, folder: Path, seed: int, start: int, classes: Sequence[str]) -> Sequence[Shown]:
        """Return `block` pictures, by one call with a table or one call a class."""
        if any("{labels}" in word for word in self._words):
            rows = [(f"{i:06d}.png", label, seed_of(seed, start + i)) for i, label in enumerate(classes)]
            return self._called(folder, {"count": len(classes), "label": "", "seed": seed}, rows)
        drawn: dict[str, Sequence[Shown]] = {}
        for label in sorted(set(classes)):
            asked = {"count": len(classes), "label": label, "seed": seed_of(seed, start)}
            drawn[label] = self._called(folder, asked, [])
        return [drawn[label][row] for row, label in enumerate(classes)]

    def _called(self, folder: Path, values: Mapping[str, object], rows: list[tuple[str, str, int]]) -> Sequence[Shown]:
        """Run `sample_command` once and return what it wrote."""
        with storage(folder), tempfile.TemporaryDirectory(prefix="radassay-") as name:
            scratch = Path(name)
            (scratch / "out").mkdir()
            write_table(scratch / "labels.csv", ("file", "label", "seed"), rows)
            paths = {"out": scratch / "out", "labels": scratch / "labels.csv", "model": self._model(folder)}
            told = {name: str(value) for name, value in {**values, **paths}.items()}
            run(filled(self._words, told), folder / "sample", self.limit_minutes * 60)
            return read_back(scratch / "out", self.files_wanted, self.block)
