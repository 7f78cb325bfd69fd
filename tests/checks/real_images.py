"""Real sets and simulated chests as samples, for the tests of the checks of real data."""

from io import BytesIO

import numpy as np
import pandas as pd
from PIL import Image

from radassay.images.imageset import NUMBER_COLUMNS, TEXT_COLUMNS
from radassay.images.sample import Sample
from radassay.images.store import pixels_id


def sample(name, pixels, **columns):
    """A sample with every column of an image set; patients are known unless told otherwise."""
    n = len(pixels)
    pixels = np.asarray(pixels, dtype=np.float32)
    images = np.array([pixels_id(p) for p in pixels], dtype=str)
    table = pd.DataFrame({c: [""] * n for c in TEXT_COLUMNS} | {c: [np.nan] * n for c in NUMBER_COLUMNS})
    usual = {"patient": [f"{name}-{i}" for i in range(n)], "label": "normal", "format": "png", "bits": 8.0}
    usual |= {"channels": 1.0, "height": 256.0, "width": 256.0, "source": [f"{name}/{i}.png" for i in range(n)]}
    table = table.assign(**(usual | {"image": images} | columns))
    known = table["patient"].to_numpy(dtype=str)
    units = np.where(known != "", known, np.char.add("image:", images))
    labels, sources = table["label"].to_numpy(dtype=str), table["source"].to_numpy(dtype=str)
    return Sample(name, pixels, labels, units, images, sources, table, bool((known != "").all()))


def textures(n, seed, size=128):
    """Pictures with detail at every scale, no two alike; smooth as chest films are."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :])
    amplitude = 1 / np.maximum(frequency, 2 / size) ** 1.7
    fields = np.fft.irfft2(np.fft.rfft2(rng.normal(size=(n, size, size))) * amplitude, s=(size, size))
    fields -= fields.mean(axis=(1, 2), keepdims=True)
    return np.clip(0.5 + 0.18 * fields / fields.std(axis=(1, 2), keepdims=True), 0, 1).astype(np.float32)


def altered(picture, *, cut=(0.0, 0.0, 0.0, 0.0), gamma=1.0, quality=95, edge=0):
    """The same film cut, windowed, framed in black and saved as JPEG, then shown at half its side."""
    size, half = len(picture), len(picture) // 2
    top, bottom, left, right = (round(c * size) for c in cut)
    shown = Image.fromarray(picture[top : size - bottom, left : size - right]).resize((size, size), Image.BILINEAR)
    values = (np.clip(np.asarray(shown), 0, 1) ** gamma * 255).astype(np.uint8)
    if edge:
        values = np.pad(values, edge)
    stream = BytesIO()
    Image.fromarray(values).save(stream, "JPEG", quality=quality)
    again = Image.open(stream).convert("F").resize((half, half), Image.BILINEAR)
    return np.asarray(again, dtype=np.float32) / 255


def halved(pictures):
    """Pictures at half their side."""
    n, size, _ = pictures.shape
    return pictures.reshape(n, size // 2, 2, size // 2, 2).mean(axis=(2, 4))
