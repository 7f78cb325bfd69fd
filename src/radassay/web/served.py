"""The served folder: all that a reader-study server may open, and the reader that refuses anything else.

::

    served/
      study.json            what is asked, in which words, of which pixels (``Study``)
      pixels/<id>.bin       unsigned 16-bit little-endian, slices then rows then columns, all of equal length

An id is 16 to 64 hexadecimal digits, so that no name can say which arm an image belongs to. The width, height, depth,
spacing and the rescale of ``study.json`` hold for every image. Nothing else may lie in the folder: a forgotten key or
a list of files is refused, not ignored.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from radassay.errors import InputError, RefusedError
from radassay.web.questions import Block, Item

OpaqueId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16,64}$")]
VIEWER_KEYS = frozenset("irdox?+-=[],.")
"""Keys of the viewer that a preset may not take; digits belong to the answers."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Pixels(_Strict):
    """What holds for the pixels of every image of the study."""

    width: int = Field(ge=1, le=8192)
    """Columns."""
    height: int = Field(ge=1, le=8192)
    """Rows."""
    depth: int = Field(ge=1, le=2048)
    """Slices; 1 for a radiograph."""
    slope: float = 1.0
    """Shown value = stored value x slope + intercept."""
    intercept: float = 0.0
    """For CT the shown value is in Hounsfield units."""
    value_range: tuple[float, float]
    """Lowest and highest shown value that any image may have, for the full window."""
    spacing_mm: tuple[float, float] | None = None
    """Distance of rows and of columns in millimetres; None if it is not known, and then rulers say pixels."""
    right_on_left: bool = True
    """Whether the patient's right is at the left edge, so that the page may say R and L."""

    @property
    def n_bytes(self) -> int:
        """Length of every pixel file in bytes."""
        return self.width * self.height * self.depth * 2

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if self.slope <= 0:
            raise ValueError("slope must be above 0")
        if self.value_range[0] >= self.value_range[1]:
            raise ValueError("value_range must rise")
        if self.spacing_mm is not None and min(self.spacing_mm) <= 0:
            raise ValueError("spacing_mm must be above 0")
        return self


class Preset(_Strict):
    """A named window that one key chooses."""

    name: str = Field(min_length=1, max_length=40)
    key: Annotated[str, StringConstraints(pattern=r"^[a-z]$")]
    width: float = Field(gt=0)
    center: float


class Study(_Strict):
    """One reader study as its readers may know it."""

    version: Literal[1] = 1
    title: str = Field(min_length=1, max_length=200)
    consent: str = Field(min_length=1, max_length=20_000)
    """The text a reader agrees to; blank lines part paragraphs."""
    pixels: Pixels
    presets: tuple[Preset, ...] = ()
    """Windows to choose from; empty means those usual for the kind of image (``usual_presets``)."""
    left_drag: Literal["window", "scroll", "pan", "zoom"] = "window"
    """What dragging with the left button does until the reader chooses otherwise."""
    blocks: tuple[Block, ...] = Field(min_length=1)
    """Read one after the other."""
    seed: int = 0
    """Where ``orders`` has no entry, a reader's order within a block follows from seed and reader id."""
    orders: Mapping[OpaqueId, tuple[OpaqueId, ...]] = {}
    """For a reader id, all item ids (not the training items) in the order they are read."""
    back: bool = False
    """Whether an answer may be looked at and changed; every version is kept."""
    session_minutes: int = Field(default=45, ge=5, le=240)
    """Reading without a pause after which the page asks for a break."""
    display_check: Literal["record", "require"] = "record"
    """What happens when the reader cannot see both patches of the test pattern."""

    @property
    def shown_presets(self) -> tuple[Preset, ...]:
        """The presets of the page: those given, or the usual ones."""
        return self.presets or usual_presets(self.pixels)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        items = [item.id for block in self.blocks for item in (*block.training, *block.items)]
        if len(set(items)) != len(items):
            raise ValueError("an item id is given twice")
        if len({block.id for block in self.blocks}) != len(self.blocks):
            raise ValueError("a block id is given twice")
        keys = [preset.key for preset in self.presets]
        if len(set(keys)) != len(keys) or set(keys) & VIEWER_KEYS:
            raise ValueError(f"keys of presets must differ and be none of {' '.join(sorted(VIEWER_KEYS))}")
        asked = sorted(item.id for block in self.blocks for item in block.items)
        for reader, order in self.orders.items():
            if sorted(order) != asked:
                raise ValueError(f"the order of reader {reader} does not name every item once")
            places = {item.id: n for n, block in enumerate(self.blocks) for item in block.items}
            if [places[i] for i in order] != sorted(places[i] for i in order):
                raise ValueError(f"the order of reader {reader} mixes the blocks")
        return self


def usual_presets(pixels: Pixels) -> tuple[Preset, ...]:
    """Return lung, mediastinum and bone for CT stacks, the full range and two narrower ones for radiographs."""
    if pixels.depth > 1:
        return (
            Preset(name="Lung", key="l", width=1500, center=-600),
            Preset(name="Mediastinum", key="m", width=400, center=40),
            Preset(name="Bone", key="b", width=2000, center=300),
        )
    low, high = pixels.value_range
    span, middle = high - low, (low + high) / 2
    return (
        Preset(name="Full range", key="f", width=span, center=middle),
        Preset(name="Narrower", key="n", width=span * 0.6, center=middle),
        Preset(name="Lung fields", key="l", width=span * 0.5, center=low + span * 0.35),
    )


@dataclass(frozen=True)
class ServedFolder:
    """A served folder that was found in order; open one with ``ServedFolder.open``."""

    path: Path
    study: Study
    fingerprint: str
    """SHA-256 of ``study.json`` as it lies there."""
    images: frozenset[str]
    """Ids that have a pixel file."""

    @classmethod
    def open(cls, path: Path) -> ServedFolder:
        """Read and check a served folder.

        Raises:
            InputError: there is no readable study, or its pixels are missing or of another length.
            RefusedError: something lies in the folder that a server must not be able to open.
        """
        path = Path(path).resolve()
        try:
            text = (path / "study.json").read_bytes()
            study = Study.model_validate_json(text)
        except OSError as error:
            raise InputError(
                f"No study can be read in {path}", got=error, possible="A folder with study.json"
            ) from None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise InputError(f"study.json cannot be used, at '{where or 'top'}'", got=first["msg"]) from None
        _nothing_else(path, {"study.json", "pixels"})
        named = {image for block in study.blocks for item in (*block.training, *block.items) for image in item.images}
        _nothing_else(path / "pixels", {f"{image}.bin" for image in named})
        for image in sorted(named):
            _right_length(path / "pixels" / f"{image}.bin", study.pixels.n_bytes)
        return cls(path, study, hashlib.sha256(text).hexdigest(), frozenset(named))

    def pixels(self, image: str) -> bytes:
        """Return the bytes of one image; ``KeyError`` for an id the study does not name."""
        if image not in self.images:
            raise KeyError(image)
        # O_NOFOLLOW: a link swapped in after the check must not lead out of the folder.
        descriptor = os.open(self.path / "pixels" / f"{image}.bin", os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(descriptor, "rb") as file:
            return file.read()


def write_served(path: Path, study: Study, pixels: Mapping[str, bytes]) -> ServedFolder:
    """Write a served folder, in the order of the ids so that no file tells its arm by its place, and open it.

    Raises:
        InputError: as ``ServedFolder.open``.
    """
    (path / "pixels").mkdir(parents=True)
    for image in sorted(pixels):
        file = path / "pixels" / f"{image}.bin"
        file.write_bytes(pixels[image])
        os.utime(file, (0, 0))
    content = json.dumps(study.model_dump(mode="json"), indent=1, ensure_ascii=False)
    (path / "study.json").write_text(content + "\n", encoding="utf-8")
    return ServedFolder.open(path)


def _nothing_else(folder: Path, wanted: set[str]) -> None:
    try:
        present = {entry.name: entry for entry in os.scandir(folder)}
    except OSError as error:
        raise InputError(f"{folder} cannot be read", got=error) from None
    for name in sorted(set(present) - wanted):
        raise RefusedError(
            "The served folder holds something that no reader is asked about", got=name, possible="Move it"
        )
    for name, entry in present.items():
        if entry.is_symlink():
            raise RefusedError("The served folder holds a link, which may lead out of it", got=name)


def _right_length(file: Path, n_bytes: int) -> None:
    if not file.is_file():
        raise InputError("An image of the study has no pixels", got=file.name, possible=f"A file of {n_bytes} bytes")
    if file.stat().st_size != n_bytes:
        got = f"{file.name} with {file.stat().st_size}"
        raise InputError(
            "All pixel files must have the length that study.json gives", got=got, possible=f"{n_bytes} bytes"
        )


__all__ = ["Block", "Item", "OpaqueId", "Pixels", "Preset", "ServedFolder", "Study", "usual_presets", "write_served"]
