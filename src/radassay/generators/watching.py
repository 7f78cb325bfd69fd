"""Cheap looks at what a generator draws while it trains: is it all alike, is it copied, which snapshot is best."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from torch import Tensor, nn

from radassay.contracts.generator import Aside
from radassay.contracts.grey import Grey
from radassay.stats.mmd import kid
from radassay.stats.whitening import Whitening

Draw = Callable[[nn.Module, int, NDArray[np.int64]], Grey]
COLUMNS = 10
"""Pictures of each class in a sample grid."""
LOOKED_AT = 96
"""Pictures drawn for a look."""
COMPARED = 2_000
"""Training images, at most, that drawn ones are compared with."""
WHITENED = 500
"""Training images, at most, that the space of the comparison is learned from."""
SIDE = 8
"""Side of the thumbnails in which pictures are compared, or theirs where that is smaller."""
EARLY = 0.25
"""Share of the training in which pictures may be alike, and no snapshot is kept."""
COLLAPSED = 0.4
"""Mean distance of drawn pictures of a class, as a share of that of real ones, below which they are called alike."""
NEAR = 0.05
"""Share of real images that are nearer to another one than what counts as a near copy."""
COPYING = 0.25
"""Share of drawn pictures that are near copies from which on copying is suspected."""


class Watch:
    """Looks at drawn pictures every so often; what it keeps goes into checkpoints.

    Args:
        pixels: the training images, (n, size, size).
        numbers: their class numbers.
        classes: names of the classes.
        aside: real images that are not learnt from, by which the best snapshot is chosen; without them, the last.
        seed: of what is drawn for a look: the same noise at every look.
    """

    def __init__(
        self, pixels: Grey, numbers: NDArray[np.int64], classes: NDArray[np.str_], aside: Aside | None, seed: int
    ) -> None:
        self.seed, self.aside, self.classes = seed, aside, len(classes)
        rows = np.random.default_rng([seed, 1]).permutation(len(pixels))[:COMPARED]
        self.real, self.numbers = thumbnails(pixels[rows]), numbers[rows]
        self.spread = spread(self.real, self.numbers)
        among = cdist(self.real, self.real)
        np.fill_diagonal(among, np.inf)
        self.near = float(np.quantile(among.min(axis=1), NEAR))
        if aside is None:
            wanted = np.arange(LOOKED_AT) % self.classes
        else:
            place = {str(name): number for number, name in enumerate(classes)}
            wanted = np.array([place[str(label)] for label in aside.labels if str(label) in place])
            self.space = Whitening.fit(aside.encode(pixels[rows[:WHITENED]]))
            self.features = self.space(aside.encode(aside.pixels))
        self.wanted = wanted[: max(LOOKED_AT, self.classes)].astype(np.int64)
        self.best: dict[str, Tensor] = {}
        self.kept, self.least = 0, float("inf")
        self.alarms: tuple[str, ...] = ()

    @property
    def rule(self) -> str:
        """Return how the snapshot is chosen, in words."""
        if self.aside is None:
            return "the last snapshot"
        encoder = self.aside.encoder.split(" ")[0]
        return (
            f"the smallest kernel distance (KID, {encoder}) of {len(self.wanted)} drawn images to "
            f"{len(self.aside.pixels)} real ones kept aside, after the first quarter of the training"
        )

    def told(self, seen: int) -> str:
        """Return which snapshot would be kept if the training ended after so many images, in words."""
        return f"Kept: the snapshot after {self.kept or seen:,} images ({self.rule})."

    def grid(self, draw: Draw, network: nn.Module, seed: int) -> NDArray[np.float32]:
        """Return pictures of each class, (classes, columns, size, size)."""
        drawn = draw(network, seed, np.repeat(np.arange(self.classes), COLUMNS))
        return drawn.reshape(self.classes, COLUMNS, *drawn.shape[1:])

    def look(self, draw: Draw, network: nn.Module, seen: int, total: int) -> dict[str, float]:
        """Draw, measure, keep the snapshot where it is the best so far, and return what was found."""
        drawn = draw(network, self.seed, self.wanted)
        small = thumbnails(drawn)
        alike = spread(small, self.wanted) / max(self.spread, 1e-6)
        copied = float((cdist(small, self.real).min(axis=1) < self.near).mean())
        late = seen >= EARLY * total
        self.alarms = tuple(
            word for word, due in (("collapse?", alike < COLLAPSED), ("copies?", copied > COPYING)) if due and late
        )
        found = {"images": seen, "diversity": round(alike, 4), "near_copies": round(copied, 4)}
        if self.aside is not None:
            distance = self._distance(drawn)
            found["distance"] = round(distance, 6)
            if late and distance < self.least:
                self.least, self.kept = distance, seen
                self.best = {key: value.detach().cpu().clone() for key, value in network.state_dict().items()}
        return found

    def _distance(self, drawn: Grey) -> float:
        """Return the kernel distance of drawn pictures to the images kept aside."""
        assert self.aside is not None
        features = self.space(self.aside.encode(drawn))
        units = np.arange(len(features) + len(self.features)).astype(str)
        return kid(features, self.features, units[: len(features)], units[len(features) :]).value

    def state(self) -> dict[str, Any]:
        """Return what to keep of the looks so far, without the snapshot's weights."""
        return {"kept": self.kept, "least": self.least if self.kept else None, "alarms": list(self.alarms)}

    def load(self, state: dict[str, Any], best: dict[str, Tensor]) -> None:
        """Go back to what `state` and `best` were."""
        self.kept, self.best = int(state["kept"]), best
        self.least = float("inf") if state["least"] is None else float(state["least"])
        self.alarms = tuple(state["alarms"])


def thumbnails(pixels: Grey) -> NDArray[np.float64]:
    """Return mean grey values of coarse cells, (n, cells), by averaging."""
    n, size, _ = pixels.shape
    side = min(SIDE, size)
    edges = np.linspace(0, size, side + 1).round().astype(int)
    rows = np.add.reduceat(pixels.astype(np.float64), edges[:-1], axis=1) / np.diff(edges)[:, None]
    cells = np.add.reduceat(rows, edges[:-1], axis=2) / np.diff(edges)
    return cells.reshape(n, -1)


def spread(small: NDArray[np.float64], numbers: NDArray[np.int64]) -> float:
    """Return the mean distance between pictures of the same class."""
    same = numbers[:, None] == numbers[None]
    np.fill_diagonal(same, False)
    return float(cdist(small, small)[same].mean()) if same.any() else 0.0
