"""From two image sets and a plan: what a server may open, as plain values, and the key that it may not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radassay.images.imageset import ImageSet
from radassay.reading.draw import Slot, common_labels, drawn, held_out, size_of
from radassay.reading.key import REAL, SYNTHETIC, Key, KeyImage, KeyItem
from radassay.reading.pipeline import Shown, Stack, served
from radassay.reading.plan import QUESTIONS, ReadingPlan


@dataclass(frozen=True)
class Pack:
    """A reader study ready to be written."""

    study: dict[str, Any]
    """Content of `study.json` as plain JSON values; nothing in it depends on the arm but the told training."""
    pixels: dict[str, bytes]
    """Unsigned 16-bit little-endian pixels by opaque id, all of one length."""
    key: Key
    labels: tuple[str, ...]
    stack: Stack
    """(n, size, size) the pixels of all cases as they are served, for the leak test."""
    synthetic: NDArray[np.bool_]
    """(n,) which of them are synthetic."""
    patients: NDArray[np.str_]
    """(n,) independent unit of each of them."""


def pack(plan: ReadingPlan, real: ImageSet, synthetic: ImageSet) -> Pack:
    """Draw cases and return the study; the same plan and sets give the same study, byte for byte.

    Args:
        plan: what is asked.
        real: images acquired from patients, with splits.
        synthetic: generated images.

    Raises:
        InputError: too few images, or a class that an arm lacks.
        RefusedError: the real arm is not real, or an image lies in both arms.
    """
    sets = {REAL: held_out(real, plan), SYNTHETIC: synthetic}
    labels = common_labels(sets[REAL], synthetic, plan)
    rng = np.random.default_rng(np.random.SeedSequence([plan.seed, int(plan.hash[:15], 16)]))
    slots = drawn(sets, labels, plan, rng)
    size = size_of(sets, plan)
    shown = [one for slot in slots for one in slot.shown]
    stack = served(sets, shown, plan, size)
    made = _Ids(sets, plan, rng)
    for slot in slots:
        start = len(made.content)
        made.add(slot, stack[start : start + len(slot.shown)])
    made.add_repeats()
    cases = np.array([slot.role == "case" for slot in slots for _ in slot.shown])
    tested = [one for one, case in zip(shown, cases, strict=True) if case]
    return Pack(
        study=_study(plan, labels, size, made.items, made.by_id, rng),
        pixels=made.pixels,
        key=Key(plan.hash, tuple(sorted(made.images, key=lambda i: i.id)), tuple(sorted(made.items, key=_id))),
        labels=labels,
        stack=stack[cases],
        synthetic=np.array([one.arm == SYNTHETIC for one in tested]),
        patients=np.array([f"{one.arm}:{sets[one.arm].units[one.row]}" for one in tested]),
    )


def _id(item: KeyItem) -> str:
    return item.id


class _Ids:
    """Gives random ids to images and items, and remembers which is which."""

    def __init__(self, sets: dict[str, ImageSet], plan: ReadingPlan, rng: np.random.Generator) -> None:
        self._plan, self._rng = plan, rng
        self._units = {arm: images.units for arm, images in sets.items()}
        self._names = {arm: images.table["image"].to_numpy(dtype=str) for arm, images in sets.items()}
        self.content: list[str] = []
        self.images: list[KeyImage] = []
        self.items: list[KeyItem] = []
        self.pixels: dict[str, bytes] = {}

    @property
    def by_id(self) -> dict[str, KeyImage]:
        return {image.id: image for image in self.images}

    def _new(self) -> str:
        return self._rng.bytes(16).hex()

    def add(self, slot: Slot, pictures: Stack) -> None:
        ids = [self._image(slot, one, picture) for one, picture in zip(slot.shown, pictures, strict=True)]
        self.content += ids
        self.items.append(KeyItem(self._new(), slot.question, slot.label, tuple(sorted(ids)), slot.role))

    def _image(self, slot: Slot, one: Shown, picture: Stack) -> str:
        name = self._new()
        self.pixels[name] = picture.astype("<u2").tobytes()
        unit = f"{one.arm}:{self._units[one.arm][one.row]}"
        self.images.append(
            KeyImage(name, one.arm, slot.label, str(self._names[one.arm][one.row]), unit, bool(one.broken))
        )
        return name

    def add_repeats(self) -> None:
        """Show some cases of every question again: new ids, the same pixels."""
        for question in self._plan.ordered:
            cases = [item for item in self.items if item.block == question and item.role == "case"]
            for n in self._rng.permutation(len(cases))[: self._plan.n_repeats(len(cases))]:
                again = []
                for old in cases[n].images:
                    known, name = self.by_id[old], self._new()
                    self.pixels[name] = self.pixels[old]
                    fields = (known.arm, known.label, known.image, known.patient, known.broken)
                    self.images.append(KeyImage(name, *fields))
                    again.append(name)
                item = KeyItem(self._new(), question, cases[n].label, tuple(sorted(again)), "repeat", cases[n].id)
                self.items.append(item)


def _study(
    plan: ReadingPlan,
    labels: tuple[str, ...],
    size: int,
    items: Sequence[KeyItem],
    images: dict[str, KeyImage],
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Return what readers and server may know; items lie in the order of their random ids."""
    blocks = []
    for question in plan.ordered:
        mine = sorted((item for item in items if item.block == question), key=_id)
        training = [{**_asked(i), "feedback": _told(i, images)} for i in mine if i.role == "training"]
        blocks.append(
            {
                "id": question,
                "kind": question,
                "question": QUESTIONS[question],
                "options": list({"diagnosis": labels, "plausibility": plan.structures}.get(question, ())),
                "training": training,
                "items": [_asked(item) for item in mine if item.role != "training"],
            }
        )
    return {
        "version": 1,
        "title": plan.title,
        "consent": plan.consent,
        "pixels": {
            "width": size,
            "height": size,
            "depth": 1,
            "slope": 255 / 65535,
            "intercept": 0.0,
            "value_range": [0.0, 255.0],
            "right_on_left": plan.right_on_left,
        },
        "blocks": blocks,
        "orders": {rng.bytes(16).hex(): _order(plan, items, rng) for _ in range(plan.readers)},
    }


def _asked(item: KeyItem) -> dict[str, Any]:
    return {"id": item.id, "images": list(item.images)}


def _told(item: KeyItem, images: dict[str, KeyImage]) -> str:
    if item.block == "diagnosis":
        return f"On record: {item.label}."
    return f"This image is {images[item.images[0]].arm}."


def _order(plan: ReadingPlan, items: Sequence[KeyItem], rng: np.random.Generator) -> list[str]:
    """Return one reader's order: question by question, and class by class where the class is not what is asked."""
    order: list[str] = []
    for question in plan.ordered:
        groups: dict[str, list[KeyItem]] = defaultdict(list)
        for item in items:
            if item.block == question and item.role != "training":
                groups["" if question == "diagnosis" else item.label].append(item)
        names = sorted(groups)
        for n in rng.permutation(len(names)):
            order += _far_apart(groups[names[n]], rng)
    return order


def _far_apart(items: Sequence[KeyItem], rng: np.random.Generator) -> list[str]:
    """Return ids in random order, with cases that come again in the first third and their repeats in the last."""
    repeats = {item.id: item.repeats for item in items if item.role == "repeat"}
    early, late = set(repeats.values()), set(repeats)
    rest = [item.id for item in items if item.id not in early | late]
    mixed = [rest[n] for n in rng.permutation(len(rest))]
    third = -(-len(items) // 3)
    first, last = max(0, third - len(early)), max(0, third - len(late))
    parts = (sorted(early) + mixed[:first], mixed[first : len(mixed) - last], mixed[max(first, len(mixed) - last) :])
    parts = (parts[0], parts[1] if first < len(mixed) - last else [], parts[2] + sorted(late))
    return [part[n] for part in parts for n in rng.permutation(len(part))]
