"""Same radiograph: is one picture in the sets twice, under another name, size, crop, window or way round?"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radassay.contracts.probe import Answer, Subject
from radassay.contracts.progress import Progress, Report, silent
from radassay.evidence.finding import Finding
from radassay.matching.false_matches import false_matches, raised
from radassay.matching.groups import groups
from radassay.matching.matcher import THRESHOLD, Described, Matches, describe, match, matched_points
from radassay.probes.radiographs import pictures as pair_pictures
from radassay.probes.radiographs.counts import CHECK, Counts
from radassay.probes.radiographs.pairs import COLUMNS, Contents, group_table, pair_table
from radassay.probes.radiographs.planted import Planted, alteration, altered, draw_images
from radassay.probes.radiographs.surety import false_finding, group_findings, planted_findings, sureness


@dataclass(frozen=True)
class SameRadiograph:
    """Compare every image of all sets with every other, within and across sets.

    What makes two pictures the same radiograph is fine detail that lies in the same places, whatever was done to the
    file: resized, cropped, framed, windowed, inverted, mirrored, turned by a few degrees, written on, recompressed.
    Films of one patient taken on other days are not the same radiograph, and are counted apart. Asked for by CLAIM
    2024, item 20; see Roberts et al., Nat Mach Intell 2021;3:199 on duplicates across public COVID-19 sets.
    """

    planted: int = 120
    """Altered copies of the images themselves that are looked for, to learn how surely copies are found."""
    drawn: int = 24
    """Pairs that are drawn side by side."""

    name: ClassVar[str] = CHECK
    question: ClassVar[str] = "Is the same radiograph there twice, within a set or in two sets, whatever the file?"

    def measure(self, subject: Subject, rng: np.random.Generator, report: Report = silent) -> Answer:
        """Return counts of pairs by where they lie, the pairs and groups as tables, and the telling ones drawn."""
        contents = Contents(subject)
        copied = self._drawn(subject, contents, rng)
        seeds = rng.integers(2**63, size=len(copied))

        def read(number: int) -> NDArray[np.float32]:
            if number < len(contents):
                return subject.display(int(contents.first[number]))
            copy = number - len(contents)
            return altered(subject.display(int(copied[copy])), copy, np.random.default_rng(seeds[copy]))

        def told(done: int, total: int, unit: str) -> None:
            report(Progress(done, total, unit))

        # Descriptions take 80 kB an image: they lie in a file, so that memory does not grow with the sets.
        with tempfile.TemporaryDirectory(prefix="radassay-") as folder:
            described = describe(read, len(contents) + len(copied), folder=Path(folder), report=told)
            matches = match(described, rng=rng, report=told)
            own = _own(matches, len(contents))
            pairs = pair_table(subject, contents, own)
            planted = _planted(subject, contents, copied, matches.pairs[matches.scores >= own.threshold], pairs)
            pictures, captions = self._pictures(subject, contents, described, pairs)
        return Answer(
            [*self._findings(subject, pairs, planted), false_finding(subject, own)],
            {"same_radiograph": pairs[list(COLUMNS)], "radiograph_groups": group_table(subject, pairs)},
            pictures,
            captions,
        )

    def _drawn(self, subject: Subject, contents: Contents, rng: np.random.Generator) -> NDArray[np.intp]:
        """Return the images that are copied, in random order, so that every set meets every alteration."""
        sets = subject.table["set"].to_numpy(dtype=str)[contents.first]
        return rng.permutation(contents.first[draw_images(sets, self.planted, rng)])

    def _findings(self, subject: Subject, pairs: pd.DataFrame, planted: list[Planted]) -> list[Finding]:
        return [
            *Counts(subject, pairs, sureness(subject, planted)).findings(),
            *group_findings(subject, pairs),
            *planted_findings(subject, planted),
        ]

    def _pictures(
        self, subject: Subject, contents: Contents, described: Described, pairs: pd.DataFrame
    ) -> tuple[dict[str, bytes], dict[str, str]]:
        """Return the telling pairs, drawn, and where the line between same and other lies."""

        def joined(a: int, b: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
            return matched_points(described, int(contents.number[a]), described, int(contents.number[b]))

        rows = pair_pictures.telling(pairs, subject.positive, self.drawn)
        numbered = enumerate(pair_pictures.draw(subject, pairs, rows, joined), 1)
        drawn = {f"{CHECK}-{number:02d}": picture for number, picture in numbered}
        line = pair_pictures.draw_line(subject, pairs, joined)
        if line is not None:
            drawn[f"{CHECK}-line"] = line
        return {name: png for name, (png, _) in drawn.items()}, {name: told for name, (_, told) in drawn.items()}


def _own(matches: Matches, count: int) -> Matches:
    """Return the matches among the first `count` images, without the planted copies that follow.

    The threshold is found anew: planted copies that are hard to find would raise it for everything else.
    """
    kept = (matches.pairs < count).all(axis=1)
    names = [f.name for f in fields(matches) if isinstance(getattr(matches, f.name), np.ndarray)]
    own = replace(matches, **{name: getattr(matches, name)[kept] for name in names})
    threshold = raised(own.scores, THRESHOLD)
    verified = own.scores >= threshold
    false = false_matches(own.scores[~verified], threshold)
    compared = count * (count - 1) // 2
    return replace(own, verified=verified, threshold=threshold, false=false, compared=compared)


def _planted(
    subject: Subject, contents: Contents, copied: NDArray[np.intp], sure: NDArray[np.intp], pairs: pd.DataFrame
) -> list[Planted]:
    """Return what became of the copies, the last images matched, one of each image in `copied`."""
    sure = sure[(sure[:, 0] < len(contents)) & (sure[:, 1] >= len(contents))]
    # A copy of one of several copies may be found as any of them.
    group = groups(pairs.loc[pairs["verified"], ["a", "b"]].to_numpy(), len(subject))
    met, copy = contents.first[sure[:, 0]], sure[:, 1] - len(contents)
    right = (met == copied[copy]) | ((group[met] == group[copied[copy]]) & (group[met] > 0))
    found = np.bincount(copy[right], minlength=len(copied)) > 0
    return [Planted(int(image), alteration(k), bool(found[k])) for k, image in enumerate(copied)]
