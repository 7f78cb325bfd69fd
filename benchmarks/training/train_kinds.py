"""Make `src/radassay/anatomy/kinds.npz`: the network that tells kinds of picture apart, trained on phantoms alone.

    python benchmarks/training/train_kinds.py [--patients 340] [--epochs 14] [--out kinds.npz]

About half an hour on one core. Prints how often it is right on simulated patients that it never saw.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import torch
from kind_phantoms import no_radiograph, of_patient, varied
from torch import nn
from torch.nn.functional import cross_entropy

from radassay.anatomy.kinds import HEADS, KINDS, LAYERS, SIDE, prepare

WIDTHS = {"a": (2, 16, 5), "b": (16, 32, 3), "c": (32, 48, 3), "d": (48, 64, 3), "e": (64, 48, 3)}
"""Channels in, channels out, side of the kernel."""
NONE = KINDS.index("none")


def make(patients: int, seed: int, each: int) -> tuple[np.ndarray, np.ndarray]:
    """Return pictures (n, 2, SIDE, SIDE) as int8 and truths (n, 4) of so many simulated patients."""
    pictures, truths, begun = [], [], time.perf_counter()
    for patient in range(patients):
        rng = np.random.default_rng([seed, patient])
        raw = of_patient(rng) * each + [(no_radiograph(rng), "none") for _ in range(4 * each)]
        for picture, kind in raw:
            shown, truth = varied(picture, kind, rng)
            pictures.append(np.rint(prepare(shown) * 127).astype(np.int8))
            truths.append(truth)
        if patient % 50 == 49:
            print(f"{patient + 1} patients, {time.perf_counter() - begun:.0f} s", flush=True)
    return np.stack(pictures), np.array(truths)


class Network(nn.Module):
    """The network that `radassay.anatomy.kinds` runs in NumPy."""

    def __init__(self) -> None:
        super().__init__()
        strides = dict(LAYERS)
        self.layers = nn.ModuleDict({n: nn.Conv2d(i, o, k, strides[n], k // 2) for n, (i, o, k) in WIDTHS.items()})
        self.spot = nn.Linear(48 * (SIDE // 8) ** 2, 32)
        self.out = nn.Linear(48 + 32, 13)
        self.drop = nn.Dropout(0.2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the outputs of all heads, (n, 13)."""
        for layer in self.layers.values():
            x = layer(x).relu()
        pooled = torch.cat([x.mean((2, 3)), self.spot(self.drop(x).permute(0, 2, 3, 1).flatten(1))], dim=1)
        return self.out(self.drop(pooled.relu()))

    def stored(self) -> dict[str, np.ndarray]:
        """Return the weights as `kinds.py` reads them: channels last, half precision."""
        made = {}
        for name, layer in self.layers.items():
            made[f"{name}.weight"], made[f"{name}.bias"] = layer.weight.permute(2, 3, 1, 0), layer.bias
        for name, layer in (("spot", self.spot), ("out", self.out)):
            made[f"{name}.weight"], made[f"{name}.bias"] = layer.weight.T, layer.bias
        return {k: v.detach().numpy().astype(np.float16) for k, v in made.items()}


def loss(out: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Return the sum over heads, each where its question makes sense."""
    kind, negative, turns, mirrored = truth.T
    asked = {
        "kind": (kind, torch.ones_like(kind, dtype=torch.bool), 1.0),
        "negative": (negative, kind != NONE, 0.5),
        "turns": (turns, kind < 2, 0.5),
        "mirrored": (mirrored, (kind == 0) & (turns == 0), 0.25),
    }
    return sum(
        weight * cross_entropy(out[rows, HEADS[name]], target[rows], label_smoothing=0.02)
        for name, (target, rows, weight) in asked.items()
    )


def batch(pictures: torch.Tensor, truth: torch.Tensor, rng: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Return pictures shifted a little, half of them mirrored, with their truths."""
    x, truth = pictures.float() / 127, truth.clone()
    flip = torch.rand(len(x), generator=rng) < 0.5
    x[flip] = x[flip].flip(3)
    truth[flip, 3] = 1 - truth[flip, 3]
    truth[flip, 2] = (4 - truth[flip, 2]) % 4
    dy, dx = (int(v) for v in torch.randint(-3, 4, (2,), generator=rng))
    return torch.roll(nn.functional.pad(x, (3, 3, 3, 3), mode="replicate"), (dy, dx), (2, 3))[..., 3:-3, 3:-3], truth


def train(pictures: np.ndarray, truths: np.ndarray, epochs: int) -> Network:
    """Return a trained network (AdamW, one cycle of the learning rate)."""
    torch.manual_seed(0)
    rng = torch.Generator().manual_seed(0)
    network, x, y = Network(), torch.from_numpy(pictures), torch.from_numpy(truths)
    network.to(memory_format=torch.channels_last)
    steps = epochs * (len(x) // 128)
    best = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=0.02)
    rate = torch.optim.lr_scheduler.OneCycleLR(best, 3e-3, total_steps=steps)
    for epoch in range(epochs):
        order, total, begun = torch.randperm(len(x), generator=rng), 0.0, time.perf_counter()
        for k in range(len(x) // 128):
            rows = order[k * 128 : k * 128 + 128]
            shown, truth = batch(x[rows], y[rows], rng)
            best.zero_grad()
            lost = loss(network(shown), truth)
            lost.backward()
            best.step()
            rate.step()
            total += lost.item()
        print(f"epoch {epoch + 1}: {total / (len(x) // 128):.3f}, {time.perf_counter() - begun:.0f} s", flush=True)
    return network.eval()


def report(network: Network, pictures: np.ndarray, truths: np.ndarray) -> None:
    """Print the share of right answers on patients that were held out."""
    with torch.no_grad():
        out = network(torch.from_numpy(pictures).float() / 127).numpy()
    kind, negative, turns, mirrored = truths.T
    asked = {"kind": (kind, kind >= 0), "negative": (negative, kind != NONE), "turns": (turns, kind < 2)}
    asked["mirrored"] = (mirrored, (kind == 0) & (turns == 0))
    for name, (target, rows) in asked.items():
        right = out[rows, HEADS[name]].argmax(1) == target[rows]
        print(f"{name}: {100 * right.mean():.1f} % of {rows.sum()}")
    for k, name in enumerate(KINDS):
        print(f"  {name}: {100 * (out[kind == k, HEADS['kind']].argmax(1) == k).mean():.1f} %")


def main() -> None:
    """Make pictures, train, test, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, default=340)
    parser.add_argument("--each", type=int, default=2, help="variations of each simulated picture")
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--cache", type=Path, help="keep the pictures in this .npz")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "src/radassay/anatomy/kinds.npz")
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.cache and given.cache.exists():
        stored = np.load(given.cache)
        learn, test = (stored["a"], stored["b"]), (stored["c"], stored["d"])
    else:
        learn, test = make(given.patients, 1, given.each), make(given.patients // 12, 2, 1)
        if given.cache:
            np.savez(given.cache, a=learn[0], b=learn[1], c=test[0], d=test[1])
    network = train(*learn, given.epochs)
    report(network, *test)
    np.savez(given.out, **network.stored())
    print(f"wrote {given.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
