"""Decoding of many files in processes of their own, so that no file can harm the import or another file."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from radassay.engine.processes import cores
from radassay.errors import RadassayError, StorageError
from radassay.images.frame import Limits

FILES_PER_PROCESS = 48
"""Below this many files a further process costs more time than it saves."""
_BATCH = 8


@dataclass(frozen=True)
class Decoded:
    """What became of one file."""

    index: int
    """Its position among the paths given."""
    rows: tuple[dict[str, Any], ...]
    """One a frame: the fields of `Frame` with `image`, `height`, `width`, `channels` in place of the pixels."""
    rejected: str = ""
    """Why it was rejected; then there are no rows."""


def decode(paths: Sequence[Path], store: Path, limits: Limits, processes: int | None = None) -> Iterator[Decoded]:
    """Decode files into a pixel store and yield one result a file, in no particular order.

    Args:
        paths: files; what they hold is told by their content.
        store: folder of the pixel store.
        limits: what one file may ask for.
        processes: how many to use; by default the cores this process may use, fewer for few files.

    Raises:
        StorageError: the store cannot be written.
        RadassayError: the decoding process cannot be started at all.
    """
    if not paths:
        return
    if processes is None:
        processes = max(1, min(cores(), -(-len(paths) // FILES_PER_PROCESS)))
    work: queue.SimpleQueue[list[int]] = queue.SimpleQueue()
    for start in range(0, len(paths), _BATCH):
        work.put(list(range(start, min(start + _BATCH, len(paths)))))
    done: queue.Queue[Decoded | BaseException] = queue.Queue(maxsize=256)
    lanes = [_Lane(paths, store, limits, work, done) for _ in range(processes)]
    for lane in lanes:
        lane.start()
    try:
        for _ in paths:
            result = done.get()
            if isinstance(result, BaseException):
                raise result
            yield result
    finally:
        for lane in lanes:
            lane.stop()
        for lane in lanes:
            lane.join()


class _Lane(threading.Thread):
    """One thread with one decoding process, which it starts again whenever a file has ended it."""

    def __init__(
        self,
        paths: Sequence[Path],
        store: Path,
        limits: Limits,
        work: queue.SimpleQueue[list[int]],
        done: queue.Queue[Decoded | BaseException],
    ) -> None:
        super().__init__(daemon=True)
        self.paths, self.limits, self.work, self.done = paths, limits, work, done
        self.setup = {"store": str(store), "limits": asdict(limits)}
        self.process: subprocess.Popen[bytes] | None = None
        self.stopped = threading.Event()

    def run(self) -> None:
        try:
            while not self.stopped.is_set():
                try:
                    batch = self.work.get_nowait()
                except queue.Empty:
                    break
                while batch and not self.stopped.is_set():
                    batch = self._serve(batch)
        except BaseException as error:  # reaches the caller of `decode`
            self._put(error)
        finally:
            self._end()

    def stop(self) -> None:
        """End soon, without finishing the work."""
        self.stopped.set()
        process = self.process
        if process is not None:
            with contextlib.suppress(OSError):
                process.kill()

    def _put(self, result: Decoded | BaseException) -> None:
        while not self.stopped.is_set():
            with contextlib.suppress(queue.Full):
                self.done.put(result, timeout=0.2)
                return

    def _serve(self, batch: list[int]) -> list[int]:
        """Decode a batch; return what is left of it after a file that ended the process."""
        process = self.process or self._begin()
        assert process.stdin is not None
        asked = b"".join(_line({"path": str(self.paths[i])}) for i in batch)
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(asked)
            process.stdin.flush()
        for position, index in enumerate(batch):
            rows: list[dict[str, Any]] = []
            while True:
                answer = self._answer(process)
                if answer is None:
                    if not self.stopped.is_set():
                        self._put(Decoded(index, (), self._why_it_ended(process)))
                    self._end()
                    return batch[position + 1 :]
                if "frame" in answer:
                    rows.append(answer["frame"])
                    continue
                if "storage" in answer:
                    what, got, possible = answer["storage"]
                    raise StorageError(what, got=got, possible=possible)
                rejected = answer["end"]
                self._put(Decoded(index, () if rejected else tuple(rows), rejected))
                break
        return []

    def _begin(self) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "radassay.images.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(_line(self.setup))
            self.process.stdin.flush()
        if self._answer(self.process) is None and not self.stopped.is_set():
            raise RadassayError(
                "The process that decodes images cannot be started",
                got=f"exit code {self.process.wait()}",
                possible=f"Try `{sys.executable} -m radassay.images.worker` to see why",
            )
        return self.process

    @staticmethod
    def _answer(process: subprocess.Popen[bytes]) -> dict[str, Any] | None:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.endswith(b"\n"):
            return None
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _why_it_ended(self, process: subprocess.Popen[bytes]) -> str:
        code = process.wait()
        if code == -signal.SIGALRM:
            return f"decoding it takes more than {self.limits.seconds:g} s."
        return "its decoder crashed."

    def _end(self) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(OSError):
            process.stdin.close()
        if self.stopped.is_set():
            process.kill()
        process.wait()
        process.stdout.close()


def _line(request: dict[str, Any]) -> bytes:
    return json.dumps(request, ensure_ascii=False).encode("utf-8", "surrogateescape") + b"\n"
