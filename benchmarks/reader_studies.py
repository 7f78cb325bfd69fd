"""How often the analysis of a reader study is wrong, on simulated readers whose truth is known.

Studies of six readers and 300 images, half of them synthetic, are simulated 1,000 times for each true area. Counted:
how often "readers can tell" is said though they guess (nominal 2.5 % by the lower limit of the 95 % interval, 5 % by
that of the 90 % one), how often the interval holds the truth, how often "cannot tell" within 0.10 is said at its edge
(nominal 5 %), and how often two modalities that are alike are called different (nominal 5 %). Beside it the mistake:
all readings pooled as if each were an independent image.

    python benchmarks/reader_studies.py [--studies 1000] [--readers 6] [--images 300]
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from scipy.stats import norm

from radassay.stats.auc import area as pooled_area
from radassay.stats.mrmc import Random, difference, one_modality
from radassay.stats.proportion import wilson
from radassay.stats.reader_figures import delong_figures
from radassay.stats.reader_power import Design, simulate
from radassay.stats.signal_detection import forced_choice

MARGIN = 0.10
AREAS = (0.5, 0.6, 0.75, 0.9)


def truth(design: Design, area: float, rng: np.random.Generator) -> float:
    """Return the mean area of endlessly many such readers on endlessly many such images, ratings cut into levels."""
    many = Design(400, 4000, 4000, design.levels, design.correlation, design.spread)
    return float(np.mean([delong_areas(many, area, rng).mean() for _ in range(4)]))


def delong_areas(design: Design, area: float, rng: np.random.Generator) -> np.ndarray:
    """Return each reader's area in one study, (readers,), from counts by level."""
    ratings, positive = simulate(design, area, rng), design.positive
    levels = np.arange(1, design.levels + 1)
    up, down = ((ratings[:, rows, None] == levels).mean(axis=1) for rows in (positive, ~positive))
    return (up * (np.cumsum(down, axis=1) - down / 2)).sum(axis=1)


def counted(hits: int, n: int) -> str:
    """Return a share with its interval."""
    low, high = wilson(hits, n)
    return f"{hits / n:6.1%} ({low:.1%} to {high:.1%})"


def studies_of(design: Design, area: float, n: int, rng: np.random.Generator) -> list[str]:
    """Return the lines of the table for one true area."""
    true = 0.5 if area == 0.5 else truth(design, area, rng)
    held = dict.fromkeys(Random, 0)
    above = {0.95: 0, 0.90: 0}
    pooled = equal = 0
    unlike = np.arange(design.readers * len(design.positive)).astype(str)
    for _ in range(n):
        ratings = simulate(design, area, rng)
        figures = delong_figures(ratings, design.positive)
        for random in Random:
            found = one_modality(figures, random=random)
            held[random] += found.low <= true <= found.high
            above[0.95] += random is Random.BOTH and found.low > 0.5
        narrow = one_modality(figures, level=0.90)
        above[0.90] += narrow.low > 0.5
        equal += narrow.low > 0.5 - MARGIN and narrow.high < 0.5 + MARGIN
        pooled += pooled_area(ratings.ravel(), np.tile(design.positive, design.readers), unlike).low > 0.5
    return [
        f"true area {true:.3f}",
        f"  coverage                              {counted(held[Random.BOTH], n)}",
        f"  coverage, readers wrongly fixed       {counted(held[Random.CASES], n)}",
        f"  coverage, images wrongly fixed        {counted(held[Random.READERS], n)}",
        f"  said to tell, 95 % lower limit        {counted(above[0.95], n)}",
        f"  said to tell, 90 % lower limit        {counted(above[0.90], n)}",
        f"  said to tell, all readings pooled     {counted(pooled, n)}",
        f"  said not to tell within {MARGIN:.2f}          {counted(equal, n)}",
    ]


def modalities_of(design: Design, area: float, n: int, rng: np.random.Generator) -> str:
    """Return how often two modalities without a difference are called different, by readers on the same images."""
    found = 0
    both = Design(2 * design.readers, design.real, design.synthetic, design.levels, design.correlation, design.spread)
    for _ in range(n):
        ratings = simulate(both, area, rng).reshape(2, design.readers, -1)
        found += difference(delong_figures(ratings, both.positive)).p < 0.05
    return f"  two like modalities called different  {counted(found, n)}"


def choices_of(design: Design, share: float, n: int, rng: np.random.Generator, trials: int = 60) -> str:
    """Return how often the interval of a share of right choices holds the truth; readers and trials vary."""
    spread = 1 + design.correlation + design.spread**2
    middle = norm.ppf(share) * np.sqrt(spread)
    held = 0
    for _ in range(n):
        reader = design.spread * rng.standard_normal((design.readers, 1))
        trial = np.sqrt(design.correlation) * rng.standard_normal(trials)
        right = middle + reader + trial + rng.standard_normal((design.readers, trials)) > 0
        found = forced_choice(right).correct
        held += found.low <= share <= found.high
    return f"  share of right choices {share:.2f}, coverage  {counted(held, n)}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--readers", type=int, default=6)
    parser.add_argument("--images", type=int, default=300)
    asked = parser.parse_args()
    design = Design(asked.readers, asked.images // 2, asked.images - asked.images // 2)
    print(f"{asked.studies} studies, {asked.readers} readers, {asked.images} images, seed 0")
    start = time.process_time()
    for place, area in enumerate((*AREAS, 0.6)):
        rng = np.random.default_rng([0, place])
        edge = place == len(AREAS)
        if edge:  # the true area of the ratings is exactly at the margin
            area = at_edge(design, rng)
            print("at the edge of the margin:")
        print("\n".join(studies_of(design, area, asked.studies, rng)))
        if not edge:
            print(modalities_of(design, area, asked.studies, rng))
    print(f"{asked.readers} readers, 60 forced choices:")
    for place, share in enumerate((0.25, 0.5, 0.75)):
        print(choices_of(design, share, asked.studies, np.random.default_rng([1, place])))
    print(f"{time.process_time() - start:.0f} s of one core")


def at_edge(design: Design, rng: np.random.Generator) -> float:
    """Return the latent area for which the mean area of the ratings is 0.5 + the margin."""
    low, high = 0.58, 0.66
    slope = (truth(design, high, rng) - (base := truth(design, low, rng))) / (high - low)
    return low + (0.5 + MARGIN - base) / slope


if __name__ == "__main__":
    main()
