"""Run a command of somebody else: without a shell, within a time limit, with the end of what it said kept."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from string import Formatter

from radassay.errors import InputError, SettingsError, StorageError
from radassay.evidence.run import storage

SAID = 2_000
"""Bytes of the end of what a command said that an error quotes."""


def words_of(template: str, known: Iterable[str], setting: str) -> list[str]:
    """Return the words of a command template, split as a shell would, with the placeholders still in them.

    Raises:
        SettingsError: a quotation that does not end, or a placeholder that is not known.
    """
    try:
        words = shlex.split(template)
        asked = [name for word in words for _, name, _, _ in Formatter().parse(word) if name is not None]
    except ValueError as error:
        raise SettingsError(f"Setting `{setting}` is no command", got=f"{template}: {error}") from None
    strange = sorted(set(asked) - set(known))
    if strange or not words:
        raise SettingsError(
            f"Setting `{setting}` is no command with known placeholders",
            got=", ".join("{" + name + "}" for name in strange) or template or "nothing",
            possible="Placeholders: " + ", ".join("{" + name + "}" for name in known) + "; a plain { is written {{",
        )
    return words


def filled(words: Iterable[str], values: Mapping[str, str]) -> list[str]:
    """Return the words with their placeholders filled in; a value never becomes several words."""
    return [word.format(**values) for word in words]


def program_missing(words: list[str]) -> str:
    """Return why the program of a command cannot be started, or nothing."""
    return "" if "{" in words[0] or shutil.which(words[0]) else f"no program {words[0]!r}"


def run(words: list[str], log: Path, seconds: float, folder: Path | None = None) -> None:
    """Run a command to its end.

    It gets no input. It and all that it started is ended where it takes too long, and when this process is interrupted;
    where this process is killed outright it runs on, and until it has ended no other one is started with that log.

    Args:
        words: the program and its arguments.
        log: takes what it says on both streams: `.out` and `.err` are added to the name.
        seconds: the time limit.
        folder: where it runs; by default where this process runs.

    Raises:
        InputError: it cannot be started, takes too long, or ends with an error; the end of what it said is quoted.
        StorageError: an earlier one with that log still runs, or the log cannot be written.
    """
    errors = log.with_name(log.name + ".err")
    with contextlib.ExitStack() as opened:
        with storage(log.parent):
            log.parent.mkdir(parents=True, exist_ok=True)
            held = opened.enter_context(open(log.with_name(f".{log.name}.lock"), "wb"))
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StorageError(
                f"An earlier call of the command still runs in {log.parent}", possible="Wait for it, or end it"
            ) from None
        with storage(log.parent):
            out = opened.enter_context(open(log.with_name(log.name + ".out"), "wb"))
            err = opened.enter_context(open(errors, "wb"))
        try:
            # the command inherits the lock, and so keeps it for as long as it runs
            process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=folder, start_new_session=True,
                pass_fds=(held.fileno(),),
            )  # fmt: skip
        except (OSError, ValueError) as error:
            raise InputError("The command cannot be started", got=f"{shlex.join(words)}: {error}") from None
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise InputError(
                f"The command took longer than {seconds:g} seconds and was ended",
                got=f"{shlex.join(words)}{_quoted(errors)}",
                possible="Raise `limit_minutes`",
            ) from None
        finally:
            _end(process)
    if code:
        raise InputError(
            f"The command ended with code {code}",
            got=f"{shlex.join(words)}{_quoted(errors)}",
            possible=f"All that it said is in {errors}",
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command and whatever it started; nothing happens where all of that has ended."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _quoted(errors: Path) -> str:
    """Return the end of what a command said on standard error, for a message."""
    with open(errors, "rb") as file:
        file.seek(max(0, errors.stat().st_size - SAID))
        said = file.read().decode("utf-8", "replace").strip()
    return f"\nThe end of what it said:\n{said}\n" if said else ". It said nothing"
