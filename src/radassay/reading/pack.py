"""From two image sets and a plan: what a server may open, as plain values, and the key that it may not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radassay.evidence.finding import Finding
from radassay.images.imageset import ImageSet
from radassay.reading.answers import shown_cautions
from radassay.reading.copies import ServedPixels
from radassay.reading.draw import Slot, common_labels, drawn, readable, size_of
from radassay.reading.key import REAL, SYNTHETIC, Key, KeyImage, KeyItem
from radassay.reading.leak import leaks
from radassay.reading.pipeline import Pipeline, Shown, scale_of
from radassay.reading.plan import QUESTIONS, ReadingPlan
from radassay.reading.stacks import cut_of

CT_WINDOWS = (("Lung", "l", 1500, -600), ("Mediastinum", "m", 400, 40), ("Bone", "b", 2000, 300))
"""Name, key, width and centre of the windows of single CT slices; stacks have them anyway."""
GREY_WINDOWS = (("Full range", "f", 255, 127.5), ("Narrower", "n", 153, 127.5))
"""Those of stacks that are not in Hounsfield units."""


@dataclass(frozen=True)
class Pack:
    """A reader study ready to be written."""

    plan: ReadingPlan
    """The plan with what the images settled: modality, side in pixels, slices and their distance, Hounsfield units."""
    study: dict[str, Any]
    """Content of `study.json` as plain JSON values; nothing in it depends on the arm but the told training."""
    pixels: ServedPixels
    """Pixels by opaque id, made when asked for."""
    key: Key
    labels: tuple[str, ...]
    cases: tuple[str, ...]
    """(n,) ids of the images of all cases, which the leak test looks at."""
    synthetic: NDArray[np.bool_]
    """(n,) which of them are synthetic."""
    patients: NDArray[np.str_]
    """(n,) independent unit of each of them."""

    def leaks(self, rng: np.random.Generator) -> list[Finding]:
        """Return the leak test of the cases' pixels as they are served, one image in memory at a time."""
        stacks = self.pixels.stacks(self.cases)
        return leaks(stacks, self.synthetic, self.patients, rng, step=self.pixels.scale.step)

    @property
    def facts(self) -> list[Finding]:
        """Return what is shown: side in pixels and, of stacks, the number of slices."""
        about = self.study["pixels"]
        details = {"spacing_mm": about["spacing_mm"], "value_range": about["value_range"]}
        fields: dict[str, Any] = {"check": "reading", "n_images": len(self.cases), "method": "count, exact"}
        side = Finding(
            name="shown_side",
            value=float(self.plan.size),
            unit="pixels",
            reason="; ".join(shown_cautions(self.plan)),
            details=details,
            **fields,
        )
        if self.plan.slices == 1:
            return [side]
        apart = {"apart_mm": self.plan.slice_mm}
        return [
            side,
            Finding(name="n_slices", value=float(self.plan.slices), unit="slices", details=apart, **fields),
        ]


def pack(plan: ReadingPlan, real: ImageSet, synthetic: ImageSet) -> Pack:
    """Draw cases and return the study; the same plan and sets give the same study, byte for byte.

    The plan that comes back holds what was settled from the images, and gives the same study again.

    Args:
        plan: what is asked.
        real: images acquired from patients, with splits.
        synthetic: generated images.

    Raises:
        InputError: too few images, a class that an arm lacks, several modalities, or stacks that an arm cannot give.
        RefusedError: the real arm is not real, or an image lies in both arms.
    """
    sets, modality = readable(real, synthetic, plan)
    labels = common_labels(sets[REAL], sets[SYNTHETIC], plan)
    rng = np.random.default_rng(np.random.SeedSequence([plan.seed, int(plan.draw[:15], 16)]))
    cut = cut_of(sets, plan)
    slots = drawn(sets, labels, plan, cut, rng)
    shown = [one for slot in slots for one in slot.shown]
    scale = scale_of(sets, shown, plan)
    kept = (scale.low, scale.high) if scale.hu else ()
    side = size_of(sets, plan)
    plan = replace(plan, modality=modality, size=side, slices=cut.slices, slice_mm=cut.apart_mm, hu=kept)
    made = _Ids(sets, plan, rng)
    for slot in slots:
        made.add(slot)
    made.add_repeats()
    pipeline = Pipeline.of(sets, plan, scale, shown)
    cases = [(i, one) for slot, ids in zip(slots, made.by_slot, strict=True) if slot.role == "case"
             for i, one in zip(ids, slot.shown, strict=True)]  # fmt: skip
    return Pack(
        plan=plan,
        study=_study(plan, labels, _pixels(pipeline, shown), _presets(plan, hu=scale.hu), made.items, made.by_id, rng),
        pixels=ServedPixels(pipeline, made.shown, plan.seed),
        key=Key(plan.hash, tuple(sorted(made.images, key=lambda i: i.id)), tuple(sorted(made.items, key=_id))),
        labels=labels,
        cases=tuple(i for i, _ in cases),
        synthetic=np.array([one.arm == SYNTHETIC for _, one in cases]),
        patients=np.array([f"{one.arm}:{sets[one.arm].units[one.rows[0]]}" for _, one in cases]),
    )


def _id(item: KeyItem) -> str:
    return item.id


class _Ids:
    """Gives random ids to images and items, and remembers which is which."""

    def __init__(self, sets: dict[str, ImageSet], plan: ReadingPlan, rng: np.random.Generator) -> None:
        self._plan, self._rng = plan, rng
        self._units = {arm: images.units for arm, images in sets.items()}
        self._names = {arm: images.table["image"].to_numpy(dtype=str) for arm, images in sets.items()}
        self.by_slot: list[tuple[str, ...]] = []
        self.images: list[KeyImage] = []
        self.items: list[KeyItem] = []
        self.shown: dict[str, Shown] = {}

    @property
    def by_id(self) -> dict[str, KeyImage]:
        return {image.id: image for image in self.images}

    def _new(self) -> str:
        return self._rng.bytes(16).hex()

    def add(self, slot: Slot) -> None:
        ids = tuple(self._image(slot, one) for one in slot.shown)
        self.by_slot.append(ids)
        self.items.append(KeyItem(self._new(), slot.question, slot.label, tuple(sorted(ids)), slot.role))

    def _image(self, slot: Slot, one: Shown) -> str:
        name = self._new()
        self.shown[name] = one
        unit = f"{one.arm}:{self._units[one.arm][one.rows[0]]}"
        middle = str(self._names[one.arm][one.rows[len(one.rows) // 2]])
        self.images.append(KeyImage(name, one.arm, slot.label, middle, unit, bool(one.broken)))
        return name

    def add_repeats(self) -> None:
        """Show some cases of every question again: new ids, the same pixels but for the dither."""
        for question in self._plan.ordered:
            cases = [item for item in self.items if item.block == question and item.role == "case"]
            for n in self._rng.permutation(len(cases))[: self._plan.n_repeats(len(cases))]:
                again = []
                for old in cases[n].images:
                    known, name = self.by_id[old], self._new()
                    self.shown[name] = self.shown[old]
                    fields = (known.arm, known.label, known.image, known.patient, known.broken)
                    self.images.append(KeyImage(name, *fields))
                    again.append(name)
                item = KeyItem(self._new(), question, cases[n].label, tuple(sorted(again)), "repeat", cases[n].id)
                self.items.append(item)


def _study(
    plan: ReadingPlan,
    labels: tuple[str, ...],
    pixels: dict[str, Any],
    presets: list[dict[str, Any]],
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
        "pixels": pixels,
        "presets": presets,
        "blocks": blocks,
        "orders": {rng.bytes(16).hex(): _order(plan, items, rng) for _ in range(plan.readers)},
    }


def _pixels(pipeline: Pipeline, shown: Sequence[Shown]) -> dict[str, Any]:
    """Return what holds for the pixels of every image."""
    plan, scale = pipeline.plan, pipeline.scale
    return {
        "width": plan.size,
        "height": plan.size,
        "depth": plan.slices,
        "slope": scale.slope,
        "intercept": scale.low,
        "value_range": [scale.low, scale.high],
        "spacing_mm": None if (mm := pipeline.spacing_mm(shown)) is None else [mm, mm],
        "right_on_left": plan.right_on_left,
    }


def _presets(plan: ReadingPlan, *, hu: bool) -> list[dict[str, Any]]:
    """Return the windows that the page would not choose itself: it takes stacks, and stacks alone, for CT."""
    if hu == (plan.slices > 1):
        return []
    windows = CT_WINDOWS if hu else GREY_WINDOWS
    return [dict(zip(("name", "key", "width", "center"), window, strict=True)) for window in windows]


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
