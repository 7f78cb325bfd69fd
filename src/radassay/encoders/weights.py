"""Weights made elsewhere: which are known, where they lie, and whether a file is the one it should be."""

from __future__ import annotations

import hashlib
import os
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from radassay.errors import InputError, UnknownName
from radassay.evidence.run import storage, write_atomic

BLOCK = 1 << 20


@dataclass(frozen=True)
class Known:
    """One entry of `catalogue.toml`."""

    name: str
    """The encoder that takes these weights."""
    what: str
    file: str
    """Name of the file in the folder of weights."""
    url: str
    sha256: str
    """Published SHA-256 (hex) of the file; empty where none was found."""
    vouched: str
    """Who says so."""
    bytes: int
    """Size of the file; 0 where it is not known."""
    licence: str
    paper: str
    input: str
    """What the network wants to see."""
    seen: str
    """Images that it was trained on: a test set with any of them is not new to it."""
    caution: str

    @property
    def path(self) -> Path:
        """Return where the file belongs."""
        return folder() / self.file

    @property
    def pin(self) -> Path:
        """Return the file beside it that keeps the SHA-256 of its first use, in the form of `sha256sum`."""
        return self.path.with_name(self.file + ".sha256")

    @property
    def pinned(self) -> str:
        """Return the SHA-256 that an earlier `get` recorded, or nothing."""
        try:
            return self.pin.read_text(encoding="ascii").split()[0].lower()
        except (OSError, UnicodeDecodeError, IndexError):
            return ""

    @property
    def size(self) -> str:
        """Return the size for people, such as `95.6 MB`."""
        return f"{self.bytes / 1e6:.1f} MB" if self.bytes else "size not known"

    @property
    def by_hand(self) -> str:
        """Return how to get the file where there is no network."""
        return (
            f"Without a network: get {self.url} on another machine and run `radassay weights get {self.name} "
            "--file PATH`, or set `weights` to its path"
        )


@lru_cache(maxsize=1)
def catalogue() -> dict[str, Known]:
    """Return the weights that are known, by name."""
    text = files("radassay.encoders").joinpath("catalogue.toml").read_text(encoding="utf-8")
    return {name: Known(name=name, **told) for name, told in tomllib.loads(text).items()}


def known(name: str) -> Known:
    """Return one entry of the catalogue.

    Raises:
        UnknownName: there is none of that name; the message lists those there are.
    """
    if name not in catalogue():
        raise UnknownName(f"No weights named {name!r} are known", possible="Known: " + ", ".join(catalogue()))
    return catalogue()[name]


def folder() -> Path:
    """Return the folder of weights: `$RADASSAY_WEIGHTS`, or `radassay/weights` in the user's cache."""
    given = os.environ.get("RADASSAY_WEIGHTS", "")
    if given:
        return Path(given).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(cache) if cache else Path.home() / ".cache") / "radassay" / "weights"


def sha256_of(path: Path) -> str:
    """Return the SHA-256 (hex) of a file, computed once a process unless the file changes."""
    told = path.stat()
    return _sha256(path, told.st_size, told.st_mtime_ns)


@lru_cache(maxsize=32)
def _sha256(path: Path, size: int, changed_ns: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class Found:
    """A file of weights that may be used."""

    path: Path
    sha256: str


def missing(name: str, given: str = "") -> str:
    """Return what keeps an encoder's weights from use, or nothing; the file is not read.

    Args:
        name: name in the catalogue; empty for an encoder that takes any file.
        given: path that the user named; empty for the folder of weights.
    """
    if given:
        return "" if Path(given).expanduser().is_file() else f"no file {given}"
    if not name:
        return "the setting `weights` must name a file"
    entry = known(name)
    return "" if entry.path.is_file() else f"no weights; `radassay weights get {name}`"


def find(name: str, given: str = "") -> Found:
    """Return the weights to use, checked against the published or recorded SHA-256 where they are the known ones.

    A file that the user names is taken as it is: its SHA-256 is part of the encoder's fingerprint.

    Raises:
        InputError: there is no such file, with the ways to get it; or it is not the file it should be.
    """
    lacking = missing(name, given)
    if lacking and (given or not name):
        raise InputError("This encoder has no weights", got=lacking, possible="Set `weights` to the path of a file")
    if lacking:
        raise InputError(
            f"The weights of {name} are not there",
            got=f"no file {known(name).path}",
            possible=f"`radassay weights get {name}` downloads them ({known(name).size}). {known(name).by_hand}",
        )
    if given:
        path = Path(given).expanduser()
        return Found(path, sha256_of(path))
    entry = known(name)
    found, expected = sha256_of(entry.path), entry.sha256 or entry.pinned
    if expected and found != expected:
        raise InputError(
            f"{entry.path} is not the file that the encoder {name} expects (SHA-256 {expected})",
            got=found,
            possible=f"Delete it and run `radassay weights get {name}`, or set `weights` to a file that you trust",
        )
    return Found(entry.path, found)


def keep(entry: Known, sha256: str) -> None:
    """Write down the SHA-256 of the file in place, so that any later change is noticed."""
    with storage(entry.pin.parent):
        write_atomic(entry.pin, f"{sha256}  {entry.file}\n".encode("ascii"))
