"""What the pages of the coordinator's desk ask: the studies, a new one, links, progress, a pause, answers as CSV.

Pages name studies, sets and checks by opaque ids that the server gave out; nothing they send becomes a path. Image sets
and keys are opened by the ``Maker``, in another process; what it returns is all that is known of them here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from radassay.web.book import Book, Person
from radassay.web.coordination import export, hold
from radassay.web.guard import Refusal
from radassay.web.making import Job, Maker, Tell
from radassay.web.servers import Servers
from radassay.web.serving import Link, invite, readmit, revoke
from radassay.web.session import Door, read_json
from radassay.web.shelf import Shelf, Shelved

LONGEST_DAYS = 366.0

StudyHandler = Callable[[Request, Person, Shelved], Awaitable[Response]]


class Desk:
    """The addresses of the coordinator's desk.

    Args:
        shelf: the studies.
        servers: their readers' servers.
        maker: makes further ones.
        door: who is asking.
    """

    def __init__(self, shelf: Shelf, servers: Servers, maker: Maker, door: Door) -> None:
        self._shelf, self._servers, self._maker, self._door = shelf, servers, maker, door
        self._job = Job()
        self._described: dict[str, Any] | None = None

        def route(address: str, handler: Callable[[Request, Person], Awaitable[Response]], method: str) -> Route:
            return Route(f"/api/desk{address}", door.only("coordinator", handler), methods=[method])

        self.routes = [
            route("/studies", self._tell_studies, "GET"),
            route("/form", self._tell_form, "GET"),
            route("/job", self._tell_job, "GET"),
            route("/job/stop", self._stop_job, "POST"),
            route("/check", self._check, "POST"),
            route("/make", self._make, "POST"),
            route("/studies/{study}", self._on_study(self._tell_study), "GET"),
            route("/studies/{study}/links", self._on_study(self._make_links), "POST"),
            route("/studies/{study}/renew", self._on_study(self._renew), "POST"),
            route("/studies/{study}/revoke", self._on_study(self._revoke), "POST"),
            route("/studies/{study}/hold", self._on_study(self._hold), "POST"),
            route("/studies/{study}/answers.csv", self._on_study(self._export), "GET"),
        ]

    def _on_study(self, handler: StudyHandler) -> Callable[[Request, Person], Awaitable[Response]]:
        async def found(request: Request, person: Person) -> Response:
            try:
                study = await run_in_threadpool(self._shelf.find, request.path_params["study"])
            except KeyError:
                raise Refusal(404, "not-found", "There is no such study.", "Go back to the list of studies") from None
            return await handler(request, person, study)

        return found

    async def _tell_studies(self, request: Request, person: Person) -> Response:
        studies = await run_in_threadpool(self._shelf.tell)
        return JSONResponse({"form": self._door.form(request), "studies": studies, "job": self._job.tell()})

    async def _tell_form(self, request: Request, person: Person) -> Response:
        if self._described is None or "again" in request.query_params:
            self._described = await run_in_threadpool(self._maker.describe)
        return JSONResponse({**self._described, "form": self._door.form(request)})

    async def _tell_job(self, request: Request, person: Person) -> Response:
        return JSONResponse(self._job.tell())

    async def _stop_job(self, request: Request, person: Person) -> Response:
        await run_in_threadpool(self._maker.stop)
        return JSONResponse(self._job.tell())

    async def _check(self, request: Request, person: Person) -> Response:
        settings = (await read_json(request)).get("settings")
        if not isinstance(settings, dict):
            raise Refusal(422, "bad-request", "The settings of the study are missing.", "Fill in the form")
        return self._begin("check", lambda tell: self._maker.check(settings, tell))

    async def _make(self, request: Request, person: Person) -> Response:
        check = (await read_json(request)).get("check")
        if not isinstance(check, str):
            raise Refusal(422, "bad-request", "Say which check the study is made from.", "Check it first")
        return self._begin("make", lambda tell: self._write(check, tell))

    def _write(self, check: str, tell: Tell) -> dict[str, Any]:
        told = self._maker.make(check, self._shelf.new_folder, tell)
        ids = {name: study for study, name in self._shelf.names().items()}
        return {**told, "study": ids[told["folder"]]}

    def _begin(self, kind: str, work: Callable[[Tell], dict[str, Any]]) -> Response:
        if not self._job.start(kind, work):
            raise Refusal(409, "busy", "Another check or study is being worked on.", "Wait for its end, or stop it")
        return JSONResponse(self._job.tell(), status_code=202)

    async def _tell_study(self, request: Request, person: Person, study: Shelved) -> Response:
        told = await run_in_threadpool(study.tell)
        told |= {"form": self._door.form(request), "problem": self._servers.problem(study)}
        return JSONResponse(told | {"served": self._servers.runs(study)})

    async def _make_links(self, request: Request, person: Person, study: Shelved) -> Response:
        body = await read_json(request)
        number, days = _number(body, "number", 1, 1000), _number(body, "days", 0.01, LONGEST_DAYS)

        def admit() -> list[Link]:
            address = self._servers.link(study)
            return invite(study.served, study.opened(), int(number), address=address, days=days)

        return await self._links(study, admit)

    async def _renew(self, request: Request, person: Person, study: Shelved) -> Response:
        body = await read_json(request)
        days = _number(body, "days", 0.01, LONGEST_DAYS)

        book = await self._begun(study)

        def admit() -> list[Link]:
            address = self._servers.link(study)
            return [readmit(book, _reader(body), address=address, days=days)]

        return await self._links(study, admit)

    async def _links(self, study: Shelved, admit: Callable[[], list[Link]]) -> Response:
        links = await run_in_threadpool(admit)
        await run_in_threadpool(self._servers.start, study)
        return JSONResponse({"links": [dataclasses.asdict(link) for link in links]})

    async def _revoke(self, request: Request, person: Person, study: Shelved) -> Response:
        reader = _reader(await read_json(request))
        await run_in_threadpool(revoke, await self._begun(study), reader)
        return JSONResponse({"revoked": reader})

    async def _hold(self, request: Request, person: Person, study: Shelved) -> Response:
        return await hold(request, await self._begun(study), person)

    async def _export(self, request: Request, person: Person, study: Shelved) -> Response:
        return await export(await self._begun(study), person)

    async def _begun(self, study: Shelved) -> Book:
        book = await run_in_threadpool(study.book)
        if book is None:
            raise Refusal(409, "not-begun", "Nobody can read this study yet.", "Make links for its readers first")
        return book


def _reader(body: Mapping[str, Any]) -> str:
    reader = body.get("reader")
    if not isinstance(reader, str):
        raise Refusal(422, "bad-request", "Say which reader.")
    return reader


def _number(body: Mapping[str, Any], name: str, low: float, high: float) -> float:
    value = body.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
        raise Refusal(422, "bad-request", f"{name} must be a number.", f"From {low:g} to {high:g}")
    return float(value)
