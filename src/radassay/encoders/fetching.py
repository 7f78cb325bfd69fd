"""Bring weights into their folder, from the network or from a file, checked before they are put in place."""

from __future__ import annotations

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from radassay.contracts.progress import Progress, Report, silent
from radassay.encoders.weights import BLOCK, Known, keep, sha256_of
from radassay.errors import InputError, SettingsError
from radassay.evidence.run import storage

MOST = 4 * 10**9
"""Bytes at which a download stops where the file's size is not known."""
SECONDS = 60.0
"""Silence after which a connection counts as dead."""

Open = Callable[[urllib.request.Request, float], Any]


def get(
    entry: Known,
    *,
    file: Path | None = None,
    sha256: str = "",
    accept_unverified: bool = False,
    report: Report = silent,
    connect: Open | None = None,
) -> tuple[Path, str]:
    """Put an entry's weights in place and record their SHA-256; weights in place already are checked and kept.

    Args:
        entry: which weights.
        file: a copy brought by hand; without one, they are downloaded over https.
        sha256: the sum that the user expects, needed where none is published and nothing was recorded before.
        accept_unverified: take whatever comes where no sum is known, and record its sum for later.
        report: told of the bytes that have come.
        connect: opens a request (for tests); `urllib` by default.

    Returns:
        The path of the file, and its SHA-256.

    Raises:
        SettingsError: no sum is known and none was given; or the one given contradicts the published one.
        InputError: no network, a broken connection, a file that is too large, or another file than expected.
        StorageError: the folder cannot be written.
    """
    expected = _expected(entry, sha256.strip().lower(), accept_unverified)
    part = entry.path.with_name(entry.file + ".part")
    with storage(entry.path.parent):
        entry.path.parent.mkdir(parents=True, exist_ok=True)
    there = file is None and entry.path.is_file()
    if there:
        got = sha256_of(entry.path)
    elif file is not None:
        got = _copied(file.expanduser(), part, entry)
    else:
        got = _downloaded(entry, part, report, connect or _connect)
    if expected and got != expected:
        if not there:
            _dropped(part)
        raise InputError(
            f"These are not the weights of {entry.name} (SHA-256 {expected})",
            got=got,
            possible=f"Delete {entry.path} and get it again" if there else "Nothing was put in place",
        )
    if not there:
        with storage(part.parent):
            os.replace(part, entry.path)
    _dropped(part)
    keep(entry, got)
    return entry.path, got


def _expected(entry: Known, given: str, accept_unverified: bool) -> str:
    """Return the SHA-256 that the file must have; empty where the user accepts any."""
    if given and (len(given) != 64 or set(given) - set("0123456789abcdef")):
        raise SettingsError("A SHA-256 has 64 hexadecimal digits", got=given)
    published = entry.sha256 or entry.pinned
    if given and published and given != published:
        raise SettingsError(
            f"The SHA-256 of {entry.name} is {published}, by its {'publishers' if entry.sha256 else 'first download'}",
            got=given,
            possible=f"To use another file, set `weights` to its path, or delete {entry.pin}",
        )
    if not (given or published or accept_unverified):
        raise SettingsError(
            f"No SHA-256 of {entry.name} is published, so nothing would tell a wrong file from the right one",
            possible="`--sha256 HEX` with a sum that you trust, or `--accept-unverified` to take the first download "
            "and hold later ones to it",
        )
    return given or published


def _copied(file: Path, part: Path, entry: Known) -> str:
    """Copy a file brought by hand; return its SHA-256."""
    digest = hashlib.sha256()
    try:
        source = open(file, "rb")  # noqa: SIM115 - closed below; an error of reading is not one of writing
    except OSError as error:
        raise InputError(f"Cannot read {file}", got=error.strerror, possible=f"The file of {entry.url}") from None
    with source, storage(part.parent), open(part, "wb") as out:
        while block := source.read(BLOCK):
            digest.update(block)
            out.write(block)
    return digest.hexdigest()


def _downloaded(entry: Known, part: Path, report: Report, connect: Open) -> str:
    """Download into `part`, carrying on where an earlier download of the same file stopped; return the SHA-256."""
    headers = {"User-Agent": "radassay", "Accept-Encoding": "identity"}
    request = urllib.request.Request(_https(entry.url), headers=headers)  # noqa: S310 - https alone
    tag = _tag(part)
    begun = part.stat().st_size if part.exists() and tag.exists() else 0
    if begun:
        request.add_header("Range", f"bytes={begun}-")
        # the server sends the whole file again if it is no longer the one that was begun
        request.add_header("If-Range", tag.read_text(encoding="utf-8"))
    try:
        with connect(request, SECONDS) as response:
            begun = begun if response.status == 206 else 0
            with storage(part.parent):
                _remember(tag, response.headers.get("ETag", ""))
                out = open(part, "ab" if begun else "wb")  # noqa: SIM115 - closed by the next line
            with out:
                _stream(response, out, begun, entry, report)
    except urllib.error.HTTPError as error:
        if error.code == 416 and begun:
            part.unlink()
            return _downloaded(entry, part, report, connect)
        raise _offline(entry, f"HTTP {error.code} {error.reason}") from None
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        raise _offline(entry, str(getattr(error, "reason", error))) from None
    return sha256_of(part)


def _stream(response: Any, out: IO[bytes], begun: int, entry: Known, report: Report) -> None:
    """Write a response's bytes, no more than the file may have and no fewer than were announced."""
    announced = response.headers.get("Content-Length")
    total = begun + int(announced) if announced else entry.bytes
    most = entry.bytes or MOST
    if total > most:
        raise InputError(f"The file is larger than {entry.name} may be ({most} bytes)", got=f"{total} bytes")
    done = begun
    while block := response.read(BLOCK):
        done += len(block)
        if done > most:
            raise InputError(f"The file is larger than {entry.name} may be ({most} bytes)", got="more")
        with storage(Path(out.name).parent):
            out.write(block)
        report(Progress(done // BLOCK, max(total, done) // BLOCK, "MiB", task=entry.name))
    if done < total:
        raise _offline(entry, f"the connection ended after {done} of {total} bytes")


def _connect(request: urllib.request.Request, seconds: float) -> Any:
    return urllib.request.build_opener(HttpsOnly).open(request, timeout=seconds)


class HttpsOnly(urllib.request.HTTPRedirectHandler):
    """Follow a server's redirections to https addresses alone."""

    def redirect_request(self, *arguments: Any) -> urllib.request.Request | None:
        """Refuse any other address, the last argument."""
        _https(arguments[-1])
        return super().redirect_request(*arguments)


def _https(url: str) -> str:
    if urlsplit(url).scheme != "https":
        raise InputError("Weights are downloaded over https alone", got=url)
    return url


def _dropped(part: Path) -> None:
    """Forget a download that has begun."""
    for path in (part, _tag(part)):
        path.unlink(missing_ok=True)


def _tag(part: Path) -> Path:
    """Return the file that holds the server's tag of a download that has begun."""
    return part.with_name(part.name + ".etag")


def _remember(tag: Path, etag: str) -> None:
    """Keep a strong tag, with which a later download may carry on; without one it starts anew."""
    if etag and not etag.startswith("W/"):
        tag.write_text(etag, encoding="utf-8")
    else:
        tag.unlink(missing_ok=True)


def _offline(entry: Known, why: str) -> InputError:
    return InputError(
        f"Cannot download the weights of {entry.name}",
        got=why,
        possible=f"The same command carries on once there is a network. {entry.by_hand}",
    )
