"""The pictures of every step of several trainings: what two of them would both make is made once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import torch
from torch import Tensor

from radassay.classifiers.augmentation import Augmentation
from radassay.classifiers.course import Course


class Batches:
    """Pictures of trainings side by side, step by step."""

    def __init__(self, pixels: Tensor, augmentation: Augmentation, courses: Sequence[Course]) -> None:
        """Group the trainings whose draws are the same.

        Args:
            pixels: (n, 1, size, size) the shared images.
            augmentation: how images are changed.
            courses: the trainings, which all have the same number of steps and of images a step.
        """
        self.pixels, self.augmentation, self.courses = pixels, augmentation, courses
        groups: dict[int, list[int]] = defaultdict(list)
        for i, course in enumerate(courses):
            if course.augment:
                groups[course.draws_seed].append(i)
        self.groups = [(members, torch.Generator(pixels.device).manual_seed(seed)) for seed, members in groups.items()]

    def at(self, step: int) -> list[Tensor]:
        """Return the images of a step, (batch, 1, size, size) of each training; steps are asked for in their order."""
        made: list[Tensor] = [torch.empty(0)] * len(self.courses)
        for i, course in enumerate(self.courses):
            if not course.augment:
                made[i] = self._taken(course.rows[step])
        for members, source in self.groups:
            for i, pictures in zip(members, self._changed(step, members, source), strict=True):
                made[i] = pictures
        return made

    def _changed(self, step: int, members: Sequence[int], source: torch.Generator) -> list[Tensor]:
        """Return the augmented images of trainings of one seed: at one place of a batch all draw the same change."""
        rows = torch.stack([self.courses[i].rows[step] for i in members])
        batch = rows.shape[1]
        different, which = torch.unique(rows * batch + torch.arange(batch), return_inverse=True)
        draws = self.augmentation.draw(batch, self.pixels.shape[-1], source).at(different % batch)
        changed = self.augmentation.change(self._taken(different // batch), draws)
        return [changed.index_select(0, one.to(changed.device)) for one in which]

    def _taken(self, rows: Tensor) -> Tensor:
        # a fifth of the time of indexing
        return self.pixels.index_select(0, rows.to(self.pixels.device))
