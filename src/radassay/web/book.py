"""The book of a study: who may read, what was answered and what happened, append-only, in SQLite or PostgreSQL.

A row, once written, is never changed; a changed answer is a further row of a higher version. The one exception is the
hash of a reader's token, which a new link replaces. Every answer is on the disk before it is confirmed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import (
    JSON,
    BindParameter,
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    create_engine,
    event,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from radassay.errors import EvidenceError, InputError, StorageError
from radassay.web.tokens import digest

Role = Literal["reader", "coordinator"]

_METADATA = MetaData()
_STUDY = Table("study", _METADATA, Column("fingerprint", String(64), primary_key=True), Column("at", String(32)))
_READERS = Table(
    "readers",
    _METADATA,
    Column("id", String(64), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("expires", String(32), nullable=False),
)
_ANSWERS = Table(
    "answers",
    _METADATA,
    Column("id", String(36), primary_key=True),
    Column("reader", String(64), nullable=False),
    Column("block", String(40), nullable=False),
    Column("item", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("at", String(32), nullable=False),
    Column("value", JSON, nullable=False),
    Column("seen", JSON, nullable=False),
    UniqueConstraint("reader", "item", "version"),
)
_EVENTS = Table(
    "events",
    _METADATA,
    Column("n", Integer, primary_key=True, autoincrement=True),
    Column("reader", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("at", String(32), nullable=False),
    Column("detail", JSON, nullable=False),
    Index("events_by_reader", "reader", "kind"),
)

# What every request asks is put together once: building a statement costs as much as running it.
_READER: BindParameter[str] = bindparam("reader")
_ITEM: BindParameter[str] = bindparam("item")
_HOLDER = select(_READERS).where(_READERS.c.token_hash == bindparam("token_hash"))
_HAPPENED = select(_EVENTS.c.kind, func.max(_EVENTS.c.at)).where(_EVENTS.c.reader == _READER).group_by(_EVENTS.c.kind)
_ANSWERED = select(_ANSWERS.c.item, func.max(_ANSWERS.c.at)).where(_ANSWERS.c.reader == _READER)
_ANSWERED = _ANSWERED.group_by(_ANSWERS.c.item)
_PAUSED = select(_EVENTS.c.kind).where(_EVENTS.c.kind.in_(["paused", "resumed"])).order_by(_EVENTS.c.n.desc()).limit(1)
_KNOWN = select(_ANSWERS).where(_ANSWERS.c.id == bindparam("id"))
_VERSION = select(func.max(_ANSWERS.c.version)).where(_ANSWERS.c.reader == _READER, _ANSWERS.c.item == _ITEM)
_LATEST = select(_ANSWERS).where(_ANSWERS.c.reader == _READER, _ANSWERS.c.item == _ITEM)
_LATEST = _LATEST.order_by(_ANSWERS.c.version.desc()).limit(1)
_ADD = insert(_ANSWERS)


@dataclass(frozen=True)
class Standing:
    """How far a reader is."""

    happened: dict[str, str]
    """For every kind of event when it last happened."""
    answered: dict[str, str]
    """For every answered item when it was last answered."""


@dataclass(frozen=True)
class Person:
    """Whoever holds a valid link: an opaque id and a role, no name."""

    id: str
    role: Role


@dataclass(frozen=True)
class Answer:
    """One answer as it was given."""

    id: str
    reader: str
    block: str
    item: str
    version: int
    at: str
    value: dict[str, Any]
    seen: dict[str, Any]


class AlreadyAnswered(EvidenceError):
    """The item has an answer, and the plan allows no change; or an answer id was used for something else."""


def now() -> str:
    """The time in UTC as it is written into the book."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Book:
    """The records of one study.

    Args:
        url: an SQLAlchemy address, or a path: ``reads.db`` is SQLite, ``postgresql+pg8000://...`` is PostgreSQL.
        fingerprint: SHA-256 of the study; a book that was begun with another study is refused.

    Raises:
        StorageError: the database cannot be opened.
        InputError: the book belongs to another study.
    """

    def __init__(self, url: str, fingerprint: str) -> None:
        self._engine = create_engine(_address(url), pool_size=16, max_overflow=32)
        self._sqlite = self._engine.dialect.name == "sqlite"
        self._writing = threading.Lock()
        if self._sqlite:
            event.listen(self._engine, "connect", _prepare_sqlite)
        try:
            _METADATA.create_all(self._engine)
        except SQLAlchemyError as error:
            raise StorageError("The database cannot be opened", got=error.__class__.__name__, possible=url) from error
        with self._write() as c:
            begun = c.execute(select(_STUDY.c.fingerprint)).scalar()
            if begun is None:
                c.execute(insert(_STUDY).values(fingerprint=fingerprint, at=now()))
            elif begun != fingerprint:
                raise InputError(
                    "The database belongs to another study", got=begun, possible=f"The study {fingerprint}"
                )

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with self._engine.connect() as c:
            yield c

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        # One writer at a time in this process: waiting here is fairer and faster than SQLite's own busy loop.
        with self._writing, self._engine.connect() as c:
            if self._sqlite:
                c.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield c
            except BaseException:
                c.exec_driver_sql("ROLLBACK") if self._sqlite else c.rollback()
                raise
            c.exec_driver_sql("COMMIT") if self._sqlite else c.commit()

    def admit(self, person: Person, token: str, days: float) -> None:
        """Let a person in with a new token; an older token of the same person ends."""
        expires = (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="milliseconds")
        values = {"token_hash": digest(token), "expires": expires}
        with self._write() as c:
            changed = c.execute(
                update(_READERS).where(_READERS.c.id == person.id, _READERS.c.role == person.role).values(**values)
            )
            if not changed.rowcount:
                c.execute(insert(_READERS).values(id=person.id, role=person.role, **values))

    def person(self, token: str) -> Person | None:
        """Return who holds a token, or None if it was never given or has expired."""
        with self._read() as c:
            row = c.execute(_HOLDER, {"token_hash": digest(token)}).mappings().first()
        if row is None or row["expires"] < now():
            return None
        return Person(row["id"], row["role"])

    def reader_ids(self) -> list[str]:
        """Ids of all readers, sorted."""
        with self._read() as c:
            return list(
                c.execute(select(_READERS.c.id).where(_READERS.c.role == "reader").order_by(_READERS.c.id)).scalars()
            )

    def links_end(self) -> dict[str, str]:
        """Return for every reader until when the link is valid."""
        query = select(_READERS.c.id, _READERS.c.expires).where(_READERS.c.role == "reader")
        with self._read() as c:
            return {row[0]: row[1] for row in c.execute(query)}

    def note(self, reader: str, kind: str, detail: dict[str, Any] | None = None) -> None:
        """Write down that something happened: consent, withdrawn, display, paused, resumed, ..."""
        with self._write() as c:
            c.execute(insert(_EVENTS).values(reader=reader, kind=kind, at=now(), detail=detail or {}))

    def happened(self, reader: str) -> dict[str, str]:
        """Return for every kind of event of a reader when it last happened."""
        with self._read() as c:
            return _times(c, _HAPPENED, reader)

    def standing(self, reader: str) -> Standing:
        """Return what happened and what is answered, in one go."""
        with self._read() as c:
            return Standing(_times(c, _HAPPENED, reader), _times(c, _ANSWERED, reader))

    def paused(self) -> bool:
        """Whether the coordinator holds the study."""
        with self._read() as c:
            return c.execute(_PAUSED).scalar() == "paused"

    def record(self, answer: Answer, may_change: bool) -> Answer:
        """Keep an answer; giving the same answer (the same id) again changes nothing.

        The version and the time of ``answer`` are set here.

        Raises:
            AlreadyAnswered: the item was answered under another id and may not be changed, or the id stands for
                another answer.
        """
        first = Answer(**{**answer.__dict__, "version": 1, "at": now()})
        try:
            with self._write() as c:
                c.execute(_ADD, first.__dict__)
            return first
        except IntegrityError:
            pass  # the id was used, or there is an answer to the item
        try:
            with self._write() as c:
                return self._record(c, answer, may_change)
        except IntegrityError:
            # PostgreSQL lets two servers write at once: the one that lost finds the other's row now.
            with self._write() as c:
                return self._record(c, answer, may_change)

    def _record(self, c: Connection, answer: Answer, may_change: bool) -> Answer:
        known = c.execute(_KNOWN, {"id": answer.id}).mappings().first()
        if known is not None:
            kept = Answer(**known)
            if (kept.reader, kept.item, kept.value) != (answer.reader, answer.item, answer.value):
                raise AlreadyAnswered("This answer id stands for another answer", possible="Make a new id per answer")
            return kept
        latest = c.execute(_VERSION, {"reader": answer.reader, "item": answer.item}).scalar() or 0
        if latest and not may_change:
            raise AlreadyAnswered("This case is answered, and the plan of the study allows no change")
        row = {**answer.__dict__, "version": latest + 1, "at": now()}
        c.execute(_ADD, row)
        return Answer(**row)

    def latest(self, reader: str, item: str) -> Answer | None:
        """Return a reader's newest answer to an item."""
        with self._read() as c:
            row = c.execute(_LATEST, {"reader": reader, "item": item}).mappings().first()
        return Answer(**row) if row else None

    def answers(self) -> list[Answer]:
        """Return every version of every answer of readers who have not withdrawn, by reader, time and version."""
        gone = select(_EVENTS.c.reader).where(_EVENTS.c.kind == "withdrawn")
        query = select(_ANSWERS).where(_ANSWERS.c.reader.not_in(gone))
        with self._read() as c:
            rows = c.execute(query.order_by(_ANSWERS.c.reader, _ANSWERS.c.at, _ANSWERS.c.version)).mappings().all()
        return [Answer(**row) for row in rows]


def _times(c: Connection, query: Select[Any], reader: str) -> dict[str, str]:
    return {row[0]: row[1] for row in c.execute(query, {"reader": reader})}


def _address(url: str) -> str:
    return url if "://" in url else f"sqlite:///{Path(url).resolve()}"


def _prepare_sqlite(connection: Any, record: object) -> None:
    # Transactions are begun and ended by hand (see Book._write), so that a writer locks before it reads.
    connection.isolation_level = None
    for line in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {line}").close()
