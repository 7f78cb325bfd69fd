"""A coordinator's desk as a process of its own over simulated chests, and a client that is signed in to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from served_studies import free_port

SMALL = {
    "cases": 8,
    "catch": 1,
    "training": 2,
    "runs": 20,
    "readers": 2,
    # With so few patients 2 of 100 seeds are refused at the usual limit by chance; a planted mark has at least 0.8.
    "leak_limit": 0.75,
    "title": "Chests, blind",
}


@dataclass
class DeskProcess:
    """``radassay reading desk`` over a folder of image sets."""

    studies: Path
    sets: Path
    log: Path
    port: int = field(default_factory=free_port)
    first_port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None
    link: str = ""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        options = ["--sets", self.sets, "--port", self.port, "--first-port", self.first_port]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "radassay", "reading", "desk", str(self.studies), *map(str, options)],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("coordinator "), self.log.read_text()
        self.link = line.split()[1]
        until(lambda: answers(self.address))

    def end(self, how: signal.Signals = signal.SIGINT) -> None:
        assert self.process is not None
        self.process.send_signal(how)
        self.process.wait(timeout=20)

    def client(self) -> httpx.Client:
        """A client with the coordinator's cookie and form token."""
        c = httpx.Client(base_url=self.address, timeout=60)
        told = c.post("/api/enter", json={"token": self.link.split("#")[1]})
        assert told.status_code == 200, told.text
        c.headers["x-radassay-form"] = told.json()["form"]
        return c


def answers(address: str) -> bool:
    """Whether a server answers there."""
    try:
        return httpx.get(f"{address}/healthy", timeout=1).status_code == 200
    except httpx.HTTPError:
        return False


def until(condition: Any, seconds: float = 30) -> None:
    """Wait for a condition."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, condition
        time.sleep(0.05)


def settings(c: httpx.Client, real: str = "real", synthetic: str = "made", **more: object) -> dict[str, object]:
    """The form as it stands at first, small, with two image sets by name."""
    told = c.get("/api/desk/form").json()
    sources = {one["name"]: one["source"] for one in told["sources"]}
    first = {one["name"]: one["default"] for group in told["groups"] for one in group["fields"]}
    return {**first, **SMALL, "real": sources[real], "synthetic": sources[synthetic], **more}


def job(c: httpx.Client, address: str, body: dict[str, object]) -> dict[str, Any]:
    """Begin a check or a making and return how it ended."""
    told = c.post(f"/api/desk/{address}", json=body)
    assert told.status_code == 202, told.text
    until(lambda: c.get("/api/desk/job").json()["state"] != "running", 60)
    ended: dict[str, Any] = c.get("/api/desk/job").json()
    return ended


def made(c: httpx.Client, **more: Any) -> str:
    """Check and make a study; its opaque id."""
    checked = job(c, "check", {"settings": settings(c, **more)})
    assert checked["state"] == "done", checked
    ended = job(c, "make", {"check": checked["result"]["check"]})
    assert ended["state"] == "done", ended
    assert ended["result"]["hash"] == checked["result"]["hash"]
    return str(ended["result"]["study"])
