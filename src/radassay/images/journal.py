"""What a killed import has decoded already."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from radassay.evidence.run import storage
from radassay.images.decoding import Decoded
from radassay.images.sources import Item

Row = dict[str, Any]


class Journal:
    """What was decoded so far, one line a file, for the import that follows a kill. Holds no raw identifiers."""

    def __init__(self, path: Path, settings: str) -> None:
        self.known: dict[tuple[str, int, int], tuple[tuple[Row, ...], str]] = {}
        head = json.dumps({"settings": settings}) + "\n"
        whole = self._read(path, head) if path.exists() else 0
        with storage(path.parent):
            self.file = open(path, "a+b")  # noqa: SIM115 - closed by `close`
            self.file.truncate(whole)
            if not whole:
                self.file.write(head.encode())
        self.path = path

    def _read(self, path: Path, head: str) -> int:
        """Take in the lines of an earlier import with the same settings; return the length that is whole."""
        content = path.read_bytes()
        content = content[: content.rfind(b"\n") + 1]
        if not content.startswith(head.encode()):
            return 0
        for line in content.splitlines()[1:]:
            entry = json.loads(line)
            self.known[(entry["source"], entry["size"], entry["changed_ns"])] = tuple(entry["rows"]), entry["rejected"]
        return len(content)

    def earlier(self, index: int, item: Item) -> Decoded | None:
        """Return what became of this very file (path, size, time of change) before, at its present index."""
        found = self.known.get((item.file.source, item.file.size, item.file.changed_ns))
        return None if found is None else Decoded(index, *found)

    def add(self, item: Item, decoded: Decoded) -> None:
        """Note one file."""
        entry = {"source": item.file.source, "size": item.file.size, "changed_ns": item.file.changed_ns}
        line = json.dumps({**entry, "rows": decoded.rows, "rejected": decoded.rejected}) + "\n"
        with storage(self.path.parent):
            self.file.write(line.encode())
            self.file.flush()

    def close(self, delete: bool) -> None:
        """Close it, and delete it once the set is written."""
        self.file.close()
        if delete:
            self.path.unlink(missing_ok=True)
