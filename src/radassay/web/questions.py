"""What a block of a study asks, and which answers fit: real or synthetic, which is real, diagnosis, plausibility."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from radassay.errors import InputError

OpaqueId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16,64}$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=80)]

REALNESS = (
    "definitely synthetic",
    "probably synthetic",
    "possibly synthetic",
    "possibly real",
    "probably real",
    "definitely real",
)
"""The six levels of question A; an answer is 1 to 6 in this order."""
CERTAINTY = ("guessing", "unsure", "fairly sure", "sure", "certain")
"""The levels of confidence in a diagnosis; an answer is 1 to 5 in this order."""
PLAUSIBILITY = ("implausible", "doubtful", "plausible")
"""The levels of question D; an answer is 1 to 3, and 1 and 2 name the place."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Item(_Strict):
    """One thing to judge: an image, or two or four to choose from."""

    id: OpaqueId
    images: tuple[OpaqueId, ...] = Field(min_length=1, max_length=4)
    feedback: str | None = Field(default=None, max_length=1000)
    """Shown once a training item is answered; refused on any other item."""


class Block(_Strict):
    """Items that are asked the same question."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,40}$")]
    kind: Literal["realness", "choice", "diagnosis", "plausibility"]
    """A realness, B choice (which is real), C diagnosis, D plausibility of structures."""
    question: str = Field(min_length=1, max_length=500)
    options: tuple[Words, ...] = Field(default=(), max_length=9)
    """Diagnoses to choose from (C) or structures to judge (D); empty for A and B."""
    training: tuple[Item, ...] = ()
    """Read first, disjoint from ``items``; feedback is allowed here and nowhere else."""
    items: tuple[Item, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        numbers = {len(item.images) for item in (*self.training, *self.items)}
        if self.kind == "choice" and numbers not in ({2}, {4}):
            raise ValueError("a choice is among 2 or among 4 images, the same for every item of the block")
        if self.kind != "choice" and numbers != {1}:
            raise ValueError(f"an item of kind {self.kind} has one image")
        if self.kind in ("diagnosis", "plausibility") and len(set(self.options)) != max(len(self.options), 1):
            raise ValueError(f"a block of kind {self.kind} needs different options")
        if self.kind in ("realness", "choice") and self.options:
            raise ValueError(f"a block of kind {self.kind} has no options")
        if any(item.feedback is not None for item in self.items):
            raise ValueError("feedback is for training items only")
        trained = {image for item in self.training for image in item.images}
        if trained & {image for item in self.items for image in item.images}:
            raise ValueError("an image of the training is asked again in the study")
        return self


class Realness(_Strict):
    """Answer to A."""

    level: int = Field(ge=1, le=6)


class Choice(_Strict):
    """Answer to B: the image that was held to be real, not its place on the page."""

    image: OpaqueId


class Diagnosis(_Strict):
    """Answer to C."""

    option: str
    certainty: int = Field(ge=1, le=5)


class Rated(_Strict):
    """One structure of D; the place is column, row, slice in pixels."""

    level: int = Field(ge=1, le=3)
    place: tuple[int, int, int] | None = None

    @model_validator(mode="after")
    def _placed(self) -> Self:
        if self.level < 3 and self.place is None:
            raise ValueError("a structure that is not plausible needs the place")
        return self


class Plausibility(_Strict):
    """Answer to D."""

    structures: dict[str, Rated]


class CannotJudge(_Strict):
    """The answer that fits every question."""

    cannot_judge: Literal[True]
    reason: str = Field(default="", max_length=500)


_ANSWERS: dict[str, type[BaseModel]] = {
    "realness": Realness,
    "choice": Choice,
    "diagnosis": Diagnosis,
    "plausibility": Plausibility,
}


def inside(place: tuple[int, int, int], shape: tuple[int, int, int]) -> bool:
    """Return whether a place lies within an image.

    Args:
        place: column, row and slice, each from 0.
        shape: numbers of columns, rows and slices.
    """
    return all(0 <= at < n for at, n in zip(place, shape, strict=True))


def fitting(block: Block, item: Item, value: object, shape: tuple[int, int, int]) -> dict[str, Any]:
    """Return an answer as it is kept.

    Args:
        block: what was asked.
        item: about what.
        value: the decoded JSON of the answer.
        shape: columns, rows, slices of the image, within which a place must lie.

    Raises:
        InputError: the answer does not fit the question.
    """
    cannot = isinstance(value, dict) and "cannot_judge" in value
    try:
        answer = (CannotJudge if cannot else _ANSWERS[block.kind]).model_validate(value)
    except ValidationError as error:
        raise InputError("The answer does not fit the question", got=error.errors()[0]["msg"]) from None
    if isinstance(answer, Choice) and answer.image not in item.images:
        raise InputError("The chosen image was not shown")
    if isinstance(answer, Diagnosis) and answer.option not in block.options:
        raise InputError("No such diagnosis", got=answer.option, possible=", ".join(block.options))
    if isinstance(answer, Plausibility):
        if set(answer.structures) != set(block.options):
            raise InputError("Every structure needs a judgement", possible=", ".join(block.options))
        for rated in answer.structures.values():
            if rated.place and not inside(rated.place, shape):
                raise InputError("The place lies outside the image", got=rated.place)
    return answer.model_dump(mode="json")
