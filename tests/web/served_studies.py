"""Small served folders with simulated pixels, and a server process to kill."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np

from radassay.web.questions import Block, Item
from radassay.web.served import Pixels, ServedFolder, Study, write_served
from radassay.web.serving import Link, readers

START = "import sys; from radassay.web import serve; serve({folder!r}, {database!r}, '127.0.0.1', {port})"


def ids(n: int, seed: int = 0) -> list[str]:
    """Random opaque ids."""
    rng = np.random.default_rng(seed)
    return [rng.bytes(8).hex() for _ in range(n)]


def drawn(width: int, height: int, depth: int, seed: int) -> bytes:
    """Something like a chest: two dark ellipses in a brighter body, stored as value + 1024."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    stack = np.empty((depth, height, width), np.float32)
    for z in range(depth):
        wide = 0.3 + 0.1 * np.sin(np.pi * (z + 1) / (depth + 1)) + rng.uniform(0, 0.03)
        body = (x / 0.9) ** 2 + (y / 0.75) ** 2 < 1
        lungs = ((np.abs(x) - 0.42) / wide) ** 2 + ((y + 0.02) / 0.5) ** 2 < 1
        stack[z] = np.where(lungs, -800, np.where(body, 40, -1000))
        stack[z][(x + 0.02) ** 2 + (y - 0.55) ** 2 < 0.012] = 600
    stack += rng.normal(0, 25, stack.shape).astype(np.float32)
    return (stack.clip(-1024, 3071) + 1024).astype("<u2").tobytes()


def study_folder(
    path: Path, *, width: int = 64, height: int = 64, depth: int = 1, n: int = 4, kinds: str = "A", **settings: object
) -> ServedFolder:
    """Write a study with one block per letter of ``kinds`` (A realness, B choice, C diagnosis, D plausibility)."""
    pool, blocks, images = iter(ids(400, seed=7)), [], []

    def item(n_images: int, feedback: str | None = None) -> Item:
        own = [next(pool) for _ in range(n_images)]
        images.extend(own)
        return Item(id=next(pool), images=own, feedback=feedback)

    words = {
        "A": ("realness", "Is this image real or synthetic?", ()),
        "B": ("choice", "Which of these images is real?", ()),
        "C": ("diagnosis", "What is the main finding?", ("normal", "pneumonia", "effusion")),
        "D": ("plausibility", "Are these structures plausible?", ("ribs", "vessels", "heart")),
    }
    for letter in kinds:
        kind, question, options = words[letter]
        each = 2 if letter == "B" else 1
        training = (item(1, "This one was synthetic: the ribs end in the air."),) if letter == "A" else ()
        items = tuple(item(each) for _ in range(n))
        block = Block(id=letter.lower(), kind=kind, question=question, options=options, training=training, items=items)
        blocks.append(block)
    pixels = Pixels(
        width=width, height=height, depth=depth, intercept=-1024, value_range=(-1024, 3071), spacing_mm=(0.7, 0.7)
    )
    study = Study(
        title="Chests", consent="You will see images.\n\nSome are synthetic.", pixels=pixels, blocks=blocks, **settings
    )
    content = {image: drawn(width, height, depth, n) for n, image in enumerate(images)}
    return write_served(path, study, content)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@dataclass
class Server:
    """A server process of its own, for tests that kill it."""

    folder: Path
    database: str
    port: int
    log: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        code = START.format(folder=str(self.folder), database=self.database, port=self.port)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code], stderr=log, env={**os.environ, "OMP_NUM_THREADS": "1"}
            )
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                if httpx.get(self.address + "/healthy", timeout=1).status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def kill(self) -> None:
        """kill -9, as a power cut would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def links(self, n: int = 1) -> list[Link]:
        return readers(self.folder, self.database, n, address=self.address)


def client(link: Link, *, consent: bool = True) -> httpx.Client:
    """A signed-in HTTP client that sends the form token."""
    address, token = link.address.split("#")
    c = httpx.Client(base_url=address.removesuffix("/coordinator").rstrip("/"), timeout=20)
    told = c.post("/api/enter", json={"token": token})
    assert told.status_code == 200, told.text
    c.headers["x-radassay-form"] = told.json()["form"]
    if consent and link.role == "reader":
        assert c.post("/api/events", json={"kind": "consent"}).status_code == 200
    return c
