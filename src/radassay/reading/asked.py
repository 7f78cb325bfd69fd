"""What each reader is asked, in order, as plain values: what is taken to a viewer of the reader's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["realness", "choice", "diagnosis", "plausibility"]
LETTERS = "ABCD"
"""Names of the images of a choice, in the order in which they stand on this reader's page."""


@dataclass(frozen=True)
class Asked:
    """One item at its place in a reader's list."""

    number: int
    """Place in the list, from 1."""
    item: str
    """Opaque id."""
    images: tuple[str, ...]
    """Opaque ids of its images, in the order in which this reader is shown them."""
    block: str
    kind: Kind
    question: str
    options: tuple[str, ...] = ()
    """Diagnoses to choose from, or structures to judge."""
    scale: tuple[str, ...] = ()
    """Words of the levels, of which the lowest is 1; empty for a choice."""
    feedback: str | None = None
    """What is told once a training item is answered; None for all others."""

    @property
    def letters(self) -> str:
        """Return the letters of its images."""
        return LETTERS[: len(self.images)]


@dataclass(frozen=True)
class ReaderList:
    """All that one reader is asked."""

    reader: str
    """Opaque id."""
    asked: tuple[Asked, ...]

    def digits(self, number: int) -> str:
        """Return the number of an item with leading zeros, of one length for all items."""
        return f"{number:0{max(3, len(str(len(self.asked))))}d}"


@dataclass(frozen=True)
class Window:
    """A named grey-value window, in shown values."""

    name: str
    width: float
    center: float


@dataclass(frozen=True)
class PixelFormat:
    """What holds for the pixels of every image of a study; see `radassay.web.served.Pixels`."""

    width: int
    height: int
    depth: int
    """Slices; 1 for a radiograph."""
    slope: float
    intercept: float
    """Shown value = stored value x slope + intercept."""
    spacing_mm: tuple[float, float] | None
    """Distance of rows and of columns."""
    right_on_left: bool
    """Whether the patient's right is known to be at the left edge."""
    modality: str
    """As image sets name it, such as `X-ray` or `CT`; empty where it is not known."""
    hu: bool
    """Whether shown values are Hounsfield units."""
    windows: tuple[Window, ...]
    """The first is the one that viewers open with."""
