"""Features kept on disk by picture and encoder, so that no picture is encoded twice by the same encoder."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radassay.contracts.encoder import Encoder
from radassay.contracts.grey import Grey
from radassay.evidence.run import storage

KEY = 32
"""Bytes of a key, a SHA-256."""


class CachedEncoder:
    """An encoder that reads what it has encoded before from a folder.

    ::

        FOLDER/FINGERPRINT/NAME.npy   keys and rows of one call, as records; NAME is the SHA-256 of its keys

    A file is written beside and renamed, and none is ever changed: a kill leaves whole files alone, and processes that
    share a folder find each other's. A file that cannot be read counts as absent.
    """

    def __init__(self, encoder: Encoder, folder: Path) -> None:
        self._encoder, self._root = encoder, folder
        self.name, self.paper, self.fingerprint = encoder.name, encoder.paper, encoder.fingerprint
        self.folder = folder / self.fingerprint[:32]
        self._files: set[str] = set()
        self._places: dict[bytes, tuple[int, int]] = {}
        self._parts: list[NDArray[np.void]] = []

    def __reduce__(self) -> tuple[type[CachedEncoder], tuple[Encoder, Path]]:
        # another process opens the folder itself, instead of being sent what is in it
        return CachedEncoder, (self._encoder, self._root)

    def encode(self, pixels: Grey) -> NDArray[np.float32]:
        """Return the features of (n, size, size) grey values, (n, d); only pictures not met before are encoded.

        Raises:
            InputError: the encoder cannot take these images.
            StorageError: the folder cannot be written.
        """
        if pixels.ndim != 3 or not len(pixels):
            return self._encoder.encode(pixels)
        keys = [picture_key(picture) for picture in pixels]
        if any(key not in self._places for key in keys):
            self._look()
        missing = {key: row for row, key in enumerate(keys) if key not in self._places}
        if missing:
            # whatever is no image is refused here, before anything is kept
            self._keep(list(missing), self._encoder.encode(pixels[list(missing.values())]))
        return np.stack([self._row(key) for key in keys])

    def __len__(self) -> int:
        self._look()
        return len(self._places)

    def _row(self, key: bytes) -> NDArray[np.float32]:
        part, row = self._places[key]
        features: NDArray[np.float32] = self._parts[part]["features"][row]
        return features

    def _keep(self, keys: list[bytes], features: NDArray[np.float32]) -> None:
        records = np.empty(len(keys), dtype=[("key", "u1", KEY), ("features", "<f4", features.shape[1])])
        records["key"] = np.frombuffer(b"".join(keys), dtype=np.uint8).reshape(-1, KEY)
        records["features"] = features
        name = hashlib.sha256(b"".join(keys)).hexdigest()[:32]
        buffer = io.BytesIO()
        np.save(buffer, records, allow_pickle=False)
        with storage(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            temporary = self.folder / f"{name}.{os.getpid()}.tmp"
            temporary.write_bytes(buffer.getbuffer())
            os.replace(temporary, self.folder / f"{name}.npy")
        self._read(name)

    def _look(self) -> None:
        """Take in the files that are new since the last look."""
        for path in sorted(self.folder.glob("*.npy")):
            if path.stem not in self._files:
                self._read(path.stem)

    def _read(self, name: str) -> None:
        self._files.add(name)
        try:
            records = np.load(self.folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
            keys = np.ascontiguousarray(records["key"]).tobytes()
        except (OSError, EOFError, ValueError, IndexError):
            return
        number = len(self._parts)
        self._parts.append(records)
        for row in range(len(records)):
            self._places.setdefault(keys[row * KEY : (row + 1) * KEY], (number, row))


def picture_key(picture: NDArray[np.float32]) -> bytes:
    """Return the SHA-256 of a picture's side and values."""
    return hashlib.sha256(str(picture.shape).encode() + np.ascontiguousarray(picture, dtype="<f4").tobytes()).digest()
