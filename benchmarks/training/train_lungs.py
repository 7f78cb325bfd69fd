"""Train the network behind `radassay.anatomy.lungs` on simulated radiographs alone, and write its weights.

    python benchmarks/training/train_lungs.py --out src/radassay/anatomy/lungs.npz

No real image is read. The simulated chests vary far more than people do (domain randomisation; Tobin et al., IROS
2017): anatomy, exposure and contrast curve, opacities up to white-out, crop, shift, zoom, aspect, elastic warp,
shading, frames, letters, noise. About 15 minutes on one core that does nothing else.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional

from radassay.anatomy.network import CHANNELS, SIDE, prepared
from radassay.images.phantom.anatomy import Chest, Person, Pose
from radassay.images.phantom.disease import Disease
from radassay.images.phantom.hospital import HOSPITALS
from radassay.images.phantom.projection import Film, lung_depth, opacity_depth, radiological_depth

FILM = 128


def chest(rng: np.random.Generator) -> tuple[Chest, np.ndarray, np.ndarray]:
    """Return a chest varied more widely than people, its depth of water, and the lungs as a reader outlines them."""
    person, pose = Person.draw(rng), Pose.draw(rng)
    person = replace(
        person,
        width=float(rng.uniform(0.85, 1.12)),
        heart=float(rng.uniform(0.8, 1.35)),
        arch=person.arch * float(rng.uniform(0.8, 1.2)),
        bone=float(rng.uniform(0.5, 1.4)),
        breast=person.breast * float(rng.uniform(0.3, 1.5)),
        fat=float(min(60.0, person.fat * rng.uniform(0.5, 3.0))),
    )
    pose = replace(
        pose,
        inspiration=float(rng.uniform(-4, 3)),
        rotation=2.5 * pose.rotation,
        roll=3 * pose.roll,
        shoulders=3 * pose.shoulders,
    )
    body = Chest(person, pose)
    film = Film(FILM, pose)
    x, z = film.grid
    # as readers outline them: to the pleura and with what lies behind the heart, without a strip over the spine and
    # without what the domes cover
    mediastinum, *_, spine = (part.length for part in body.vessels(x, z))
    lungs = lung_depth(body, film) >= 3
    lungs &= (mediastinum < 115) & (spine < 42) & (body.domes(x, z).length < 30)
    return body, radiological_depth(body, film), lungs


def film(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return a radiograph (FILM, FILM) in [0, 1] and where its lungs are."""
    body, depth, lungs = chest(rng)
    if rng.random() < 0.6:
        disease = Disease.draw(rng, (0.05, 0.4))
        depth = depth + opacity_depth(disease.opacities(body), Film(FILM, body.pose)) / 1000 * rng.uniform(0.7, 2.0)
    look = replace(
        HOSPITALS[int(rng.integers(2))],
        level=float(rng.uniform(1.6, 2.7)),
        width=float(rng.uniform(0.35, 1.1)),
        local=float(rng.uniform(0.0, 1.6)),
        blur_mm=float(rng.uniform(0.4, 2.0)),
        photons=float(np.exp(rng.uniform(np.log(1500), np.log(40000)))),
        margin=(0.0, float(rng.choice([0.0, 0.05]))),
        marker=str(rng.choice(["L", "R"])),
        marker_size=float(rng.uniform(0.03, 0.1)),
        marker_place=(float(rng.uniform(0.03, 0.3)), float(rng.uniform(0.05, 0.95))),
    )
    thick = 200.0 * body.person.size + 1.6 * (body.person.fat - 13.0)
    return look.film(depth, Film(FILM, body.pose).pitch, thick, rng), lungs


def field(rng: np.random.Generator, side: int, scale: float) -> np.ndarray:
    """Return a smooth random field, (side, side), of mean 0 and standard deviation 1."""
    coarse = max(2, round(1 / scale))
    noise = cv2.resize(
        rng.standard_normal((coarse + 2, coarse + 2)).astype(np.float32), (side, side), interpolation=cv2.INTER_CUBIC
    )
    return (noise - noise.mean()) / (noise.std() + 1e-6)


def warped(rng: np.random.Generator, picture: np.ndarray, lungs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return picture and lungs cropped around the lungs more or less tightly, turned, stretched and bent."""
    rows, columns = np.flatnonzero(lungs.any(axis=1)), np.flatnonzero(lungs.any(axis=0))
    top, bottom, left, right = rows[0], rows[-1], columns[0], columns[-1]
    high, wide = bottom - top, right - left
    # margins around the box of the lungs, as shares of its sides; below zero the film cuts the lungs
    above, below = rng.uniform(-0.06, 0.35) * high, rng.uniform(-0.06, 0.55) * high
    one, other = rng.uniform(-0.06, 0.30, 2) * wide
    side = SIDE
    y = np.linspace(top - above, bottom + below, side, dtype=np.float32)
    x = np.linspace(left - one, right + other, side, dtype=np.float32)
    grid_x, grid_y = np.meshgrid(x, y)
    turn = np.radians(rng.normal(0, 4))
    cx, cy = grid_x.mean(), grid_y.mean()
    u, v = grid_x - cx, grid_y - cy
    bend = rng.uniform(0, 3.5)
    map_x = cx + np.cos(turn) * u - np.sin(turn) * v + bend * field(rng, side, rng.uniform(0.2, 0.5))
    map_y = cy + np.sin(turn) * u + np.cos(turn) * v + bend * field(rng, side, rng.uniform(0.2, 0.5))
    edge = cv2.BORDER_CONSTANT if rng.random() < 0.5 else cv2.BORDER_REPLICATE
    args = (map_x.astype(np.float32), map_y.astype(np.float32))
    value = float(rng.choice([0.0, 0.0, rng.random()]))
    # the area that a coarse pixel covers is averaged before it is sampled
    coarse = cv2.GaussianBlur(picture, (0, 0), max(0.3, 0.4 * (x[1] - x[0])))
    shown = cv2.remap(coarse, *args, cv2.INTER_LINEAR, borderMode=edge, borderValue=value)
    inside = cv2.remap(lungs.astype(np.float32), *args, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    return shown, inside


def ill(rng: np.random.Generator, picture: np.ndarray, lungs: np.ndarray) -> np.ndarray:
    """Return the picture with hazy or dense patches in the lungs, as bright as soft tissue at most."""
    side = len(picture)
    patch = field(rng, side, rng.uniform(0.12, 0.6)) + rng.uniform(-1.2, 0.8)
    if rng.random() < 0.4:  # bases
        patch += np.linspace(-1.5, 1.5, side, dtype=np.float32)[:, None]
    alpha = rng.uniform(0.2, 0.95) / (1 + np.exp(-patch / rng.uniform(0.1, 0.8))) * lungs
    around = picture[lungs < 0.5]
    dense = np.quantile(around, rng.uniform(0.5, 0.95)) if len(around) else 0.8
    texture = 1 + 0.08 * rng.random() * field(rng, side, 0.03)
    return picture + alpha * (dense * texture - picture) * (picture < dense)


def shown(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Return the picture with another contrast curve, shading, noise, frames and letters, in [0, 1]."""
    side = len(picture)
    low, high = np.quantile(picture, [rng.uniform(0, 0.05), rng.uniform(0.9, 1.0)])
    picture = np.clip((picture - low) / max(high - low, 0.05), 0, 1) ** np.exp(rng.normal(0, 0.45))
    if rng.random() < 0.3:
        clahe = cv2.createCLAHE(float(rng.uniform(1, 4)), (int(rng.integers(2, 9)),) * 2)
        picture = clahe.apply((picture * 255).astype(np.uint8)).astype(np.float32) / 255
    shade = np.linspace(-1, 1, side, dtype=np.float32)
    picture = picture + rng.normal(0, 0.12) * shade[:, None] + rng.normal(0, 0.07) * shade[None, :]
    picture = picture + rng.uniform(0, 0.12) * field(rng, side, rng.uniform(0.2, 0.6))
    if rng.random() < 0.3:  # the abdomen burnt out
        line = rng.uniform(0.45, 0.95) + 0.08 * field(rng, side, 0.4)
        ramp = 1 / (1 + np.exp(-(np.linspace(0, 1, side)[:, None] - line) / rng.uniform(0.02, 0.1)))
        picture = picture + rng.uniform(0.1, 0.6) * ramp
    if rng.random() < 0.4:
        picture = picture - rng.uniform(0.2, 0.9) * (picture - cv2.GaussianBlur(picture, (0, 0), 1.0)) * rng.choice(
            [-1, 1]
        )
    picture = picture + rng.uniform(0, 0.05) * rng.standard_normal(picture.shape)
    for _ in range(int(rng.integers(0, 4))):  # tubes and leads
        a, b = rng.integers(0, side, (2, 2))
        canvas = np.zeros((side, side), np.float32)
        cv2.line(canvas, a.tolist(), b.tolist(), 1.0, 1, cv2.LINE_AA)
        picture = picture + rng.uniform(-0.05, 0.3) * canvas
    for _ in range(int(rng.integers(0, 4))):  # letters and boxes
        ink = np.zeros((side, side), np.uint8)
        text = "".join(rng.choice(list("APLRSUPINE0123456789 "), int(rng.integers(1, 9))))
        low = rng.choice([rng.integers(4, 14), rng.integers(side - 10, side), rng.integers(4, side)])
        cv2.putText(ink, text, (int(rng.integers(0, side - 4)), int(low)), 0, float(rng.uniform(0.15, 0.35)), 255, 1)
        picture = picture + ink / np.float32(255) * (rng.uniform(0.7, 1) - picture)
    if rng.random() < 0.3:  # collimation or the edge of a screenshot
        value = float(rng.choice([0.0, 0.0, 0.0, 1.0, rng.random()]))
        for axis in range(4):
            if rng.random() < 0.5:
                np.rot90(picture, axis)[: int(rng.integers(1, 7))] = value
    top, bottom = np.quantile(picture, [0.002, 0.998])
    picture = (picture - top) / max(bottom - top, 1e-3) if rng.random() < 0.7 else picture
    return np.clip(picture, 0, 1).astype(np.float32)


class Net(nn.Module):
    """A small U-Net (Ronneberger, Fischer & Brox, MICCAI 2015) with batch normalisation."""

    def __init__(self) -> None:
        super().__init__()
        before = 2
        down, up = [], []
        for wide in CHANNELS:
            down.append(nn.ModuleList([self._block(before, wide), self._block(wide, wide)]))
            before = wide
        for wide in CHANNELS[-2::-1]:
            up.append(nn.ModuleList([self._block(before + wide, wide), self._block(wide, wide)]))
            before = wide
        self.down, self.up, self.last = nn.ModuleList(down), nn.ModuleList(up), nn.Conv2d(before, 1, 1)

    @staticmethod
    def _block(into: int, out: int) -> nn.Sequential:
        return nn.Sequential(nn.Conv2d(into, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits, (n, 1, SIDE, SIDE), of (n, 2, SIDE, SIDE)."""
        kept = []
        for level, (first, second) in enumerate(self.down):
            if level:
                x = functional.max_pool2d(x, 2)
            x = second(first(x))
            kept.append(x)
        kept.pop()
        for first, second in self.up:
            x = functional.interpolate(x, scale_factor=2, mode="nearest")
            x = second(first(torch.cat([x, kept.pop()], dim=1)))
        return self.last(x)

    def folded(self) -> dict[str, np.ndarray]:
        """Return the weights with batch normalisation folded in, half precision, in the order of use."""
        blocks = [b for pair in (*self.down, *self.up) for b in pair]
        out = {}
        for i, (conv, norm, _) in enumerate(blocks):
            gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            out[f"weight{i:02d}"] = conv.weight * gain[:, None, None, None]
            out[f"bias{i:02d}"] = norm.bias - norm.running_mean * gain
        out["weight_last"], out["bias_last"] = self.last.weight, self.last.bias
        return {k: v.detach().numpy().astype(np.float16) for k, v in out.items()}


def batch(
    rng: np.random.Generator, films: list[tuple[np.ndarray, np.ndarray]], n: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return n augmented pictures as the network sees them, and their lungs."""
    pictures, lungs = [], []
    for i in rng.integers(len(films), size=n):
        picture, inside = films[i]
        picture, inside = warped(rng, picture, inside)
        if rng.random() < 0.6:
            picture = ill(rng, picture, inside)
        picture = shown(rng, picture)
        pictures.append(prepared(picture))
        lungs.append(inside[None])
    return torch.from_numpy(np.stack(pictures)), torch.from_numpy(np.stack(lungs).astype(np.float32))


def loss(logits: torch.Tensor, lungs: torch.Tensor) -> torch.Tensor:
    """Return cross-entropy plus one minus the soft Dice coefficient."""
    share = torch.sigmoid(logits)
    both = (share * lungs).sum((1, 2, 3))
    dice = (2 * both + 1) / (share.sum((1, 2, 3)) + lungs.sum((1, 2, 3)) + 1)
    return functional.binary_cross_entropy_with_logits(logits, lungs) + (1 - dice).mean()


def main() -> None:
    """Train and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--films", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=1600)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    start = time.time()
    films = [film(rng) for _ in range(args.films)]
    print(f"{args.films} films in {time.time() - start:.0f} s", flush=True)
    net = Net().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, args.steps)
    total = 0.0
    for step in range(1, args.steps + 1):
        inputs, lungs = batch(rng, films, 24)
        optimiser.zero_grad()
        value = loss(net(inputs.to(memory_format=torch.channels_last)), lungs)
        value.backward()
        optimiser.step()
        schedule.step()
        total += value.item()
        if step % 100 == 0:
            print(f"step {step}: loss {total / 100:.4f}, {time.time() - start:.0f} s", flush=True)
            total = 0.0
            np.savez_compressed(args.out, **net.eval().folded())
            net.train()


if __name__ == "__main__":
    main()
