"""Start the server of a reader study, and make the links that let people in."""

from __future__ import annotations

import logging
import secrets
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from radassay.errors import InputError, RefusedError, SettingsError
from radassay.web.book import Book, Person, Role
from radassay.web.served import ServedFolder
from radassay.web.tokens import new_token

if TYPE_CHECKING:
    from starlette.types import ASGIApp

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class Link:
    """A link for one person. The token is in it and nowhere else: only its hash is kept."""

    id: str
    role: Role
    address: str


def readers(
    folder: Path, database: str, number: int = 1, *, address: str = "http://127.0.0.1:8080", days: float = 30
) -> list[Link]:
    """Let readers and one coordinator in, and return their links, the coordinator's last.

    Readers whom the study gives an order come first, by id; others get a new random id. Called again, it adds
    ``number`` further readers; ``renew`` makes a new link for one who is there.

    Args:
        folder: the served folder.
        database: a path for SQLite or an SQLAlchemy address for PostgreSQL.
        number: how many readers.
        address: how the server is reached from outside.
        days: how long the links are valid.

    Raises:
        InputError: the folder or the database cannot be used, or fewer readers are planned than asked for.
    """
    served, book = _open(folder, database)
    try:
        links = invite(served, book, number, address=address, days=days)
        return [*links, _admit(book, Person("coordinator", "coordinator"), address, days)]
    finally:
        book.close()


def invite(served: ServedFolder, book: Book, number: int, *, address: str, days: float) -> list[Link]:
    """Let further readers in and return their links; see `readers`.

    Raises:
        InputError: fewer readers are planned than asked for.
        SettingsError: a number that makes no sense.
    """
    if number < 1 or days <= 0:
        raise SettingsError("Readers and days must be above 0", got=f"{number} readers, {days} days")
    present = set(book.reader_ids())
    planned = [reader for reader in sorted(served.study.orders) if reader not in present]
    if served.study.orders and len(planned) < number:
        raise InputError("The study gives an order to fewer readers", got=number, possible=f"{len(planned)} more")
    ids = planned[:number] if planned else [secrets.token_hex(8) for _ in range(number)]
    return [_admit(book, Person(reader, "reader"), address, days) for reader in ids]


def renew(
    folder: Path, database: str, person: str, *, address: str = "http://127.0.0.1:8080", days: float = 30
) -> Link:
    """Return a new link for somebody who is in the book; the old link ends.

    Raises:
        InputError: nobody has this id.
    """
    _, book = _open(folder, database)
    try:
        if person == "coordinator":
            return _admit(book, Person(person, "coordinator"), address, days)
        return readmit(book, person, address=address, days=days)
    finally:
        book.close()


def readmit(book: Book, reader: str, *, address: str, days: float) -> Link:
    """Return a new link for a reader who is in the book; the old link ends.

    Raises:
        InputError: nobody has this id.
    """
    if reader not in book.reader_ids():
        raise InputError("No such reader", got=reader, possible=", ".join(book.reader_ids()) or "none yet")
    return _admit(book, Person(reader, "reader"), address, days)


def revoke(book: Book, reader: str) -> None:
    """End a reader's link; what was answered stays.

    Raises:
        InputError: nobody has this id.
    """
    # A token that nobody is told and that has expired already.
    readmit(book, reader, address="", days=0)


def serve(
    folder: Path,
    database: str,
    host: str = "127.0.0.1",
    port: int = 8080,
    *,
    names: tuple[str, ...] = (),
    certificate: Path | None = None,
    private_key: Path | None = None,
    quiet: bool = False,
) -> None:
    """Serve a study until stopped.

    Args:
        folder: the served folder, the only one that is opened.
        database: a path for SQLite or an SQLAlchemy address for PostgreSQL; it may not lie in the folder.
        host: the address to listen on; anything but loopback needs ``names``.
        port: the port to listen on.
        names: names under which the server may be asked besides loopback, without port.
        certificate: PEM file for TLS, with ``private_key``.
        private_key: PEM file for TLS.
        quiet: log errors only.

    Raises:
        InputError: the folder or the database cannot be used.
        SettingsError: the options do not fit each other.
    """
    from radassay.web.app import create

    if (certificate is None) != (private_key is None):
        raise SettingsError("TLS needs both a certificate and its key")
    if host not in LOOPBACK and not names:
        raise SettingsError("Outside loopback the names of the server must be given", got=host, possible="names")
    require_free(host, port)
    served, book = _open(folder, database)
    app = create(served, book, LOOPBACK | {name.lower() for name in names}, tls=certificate is not None)
    try:
        listen(app, host, port, certificate=certificate, private_key=private_key, quiet=quiet)
    finally:
        book.close()


def listen(
    app: ASGIApp,
    host: str,
    port: int,
    *,
    certificate: Path | None = None,
    private_key: Path | None = None,
    quiet: bool = False,
) -> None:
    """Answer requests until stopped."""
    import uvicorn

    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(message)s", level=logging.INFO)
    logging.getLogger("radassay.web").setLevel(logging.ERROR if quiet else logging.INFO)
    uvicorn.run(
        app,
        host=host,
        port=port,
        ssl_certfile=certificate,
        ssl_keyfile=private_key,
        access_log=False,
        server_header=False,
        log_level="warning",
        timeout_graceful_shutdown=5,
    )


def require_free(host: str, port: int) -> None:
    """Raise `SettingsError` where nobody can listen; the server itself would end without a word of ours."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SettingsError(
                "The server cannot listen there",
                got=f"{host}:{port}: {error.strerror}",
                possible="Another port",
            ) from None


def _open(folder: Path, database: str) -> tuple[ServedFolder, Book]:
    served = ServedFolder.open(Path(folder))
    if "://" not in database and Path(database).resolve().is_relative_to(served.path):
        raise RefusedError("The database may not lie in the served folder", got=database, possible="A path beside it")
    return served, Book(database, served.fingerprint)


def _admit(book: Book, person: Person, address: str, days: float) -> Link:
    token = new_token()
    book.admit(person, token, days)
    page = "/coordinator" if person.role == "coordinator" else "/"
    # Behind '#': browsers keep this part to themselves, so no log and no Referer ever holds it.
    return Link(person.id, person.role, f"{address.rstrip('/')}{page}#{token}")
