"""Pixels by content: each picture once, under the SHA-256 of its values."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radassay.errors import InputError
from radassay.evidence.run import storage

Pixels = NDArray[np.generic]


def pixels_id(pixels: Pixels) -> str:
    """Return the SHA-256 (hex) of dtype, shape and little-endian values."""
    pixels = np.ascontiguousarray(pixels)
    little = pixels.astype(pixels.dtype.newbyteorder("<"), copy=False)
    head = f"{little.dtype.str} {little.shape}".encode()
    return hashlib.sha256(head + little.tobytes()).hexdigest()


class PixelStore:
    """A folder of `.npy` files named by the content they hold.

    Writing the same picture twice costs nothing; a kill never leaves half a picture under its name.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, image: str) -> Path:
        """Return where the picture of this id lies."""
        return self.folder / image[:2] / f"{image[2:]}.npy"

    def put(self, pixels: Pixels) -> str:
        """Store a picture of shape (height, width) or (height, width, 3) and return its id."""
        image = pixels_id(pixels)
        path = self.path(image)
        if not path.exists():
            with storage(self.folder):
                temporary = path.with_suffix(f".{os.getpid()}.tmp")
                buffer = io.BytesIO()
                np.save(buffer, np.ascontiguousarray(pixels), allow_pickle=False)
                try:
                    temporary.write_bytes(buffer.getbuffer())
                except FileNotFoundError:  # the first picture of this folder
                    path.parent.mkdir(parents=True, exist_ok=True)
                    temporary.write_bytes(buffer.getbuffer())
                os.replace(temporary, path)
        return image

    def get(self, image: str) -> Pixels:
        """Return the picture of this id.

        Raises:
            InputError: the store does not hold it.
        """
        try:
            pixels: Pixels = np.load(self.path(image), allow_pickle=False)
        except FileNotFoundError:
            raise InputError(
                f"Picture {image[:12]} is not in {self.folder}",
                possible="Import the images again",
            ) from None
        return pixels
