"""Every file below a folder, and what must not be opened."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Found:
    """One entry of a folder tree."""

    source: str
    """Path below the root with `/`; bytes that are no UTF-8 are written as `\\xNN`."""
    path: Path
    size: int = 0
    changed_ns: int = 0
    problem: str = ""
    """Why it must not be opened; empty for a file that may be."""


def walk(root: Path) -> Iterator[Found]:
    """Yield everything below a folder but folders, sorted, without following links to folders.

    Links that lead outside the root, pipes, sockets, devices and folders that cannot be read come with a problem.
    """
    real_root = root.resolve()
    pending = [(root, "")]
    while pending:
        folder, above = pending.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            yield Found(above.rstrip("/") or ".", folder, problem=f"the folder cannot be read ({error.strerror})")
            continue
        for entry in entries:
            source = above + _text(entry.name)
            if entry.is_dir(follow_symlinks=False):
                pending.append((folder / entry.name, source + "/"))
            else:
                yield _file(entry, folder / entry.name, source, real_root)


def _file(entry: os.DirEntry[str], path: Path, source: str, real_root: Path) -> Found:
    try:
        if entry.is_symlink():
            target = path.resolve(strict=True)
            if not target.is_relative_to(real_root):
                return Found(source, path, problem="a link that leads outside the folder")
            if target.is_dir():
                return Found(source, path, problem="a link to a folder, which is read where it lies")
        about = entry.stat()
    except (OSError, RuntimeError):
        return Found(source, path, problem="a link that leads nowhere, or a file that cannot be read")
    if not stat.S_ISREG(about.st_mode):
        return Found(source, path, problem="not a regular file (a pipe, socket or device)")
    return Found(source, path, about.st_size, about.st_mtime_ns)


def _text(name: str) -> str:
    """Return a name as text that any table can hold."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
