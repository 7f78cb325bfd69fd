"""Every request passes here: host check, headers, one form of error, log lines without tokens."""

from __future__ import annotations

import logging
import time
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from radassay.errors import RadassayError

LOG = logging.getLogger("radassay.web")

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), usb=()",
    "Cache-Control": "no-store",
}


class Refusal(Exception):
    """A request that is answered with an error.

    Args:
        status: the HTTP status.
        code: a word that a program can act on.
        message: what was wrong, a sentence.
        possible: what to do next.
    """

    def __init__(self, status: int, code: str, message: str, possible: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.possible = status, code, message, possible


def error_response(status: int, code: str, message: str, possible: str = "") -> JSONResponse:
    """Return the one form every error has."""
    return JSONResponse({"error": {"code": code, "message": message, "possible": possible}}, status_code=status)


async def answer_refusal(_: Request, error: Exception) -> JSONResponse:
    """Answer a ``Refusal``."""
    assert isinstance(error, Refusal)
    return error_response(error.status, error.code, error.message, error.possible)


async def answer_user_error(_: Request, error: Exception) -> JSONResponse:
    """Answer an error of ours that nobody turned into a refusal."""
    assert isinstance(error, RadassayError)
    return error_response(400, "bad-request", error.what + ".", error.possible)


async def answer_http(_: Request, error: Exception) -> JSONResponse:
    """Answer an unknown address or a wrong method."""
    status = int(getattr(error, "status_code", 500))
    code = {404: "not-found", 405: "wrong-method"}.get(status, "bad-request")
    return error_response(status, code, {404: "There is no such page."}.get(status, "The request cannot be answered."))


class Guard:
    """The outermost layer of the server.

    Args:
        app: what answers the request.
        hosts: names under which the server may be asked, without port; protects against DNS rebinding.
        tls: whether browsers shall insist on TLS from now on.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str], tls: bool) -> None:
        self._app, self._hosts, self._tls = app, hosts, tls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 500

        async def dressed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for unwanted in ("etag", "last-modified"):
                    del headers[unwanted]
                headers.update(HEADERS)
                if self._tls:
                    headers["Strict-Transport-Security"] = "max-age=31536000"
            await send(message)

        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await dressed(message)

        app: ASGIApp = self._app if self._known(scope) else _wrong_host
        try:
            await app(scope, receive, watched)
        except Exception as error:
            LOG.error("%s %s failed: %s", scope["method"], scope["path"], type(error).__name__, exc_info=True)
            if not started:
                await error_response(500, "failed", "The server could not answer.", "Try again")(
                    scope, receive, dressed
                )
        finally:
            # The path holds no token: a link carries it behind '#', which browsers never send.
            LOG.info("%s %s %d %.1f ms", scope["method"], _plain(scope), status, 1e3 * (time.perf_counter() - begun))

    def _known(self, scope: Scope) -> bool:
        host = Headers(scope=scope).get("host", "")
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        return name.strip("[]").lower() in self._hosts


async def _wrong_host(scope: Scope, receive: Receive, send: Send) -> None:
    told = error_response(421, "wrong-host", "The server does not answer under this name.", "Start it with this host")
    await told(scope, receive, send)


def _plain(scope: Scope) -> str:
    path: Any = scope["path"]
    return "".join(c if c.isprintable() else "?" for c in str(path)[:120])
