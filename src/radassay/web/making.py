"""One piece of work at a time, away from the requests: a check or a making of a study, with its progress."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from radassay.errors import RadassayError

LOG = logging.getLogger("radassay.web")

Tell = Callable[[dict[str, Any]], None]
"""Is given what is known so far: `step` in words, `done` of `of` steps, and facts as they come."""


class Stopped(Exception):
    """The work was ended by whoever asked for it."""


class Maker(Protocol):
    """Makes studies, elsewhere: this package cannot open an image set, and must not.

    Its methods wait; errors are those of `radassay.errors`. What they return goes to the coordinator's page as it is.
    """

    def describe(self) -> dict[str, Any]:
        """Return the fields of a plan with their help, and the sets and runs there are."""

    def check(self, settings: dict[str, Any], tell: Tell) -> dict[str, Any]:
        """Draw and test a study without writing it; `check` of what is returned names it to `make`."""

    def make(self, check: str, new_folder: Callable[[str], Path], tell: Tell) -> dict[str, Any]:
        """Write a checked study into the folder that `new_folder` gives for its title; `folder` is its name."""

    def stop(self) -> None:
        """End what runs; the method that waits raises `Stopped`."""


class Job:
    """The work under way, or the last one that ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state: dict[str, Any] = {"state": "idle"}
        self._begun = 0.0
        self._thread: threading.Thread | None = None

    def start(self, kind: str, work: Callable[[Tell], dict[str, Any]]) -> bool:
        """Begin a piece of work; False if another is under way."""
        with self._lock:
            if self._state["state"] == "running":
                return False
            self._state = {"kind": kind, "state": "running", "step": "Starting", "done": 0, "of": 0, "facts": {}}
            self._begun = time.monotonic()
        self._thread = threading.Thread(target=self._work, args=(work,), name=f"desk {kind}", daemon=True)
        self._thread.start()
        return True

    def tell(self) -> dict[str, Any]:
        """Return where it stands: `idle`, `running`, `done`, `refused`, `stopped` or `failed`."""
        with self._lock:
            told = {**self._state, "facts": dict(self._state.get("facts", {}))}
            if told["state"] == "running":
                told["seconds"] = round(time.monotonic() - self._begun)
            return told

    def _hear(self, news: dict[str, Any]) -> None:
        with self._lock:
            facts = {**self._state["facts"], **{k: v for k, v in news.items() if k not in ("step", "done", "of")}}
            self._state = {**self._state, **{k: news[k] for k in ("step", "done", "of") if k in news}, "facts": facts}

    def _work(self, work: Callable[[Tell], dict[str, Any]]) -> None:
        try:
            ended: dict[str, Any] = {"state": "done", "result": work(self._hear)}
        except Stopped:
            ended = {"state": "stopped"}
        except RadassayError as error:
            got = "" if error.got is None else str(error.got)
            refusal = {"what": error.what.rstrip(".") + ".", "got": got, "possible": error.possible}
            ended = {"state": "refused", "refusal": refusal}
        except Exception:
            LOG.exception("the work of the coordinator's page failed")
            ended = {"state": "failed"}
        with self._lock:
            self._state = {**self._state, **ended}
