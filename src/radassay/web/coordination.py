"""What the coordinator's page asks: progress per reader, a pause, the answers as CSV; nothing about arms."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from radassay.web.book import Book, Person, now
from radassay.web.guard import Refusal
from radassay.web.served import Study
from radassay.web.session import Door, read_json

COLUMNS = ("reader", "block", "item", "version", "at", "answer_id", "value", "seen")


class Coordination:
    """The addresses of the coordinator's page.

    Args:
        study: what is read.
        book: the records.
        door: who is asking.
    """

    def __init__(self, study: Study, book: Book, door: Door) -> None:
        self._study, self._book, self._door = study, book, door
        self.routes = [
            Route("/api/coordinator/progress", door.only("coordinator", self._tell_progress)),
            Route("/api/coordinator/hold", door.only("coordinator", self._hold), methods=["POST"]),
            Route("/api/coordinator/answers.csv", door.only("coordinator", self._export)),
        ]

    async def _tell_progress(self, request: Request, person: Person) -> Response:
        rows = await run_in_threadpool(progress, self._study, self._book)
        paused = await run_in_threadpool(self._book.paused)
        told = {"title": self._study.title, "paused": paused, "readers": rows, "form": self._door.form(request)}
        return JSONResponse(told)

    async def _hold(self, request: Request, person: Person) -> Response:
        return await hold(request, self._book, person)

    async def _export(self, request: Request, person: Person) -> Response:
        return await export(self._book, person)


async def hold(request: Request, book: Book, person: Person) -> Response:
    """Pause or resume a study as the body of a request says, and write down who did."""
    paused = (await read_json(request)).get("paused")
    if not isinstance(paused, bool):
        raise Refusal(422, "bad-request", "Say whether the study is paused.", "true or false")
    await run_in_threadpool(book.note, person.id, "paused" if paused else "resumed")
    return JSONResponse({"paused": paused})


async def export(book: Book, person: Person) -> Response:
    """Answer with all answers as a CSV file, and write down who took it."""
    content = await run_in_threadpool(answers_csv, book)
    await run_in_threadpool(book.note, person.id, "exported")
    headers = {"Content-Disposition": 'attachment; filename="answers.csv"'}
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


def progress(study: Study, book: Book) -> list[dict[str, Any]]:
    """Return for every reader how many items are answered, of how many, and when last seen; nothing of the answers.

    Readers are numbered as the study lists them.
    """
    total = sum(len(block.training) + len(block.items) for block in study.blocks)
    ends = book.links_end()
    numbers = {reader: n + 1 for n, reader in enumerate(sorted({*study.orders, *ends}))}
    rows = []
    for reader in sorted(ends):
        standing = book.standing(reader)
        answered, happened = standing.answered, standing.happened
        rows.append(
            {
                "reader": reader,
                "number": numbers[reader],
                "answered": len(answered),
                "total": total,
                "seen": max([*answered.values(), *happened.values()], default=None),
                "consented": "consent" in happened,
                "withdrawn": "withdrawn" in happened,
                "link_ends": ends[reader],
                "link_valid": ends[reader] > now(),
            }
        )
    return rows


def answers_csv(book: Book) -> str:
    """Return all answers, a row for every version; withdrawn readers are left out. Ids are the opaque ones.

    ``value`` and ``seen`` are JSON. The order of rows is reader, time, version.
    """
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(COLUMNS)
    for a in book.answers():
        value, seen = (json.dumps(part, sort_keys=True, ensure_ascii=False) for part in (a.value, a.seen))
        rows.writerow([a.reader, a.block, a.item, a.version, a.at, a.id, value, seen])
    return out.getvalue()
