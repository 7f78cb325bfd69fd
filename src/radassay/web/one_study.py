"""The server of one study as a process of its own: ``python -m radassay.web.one_study``, started by the desk.

Its settings come as one line of JSON on the standard input. It ends when that input does, so that no server outlives
the desk that started it, even one that was killed. A refusal is one line of JSON on the standard output.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path

from radassay.errors import RadassayError
from radassay.web.serving import serve


def main() -> int:
    """Serve until told to stop; 2 if it was refused."""
    told = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_input, daemon=True).start()
    certificate, private_key = (Path(told[name]) if told[name] else None for name in ("certificate", "private_key"))
    try:
        serve(
            Path(told["folder"]),
            told["database"],
            told["host"],
            told["port"],
            names=tuple(told["names"]),
            certificate=certificate,
            private_key=private_key,
            quiet=True,
        )
    except RadassayError as error:
        print(json.dumps({"what": error.what, "possible": error.possible}), flush=True)
        return 2
    return 0


def _end_with_input() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
