"""What happens to radiographs on their way from one set to another, for tests and benchmarks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.float32]
Alter = Callable[[Grey, np.random.Generator], Grey]


def bytes_of(picture: Grey) -> NDArray[np.uint8]:
    """Return the picture in 256 steps."""
    return np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)


def from_bytes(values: NDArray[Any]) -> Grey:
    """Return 8-bit values as grey in [0, 1]."""
    return values.astype(np.float32) / 255


def resized(picture: Grey, rng: np.random.Generator, *, share: float) -> Grey:
    """Shrink (or enlarge) both sides to a share."""
    height, width = (max(8, round(side * share)) for side in picture.shape)
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if share < 1 else cv2.INTER_CUBIC)


def squashed(picture: Grey, rng: np.random.Generator, *, by: float) -> Grey:
    """Shrink one side, by chance height or width."""
    height, width = picture.shape
    height, width = (round(height / by), width) if rng.random() < 0.5 else (height, round(width / by))
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def cropped(picture: Grey, rng: np.random.Generator, *, share: float) -> Grey:
    """Keep a part with this share of height and of width, anywhere."""
    height, width = picture.shape
    h, w = round(height * share), round(width * share)
    top, left = rng.integers(height - h + 1), rng.integers(width - w + 1)
    return picture[top : top + h, left : left + w]


def framed(picture: Grey, rng: np.random.Generator, *, share: float, value: float = 0.0) -> Grey:
    """Add a border of one grey value, on each side up to this share of it."""
    edges = [tuple(rng.integers(0, round(side * share) + 1, 2)) for side in picture.shape]
    return np.pad(picture, edges, constant_values=value)


def letterboxed(picture: Grey, rng: np.random.Generator, *, share: float) -> Grey:
    """Put the picture into a square or larger canvas, black above and below."""
    height, width = picture.shape
    side = round(max(height, width) * share)
    top, left = (side - height) // 2, (side - width) // 2
    return np.pad(picture, ((top, side - height - top), (left, side - width - left)))


def windowed(picture: Grey, rng: np.random.Generator, *, low: float, high: float) -> Grey:
    """Show the grey values between two percentiles alone."""
    a, b = np.percentile(picture, (low, high))
    return np.clip((picture - a) / max(b - a, 1e-3), 0, 1).astype(np.float32)


def gamma(picture: Grey, rng: np.random.Generator, *, by: float) -> Grey:
    """Raise grey values to a power."""
    return np.clip(picture, 0, 1) ** np.float32(by)


def equalised(picture: Grey, rng: np.random.Generator, *, clip: float = 0.0) -> Grey:
    """Equalise the histogram, over the whole picture or, with a clip limit, by tiles (CLAHE)."""
    values = bytes_of(picture)
    return from_bytes(cv2.createCLAHE(clip, (8, 8)).apply(values) if clip else cv2.equalizeHist(values))


def compressed(picture: Grey, rng: np.random.Generator, *, quality: int) -> Grey:
    """Save as JPEG and read again."""
    _, stream = cv2.imencode(".jpg", bytes_of(picture), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return from_bytes(cv2.imdecode(stream, cv2.IMREAD_GRAYSCALE))


def noisy(picture: Grey, rng: np.random.Generator, *, spread: float) -> Grey:
    """Add noise."""
    return np.clip(picture + rng.normal(0, spread, picture.shape), 0, 1).astype(np.float32)


def blurred(picture: Grey, rng: np.random.Generator, *, sigma: float) -> Grey:
    """Smooth."""
    return cv2.GaussianBlur(picture, (0, 0), sigma)


def sharpened(picture: Grey, rng: np.random.Generator, *, by: float) -> Grey:
    """Mask unsharply, as film processors do."""
    return np.clip(picture + by * (picture - cv2.GaussianBlur(picture, (0, 0), 4)), 0, 1)


def inverted(picture: Grey, rng: np.random.Generator) -> Grey:
    """Exchange black and white."""
    return 1 - picture


def mirrored(picture: Grey, rng: np.random.Generator) -> Grey:
    """Exchange left and right."""
    return np.ascontiguousarray(picture[:, ::-1])


def turned(picture: Grey, rng: np.random.Generator, *, degrees: float) -> Grey:
    """Turn about the centre, either way, with black corners; whole quarter turns turn the canvas too."""
    if degrees % 90 == 0:
        return np.ascontiguousarray(np.rot90(picture, int(degrees // 90)))
    height, width = picture.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees if rng.random() < 0.5 else -degrees, 1)
    return cv2.warpAffine(picture, matrix, (width, height))


def annotated(picture: Grey, rng: np.random.Generator, *, marks: int) -> Grey:
    """Draw text, arrows and boxes."""
    out = bytes_of(picture)
    height, width = out.shape
    for number in range(marks):
        x, y = int(rng.integers(width * 3 // 4)), int(rng.integers(height // 8, height))
        size, white = min(height, width), 255 * int(rng.random() < 0.8)
        kind = number % 3
        if kind == 0:
            cv2.putText(
                out, "AP 14:32 L"[: rng.integers(2, 11)], (x, y), cv2.FONT_HERSHEY_SIMPLEX, size / 400, white, 1
            )
        elif kind == 1:
            tip = x + int(rng.integers(size // 10, size // 4)), y - int(rng.integers(0, size // 5))
            cv2.arrowedLine(out, (x, y), tip, white, max(1, size // 100), tipLength=0.3)
        else:
            corner = x + int(rng.integers(size // 10, size // 3)), y + int(rng.integers(size // 10, size // 3))
            cv2.rectangle(out, (x, y), corner, white, max(1, size // 120))
    return from_bytes(out)


def chained(picture: Grey, rng: np.random.Generator, *, steps: tuple[Alter, ...]) -> Grey:
    """Do several things in turn."""
    for step in steps:
        picture = step(picture, rng)
    return np.ascontiguousarray(picture)


p = partial
ALTERATIONS: dict[str, Alter] = {
    "half size": p(resized, share=0.5),
    "quarter size": p(resized, share=0.25),
    "squashed by 1.2": p(squashed, by=1.2),
    "squashed by 1.6": p(squashed, by=1.6),
    "cropped to 80 %": p(cropped, share=0.8),
    "cropped to 55 %": p(cropped, share=0.55),
    "framed in black": p(framed, share=0.15),
    "framed in white": p(framed, share=0.3, value=1.0),
    "letterboxed": p(letterboxed, share=1.0),
    "letterboxed far": p(letterboxed, share=1.6),
    "windowed 5-95": p(windowed, low=5, high=95),
    "windowed 25-75": p(windowed, low=25, high=75),
    "gamma 0.5": p(gamma, by=0.5),
    "gamma 2.5": p(gamma, by=2.5),
    "equalised": equalised,
    "CLAHE 3": p(equalised, clip=3.0),
    "CLAHE 12": p(equalised, clip=12.0),
    "JPEG 50": p(compressed, quality=50),
    "JPEG 12": p(compressed, quality=12),
    "noise 0.02": p(noisy, spread=0.02),
    "noise 0.06": p(noisy, spread=0.06),
    "blurred 1": p(blurred, sigma=1.0),
    "blurred 2.5": p(blurred, sigma=2.5),
    "sharpened": p(sharpened, by=2.0),
    "inverted": inverted,
    "mirrored": mirrored,
    "turned 4 degrees": p(turned, degrees=4),
    "turned 12 degrees": p(turned, degrees=12),
    "quarter turn": p(turned, degrees=90),
    "half turn": p(turned, degrees=180),
    "annotated": p(annotated, marks=3),
    "annotated much": p(annotated, marks=12),
    "republished": p(
        chained,
        steps=(
            p(cropped, share=0.9),
            p(squashed, by=1.15),
            p(equalised, clip=3.0),
            p(resized, share=0.7),
            p(compressed, quality=60),
        ),
    ),
    "republished, framed": p(
        chained,
        steps=(
            p(cropped, share=0.85),
            p(windowed, low=5, high=90),
            p(annotated, marks=3),
            p(framed, share=0.2),
            p(squashed, by=1.2),
            p(compressed, quality=40),
        ),
    ),
    "inverted, mirrored, cropped": p(chained, steps=(inverted, mirrored, p(cropped, share=0.8), p(gamma, by=1.8))),
    "turned, cropped, equalised": p(
        chained, steps=(p(turned, degrees=7), p(cropped, share=0.75), equalised, p(compressed, quality=50))
    ),
    "screenshot": p(
        chained,
        steps=(
            p(resized, share=0.5),
            p(gamma, by=0.6),
            p(annotated, marks=4),
            p(framed, share=0.35, value=0.3),
            p(resized, share=0.7),
            p(compressed, quality=30),
        ),
    ),
}
"""Alterations by name, mild and strong ones, and chains of several."""
