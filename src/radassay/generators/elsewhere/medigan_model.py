"""Models of the collection medigan, run in an environment of their own."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from radassay.contracts.grey import Grey
from radassay.contracts.progress import Report
from radassay.errors import InputError, SettingsError
from radassay.evidence.run import storage
from radassay.generators.elsewhere import medigan_program
from radassay.generators.elsewhere.adapter import Draw, Elsewhere, Shown, seed_of
from radassay.generators.elsewhere.exchange import read_back
from radassay.generators.elsewhere.record import UNKNOWN, Origin, sums
from radassay.generators.elsewhere.running import run


@dataclass(frozen=True)
class Medigan(Elsewhere):
    """A model of the collection medigan, in a Python environment of its own and without a network.

    medigan's models are programs with pickled weights, and the library itself does not start beside current versions
    of setuptools. So neither is loaded here: `python` names the interpreter of an environment that holds them, and
    `home` the folder with `config/` and `models/` into which medigan once fetched the model. Run only models whose
    makers you trust.
    """

    name: ClassVar[str] = "medigan"
    paper: ClassVar[str] = "Osuala et al. 2023, medigan, J Med Imaging 10:061403, arXiv 2209.14472"

    model: str = ""
    """medigan's name of the model, such as `00017_DCGAN_XRAY_LUNG_NODULES`; `{label}` in it stands for the class."""
    home: str = ""
    """Folder with medigan's `config/global.json` and `models/`."""
    python: str = ""
    """The Python of medigan's environment, such as `~/medigan/bin/python`."""
    argument: str = ""
    """Argument of the model that takes the class, such as `condition`; empty for a model without classes."""
    arguments: dict[str, Any] = field(default_factory=dict)
    """Further arguments of the model."""
    files_wanted: str = "*"
    """Which names of files are pictures, such as `*[!k].png` where masks are written too."""
    limit_minutes: float = 60.0
    """Time after which a call is ended."""
    block: int = 100
    """Pictures asked for in one call, always exactly so many."""

    @property
    def missing(self) -> str:
        """Return what keeps this generator from use, or nothing."""
        if not (self.model and self.home and self.python):
            return "the settings `model`, `home` and `python` must be given"
        if shutil.which(str(Path(self.python).expanduser())) is None:
            return f"no program {self.python}"
        config = self._home / "config" / "global.json"
        return "" if config.is_file() else f"no file {config}; see the guide to generators made elsewhere"

    @property
    def _home(self) -> Path:
        return Path(self.home).expanduser().resolve()

    def classes_of(self, labels: list[str]) -> dict[str, str]:
        """Return the model's class of each label.

        Raises:
            SettingsError: a label has none, or the model cannot tell classes apart.
        """
        classes = super().classes_of(labels)
        if len(set(classes.values())) > 1 and not self.argument and "{label}" not in self.model:
            raise SettingsError(
                "A model without classes draws one class",
                got=", ".join(classes),
                possible="Set `argument`, or put {label} into `model`",
            )
        return classes

    def readied(self, pixels: Grey, labels: NDArray[np.str_], folder: Path, seed: int, report: Report) -> Origin:
        """Read what medigan's list says of the model."""
        classes = list(self.classes_of(sorted(set(labels.tolist()))).values())
        first = self._model(classes[0])
        try:
            told = json.loads((self._home / "config" / "global.json").read_text(encoding="utf-8"))[first]
            chosen, about = dict(told["selection"]), dict(told["description"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"medigan's list in {self.home} does not know {first}", got=f"{type(error).__name__}: {error}"
            ) from None
        seen = ", ".join(map(str, chosen.get("dataset") or [])) or UNKNOWN
        return Origin(
            model=self.model,
            version=self.version if self.version != UNKNOWN else str(about.get("version") or UNKNOWN),
            licence=self.licence if self.licence != UNKNOWN else str(chosen.get("license") or UNKNOWN),
            trained_on=self.trained_on if self.trained_on != UNKNOWN else seen,
            files=self.files(folder, classes),
            note=str(about.get("title") or ""),
        )

    def _model(self, chosen: str) -> str:
        return self.model.replace("{label}", chosen)

    def files(self, folder: Path, classes: Sequence[str]) -> dict[str, str]:
        """Return the SHA-256 of the models' programs and weights.

        Raises:
            InputError: medigan has not fetched one of them.
        """
        found: dict[str, str] = {}
        for model in sorted({self._model(chosen) for chosen in classes}):
            place = self._home / "models" / model
            if Path(model).name != model or not place.is_dir():
                raise InputError(
                    f"medigan has not fetched {model}", got=f"no folder {place}", possible="Fetch it, see the guide"
                )
            inside = [path for path in place.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
            found |= sums(inside, self._home / "models")
        return found

    def drawer(self, folder: Path, classes: Sequence[str]) -> Draw:
        """Return what asks medigan for blocks of pictures of one class."""

        def draw(seed: int, start: int, wanted: Sequence[str]) -> Sequence[Shown]:
            noise = seed_of(seed, start)
            drawn = {chosen: self._called(folder, chosen, len(wanted), noise) for chosen in sorted(set(wanted))}
            return [drawn[chosen][row] for row, chosen in enumerate(wanted)]

        return draw

    def _called(self, folder: Path, chosen: str, count: int, seed: int) -> Sequence[Shown]:
        given = {**self.arguments, **({self.argument: plain(chosen)} if self.argument else {})}
        with storage(folder), tempfile.TemporaryDirectory(prefix="radassay-") as out:
            program = [str(Path(self.python).expanduser()), "-B", str(medigan_program.__file__), str(self._home)]
            words = [*program, self._model(chosen), out, str(count), str(seed), json.dumps(given)]
            run(words, folder / "sample", self.limit_minutes * 60)
            return read_back(Path(out), self.files_wanted, count)


def plain(chosen: str) -> int | str:
    """Return a class as the whole number that it is written as, or as it is."""
    return int(chosen) if chosen.isdecimal() else chosen
