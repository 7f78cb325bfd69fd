"""Who is asking, and whether this person may: cookies, form tokens, roles, bodies of bounded size."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from radassay.web.book import Person, Role
from radassay.web.guard import Refusal
from radassay.web.tokens import Brake, digest, form_token

FORM_HEADER = "x-radassay-form"
LONGEST_BODY = 64 * 1024
COOKIE_SECONDS = 90 * 24 * 3600

Handler = Callable[[Request, Person], Awaitable[Response]]


class Admits(Protocol):
    """Knows who holds which token."""

    def person(self, token: str) -> Person | None:
        """Return who holds a token, or None if it was never given or has expired."""


class Door:
    """Lets people in by token and answers who they are afterwards.

    Args:
        people: who may come in; the book of a study, mostly.
        tls: whether cookies travel over TLS only.
        name: tells the cookie of this server from those of others at the same host, since cookies know no ports.
    """

    def __init__(self, people: Admits, tls: bool, name: str) -> None:
        self._people, self._tls, self._cookie = people, tls, f"radassay-{name}"
        # A token has 256 random bits: the brake spares the database, it is not what keeps guessers out.
        self._failed = Brake(at_once=20, per_second=0.2)
        self._asked = Brake(at_once=120, per_second=40)

    async def enter(self, request: Request) -> Response:
        """Turn the token of a link into a cookie."""
        body = await read_json(request)
        token = body.get("token")
        if not isinstance(token, str) or not 20 <= len(token) <= 200:
            raise Refusal(400, "bad-request", "A link's token is missing.", "Open the link as it was sent")
        _same_origin(request)
        person = await self._who(request, token)
        response = JSONResponse({"role": person.role, "form": form_token(token)})
        response.set_cookie(
            self._cookie, token, max_age=COOKIE_SECONDS, path="/", secure=self._tls, httponly=True, samesite="strict"
        )
        return response

    def only(self, role: Role, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """Return a handler that only people of one role reach, and that changes nothing without a form token."""

        async def guarded(request: Request) -> Response:
            token = request.cookies.get(self._cookie, "")
            if not token:
                raise Refusal(401, "no-link", "Nobody is signed in here.", "Open the link you were sent")
            person = await self._who(request, token)
            if person.role != role:
                raise Refusal(403, "not-yours", f"This page is for a {role}.", "Open your own link again")
            if not self._asked.allows(digest(token)):
                raise Refusal(429, "too-many", "Too many requests at once.", "Wait a few seconds")
            if request.method not in ("GET", "HEAD"):
                _same_origin(request)
                if request.headers.get(FORM_HEADER) != form_token(token):
                    raise Refusal(403, "form-token", "The request did not come from this page.", "Load the page again")
            return await handler(request, person)

        return guarded

    def form(self, request: Request) -> str:
        """Return the form token that the page of whoever asks must send with every change."""
        return form_token(request.cookies[self._cookie])

    async def _who(self, request: Request, token: str) -> Person:
        person = await run_in_threadpool(self._people.person, token)
        if person is not None:
            return person
        address = request.client.host if request.client else "?"
        if not self._failed.allows(address):
            raise Refusal(429, "too-many", "Too many links that are not valid.", "Wait a minute")
        raise Refusal(401, "no-link", "This link is not valid, or no longer.", "Ask the coordinator for a new one")


async def read_json(request: Request) -> dict[str, Any]:
    """Return the JSON object of a request's body.

    Raises:
        Refusal: it is too long, of another type, or no object.
    """
    if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
        raise Refusal(415, "not-json", "The body must be JSON.")
    parts, length = [], 0
    async for part in request.stream():
        length += len(part)
        if length > LONGEST_BODY:
            raise Refusal(413, "too-long", f"The body is longer than {LONGEST_BODY} bytes.")
        parts.append(part)
    try:
        body = json.loads(b"".join(parts))
    except (ValueError, RecursionError):
        raise Refusal(400, "not-json", "The body is no JSON.") from None
    if not isinstance(body, dict):
        raise Refusal(400, "not-json", "The body must be a JSON object.")
    return body


def _same_origin(request: Request) -> None:
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() != request.headers.get("host", "").lower():
        raise Refusal(403, "other-site", "Another site sent this request.")
