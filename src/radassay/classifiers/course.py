"""What one training keeps to itself: its grey levels, its seeds, the order of its batches and its best snapshot."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from radassay.contracts.classifier import Job
from radassay.stats.auc import auc

Merit = tuple[float, float]


class Course:
    """One training on its way, alone or beside others."""

    def __init__(self, job: Job, moments: Tensor, steps: int, batch: int) -> None:
        """Lay out all batches of a training.

        Args:
            job: what to learn from.
            moments: (n, 2) mean and mean square of each shared image.
            steps: optimisation steps.
            batch: images a step.
        """
        self.augment = job.augment
        # Separate streams, so that arms of one seed share weights and, on the same images, batches.
        states = [int(s) for s in np.random.SeedSequence(job.seed).generate_state(3, np.uint64) >> np.uint64(1)]
        self.weights_seed, self.draws_seed = states[0], states[2]
        order = torch.Generator().manual_seed(states[1])
        rows = torch.from_numpy(job.rows.astype(np.int64))
        mean, square = (float(m) for m in moments[rows].mean(dim=0))
        self.mean, self.sd = mean, max(square - mean**2, 1e-6) ** 0.5
        targets = torch.from_numpy(job.targets)
        own = _batches(job, steps, batch, order)
        self.rows, self.targets = rows[own], targets[own]
        """(steps, batch) rows of the shared images, and whether each is positive."""
        self.best: tuple[Merit, list[Tensor]] | None = None


def _batches(job: Job, steps: int, batch: int, order: torch.Generator) -> Tensor:
    """Return (steps, batch) positions among the rows of a job.

    Half of each batch are core rows, drawn before all else, so that arms with the same core see the same ones. Of the
    other half, as many are rows beyond the core as make each of those come as often as a core row, and the rest core
    rows again: with more rows than the core has, they come more rarely, and the core stays half.
    """
    core = job.core or len(job.rows)
    more = len(job.rows) - core
    share = min(more / len(job.rows), 0.5)
    beyond = max(round(share * batch), 1) if more else 0
    parts = [(0, core, batch - batch // 2), (0, core, batch // 2 - beyond), (core, len(job.rows), beyond)]
    targets = torch.from_numpy(job.targets)
    drawn = [start + _stream(targets[start:stop], steps, size, job.balanced, order) for start, stop, size in parts]
    return torch.cat(drawn, dim=1)


def _stream(targets: Tensor, steps: int, size: int, balanced: bool, order: torch.Generator) -> Tensor:
    """Return (steps, size) positions in shuffled passes: over all, or over each class for half of the size."""
    if not size:
        return torch.zeros(steps, 0, dtype=torch.int64)
    classes = [torch.nonzero(targets == value).flatten() for value in (True, False)]
    if balanced and all(len(members) for members in classes):
        wanted = [(classes[0], size // 2), (classes[1], size - size // 2)]
    else:
        wanted = [(torch.arange(len(targets)), size)]
    streams = []
    for members, count in wanted:
        passes = -(-steps * count // len(members))
        shuffled = [members[torch.randperm(len(members), generator=order)] for _ in range(passes)]
        streams.append(torch.cat(shuffled or [members[:0]])[: steps * count].reshape(steps, count))
    return torch.cat(streams, dim=1)


def merit(logits: Tensor, truth: NDArray[np.bool_]) -> Merit:
    """Return (AUC, minus the class-balanced loss): what a snapshot is chosen by, larger is better.

    Images of one class choose by loss alone; a loss that is not finite is worse than any.

    Args:
        logits: (n,) in double precision.
        truth: (n,) whether the image is positive.
    """
    target = torch.from_numpy(truth.astype(np.float64))
    losses = binary_cross_entropy_with_logits(logits, target, reduction="none")
    parts = [float(losses[target == value].mean()) for value in (0.0, 1.0) if bool((target == value).any())]
    loss = sum(parts) / len(parts)
    if not np.isfinite(loss):
        return -np.inf, -np.inf
    if truth.all() or not truth.any():
        return 0.0, -loss
    return auc(logits.numpy(), truth), -loss
