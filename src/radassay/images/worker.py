"""The process that decodes: reads paths from its input, stores pixels, answers with rows.

Decoders are native code fed with strangers' files. Here one may crash, hang or run out of memory without harm:
`decoding.py` starts the process again and rejects the file that ended it.

Protocol, one JSON object a line. In: first `{"store", "limits"}`, then `{"path"}`. Out: first `{"ready"}`, then for
each path any number of `{"frame": {...}}` and one `{"end": "" or the reason of a rejection}`.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import IO, Any

from PIL import Image

from radassay.errors import StorageError, UnreadableImage
from radassay.images.frame import Frame, Limits
from radassay.images.reader import read
from radassay.images.store import PixelStore


def main() -> None:
    """Serve until the input ends."""
    # native libraries print to descriptor 1, which must stay clean for the answers
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="surrogateescape")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    lines = open(0, encoding="utf-8", errors="surrogateescape", newline="\n", closefd=False)  # noqa: SIM115
    setup = json.loads(lines.readline())
    limits = Limits(**setup["limits"])
    store = PixelStore(Path(setup["store"]))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # a parent may have had it ignored
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends us by closing the input
    _limit_memory(limits)
    Image.MAX_IMAGE_PIXELS = None  # our own limit is checked before pixels are decoded
    _say(out, {"ready": True})
    for line in lines:
        serve(Path(json.loads(line)["path"]), store, limits, out)


def serve(path: Path, store: PixelStore, limits: Limits, out: IO[str]) -> None:
    """Decode one file and answer; a picture that takes too long ends the process (SIGALRM)."""
    end = ""
    try:
        _alarm(limits.seconds)
        for frame in read(path, limits):
            row = _row(frame, store)
            _alarm(0)  # waiting for the parent to listen is no fault of the file
            _say(out, {"frame": row}, flush=False)
            _alarm(limits.seconds)
    except UnreadableImage as error:
        end = str(error)
    except StorageError as error:
        _say(out, {"storage": [error.what, str(error.got), error.possible]})
        return
    except MemoryError:
        end = "decoding it needs too much memory"
    finally:
        _alarm(0)
    _say(out, {"end": end})


def _row(frame: Frame, store: PixelStore) -> dict[str, Any]:
    row = dict(vars(frame))
    pixels = row.pop("pixels")
    row["image"] = store.put(pixels)
    row["height"], row["width"] = pixels.shape[:2]
    row["channels"] = 3 if pixels.ndim == 3 else 1
    return row


def _say(out: IO[str], answer: dict[str, Any], flush: bool = True) -> None:
    out.write(json.dumps(answer) + "\n")
    if flush:
        out.flush()


def _alarm(seconds: float) -> None:
    # the default action of SIGALRM ends the process even inside native code
    with contextlib.suppress(AttributeError):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _limit_memory(limits: Limits) -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (limits.max_memory_bytes, limits.max_memory_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    sys.path[:] = [p for p in sys.path if p]
    main()
