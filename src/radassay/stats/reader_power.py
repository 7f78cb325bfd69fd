"""What a planned reader study could show, by simulating it many times with readers whose truth is known.

Confidence comes from a normal latent value: what all readers see in the case, what this reader alone sees in it,
and a shift for synthetic images. Where each reader places real and synthetic images varies (Roe and Metz, Acad Radiol
1997;4:298). Equal shares of the noise fall into each level.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from radassay.stats.auc import Interval
from radassay.stats.equivalence import LEVEL
from radassay.stats.mrmc import Random, one_modality
from radassay.stats.proportion import wilson
from radassay.stats.reader_figures import delong_figures
from radassay.stats.signal_detection import sensitivity_of_area

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Design:
    """A study in which every reader rates every image: real or synthetic, with a level of confidence."""

    readers: int
    real: int
    synthetic: int
    levels: int = 6
    correlation: float = 0.35
    """Of two readers' latent values of one image."""
    spread: float = 0.15
    """Standard deviation over readers of where they place real and, independently, synthetic images; d' varies by
    the square root of 2 times as much."""

    def __post_init__(self) -> None:
        if min(self.readers, self.real, self.synthetic, self.levels) < 2:
            raise ValueError(f"a design has two or more readers, images of each kind and levels; got {self}")
        if not 0 <= self.correlation <= 1 or self.spread < 0:
            raise ValueError(f"correlation lies between 0 and 1 and spread is 0 or more; got {self}")

    @property
    def positive(self) -> NDArray[np.bool_]:
        """Return which images, (real + synthetic,), are synthetic."""
        return np.arange(self.real + self.synthetic) >= self.real


@dataclass(frozen=True)
class Power:
    """Shares of simulated studies, each with Wilson's 95 % interval for the number of simulations."""

    equivalence: Interval
    """Studies that show "cannot tell" within the margin, where readers truly guess."""
    detection: Interval
    """Studies that show "can tell", where the mean area is the one asked about."""
    false_alarms: Interval
    """Studies that show "can tell", where readers guess on average; nominal 2.5 %."""
    half_width: float
    """Mean half-width of the 95 % interval of the area, where readers guess."""


def simulate(design: Design, area: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the ratings of one study, (readers, real + synthetic), 1 for surely real up to `levels`.

    Args:
        design: of the study.
        area: the area under the ROC curve at the readers' mean d', before ratings are cut into levels; readers
            vary around it. At 0.5 the expected area is 0.5 exactly.
        rng: where the study comes from.
    """
    n = design.real + design.synthetic
    real, synthetic = design.spread * rng.standard_normal((2, design.readers, 1))
    apart = sensitivity_of_area(area) / 2
    case, own = rng.standard_normal(n), rng.standard_normal((design.readers, n))
    latent = np.where(design.positive, synthetic + apart, real - apart)
    latent += math.sqrt(design.correlation) * case + math.sqrt(1 - design.correlation) * own
    cuts = norm.ppf(np.arange(1, design.levels) / design.levels)
    return np.asarray(np.searchsorted(cuts, latent) + 1)


def limits_of(
    design: Design, area: float, runs: int, rng: np.random.Generator, random: Random = Random.BOTH
) -> tuple[Floats, Floats]:
    """Return the Obuchowski-Rockette intervals of simulated studies: at 95 %, (runs, 2), and at 90 %, (runs, 2)."""
    wide, narrow = np.empty((runs, 2)), np.empty((runs, 2))
    for run in range(runs):
        figures = delong_figures(simulate(design, area, rng), design.positive)
        for found, level in ((wide, 0.95), (narrow, LEVEL)):
            estimate = one_modality(figures, random=random, level=level)
            found[run] = estimate.low, estimate.high
    return wide, narrow


def power(
    design: Design,
    rng: np.random.Generator,
    *,
    margin: float = 0.10,
    area: float = 0.60,
    runs: int = 400,
    random: Random = Random.BOTH,
) -> Power:
    """Return what a design can show, by simulation and the analysis the study will get.

    Args:
        design: readers and images.
        rng: where the simulations come from.
        margin: of equivalence around an area of 0.5.
        area: the area that must not be missed.
        runs: simulated studies for each figure; 400 give it to within 0.05.
        random: what the study generalises to.
    """
    wide, narrow = limits_of(design, 0.5, runs, rng, random)
    apart, _ = limits_of(design, area, runs, rng, random)
    equal = (narrow[:, 0] > 0.5 - margin) & (narrow[:, 1] < 0.5 + margin)
    return Power(
        _share(equal),
        _share(apart[:, 0] > 0.5),
        _share(wide[:, 0] > 0.5),
        float((wide[:, 1] - wide[:, 0]).mean() / 2),
    )


def _share(hits: NDArray[np.bool_]) -> Interval:
    found, n = int(hits.sum()), len(hits)
    return Interval(found / n, *wilson(found, n), f"Wilson, {n} simulated studies")
