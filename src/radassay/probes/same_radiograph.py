"""Same radiograph: is one picture in the sets twice, under another name, size, crop, window or way round?"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radassay.contracts import Answer, Progress, Report, Subject, silent
from radassay.evidence.finding import Finding
from radassay.matching.groups import groups
from radassay.matching.matcher import Described, describe, match, matched_points
from radassay.probes import pair_pictures
from radassay.probes.planted_copies import Planted, altered, draw_images
from radassay.probes.radiograph_counts import CHECK, Counts
from radassay.probes.radiograph_pairs import COLUMNS, Contents, group_table, pair_table
from radassay.probes.radiograph_surety import false_finding, group_findings, planted_findings, sureness


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

        def read(content: int) -> NDArray[np.float32]:
            return subject.display(int(contents.first[content]))

        def told(done: int, total: int, unit: str) -> None:
            report(Progress(done, total, unit))

        # Descriptions take 80 kB an image: they lie in a file, so that memory does not grow with the sets.
        with tempfile.TemporaryDirectory(prefix="radassay-") as folder:
            described = describe(read, len(contents), folder=Path(folder), report=told)
            matches = match(described, rng=rng, report=told)
            pairs = pair_table(subject, contents, matches)
            planted = self._planted(subject, contents, described, pairs, rng)
            pictures, captions = self._pictures(subject, contents, described, pairs)
        return Answer(
            [*self._findings(subject, pairs, planted), false_finding(subject, matches)],
            {"same_radiograph": pairs[list(COLUMNS)], "radiograph_groups": group_table(subject, pairs)},
            pictures,
            captions,
        )

    def _findings(self, subject: Subject, pairs: pd.DataFrame, planted: list[Planted]) -> list[Finding]:
        return [
            *Counts(subject, pairs, sureness(subject, planted)).findings(),
            *group_findings(subject, pairs),
            *planted_findings(subject, planted),
        ]

    def _planted(
        self, subject: Subject, contents: Contents, described: Described, pairs: pd.DataFrame, rng: np.random.Generator
    ) -> list[Planted]:
        """Return what became of altered copies looked for among all images."""
        sets = subject.table["set"].to_numpy(dtype=str)[contents.first]
        copied = contents.first[draw_images(sets, self.planted, rng)]
        # In random order, so that every set meets every alteration.
        copied = rng.permutation(copied)
        copies = [altered(subject.display(int(image)), number, rng) for number, image in enumerate(copied)]
        matches = match(describe(lambda k: copies[k][1], len(copies)), described, rng=rng)
        sure = matches.pairs[matches.verified]
        # A copy of one of several copies may be found as any of them.
        group = groups(pairs.loc[pairs["verified"], ["a", "b"]].to_numpy(), len(subject))
        met, wanted = contents.first[sure[:, 1]], copied[sure[:, 0]]
        right = (met == wanted) | ((group[met] == group[wanted]) & (group[met] > 0))
        found = np.bincount(sure[right, 0], minlength=len(copies)) > 0
        return [Planted(int(i), copy[0], bool(hit)) for i, copy, hit in zip(copied, copies, found, strict=True)]

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
