"""Pictures from which `radassay.anatomy.kinds` learns: simulated chests of every kind, and what is no radiograph.

Nothing here comes from a real image. What differs between hospitals, scanners, publishers and file formats is drawn
at random, more widely than it occurs (domain randomisation; Tobin et al., IROS 2017), so that real images are one
variation more.
"""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter, map_coordinates, zoom

from radassay.anatomy.kinds import KINDS
from radassay.images.phantom import HOSPITALS
from radassay.images.phantom.anatomy import Chest, Person, Pose
from radassay.images.phantom.disease import Disease
from radassay.images.phantom.projection import Film, radiological_depth
from radassay.images.phantom.views import Block

SIDE = 112
WORDS = [
    "PORTABLE",
    "AP",
    "SUPINE",
    "R",
    "L",
    "ERECT",
    "12:45",
    "Fig.",
    "2",
    "(B)",
    "a)",
    "kV",
    "120",
    "mAs",
    "image",
    "series",
    "chest",
    "WL",
    "-600",
    "WW",
    "1500",
]


def chest_of(rng: np.random.Generator, arms: bool) -> tuple[Chest, object]:
    """Return a chest from a wider population than the cohort's, and its disease, often severe."""
    person = Person.draw(rng)
    person = replace(
        person,
        heart=person.heart * rng.uniform(0.85, 1.35),
        width=person.width * rng.uniform(0.85, 1.12),
        fat=person.fat * rng.uniform(0.3, 3.5),
        breast=person.breast * rng.uniform(0.3, 1.8),
        lung=person.lung + rng.uniform(-50, 120),
        bone=person.bone * rng.uniform(0.2, 1.3),
    )
    pose = Pose.draw(rng)
    pose = replace(pose, inspiration=float(rng.normal(-0.8, 2.0)), rotation=3 * pose.rotation, roll=0.0)
    chest = Chest(person, pose, arms=arms)
    if rng.random() < 0.35:
        return chest, None
    return chest, Disease.draw(rng, (0.05, 0.4)).opacities(chest)


def film(depth: np.ndarray, pitch: float, rng: np.random.Generator) -> np.ndarray:
    """Return a film by a hospital that nobody has seen."""
    made = replace(
        HOSPITALS[int(rng.integers(2))],
        level=rng.uniform(1.5, 2.7),
        width=rng.uniform(0.4, 1.1),
        local=rng.choice([0.0, rng.uniform(0, 2.0)]),
        blur_mm=rng.uniform(0.3, 4.0),
        photons=10 ** rng.uniform(3.2, 4.6),
        margin=(0.0, rng.choice([0.0, 0.02, 0.1])),
        marker_size=rng.uniform(0.03, 0.09),
        marker_place=tuple(rng.uniform(0.04, 0.96, 2)),
    )
    middle = depth[depth.shape[0] // 3 : -depth.shape[0] // 3, depth.shape[1] // 3 : -depth.shape[1] // 3]
    return made.film(depth, pitch, float(np.median(middle)) * rng.uniform(0.8, 1.1) + 50, rng)


def clouded(depth: np.ndarray, rng: np.random.Generator, *, side_on: bool = False) -> np.ndarray:
    """Return depth with raised arms and shoulders, a large abdomen, an effusion or a white-out: smooth water."""
    v, u = np.mgrid[0 : 1 : depth.shape[0] * 1j, 0 : 1 : depth.shape[1] * 1j]
    body = np.minimum(depth / 60, 1)
    if rng.random() < (0.8 if side_on else 0.3):
        top = np.exp(-0.5 * ((v - rng.uniform(-0.05, 0.12)) / rng.uniform(0.05, 0.14)) ** 2)
        depth = depth + (rng.uniform(20, 200) * top * (body if rng.random() < 0.7 else 1)).astype(np.float32)
    if rng.random() < 0.4:
        low = 1 / (1 + np.exp((rng.uniform(0.6, 0.85) - v) / 0.04))
        depth = depth + (rng.uniform(20, 150) * low * body).astype(np.float32)
    for _ in range(int(rng.integers(0, 4)) if rng.random() < 0.4 else 0):
        at, wide = rng.uniform(0.2, 0.8, 2), rng.uniform(0.05, 0.25, 2)
        bump = np.exp(-0.5 * (((v - at[0]) / wide[0]) ** 2 + ((u - at[1]) / wide[1]) ** 2))
        depth = depth + (rng.uniform(20, 100) * bump).astype(np.float32)
    return depth


def scan(block: Block, plane: str, rng: np.random.Generator) -> np.ndarray:
    """Return a slice in a window, with a table, round field and cropping as they come."""
    place = {"axial": (0.34, 0.74), "coronal": (0.40, 0.66), "sagittal": (0.28, 0.72)}[plane]
    centre, wide = (rng.uniform(-700, -400), rng.uniform(900, 2200)) if rng.random() < 0.8 else (40.0, 400.0)
    cut = block.cut(plane, rng.uniform(*place), (centre - wide / 2, centre + wide / 2)).astype(np.float32) / 255
    n = len(cut)
    v, u = np.mgrid[0:n, 0:n] - n / 2 + 0.5
    if plane == "axial":
        body = np.flatnonzero((cut > cut[0, 0] + 0.1).mean(axis=1) > 0.1)
        under = (body.max() if len(body) else n * 0.8) - n / 2
        for k in range(int(rng.integers(0, 4))):
            arc = under + rng.uniform(1, 6) + 4 * k - rng.uniform(-0.004, 0.012) * u**2
            cut = np.maximum(cut, rng.uniform(0.3, 1) * (np.abs(v - arc) < rng.uniform(0.5, 1.5)))
        if rng.random() < 0.4:
            cut = np.where(np.hypot(u, v) > n / 2 * rng.uniform(0.9, 1.05), rng.choice([0.0, 0.0, 1.0, 0.3]), cut)
    cut = cut + rng.normal(0, rng.choice([0.0, rng.uniform(0, 0.06)]), cut.shape)
    return gaussian_filter(cut, rng.uniform(0, 0.8)).astype(np.float32)


LEAST = {"frontal": (0.58, 0.58), "lateral": (0.58, 0.42), "axial CT": (0.45, 0.6), "reformatted CT": (0.5, 0.5)}
"""The tightest crop of each kind, share of height and width."""


def warped(picture: np.ndarray, rng: np.random.Generator, least: tuple[float, float]) -> np.ndarray:
    """Return the picture cropped, shifted, squashed, tilted and bent a little, (SIDE, SIDE)."""
    n = len(picture)
    v, u = np.mgrid[-0.5 : 0.5 : SIDE * 1j, -0.5 : 0.5 : SIDE * 1j]
    tilt, scale = np.radians(rng.normal(0, 4)), np.array(least) + rng.random() * (1.08 - np.array(least))
    scale *= np.exp(rng.normal(0, 0.09, 2))
    bend = [zoom(rng.normal(0, rng.uniform(0, 0.025), (5, 5)), SIDE / 5, order=3) for _ in range(2)]
    shift = rng.normal(0, 0.035, 2)
    y = (np.cos(tilt) * v - np.sin(tilt) * u) * scale[0] + shift[0] + bend[0]
    x = (np.sin(tilt) * v + np.cos(tilt) * u) * scale[1] + shift[1] + bend[1]
    at = [(y + 0.5) * n - 0.5, (x + 0.5) * n - 0.5]
    return map_coordinates(picture, at, order=1, mode="constant", cval=float(picture[0, 0]))


def tubes(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the film with lines, tubes and electrodes."""
    canvas = Image.new("F", (SIDE, SIDE))
    draw = ImageDraw.Draw(canvas)
    for _ in range(int(rng.integers(0, 5))):
        ends = np.cumsum(rng.normal(0, SIDE / 7, (6, 2)), axis=0) + rng.uniform(0, SIDE, 2)
        draw.line([tuple(p) for p in ends], fill=float(rng.uniform(0.1, 0.5)), width=int(rng.integers(1, 3)))
    for _ in range(int(rng.integers(0, 4))):
        x, y, r = (*rng.uniform(0, SIDE, 2), rng.uniform(1, 4))
        draw.ellipse([x - r, y - r, x + r, y + r], fill=float(rng.uniform(0.2, 0.7)))
    return picture + gaussian_filter(np.asarray(canvas), 0.5)


def written(picture: np.ndarray, rng: np.random.Generator, most: int = 3) -> np.ndarray:
    """Return the picture with letters, arrows and boxes of a publisher or a workstation."""
    canvas = Image.fromarray((np.clip(picture, 0, 1) * 255).astype(np.uint8))
    draw = ImageDraw.Draw(canvas)
    for _ in range(int(rng.integers(0, most))):
        x, y = rng.uniform(0, SIDE * 0.9, 2)
        ink, size = int(rng.choice([0, 255, 255, 200])), float(rng.uniform(5, 16))
        if rng.random() < 0.3:
            draw.rectangle([x - 1, y - 1, x + size, y + size], fill=255 - ink)
        if rng.random() < 0.7:
            draw.text((x, y), str(rng.choice(WORDS)), fill=ink, font=ImageFont.load_default(size))
        else:
            draw.line([x, y, x + rng.normal(0, 9), y + rng.normal(0, 9)], fill=ink, width=int(rng.integers(1, 4)))
    return np.asarray(canvas, dtype=np.float32) / 255


def toned(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the picture in another tone, sharpness, brightness, with noise, framed and saved as JPEG."""
    shown = np.clip(picture, 0, 1) ** np.exp(rng.normal(0, 0.4))
    if rng.random() < 0.2:
        rank = np.argsort(np.argsort(shown + rng.random(shown.shape) * 1e-3, axis=None)).reshape(shown.shape)
        shown = rank / shown.size
    if rng.random() < 0.35:
        base = gaussian_filter(shown, rng.uniform(3, 12))
        shown = 0.5 + (shown - base) * rng.uniform(1, 2.5) + (base - 0.5) * rng.uniform(0.3, 1)
    v, u = np.mgrid[-1 : 1 : shown.shape[0] * 1j, -1 : 1 : shown.shape[1] * 1j]
    shown = shown + rng.normal(0, 0.06) * v + rng.normal(0, 0.06) * u
    low, high = rng.uniform(-0.15, 0.3), rng.uniform(0.6, 1.35)
    shown = (
        low + np.clip(shown, 0, 1) * (high - low) + rng.normal(0, rng.choice([0.0, rng.uniform(0, 0.03)]), shown.shape)
    )
    shown = gaussian_filter(shown, rng.choice([0.0, 0.0, rng.uniform(0, 1.2)]))
    if rng.random() < 0.25:
        pad = [(int(a), int(b)) for a, b in rng.integers(0, 14, (2, 2))]
        shown = np.pad(shown, pad, constant_values=rng.choice([0.0, 0.0, 1.0]))
    stream = io.BytesIO()
    Image.fromarray((np.clip(shown, 0, 1) * 255).astype(np.uint8)).save(
        stream, "JPEG", quality=int(rng.integers(15, 96))
    )
    return np.asarray(Image.open(stream), dtype=np.float32) / 255


def _leaves(rng: np.random.Generator) -> np.ndarray:
    """Return a natural-looking scene: shapes that cover one another (dead leaves; Lee, Mumford & Huang, IJCV 2001)."""
    canvas = Image.new("F", (SIDE, SIDE), float(rng.random()))
    draw = ImageDraw.Draw(canvas)
    smallest, count = rng.uniform(2, 25), int(rng.integers(3, 250))
    for _ in range(count):
        r, (x, y) = smallest / max(rng.random(), 0.03) ** 0.7, rng.uniform(-10, SIDE + 10, 2)
        a, b = r * rng.uniform(0.3, 1, 2)
        fill = float(rng.random())
        kind = rng.random()
        if kind < 0.45:
            draw.ellipse([x - a, y - b, x + a, y + b], fill=fill)
        elif kind < 0.75:
            draw.rectangle([x - a, y - b, x + a, y + b], fill=fill)
        else:
            turn = np.sort(rng.uniform(0, 6.28, int(rng.integers(3, 7))))
            draw.polygon([(x + a * np.cos(t), y + b * np.sin(t)) for t in turn], fill=fill)
    shade = zoom(rng.normal(0, rng.uniform(0, 0.2), (4, 4)), SIDE / 4, order=3)
    return np.asarray(canvas) + shade


def _noise(rng: np.random.Generator) -> np.ndarray:
    f = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None, :])
    field = np.fft.irfft2(np.fft.rfft2(rng.normal(size=(SIDE, SIDE))) / np.maximum(f, 1 / SIDE) ** rng.uniform(0, 1.3))
    return 0.5 + rng.uniform(0.05, 0.3) * field / field.std()


def _page(rng: np.random.Generator) -> np.ndarray:
    """Return a page of text, a notice or a table."""
    paper = float(rng.choice([0.0, 1.0, rng.random()]))
    canvas = Image.new("F", (SIDE, SIDE), paper)
    draw = ImageDraw.Draw(canvas)
    y = rng.uniform(0, 40)
    same = float(rng.uniform(4, 20))
    while y < SIDE - rng.uniform(0, 60):
        size = same if rng.random() < 0.8 else float(rng.uniform(4, 24))
        line = " ".join(rng.choice(WORDS, int(rng.integers(1, 9))))
        draw.text((rng.uniform(0, 25), y), line, fill=1 - paper, font=ImageFont.load_default(size))
        y += size * rng.uniform(1.0, 2.2)
    return np.asarray(canvas)


def _chart(rng: np.random.Generator) -> np.ndarray:
    """Return a chart: axes, bars, curves, panels."""
    paper = float(rng.choice([0.0, 1.0, 1.0]))
    canvas = Image.new("F", (SIDE, SIDE), paper)
    draw = ImageDraw.Draw(canvas)
    left, low = rng.uniform(5, 20), SIDE - rng.uniform(5, 20)
    draw.line([left, 5, left, low, SIDE - 5, low], fill=1 - paper)
    for k in range(int(rng.integers(0, 12))):
        x, high = left + 3 + 8 * k, rng.uniform(10, low)
        draw.rectangle([x, high, x + rng.uniform(2, 8), low], fill=float(rng.random()))
    for _ in range(int(rng.integers(0, 4))):
        y = np.cumsum(rng.normal(0, 8, 12)) + SIDE / 2
        draw.line(list(zip(np.linspace(left, SIDE, 12), y, strict=True)), fill=float(rng.random()), width=2)
    return written(np.asarray(canvas), rng, 8)


def _flat(rng: np.random.Generator) -> np.ndarray:
    v, u = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    return rng.random() + rng.normal(0, 0.03) * v + rng.normal(0, 0.03) * u


def no_radiograph(rng: np.random.Generator) -> np.ndarray:
    """Return a picture that shows no chest: a scene, noise, a page, a chart, or nothing."""
    made = [_leaves, _leaves, _leaves, _noise, _page, _chart, _flat][int(rng.integers(7))](rng)
    if rng.random() < 0.4:
        made = gaussian_filter(made, rng.uniform(0, 1.2))
    return made.astype(np.float32)


def of_patient(rng: np.random.Generator) -> list[tuple[np.ndarray, str]]:
    """Return one simulated patient as raw pictures with their kinds."""
    chest, opacities = chest_of(rng, arms=True)
    block = Block(*chest_of(rng, arms=False), size=SIDE)
    seen = Film(SIDE, chest.pose)
    frontal = radiological_depth(chest, seen, opacities)
    made = [(film(clouded(frontal, rng), seen.pitch, rng), "frontal") for _ in range(6)]
    made += [(film(clouded(block.depth(1), rng), block.pitch, rng), "frontal") for _ in range(4)]
    made += [(film(clouded(block.depth(2), rng, side_on=True), block.pitch, rng), "lateral") for _ in range(7)]
    made += [(scan(block, "axial", rng), "axial CT") for _ in range(8)]
    made += [
        (scan(block, str(rng.choice(["coronal", "coronal", "sagittal"])), rng), "reformatted CT") for _ in range(5)
    ]
    return made


def varied(raw: np.ndarray, kind: str, rng: np.random.Generator) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """Return a picture as it might be found, with what is true of it: kind, negative, quarter turns, mirrored."""
    shown = warped(raw, rng, LEAST.get(kind, (0.5, 0.5)))
    mirrored = bool(rng.random() < 0.35)
    if mirrored:
        shown = shown[:, ::-1]
    if kind in ("frontal", "lateral"):
        shown = tubes(shown, rng)
    negative = kind != "none" and rng.random() < 0.2
    if negative:
        shown = 1 - np.clip(shown, 0, 1)
    turns = int(rng.integers(1, 4)) if kind in ("frontal", "lateral") and rng.random() < 0.25 else 0
    shown = np.rot90(shown, turns)
    picture = toned(written(shown, rng), rng)
    return picture, (KINDS.index(kind), int(negative), turns, int(mirrored))
