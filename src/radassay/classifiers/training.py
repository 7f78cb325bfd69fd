"""Trainings of the small network, side by side: each by itself, or several with one pass for all."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from radassay.classifiers.arithmetic import Arithmetic
from radassay.classifiers.batches import Batches
from radassay.classifiers.course import Course, merit
from radassay.classifiers.networks import Networks
from radassay.contracts.classifier import Job
from radassay.contracts.grey import Grey

if TYPE_CHECKING:
    from radassay.classifiers.small_cnn import SmallCNN

JUDGED_AT_ONCE = 64
"""Images whose scores are computed together."""


class Shared:
    """Images that several trainings share, never copied on a processor and once to a card."""

    def __init__(
        self,
        pixels: Grey,
        rows: NDArray[np.intp],
        validation: tuple[Grey, NDArray[np.bool_]],
        test: Grey,
        arithmetic: Arithmetic,
    ) -> None:
        """Hold the images; only those in `rows` are read, since a training may learn from a few of very many."""
        self.arithmetic = arithmetic
        self.pixels, self.validation, self.test = (
            _tensor(images).to(arithmetic.device) for images in (pixels, validation[0], test)
        )
        self.truth = validation[1]
        self.moments = torch.full((len(pixels), 2), torch.nan, dtype=torch.float64)
        """(n, 2) mean and mean square of each image in `rows`."""
        for part in torch.split(torch.from_numpy(rows), JUDGED_AT_ONCE):
            grey = self.pixels[part.to(arithmetic.device)].flatten(1).double()
            self.moments[part] = torch.stack([grey.mean(1), grey.square().mean(1)], dim=1).cpu()


class Trainings:
    """Trainings with the same number of steps, side by side, step by step."""

    def __init__(self, settings: SmallCNN, shared: Shared, jobs: Sequence[Job], steps: int, in_one_pass: int) -> None:
        self.settings, self.shared, self.steps = settings, shared, steps
        courses = [Course(job, shared.moments, steps, settings.batch) for job in jobs]
        self.batches = Batches(shared.pixels, settings.augmentation, courses)
        self.passes = [
            Pass(settings, shared, courses[first : first + in_one_pass], steps)
            for first in range(0, len(courses), in_one_pass)
        ]

    def run(self) -> NDArray[np.float64]:
        """Do all steps and return (trainings, n_test) scores in [0, 1] of the best snapshot of each training."""
        every = max(1, self.steps // self.settings.validations)
        for step in range(self.steps):
            judged = (step + 1) % every == 0 or step + 1 == self.steps
            pictures = iter(self.batches.at(step))
            for one in self.passes:
                one.learn(step, list(islice(pictures, len(one.courses))))
                if judged and len(self.shared.validation):
                    one.validate()
        return np.concatenate([one.scores() for one in self.passes])


class Pass:
    """Trainings whose networks learn in one pass."""

    def __init__(self, settings: SmallCNN, shared: Shared, courses: Sequence[Course], steps: int) -> None:
        self.shared, self.courses = shared, courses
        self.arithmetic = shared.arithmetic
        device = self.arithmetic.device
        seeds = [course.weights_seed for course in courses]
        self.networks = Networks(settings.widths, shared.pixels.shape[-1], seeds).to(device)
        self.mean, self.sd = (
            torch.tensor([getattr(course, name) for course in courses], device=device)[:, None, None]
            for name in ("mean", "sd")
        )
        self.optimiser = torch.optim.AdamW(
            self.networks.parameters(), lr=settings.rate, weight_decay=settings.decay, fused=True
        )
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, settings.rate, total_steps=steps + 1, pct_start=0.1, cycle_momentum=False
        )

    def learn(self, step: int, pictures: Sequence[Tensor]) -> None:
        """Do one step on (batch, 1, size, size) images of each training."""
        targets = torch.stack([c.targets[step] for c in self.courses], dim=1).to(self.mean)
        batch = self._standard(pictures[0] if len(pictures) == 1 else torch.cat(list(pictures), dim=1))
        self.optimiser.zero_grad()
        with self.arithmetic.autocast(self.arithmetic.half):
            logits = self.networks(batch)
        # the sum over trainings of each one's mean, so that every gradient is that of a training alone
        losses = binary_cross_entropy_with_logits(logits, targets, reduction="none")
        losses.mean(dim=0).sum().backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self.schedule.step()

    def validate(self) -> None:
        """Keep what each training has learnt where it is better than before on the validation images."""
        logits = self._judged(self.shared.validation, half=self.arithmetic.half)
        for i, course in enumerate(self.courses):
            now = merit(logits[i], self.shared.truth)
            if course.best is None or now > course.best[0]:
                course.best = now, self.networks.copy_of(i)

    def scores(self) -> NDArray[np.float64]:
        """Return (trainings, n_test) scores in [0, 1] of the best snapshot of each training, else of the last."""
        for i, course in enumerate(self.courses):
            if course.best is not None:
                self.networks.put_back(i, course.best[1])
        # double precision keeps near-certain images apart
        scores: NDArray[np.float64] = torch.sigmoid(self._judged(self.shared.test, half=False)).numpy()
        return scores

    def _standard(self, pixels: Tensor) -> Tensor:
        """Return (n, trainings, size, size) in the grey levels of each training."""
        return ((pixels - self.mean) / self.sd).contiguous(memory_format=torch.channels_last)

    def _judged(self, images: Tensor, half: bool) -> Tensor:
        """Return (trainings, n) logits, on the processor and in double precision."""
        with torch.inference_mode(), self.arithmetic.autocast(half):
            parts = [self.networks.judge(self._standard(part)) for part in torch.split(images, JUDGED_AT_ONCE)]
        return torch.cat(parts).T.double().cpu().contiguous()


def _tensor(pixels: Grey) -> Tensor:
    """Return (n, 1, size, size) of (n, size, size), without a copy where it can be."""
    with warnings.catch_warnings():
        # torch cannot mark a tensor read-only; these are never written to
        warnings.filterwarnings("ignore", message=".*not writable")
        return torch.from_numpy(np.ascontiguousarray(pixels, dtype=np.float32)).unsqueeze(1)
