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

from radassay.web.book import Book, Person
from radassay.web.guard import Refusal
from radassay.web.served import Study
from radassay.web.session import COOKIE, Door, read_json
from radassay.web.tokens import form_token

COLUMNS = ("reader", "block", "item", "version", "at", "answer_id", "value", "seen")


class Coordination:
    """The addresses of the coordinator's page.

    Args:
        study: what is read.
        book: the records.
        door: who is asking.
    """

    def __init__(self, study: Study, book: Book, door: Door) -> None:
        self._study, self._book = study, book
        self.routes = [
            Route("/api/coordinator/progress", door.only("coordinator", self._tell_progress)),
            Route("/api/coordinator/hold", door.only("coordinator", self._hold), methods=["POST"]),
            Route("/api/coordinator/answers.csv", door.only("coordinator", self._export)),
        ]

    async def _tell_progress(self, request: Request, person: Person) -> Response:
        rows = await run_in_threadpool(self._progress)
        paused = await run_in_threadpool(self._book.paused)
        form = form_token(request.cookies[COOKIE])
        return JSONResponse({"title": self._study.title, "paused": paused, "readers": rows, "form": form})

    def _progress(self) -> list[dict[str, Any]]:
        total = sum(len(block.training) + len(block.items) for block in self._study.blocks)
        rows = []
        for reader in self._book.reader_ids():
            answered, happened = self._book.answered(reader), self._book.happened(reader)
            rows.append(
                {
                    "reader": reader,
                    "answered": len(answered),
                    "total": total,
                    "last": max(answered.values(), default=None),
                    "consented": "consent" in happened,
                    "withdrawn": "withdrawn" in happened,
                }
            )
        return rows

    async def _hold(self, request: Request, person: Person) -> Response:
        paused = (await read_json(request)).get("paused")
        if not isinstance(paused, bool):
            raise Refusal(422, "bad-request", "Say whether the study is paused.", "true or false")
        await run_in_threadpool(self._book.note, person.id, "paused" if paused else "resumed")
        return JSONResponse({"paused": paused})

    async def _export(self, request: Request, person: Person) -> Response:
        content = await run_in_threadpool(answers_csv, self._book)
        await run_in_threadpool(self._book.note, person.id, "exported")
        headers = {"Content-Disposition": 'attachment; filename="answers.csv"'}
        return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


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
