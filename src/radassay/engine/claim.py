"""A folder claimed for one piece of work: locked against other processes, and known by what is done in it."""

from __future__ import annotations

import contextlib
import fcntl
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from radassay.errors import SettingsError, StorageError
from radassay.evidence.run import storage, write_atomic


@contextlib.contextmanager
def claimed(folder: Path, identity: Mapping[str, Any], what: str = "training") -> Iterator[None]:
    """Claim a folder for one piece of work, such as a training, and write its identity into `WHAT.json`.

    Raises:
        SettingsError: the folder holds another one.
        StorageError: another process works in it, or it cannot be written.
    """
    with storage(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = open(folder / ".lock", "w")  # noqa: SIM115 - held until the end of the block below
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StorageError(f"Another process works in {folder}", possible="Wait for it or end it") from None
        wanted = json.loads(json.dumps(dict(identity)))
        about = folder / f"{what}.json"
        if about.exists():
            known = json.loads(about.read_text())
            other = sorted(k for k in {*known, *wanted} if known.get(k) != wanted.get(k))
            if other:
                raise SettingsError(
                    f"{folder} holds {_article(what)} {what} of other {', '.join(other)}",
                    got=", ".join(f"{k} = {_short(wanted.get(k))}, there {_short(known.get(k))}" for k in other[:4]),
                    possible=f"Give another folder, or the settings and images of that {what} to carry on",
                )
        else:
            with storage(folder):
                write_atomic(about, (json.dumps(wanted, indent=1, sort_keys=True) + "\n").encode())
        yield


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 24 else text[:12] + "…"
