"""One resumable training loop for every generator: checkpoints, losses, grids and progress.

::

    FOLDER/training.json             what is trained on what; another training is refused
    FOLDER/checkpoints/*             the last two states (safetensors and a sidecar that vouches for it)
    FOLDER/losses.jsonl              one line every few steps, the same after a resume as without one
    FOLDER/grids/000064000.png       what the network drew after 64,000 images, one row a class
    FOLDER/weights.safetensors|json  the weights to sample with; their sidecar marks the training as finished

Step k may draw randomness only from (seed, k), so that carrying on from a checkpoint equals never having stopped.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from radassay.contracts import Grey, Progress, Report
from radassay.errors import InputError, SettingsError
from radassay.evidence.run import storage, write_atomic
from radassay.generators.checkpoint import Checkpoint, Checkpoints, read_tensors, write_tensors
from radassay.generators.grid import contact_sheet

LOSSES = "losses.jsonl"
COLLAPSED = 0.2
"""Diversity of a drawn batch, as a share of the real one's, under which the progress asks `collapse?`."""
EARLY = 0.25
"""Share of the training in which drawn pictures may still be alike without that meaning anything."""
REPORT_SECONDS = 0.3
"""Shortest time between two reports of progress."""
LOGGED = 200
"""Lines of losses that a training writes, about."""


class Learner(Protocol):
    """What a generator gives to the loop.

    Contract:
        - `step(k)` depends on the state and on (seed, k) alone and returns numbers, `diversity` among them or not.
        - `load(state())` changes nothing about what any later step does.
    """

    def step(self, step: int) -> Mapping[str, float]: ...  # noqa: D102

    def state(self) -> dict[str, Tensor]: ...  # noqa: D102

    def load(self, tensors: dict[str, Tensor]) -> None: ...  # noqa: D102

    def pictures(self) -> Grey:
        """Return a grid of pictures, (rows, columns, size, size) in [0, 1]."""
        ...

    def weights(self) -> dict[str, Tensor]:
        """Return what sampling needs."""
        ...


@dataclass(frozen=True)
class Schedule:
    """How long, and how often something is kept; all but `steps` and `batch_size` leave the weights untouched."""

    steps: int
    batch_size: int
    checkpoint_every: int
    """In images."""
    grid_every: int
    """In images."""

    def due(self, done: int, every: int) -> bool:
        """Return whether `every` images were completed by the last of `done` steps."""
        return done * self.batch_size // every > (done - 1) * self.batch_size // every

    @property
    def log_every(self) -> int:
        """Return the steps between two lines of losses."""
        return max(1, self.steps // LOGGED)


def finished(folder: Path) -> bool:
    """Return whether the training in a folder has ended and its weights are whole."""
    return read_tensors(folder / "weights.safetensors") is not None


def trained(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the weights of a finished training and what was noted beside them.

    Raises:
        InputError: the folder holds no finished training.
    """
    read = read_tensors(folder / "weights.safetensors")
    if read is None:
        raise InputError(f"{folder} holds no finished training", possible="Call `fit` with this folder first")
    return read


def train(
    learner: Learner,
    folder: Path,
    schedule: Schedule,
    report: Report,
    about: Mapping[str, Any],
    *,
    arithmetic: str,
    note: str = "",
) -> None:
    """Train from the newest checkpoint in a claimed folder to the end.

    Args:
        about: kept beside the final weights, for sampling.
        arithmetic: device, precision and threads at work; a checkpoint of another arithmetic is carried on with,
            but noted, because sums in another order differ in their last digits.
        note: shown with the first report.

    Raises:
        SettingsError: a loss is no longer finite; the checkpoints before it are kept.
        StorageError: the folder cannot be written.
    """
    checkpoints = Checkpoints(folder)
    start = checkpoints.newest()
    done = _resume(learner, folder, start, schedule.batch_size)
    if start is not None and start.about.get("arithmetic") != arithmetic:
        note = f"{start.about.get('arithmetic')} before, {arithmetic} now: not bit for bit the unbroken run"
    total = schedule.steps * schedule.batch_size
    report(Progress(done * schedule.batch_size, total, "images", note))
    clock, first, last = time.monotonic(), done, 0.0
    while done < schedule.steps:
        numbers = learner.step(done)
        done += 1
        seen = done * schedule.batch_size
        _refuse_divergence(numbers, seen, folder)
        if done % schedule.log_every == 0 or done == schedule.steps:
            _append(folder / LOSSES, {"images": seen, **{k: round(v, 5) for k, v in numbers.items()}})
        now = time.monotonic()
        if now - last >= REPORT_SECONDS or done == schedule.steps:
            rate = (done - first) * schedule.batch_size / max(now - clock, 1e-9)
            report(Progress(seen, total, "images", _note(numbers, rate, early=seen < EARLY * total)))
            last = now
        if schedule.due(done, schedule.grid_every) or done == schedule.steps:
            with storage(folder):
                write_atomic(folder / "grids" / f"{seen:09d}.png", contact_sheet(learner.pictures()))
        if schedule.due(done, schedule.checkpoint_every) and done < schedule.steps:
            checkpoints.write(done, _finite(learner.state(), seen, folder), {"arithmetic": arithmetic})
    write_tensors(
        folder / "weights.safetensors",
        _finite(learner.weights(), done * schedule.batch_size, folder),
        {**about, "images_seen": done * schedule.batch_size, "arithmetic": arithmetic, "torch": str(torch.__version__)},
    )


def _resume(learner: Learner, folder: Path, start: Checkpoint | None, batch_size: int) -> int:
    """Bring learner and losses back to the checkpoint, or to the beginning, and return the steps done."""
    done = 0 if start is None else start.step
    with storage(folder):
        for torn in (*folder.glob("*.tmp"), *folder.glob("*/*.tmp")):
            torn.unlink()
        write_atomic(folder / LOSSES, b"".join(_lines_until(folder / LOSSES, done * batch_size)))
    if start is not None:
        learner.load(start.tensors)
    return done


def _lines_until(path: Path, images: int) -> list[bytes]:
    """Return the whole lines of losses up to so many images; a kill may have torn the last one."""
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    kept = []
    for line in lines:
        try:
            if not line.endswith(b"\n") or json.loads(line)["images"] > images:
                break
        except (ValueError, KeyError, TypeError):
            break
        kept.append(line)
    return kept


def _append(path: Path, line: Mapping[str, Any]) -> None:
    with storage(path.parent), open(path, "a") as file:
        file.write(json.dumps(line) + "\n")


def _note(numbers: Mapping[str, float], rate: float, *, early: bool) -> str:
    parts = [f"{name[0].upper()} {value:.2f}" for name, value in numbers.items() if name != "diversity"]
    parts.append(f"{rate:.0f}/s")
    if not early and numbers.get("diversity", 1.0) < COLLAPSED:
        parts.append("collapse?")
    return " ".join(parts)


def _refuse_divergence(numbers: Mapping[str, float], images: int, folder: Path) -> None:
    if all(math.isfinite(value) for value in numbers.values()):
        return
    raise SettingsError(
        f"The training diverged after {images} images: a loss is no finite number",
        got=", ".join(f"{name} {value:g}" for name, value in numbers.items()),
        possible=f"Lower the learning rates and train into a new folder; {folder / 'checkpoints'} is kept as it was",
    )


def _finite(tensors: dict[str, Tensor], images: int, folder: Path) -> dict[str, Tensor]:
    """Return the tensors, unless one holds a value that is not finite: such a state must not replace a good one."""
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            _refuse_divergence({name: math.nan}, images, folder)
    return tensors
