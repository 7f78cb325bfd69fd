"""The server as one ASGI application: pages, the reader's desk, the coordinator's desk, behind the guard."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib.resources import files

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from radassay.errors import RadassayError
from radassay.web.book import Book
from radassay.web.coordination import Coordination
from radassay.web.guard import Guard, Refusal, answer_http, answer_refusal, answer_user_error
from radassay.web.reading_desk import ReadingDesk
from radassay.web.served import ServedFolder
from radassay.web.session import Door

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
}
PAGES = {"/": "reader.html", "/coordinator": "coordinator.html"}
_STATIC = files("radassay.web") / "static"


def create(folder: ServedFolder, book: Book, hosts: frozenset[str], *, tls: bool = False) -> ASGIApp:
    """Return the application of one study.

    Args:
        folder: the only folder it opens.
        book: where answers are kept.
        hosts: the names it answers under, without port.
        tls: whether it is reached over TLS.
    """
    door = Door(book, tls, hashlib.sha256(f"cookie|{folder.fingerprint}".encode()).hexdigest()[:12])
    routes = [*ReadingDesk(folder, book, door).routes, *Coordination(folder.study, book, door).routes]
    return dressed(PAGES, door, routes, hosts, tls=tls)


def dressed(
    pages: Mapping[str, str], door: Door, routes: Sequence[BaseRoute], hosts: frozenset[str], *, tls: bool
) -> ASGIApp:
    """Return an application of pages and addresses behind the guard, with the way in.

    Args:
        pages: static file by address.
        door: who is asking.
        routes: what the pages ask.
        hosts: the names it answers under, without port.
        tls: whether it is reached over TLS.
    """
    routes = [
        *(Route(address, _page(name)) for address, name in pages.items()),
        Route("/static/{name}", _static),
        Route("/healthy", _healthy),
        Route("/api/enter", door.enter, methods=["POST"]),
        *routes,
    ]
    handlers = {Refusal: answer_refusal, RadassayError: answer_user_error, HTTPException: answer_http}
    return Guard(Starlette(routes=routes, exception_handlers=handlers), hosts, tls)


def _read(name: str) -> Response:
    file = _STATIC / name
    suffix = name[name.rfind(".") :]
    if suffix not in TYPES or not file.is_file():
        raise HTTPException(404)
    return Response(file.read_bytes(), media_type=TYPES[suffix])


def _page(name: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return _read(name)

    return answer


async def _static(request: Request) -> Response:
    return _read(request.path_params["name"])


async def _healthy(request: Request) -> Response:
    return JSONResponse({"healthy": True})
