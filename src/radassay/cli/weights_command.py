"""`radassay weights`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from radassay.cli.progress import progress

if TYPE_CHECKING:
    from radassay.encoders.weights import Known


@dataclass(frozen=True)
class Command:
    """The weights of encoders: list those that are known, get one, or tell where they lie.

    `get` is the only command of radassay that uses a network, and only for the file that is named. The file is checked
    by its SHA-256 before it is put in place. Without a network, bring it by hand with --file.

    Example: radassay weights get inception
    """

    action: Annotated[Literal["list", "get", "where"], tyro.conf.Positional]
    """`list` tells what is known of each; `get NAME` brings one; `where` tells the folder, `where NAME` the file."""
    name: Annotated[str, tyro.conf.Positional] = ""
    """Which weights, by the name of their encoder."""
    file: Path | None = None
    """A copy brought by hand, taken in place of a download."""
    sha256: str = ""
    """The SHA-256 that you expect, where none is published."""
    accept_unverified: bool = False
    """Where no SHA-256 is published, take what comes and hold later copies to it."""

    def run(self) -> int:
        """Run it."""
        from radassay.encoders.fetching import get
        from radassay.encoders.weights import catalogue, folder, known
        from radassay.errors import SettingsError

        if self.action == "list":
            print("\n".join(told(entry) for entry in catalogue().values() if self.name in ("", entry.name)))
            return 0
        if not self.name:
            if self.action == "where":
                print(folder())
                return 0
            raise SettingsError("Which weights?", possible="Names: " + ", ".join(catalogue()))
        entry = known(self.name)
        if self.action == "where":
            print(entry.path)
            return 0
        with progress() as report:
            path, sha256 = get(
                entry,
                file=self.file,
                sha256=self.sha256,
                accept_unverified=self.accept_unverified,
                report=report,
            )
        print(f"{path}\nSHA-256 {sha256}: {'as published' if entry.sha256 else 'recorded for later'}")
        print(f"seen in training: {entry.seen}\n{entry.caution}")
        return 0


def told(entry: Known) -> str:
    """Return what is known of some weights, for the terminal."""
    lines = {
        "file": f"{entry.path} ({'there' if entry.path.is_file() else 'missing'}; {entry.size})",
        "address": entry.url,
        "SHA-256": f"{entry.sha256 or entry.pinned or 'not published'} ({entry.vouched})",
        "licence": entry.licence,
        "paper": entry.paper,
        "sees": entry.input,
        "learnt from": entry.seen,
        "caution": entry.caution,
    }
    return "\n".join([f"{entry.name}: {entry.what}", *(f"  {name:<12} {value}" for name, value in lines.items())])
