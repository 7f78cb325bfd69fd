"""What adapters for models in a folder on this machine share: which folder, its files, its card, drawing in blocks."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from radassay.contracts.grey import Grey
from radassay.contracts.progress import Report
from radassay.errors import InputError, SettingsError
from radassay.generators.compute import Compute, Device, computing
from radassay.generators.elsewhere.adapter import Draw, Elsewhere, Shown, seed_of
from radassay.generators.elsewhere.record import UNKNOWN, Origin, sums

OneModel = Callable[[list[torch.Generator], Sequence[str]], NDArray[np.float32]]
"""Pictures of these classes, (n, height, width) in [0, 1]; picture i takes all its randomness from generator i."""
MOST_FILES = 10_000


@dataclass(frozen=True)
class FolderModel(Elsewhere):
    """A pretrained model in a folder; nothing is downloaded and nothing is trained."""

    library: ClassVar[str]
    """The library that it needs, also the name of the extra."""

    model: str = ""
    """Folder of the model; with `{label}` in it, a folder for each class of the model."""
    device: Device = "auto"
    """`auto` takes CUDA where a card answers, else the processor."""
    threads: int = 0
    """Processor threads; 0 leaves the process's count. Pictures repeat bit for bit under one count only."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.device not in ("auto", "cpu", "cuda"):
            raise SettingsError("No such device", got=self.device, possible="auto, cpu, cuda")

    @property
    def missing(self) -> str:
        """Return what keeps this generator from use, or nothing."""
        if not self.model:
            return "the setting `model` must name a folder"
        if "{label}" not in self.model and not self.place("").is_dir():
            return f"no folder {self.model}"
        return "" if find_spec(self.library) else f"`pip install 'radassay[{self.library}]'`"

    @abstractmethod
    def checked(self, folder: Path) -> Origin:
        """Return what a folder says of its model, after refusing one that cannot be run safely."""

    @abstractmethod
    def loaded(self, folder: Path, compute: Compute) -> OneModel:
        """Return what draws with the model of a folder."""

    def place(self, chosen: str) -> Path:
        """Return the folder of a class of the model."""
        return Path(self.model.replace("{label}", chosen)).expanduser()

    def places(self, classes: Sequence[str]) -> dict[str, Path]:
        """Return the folder of each class.

        Raises:
            InputError: one of them is not there.
        """
        found = {chosen: self.place(chosen) for chosen in classes}
        for path in found.values():
            if not path.is_dir():
                raise InputError(f"The generator {self.name} has no model", got=f"no folder {path}")
        return found

    def readied(self, pixels: Grey, labels: NDArray[np.str_], folder: Path, seed: int, report: Report) -> Origin:
        """Check the folders and return what the first of them says, with the files of all."""
        classes = list(self.classes_of(sorted(set(labels.tolist()))).values())
        told, *_ = [self.checked(path) for path in dict.fromkeys(self.places(classes).values())]
        return Origin(
            model=self.model,
            version=self.version if self.version != UNKNOWN else told.version,
            licence=self.licence if self.licence != UNKNOWN else told.licence,
            trained_on=self.trained_on if self.trained_on != UNKNOWN else told.trained_on,
            files=self.files(folder, classes),
            note=told.note,
        )

    def files(self, folder: Path, classes: Sequence[str]) -> dict[str, str]:
        """Return the SHA-256 of every file in the folders."""
        found: dict[str, str] = {}
        for path in dict.fromkeys(self.places(classes).values()):
            inside = [file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
            if len(inside) > MOST_FILES:
                raise InputError(f"{path} is no folder of one model", got=f"{len(inside)} files")
            found |= {f"{path.name}/{name}": value for name, value in sums(inside, path).items()}
        return found

    def drawer(self, folder: Path, classes: Sequence[str]) -> Draw:
        """Return what draws blocks; where classes have folders of their own, each draws the whole block."""
        places = self.places(classes)
        models: dict[Path, OneModel] = {}

        def draw(seed: int, start: int, wanted: Sequence[str]) -> Sequence[Shown]:
            drawn: dict[Path, NDArray[np.float32]] = {}
            with computing(self.device, "float32", self.threads) as compute, torch.inference_mode():
                for path in {places[chosen] for chosen in wanted}:
                    if path not in models:
                        self.checked(path)
                        models[path] = self.loaded(path, compute)
                    drawn[path] = models[path](randomness(seed, start, len(wanted)), wanted)
            return [drawn[places[chosen]][row] for row, chosen in enumerate(wanted)]

        return draw


def randomness(seed: int, start: int, count: int) -> list[torch.Generator]:
    """Return one source of randomness a place, on the processor, whatever the device."""
    return [torch.Generator("cpu").manual_seed(seed_of(seed, start + i)) for i in range(count)]


def numbered(chosen: str, name: str) -> int:
    """Return the class number that a class of the model names.

    Raises:
        SettingsError: it is no number.
    """
    if not chosen.isdecimal():
        raise SettingsError(
            f"{name} wants class numbers", got=chosen, possible='Map labels to numbers: labels = {covid = "1"}'
        )
    return int(chosen)
