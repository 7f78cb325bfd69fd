"""Start the coordinator's desk: one link, on loopback, to a page that makes studies and follows them."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from pathlib import Path

from starlette.types import ASGIApp

from radassay.errors import RadassayError
from radassay.web.app import dressed
from radassay.web.book import Person
from radassay.web.desk import Desk
from radassay.web.making import Maker
from radassay.web.servers import Reach, Servers
from radassay.web.serving import LOOPBACK, listen, require_free
from radassay.web.session import Door
from radassay.web.shelf import Shelf
from radassay.web.tokens import digest, new_token

PAGES = {"/": "coordinator-studies.html", "/new": "coordinator-new.html", "/study": "coordinator-study.html"}
HOST = "127.0.0.1"
"""The desk makes studies and links: it is never offered to other machines."""


class OneCoordinator:
    """Knows one token, until the desk ends; it is written down nowhere.

    Args:
        token: of the coordinator.
    """

    def __init__(self, token: str) -> None:
        self._hash = digest(token)

    def person(self, token: str) -> Person | None:
        """Return the coordinator for the one token."""
        known = secrets.compare_digest(digest(token), self._hash)
        return Person("coordinator", "coordinator") if known else None


def create(shelf: Shelf, servers: Servers, maker: Maker, token: str) -> ASGIApp:
    """Return the application of the desk."""
    door = Door(OneCoordinator(token), False, "desk")
    return dressed(PAGES, door, Desk(shelf, servers, maker, door).routes, LOOPBACK, tls=False)


def open_desk(studies: Path, maker: Maker, reach: Reach, port: int, *, enough: int, say: Callable[[str], None]) -> None:
    """Serve the desk and the studies that are being read, until stopped.

    Args:
        studies: the folder of the studies.
        maker: makes further ones.
        reach: how readers reach their servers.
        port: of the desk.
        enough: readers below which a study is a pilot.
        say: is given the coordinator's link.

    Raises:
        SettingsError: nobody can listen on the port.
        StorageError: the folder cannot be used.
    """
    require_free(HOST, port)
    shelf, token = Shelf(studies, enough), new_token()
    servers = Servers(studies, reach, frozenset({port}))
    threading.Thread(target=_resume, args=(shelf, servers), name="desk resume", daemon=True).start()
    say(f"http://{HOST}:{port}/#{token}")
    try:
        listen(create(shelf, servers, maker, token), HOST, port, quiet=True)
    finally:
        maker.stop()
        servers.close()
        shelf.close()


def _resume(shelf: Shelf, servers: Servers) -> None:
    """Start the servers of the studies that are being read."""
    for study, told in ((one["study"], one) for one in shelf.tell()):
        if told["state"] in ("reading", "paused"):
            try:
                servers.start(shelf.find(study))
            except RadassayError:
                continue  # the page tells why it cannot be read
