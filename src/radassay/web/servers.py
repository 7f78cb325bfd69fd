"""The readers' servers that a desk starts: one process and one port for each study that is being read."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from radassay.errors import SettingsError, StorageError
from radassay.web.serving import LOOPBACK, require_free
from radassay.web.shelf import PORTS, Shelved

AGAIN = 10.0
"""Seconds before a server that ended by itself is started again."""
LOOK = 1.0
"""Seconds between looks at the servers."""
BEGINNING = 20.0
"""Seconds that a server is given to answer for the first time."""


@dataclass(frozen=True)
class Reach:
    """How readers reach the servers."""

    host: str = "127.0.0.1"
    """Address to listen on; anything but loopback needs `names`."""
    first_port: int = 8081
    """Port of the first study; each further one takes the next that is free."""
    names: tuple[str, ...] = ()
    """Names under which other machines reach the servers."""
    address: str = ""
    """How links begin, with `{port}` where the port stands; from host and port if empty."""
    certificate: str = ""
    """PEM file for TLS, with `private_key`."""
    private_key: str = ""

    def __post_init__(self) -> None:
        if bool(self.certificate) != bool(self.private_key):
            raise SettingsError("TLS needs both a certificate and its key")
        if self.host not in LOOPBACK and not self.names:
            raise SettingsError("Outside loopback the names of the servers must be given", got=self.host)

    def link(self, port: int) -> str:
        """Return how links to the server on a port begin."""
        if self.address:
            return self.address.replace("{port}", str(port))
        host = self.names[0] if self.names else self.host
        return f"{'https' if self.certificate else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


@dataclass
class _Running:
    """One server."""

    study: Shelved
    process: subprocess.Popen[bytes]
    since: float
    problem: str = ""

    def look(self) -> str:
        """Return why it ended, in words; empty while it runs."""
        if not self.problem and self.process.poll() is not None:
            self.problem = _last_words(self.process)
        return self.problem


class Servers:
    """Starts, watches and ends the servers of a folder of studies.

    Args:
        folder: of the studies, where ports are written down.
        reach: how readers reach them.
        taken: ports that are not theirs.
    """

    def __init__(self, folder: Path, reach: Reach, taken: frozenset[int]) -> None:
        self._file, self._reach, self._taken = folder / PORTS, reach, taken
        self._running: dict[str, _Running] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        threading.Thread(target=self._watch, name="desk servers", daemon=True).start()

    def link(self, study: Shelved) -> str:
        """Return how links to a study begin; its port is found at the first call and then kept."""
        return self._reach.link(self._port(study.name))

    def start(self, study: Shelved) -> None:
        """Start the server of a study, unless it runs, and wait until it answers or has ended."""
        self._port(study.name)
        with self._lock:
            running = self._running.get(study.name)
            if running is None or running.process.poll() is not None:
                running = self._running[study.name] = self._launch(study)
        until = time.monotonic() + BEGINNING
        while time.monotonic() < until and running.process.poll() is None and not self._answers(study.name):
            time.sleep(0.05)

    def problem(self, study: Shelved) -> str:
        """Return why the server of a study that should run does not, in words; empty if all is well."""
        with self._lock:
            running = self._running.get(study.name)
            return running.look() if running else ""

    def runs(self, study: Shelved) -> bool:
        """Whether readers reach a study now."""
        with self._lock:
            running = self._running.get(study.name)
            return running is not None and running.process.poll() is None

    def close(self) -> None:
        """End all servers; answers under way are finished first."""
        self._ended.set()
        with self._lock:
            for running in self._running.values():
                _close_input(running.process)
            for running in self._running.values():
                try:
                    running.process.wait(timeout=8)
                except subprocess.TimeoutExpired:
                    running.process.kill()
                    running.process.wait()

    def _port(self, name: str) -> int:
        with self._lock:
            ports = self._ports()
            if name not in ports:
                used = {*ports.values(), *self._taken}
                ports[name] = next(port for port in range(self._reach.first_port, 65536) if self._free(port, used))
                self._write(ports)
            return ports[name]

    def _ports(self) -> dict[str, int]:
        try:
            return {str(name): int(port) for name, port in json.loads(self._file.read_bytes())["ports"].items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise StorageError("The ports of the studies cannot be read", got=f"{self._file.name}: {error}") from None

    def _write(self, ports: dict[str, int]) -> None:
        part = self._file.with_suffix(".part")
        try:
            part.write_text(json.dumps({"ports": ports}, indent=1, sort_keys=True) + "\n", encoding="utf-8")
            os.replace(part, self._file)
        except OSError as error:
            raise StorageError("The ports of the studies cannot be written", got=error) from None

    def _free(self, port: int, used: set[int]) -> bool:
        if port in used:
            return False
        try:
            require_free(self._reach.host, port)
        except SettingsError:
            return False
        return True

    def _launch(self, study: Shelved) -> _Running:
        settings: dict[str, Any] = {
            **asdict(self._reach),
            "folder": str(study.folder / "served"),
            "database": str(study.database),
            "port": self._ports()[study.name],
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "radassay.web.one_study"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the desk, which then ends its servers in good order
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps(settings).encode() + b"\n")
        process.stdin.flush()
        return _Running(study, process, time.monotonic())

    def _answers(self, name: str) -> bool:
        here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._reach.host, self._reach.host)  # noqa: S104 - called, not listened on
        try:
            with socket.create_connection((here, self._ports()[name]), timeout=0.5):
                return True
        except OSError:
            return False

    def _watch(self) -> None:
        while not self._ended.wait(LOOK):
            with self._lock:
                for name, running in self._running.items():
                    if running.look() and not self._ended.is_set() and time.monotonic() - running.since > AGAIN:
                        self._running[name] = self._launch(running.study)


def _last_words(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout is not None
    try:
        told = json.loads(process.stdout.read() or b"{}")
    except ValueError:
        told = {}
    if "what" in told:
        return f"The readers' server did not start: {told['what']}. {told['possible']}."
    return f"The readers' server ended by itself (code {process.returncode}); it is started again."


def _close_input(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    try:
        process.stdin.close()
    except OSError:
        process.kill()
