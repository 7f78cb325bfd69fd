"""Where the book of a study is kept, SQLite and a real PostgreSQL for every test that asks for `store`; a browser."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browsing import CHROMIUM, QUIET
from served_studies import free_port
from sqlalchemy import create_engine, text

Store = Callable[[Path], str]
"""From a new folder to what is given as `database`: a file in it, or the address of a database of its own."""


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """Start a PostgreSQL that holds nothing; yield how the addresses of its databases begin."""
    found = shutil.which("pg_ctl") or next((str(p) for p in Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")), None)
    if found is None:
        pytest.skip("no PostgreSQL is installed: reader studies are NOT tested on it")
    if sys.platform == "win32":
        pytest.skip("PostgreSQL is started on POSIX alone")
    # PostgreSQL refuses to run as root; its own account cannot reach pytest's folders, which are root's alone
    given: dict[str, str] = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="radassay-postgresql-"))
    if given:
        shutil.chown(folder, **given)
    port, data, log = free_port(), folder / "data", folder / "log"

    def call(*arguments: str) -> None:
        run = subprocess.run([found, "-D", str(data), *arguments], capture_output=True, cwd=folder, **given)  # type: ignore[call-overload]
        assert run.returncode == 0, (run.stdout, run.stderr, log.read_bytes() if log.exists() else b"")

    call("init", "-s", "-o", "--username=radassay --auth=trust --no-sync --locale=C --encoding=UTF8")
    call("start", "-s", "-w", "-l", str(log), "-o", f"-p {port} -c listen_addresses=127.0.0.1 -k {folder}")
    try:
        yield f"postgresql+pg8000://radassay@127.0.0.1:{port}/"
    finally:
        call("stop", "-s", "-m", "immediate")
        shutil.rmtree(folder)


def _new_database(cluster: str) -> str:
    name = f"study_{uuid.uuid4().hex}"
    engine = create_engine(f"{cluster}postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return cluster + name


@pytest.fixture(params=["sqlite", "postgresql"], scope="session")
def store(request: pytest.FixtureRequest) -> Store:
    """Return what makes a new database of one kind."""
    if request.param == "sqlite":
        return lambda folder: str(folder / "reads.db")
    cluster = request.getfixturevalue("cluster")
    return lambda folder: _new_database(cluster)


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """Yield a headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as p:
        b = p.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield b
        b.close()
