"""`radassay reading desk`: the coordinator's page, and the processes that it makes studies in."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from radassay.errors import EvidenceError, InputError, RefusedError, SettingsError

KEPT = 20
"""Checks that a study can still be made from."""


@dataclass(frozen=True)
class Desk:
    """Serve a page on which a coordinator makes reader studies and follows them, without the command line.

    It prints one link, for the coordinator, on this machine alone. Each study that is being read gets a server and a
    port of its own, from `--first-port`; the desk starts and ends them. Studies of `radassay reading plan` are listed
    too. What the coordinator may choose from lies in the folders of `--sets`; no path is typed in the page.

    Example: radassay reading desk studies --sets runs sets
    """

    studies: Annotated[Path, tyro.conf.Positional]
    """Folder of the studies, one folder each; it is made if it is not there."""
    sets: tuple[Path, ...] = ()
    """Finished runs and image sets to choose from, or folders that hold them."""
    port: int = 8080
    """Port of the desk; always on loopback."""
    host: str = "127.0.0.1"
    """Address on which readers' servers listen; elsewhere than loopback they need `--names` and should have TLS."""
    first_port: int = 8081
    """Port of the first study; each further one takes the next that is free, and keeps it."""
    names: tuple[str, ...] = ()
    """Names under which readers' machines reach this one."""
    address: str = ""
    """How readers' links begin, with `{port}` for the port, such as `https://reading.hospital.org:{port}`."""
    certificate: Path | None = None
    """PEM file for TLS of readers' servers."""
    private_key: Path | None = None
    """Its key."""

    def run(self) -> int:
        """Run it."""
        from radassay.cli.reading_command import web
        from radassay.reading.plan import ENOUGH_READERS

        for folder in self.sets:
            if not folder.is_dir():
                raise InputError("There is no such folder of image sets", got=folder, possible="Change --sets")
        servers, desk = web("servers"), web("desk_app")
        tls = {"certificate": str(self.certificate or ""), "private_key": str(self.private_key or "")}
        reach = servers.Reach(self.host, self.first_port, self.names, self.address, **tls)
        desk.open_desk(self.studies, Elsewhere(self.sets), reach, self.port, enough=ENOUGH_READERS, say=_tell)
        return 0


def _tell(link: str) -> None:
    print(f"coordinator  {link}", flush=True)
    print("Serving until Ctrl-C. The link is shown once, and ends with this command.", flush=True)


class Elsewhere:
    """Makes studies in processes that end; see `radassay.web.making.Maker`.

    Args:
        folders: that image sets are taken from.
    """

    def __init__(self, folders: tuple[Path, ...]) -> None:
        self._folders = [str(folder.resolve()) for folder in folders]
        self._checked: dict[str, dict[str, Any]] = {}
        self._seed = _new_seed()
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self._stopping = False

    def describe(self) -> dict[str, Any]:
        """Return the form and what there is to choose from."""
        return self._ask({"do": "describe"}, _ignore, stoppable=False)

    def check(self, settings: dict[str, Any], tell: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        """Draw and test a study; the same settings give the same study until one is made of them."""
        given = dict(settings)
        arms = {arm: given.pop(arm, None) for arm in ("real", "synthetic")}
        if "seed" in given:
            raise SettingsError("The seed is drawn, not given")
        told = self._ask({"do": "check", **arms, "settings": {**given, "seed": self._seed}}, tell)
        plan, check = told.pop("plan"), secrets.token_hex(8)
        if told["blind"]:
            self._checked = dict([*self._checked.items(), (check, {**arms, "settings": plan})][-KEPT:])
            told["check"] = check
        return told

    def make(
        self, check: str, new_folder: Callable[[str], Path], tell: Callable[[dict[str, Any]], None]
    ) -> dict[str, Any]:
        """Write a checked study into a new folder; a study that was not finished is taken away again."""
        if check not in self._checked:
            raise InputError("This check is no longer known", possible="Check the study again")
        request = self._checked[check]
        folder = new_folder(str(request["settings"]["title"]))
        try:
            told = self._ask({"do": "make", **request, "folder": str(folder)}, tell)
        finally:
            if not (folder / "plan.json").exists():
                shutil.rmtree(folder, ignore_errors=True)
        self._checked, self._seed = {}, _new_seed()
        return {**told, "folder": folder.name}

    def stop(self) -> None:
        """End the check or the making that is under way."""
        with self._lock:
            self._stopping = True
            if self._process is not None:
                self._process.kill()

    def _ask(
        self, request: dict[str, Any], tell: Callable[[dict[str, Any]], None], *, stoppable: bool = True
    ) -> dict[str, Any]:
        from radassay.web.making import Stopped

        with self._lock:
            process = subprocess.Popen(
                [sys.executable, "-m", "radassay.cli.reading_desk_maker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                encoding="utf-8",
                start_new_session=True,  # Ctrl-C is for the desk
            )
            if stoppable:
                self._process, self._stopping = process, False
        with process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps({**request, "folders": self._folders}) + "\n")
            process.stdin.close()
            last: dict[str, Any] = {}
            for line in process.stdout:
                last = json.loads(line)
                if "result" not in last and "refused" not in last:
                    tell(last)
        if stoppable:
            self._process = None
            if self._stopping:
                raise Stopped
        if "refused" in last:
            refused = last["refused"]
            raise RefusedError(refused["what"], got=refused["got"] or None, possible=refused["possible"])
        if "result" not in last:
            raise EvidenceError(
                "The process that opens the image sets ended without a word",
                got=f"code {process.returncode}",
                possible="The terminal in which the desk was started may say why; too little memory is one reason",
            )
        return dict(last["result"])


def _new_seed() -> int:
    return secrets.randbits(62)


def _ignore(news: dict[str, Any]) -> None:
    """Describing tells nothing until it ends."""
