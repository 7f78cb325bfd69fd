"""One resumable training loop for every generator: checkpoints, losses, grids and progress.

::

    FOLDER/training.json             what is trained on what; another training is refused
    FOLDER/checkpoints/*             the last two states (safetensors and a sidecar that vouches for it)
    FOLDER/losses.jsonl              one line every few steps, the same after a resume as without one
    FOLDER/watched.jsonl             what every look at the drawn images found: distance to images kept aside, alarms
    FOLDER/grids/000064000.png       what the network drew after 64,000 images, one row a class
    FOLDER/training.html             losses, looks and the newest grid; reloads itself while the training runs
    FOLDER/weights.safetensors|json  the weights to sample with; their sidecar marks the training as finished

Step k may draw randomness only from (seed, k), so that carrying on from a checkpoint equals never having stopped.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from radassay.contracts.grey import Grey
from radassay.contracts.progress import Report
from radassay.errors import InputError, SettingsError
from radassay.evidence.run import storage, write_atomic
from radassay.generators.checkpoint import Checkpoint, Checkpoints, read_tensors, write_tensors
from radassay.generators.crew import Crew
from radassay.generators.grid import contact_sheet
from radassay.generators.page import LOSSES, WATCHED, Page
from radassay.generators.players import Players, under
from radassay.generators.telling import Telling
from radassay.generators.watching import Watch

LOGGED = 200
"""Lines of losses that a training writes, about."""


class Learner(Protocol):
    """What a generator gives to the loop.

    Contract:
        - `step(k)` depends on the state and on (seed, k) alone and returns numbers, `diversity` among them or not.
        - Everything that a later step depends on is in `players` or in `state`; going back to it changes nothing
          about what any later step does.
        - The processes of a crew all take every step and get the same numbers.
    """

    players: Players

    @property
    def averaged(self) -> nn.Module:
        """Return the network to sample from, as it is now."""
        ...

    def step(self, step: int) -> Mapping[str, float]: ...  # noqa: D102

    def state(self) -> dict[str, Tensor]:
        """Return what is not a network or an optimiser, such as the strength of an adaptive augmentation."""
        ...

    def load(self, tensors: dict[str, Tensor]) -> None: ...  # noqa: D102


Draw = Callable[[nn.Module, int, NDArray[np.int64]], Grey]
"""Pictures of these class numbers from a network under a seed, (n, size, size) in [0, 1]."""


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
    draw: Draw,
    watch: Watch,
    folder: Path,
    schedule: Schedule,
    report: Report,
    about: Mapping[str, Any],
    *,
    arithmetic: str,
    seed: int,
    crew: Crew,
    note: str = "",
) -> None:
    """Train from the newest checkpoint in a claimed folder to the end.

    Args:
        watch: looks at what is drawn and keeps the best snapshot.
        about: kept beside the final weights, for sampling.
        arithmetic: device, precision and threads at work; a checkpoint of another arithmetic is carried on with,
            but noted, because sums in another order differ in their last digits.
        crew: the processes that train together; the first of them writes.
        note: shown with the first report.

    Raises:
        SettingsError: a loss is no longer finite; the checkpoints before it are kept.
        StorageError: the folder cannot be written.
    """
    checkpoints = Checkpoints(folder)
    start = checkpoints.newest()
    done = _resume(learner, watch, folder, start, schedule.batch_size, crew)
    if start is not None and start.about.get("arithmetic") != arithmetic:
        note = f"{start.about.get('arithmetic')} before, {arithmetic} now: not bit for bit the unbroken run"
    total = schedule.steps * schedule.batch_size
    page = Page(folder, about, total)
    telling = Telling(report, total, done * schedule.batch_size, note)
    while done < schedule.steps:
        parts = learner.players.parts
        numbers = learner.step(done)
        if learner.players.parts > parts:
            telling.tell_once(f"out of memory: each batch is now taken in {learner.players.parts} parts")
        done += 1
        seen = done * schedule.batch_size
        refuse_divergence(numbers, seen, folder)
        ended = done == schedule.steps
        if crew.leads and (done % schedule.log_every == 0 or ended):
            append(folder / LOSSES, {"images": seen, **{k: round(v, 5) for k, v in numbers.items()}})
        telling.tell(seen, numbers, watch.alarms, last=ended)
        if crew.leads and (schedule.due(done, schedule.grid_every) or ended):
            grid = watch.grid(draw, learner.averaged, seed)
            with storage(folder):
                write_atomic(folder / "grids" / f"{seen:09d}.png", contact_sheet(grid))
            append(folder / WATCHED, watch.look(draw, learner.averaged, seen, total))
            page.write(grid, telling.line, kept=watch.told(seen))
        if schedule.due(done, schedule.checkpoint_every) and not ended and crew.leads:
            tensors = _finite({**learner.players.state(), **_inside("state", learner.state())}, seen, folder)
            tensors |= _inside("best", watch.best)
            checkpoints.write(done, tensors, {"arithmetic": arithmetic, "watch": watch.state()})
    if crew.leads:
        weights = watch.best or dict(learner.averaged.state_dict())
        write_tensors(
            folder / "weights.safetensors",
            _finite(weights, done * schedule.batch_size, folder),
            {
                **about,
                "images_seen": done * schedule.batch_size,
                "snapshot": watch.kept or done * schedule.batch_size,
                "chosen_by": watch.rule,
                "arithmetic": arithmetic,
                "torch": str(torch.__version__),
            },
        )
        page.write(None, telling.line, kept=watch.told(done * schedule.batch_size), ended=True)
    crew.wait()


def _inside(name: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{name}/{key}": value for key, value in tensors.items()}


def _resume(learner: Learner, watch: Watch, folder: Path, start: Checkpoint | None, batch_size: int, crew: Crew) -> int:
    """Bring learner, watch and logs back to the checkpoint, or to the beginning, and return the steps done."""
    done = 0 if start is None else start.step
    if crew.leads:
        with storage(folder):
            for torn in (*folder.glob("*.tmp"), *folder.glob("*/*.tmp")):
                torn.unlink()
            for name in (LOSSES, WATCHED):
                write_atomic(folder / name, b"".join(_lines_until(folder / name, done * batch_size)))
    if start is not None:
        learner.players.load(start.tensors)
        learner.load(under(start.tensors, "state"))
        watch.load(start.about["watch"], under(start.tensors, "best"))
    crew.wait()
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


def append(path: Path, line: Mapping[str, Any]) -> None:
    """Add a line of JSON to a file."""
    with storage(path.parent), open(path, "a") as file:
        file.write(json.dumps(line) + "\n")


def refuse_divergence(numbers: Mapping[str, float], images: int, folder: Path) -> None:
    """Stop where a loss is no finite number.

    Raises:
        SettingsError: it is not.
    """
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
            refuse_divergence({name: math.nan}, images, folder)
    return tensors
