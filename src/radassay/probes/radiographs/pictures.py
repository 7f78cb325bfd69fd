"""Which pairs a person should look at, and their pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from radassay.contracts.probe import Subject
from radassay.matching.drawing import Points, Shown, draw_pair, draw_sheet
from radassay.probes.radiographs.pairs import contradicting

Joined = Callable[[int, int], tuple[Points, Points]]
"""Matched points of two images of the subject, (k, 2) each, x and y."""


def telling(pairs: pd.DataFrame, positive: tuple[str, ...], most: int) -> list[int]:
    """Return rows of `pairs` to draw: of each kind of trouble the surest, in turn, no group twice before all were once.

    Identical pixels come last, for there is nothing to see.
    """
    sure = pairs["verified"].to_numpy() & (pairs["relation"] != "identical pixels").to_numpy()
    splits = [pairs[f"split_{side}"].to_numpy(dtype=str) for side in ("a", "b")]
    across = (pairs["set_a"] == pairs["set_b"]).to_numpy() & (splits[0] != splits[1]) & (splits[0] != "")
    kinds = [
        sure & across & (splits[1] != ""),
        sure & contradicting(pairs, positive),
        sure & (pairs["same_patient"] == "no").to_numpy(),
        *(sure & (pairs["set_a"] + "\0" + pairs["set_b"] == names).to_numpy() for names in _sets(pairs[sure])),
        sure & pairs["mirrored"].to_numpy(),
        sure & pairs["inverted"].to_numpy(),
        (pairs["relation"] == "identical pixels").to_numpy(),
    ]
    # The first pair of a group comes before all second ones.
    turn = pairs.groupby("group").cumcount().to_numpy()
    queues = [list(rows[np.argsort(turn[rows], kind="stable")]) for rows in map(np.flatnonzero, kinds)]
    chosen: list[int] = []
    seen: set[int] = set()
    while any(queues) and len(chosen) < most:
        for queue in queues:
            while queue and int(queue[0]) in seen:
                queue.pop(0)
            if queue and len(chosen) < most:
                row = int(queue.pop(0))
                seen.add(row)
                chosen.append(row)
    return chosen


def draw(subject: Subject, pairs: pd.DataFrame, rows: list[int], joined: Joined) -> Iterator[tuple[bytes, str]]:
    """Yield a picture of each of these rows, and its caption."""
    for row in rows:
        pair = _shown(subject, pairs.iloc[row], joined)
        yield draw_pair(pair), f"{pair.above[0]} and {pair.above[1]}. {' '.join(pair.below)}"


def draw_line(subject: Subject, pairs: pd.DataFrame, joined: Joined, each: int = 3) -> tuple[bytes, str] | None:
    """Return the least sure pairs that were verified and the surest that were not; None where there are none."""
    compared = pairs[~pairs["relation"].isin(["identical pixels", "slices of one volume"])]
    above, below = (compared[compared["verified"] == verified] for verified in (True, False))
    rows = [*above.index[-each:], *below.index[:each]]
    if not rows:
        return None
    shown = [_shown(subject, pairs.iloc[int(row)], joined) for row in rows]
    caption = (
        f"Where the line lies: the {len(above[-each:])} least sure pairs that were taken for the same radiograph, "
        f"then the {len(below[:each])} surest that were not."
    )
    return draw_sheet(shown), caption


def _sets(pairs: pd.DataFrame) -> list[str]:
    return sorted(set(pairs["set_a"] + "\0" + pairs["set_b"]))


def _shown(subject: Subject, pair: pd.Series, joined: Joined) -> Shown:
    a, b = int(pair["a"]), int(pair["b"])
    names = subject.table[["set", "source"]].iloc[[a, b]].to_numpy(dtype=str)
    first, second = (f"{name}: {source}" for name, source in names)
    return Shown(
        subject.display(a), subject.display(b), (first, second), (_verdict(pair), _relation(pair)), joined(a, b)
    )


def _verdict(pair: pd.Series) -> str:
    words = "the same radiograph" if pair["verified"] else "not taken for the same radiograph"
    turned = [word for word in ("mirrored", "inverted") if pair[word]]
    return f"Score {pair['score']:.3g}: {words}{', ' if turned else ''}{' and '.join(turned)}."


def _relation(pair: pd.Series) -> str:
    parts = [str(pair["relation"])]
    parts += {"yes": ["same patient"], "no": ["two patients"]}.get(str(pair["same_patient"]), [])
    for column in ("label", "split"):
        a, b = str(pair[f"{column}_a"]), str(pair[f"{column}_b"])
        if a or b:
            parts.append(f"{column} {a or 'unknown'}" + (f" against {b or 'unknown'}" if a != b else ""))
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."
