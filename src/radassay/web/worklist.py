"""What a reader reads next: a pure function of the study, the reader's id and what is answered."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from radassay.web.questions import Block, Item
from radassay.web.served import Study

PAUSE = timedelta(minutes=10)
"""Not answering for this long is a break."""


@dataclass(frozen=True)
class Task:
    """An item at its place in a reader's list."""

    block: Block
    item: Item
    training: bool


def _draw(*parts: object) -> str:
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()


def worklist(study: Study, reader: str) -> list[Task]:
    """Return all of a reader's tasks in order: block by block, the training items first, in the order given there."""
    place = {item: n for n, item in enumerate(study.orders.get(reader, ()))}
    tasks: list[Task] = []
    for block in study.blocks:
        tasks += [Task(block, item, True) for item in block.training]
        drawn = {item.id: _draw(study.seed, reader, item.id) for item in block.items}
        ordered = sorted(block.items, key=lambda item: (place.get(item.id, 0), drawn[item.id]))
        tasks += [Task(block, item, False) for item in ordered]
    return tasks


def shown_images(study: Study, reader: str, item: Item) -> list[str]:
    """Return the images of an item as they stand on this reader's page; the place follows from chance alone."""
    return sorted(item.images, key=lambda image: _draw(study.seed, reader, item.id, image))


def ahead(study: Study) -> int:
    """How many tasks beyond the present one a page may load, so that a short loss of the network is not felt."""
    return 3 if study.pixels.depth == 1 else 1


def break_due(study: Study, answered_at: list[str], now: str) -> bool:
    """Whether a reader has read for the session's length without a break."""
    last = datetime.fromisoformat(now)
    began = last
    for moment in sorted(map(datetime.fromisoformat, answered_at), reverse=True):
        if began - moment > PAUSE:
            break
        began = moment
    return last - began > timedelta(minutes=study.session_minutes)
