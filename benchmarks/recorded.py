"""Repetitions kept as they end, one line of JSON each, so that a long count can be stopped and carried on with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class Recorded:
    """What was found under each key; in memory alone without a file."""

    def __init__(self, path: Path | None) -> None:
        self.path, self.found = path, {}
        if path is not None and path.exists():
            # a kill may have torn the last line
            whole = [line for line in path.read_text(encoding="utf-8").splitlines(keepends=True) if line.endswith("\n")]
            path.write_text("".join(whole), encoding="utf-8")
            self.found = {tuple(line["key"]): line["found"] for line in map(json.loads, whole)}

    def add(self, key: tuple[str | int, ...], found: Any) -> None:
        """Keep what one repetition found."""
        self.found[key] = found
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"key": key, "found": found}) + "\n")
