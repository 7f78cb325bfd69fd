"""The table of pairs: which images show the same radiograph, and what their sets say of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radassay.contracts.probe import Subject
from radassay.matching.groups import groups, members
from radassay.matching.matcher import Matches

Rows = NDArray[np.intp]

MOST_COPIES = 30
"""Copies of one picture up to which every pair of them is listed; more are listed as a chain, which joins them too."""
COLUMNS = (
    *("image_a", "image_b", "score", "verified", "set_a", "set_b", "relation", "same_patient", "split_a", "split_b"),
    *("label_a", "label_b", "mirrored", "inverted", "group"),
)


class Contents:
    """Images by what they show: those with the same pixels are compared once."""

    def __init__(self, subject: Subject) -> None:
        self._order, self._start, self.number = members(subject.table["image"].to_numpy(dtype=str))
        self.first: Rows = self._order[self._start[:-1]]
        """(k,) one image of each content."""

    def __len__(self) -> int:
        return len(self.first)

    def images(self, content: int) -> Rows:
        """Return the images of one content, ascending."""
        return self._order[self._start[content] : self._start[content + 1]]

    def identical(self) -> NDArray[np.intp]:
        """Return pairs of images with the same pixels, (m, 2)."""
        many = np.flatnonzero(np.diff(self._start) > 1)
        return _pairs(pair for content in many for pair in self._within(self.images(int(content))))

    def expanded(self, pairs: NDArray[np.integer[Any]]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return pairs of contents as pairs of images, (m, 2), and the row of `pairs` that each is from."""
        copies = np.diff(self._start)[pairs]
        single = copies.prod(axis=1) == 1
        found = [self.first[pairs[single]].reshape(-1, 2)]
        rows = [np.flatnonzero(single)]
        for row in np.flatnonzero(~single):
            left, right = (self.images(int(content))[:MOST_COPIES] for content in pairs[row])
            found.append(_pairs(itertools.product(left, right)))
            rows.append(np.full(len(found[-1]), row))
        return np.concatenate(found), np.concatenate(rows)

    @staticmethod
    def _within(images: Rows) -> Iterator[tuple[int, int]]:
        few = len(images) <= MOST_COPIES
        return itertools.combinations(images, 2) if few else itertools.pairwise(images)


def pair_table(subject: Subject, contents: Contents, matches: Matches) -> pd.DataFrame:
    """Return the pairs, the surest first, with what the sets say of both images.

    Columns are `COLUMNS` and two more: `a` and `b`, the images by their number in the subject, `a` below `b`.

    - `relation`: `identical pixels`, `same set`, `other set`, or `slices of one volume`, which lie beside each other in
      the patient and are never taken for one picture.
    - `same_patient`: `yes`, `no` or `unknown`; patients are told apart within a set alone, since two sets may number
      theirs alike.
    - `group`: number of the group that the pair belongs to, 0 where it is not verified.
    """
    same = contents.identical()
    found, origin = contents.expanded(matches.pairs)
    pairs = np.sort(np.concatenate([same, found]), axis=1)
    surest = max(1.0, float(matches.scores.max(initial=1.0)))
    pictures = subject.table
    table = pd.DataFrame({"a": pairs[:, 0], "b": pairs[:, 1]})
    table["score"] = np.concatenate([np.full(len(same), surest), matches.scores[origin]])
    table["verified"] = np.concatenate([np.ones(len(same), dtype=bool), matches.verified[origin]])
    for column in ("mirrored", "inverted"):
        table[column] = np.concatenate([np.zeros(len(same), dtype=bool), getattr(matches, column)[origin]])
    for side in ("a", "b"):
        rows = table[side].to_numpy()
        for name, column in (("image", "path"), ("set", "set"), ("split", "split"), ("label", "label")):
            table[f"{name}_{side}"] = pictures[column].to_numpy(dtype=object)[rows]
    within = (table["set_a"] == table["set_b"]).to_numpy()
    slices = within & _both(pictures, pairs, "study") & np.isfinite(pictures["position_mm"].to_numpy()[pairs]).all(1)
    pixels = np.arange(len(pairs)) < len(same)
    table["relation"] = np.select(
        [pixels, slices, within], ["identical pixels", "slices of one volume", "same set"], "other set"
    )
    table["verified"] &= table["relation"] != "slices of one volume"
    patients = pictures["patient"].to_numpy(dtype=str)[pairs]
    told = within & (patients != "").all(axis=1)
    table["same_patient"] = np.select([told & (patients[:, 0] == patients[:, 1]), told], ["yes", "no"], "unknown")
    number = groups(pairs[table["verified"].to_numpy()], len(pictures))
    table["group"] = np.where(table["verified"], number[pairs[:, 0]], 0)
    order = ["verified", "score", "image_a", "image_b"]
    table = table.sort_values(order, ascending=[False, False, True, True], kind="stable")
    return table[["a", "b", *COLUMNS]].reset_index(drop=True)


def group_table(subject: Subject, pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the images of every group, one row an image, the largest group first.

    Columns: `group`; `images`, `sets`, `labels` and `splits`: how many of each the group has; then the `image`, its
    `set`, `label`, `split`, `height` and `width`.
    """
    sure = pairs[pairs["verified"]]
    number = groups(sure[["a", "b"]].to_numpy(), len(subject))
    rows = np.flatnonzero(number)
    table = subject.table.iloc[rows][["path", "set", "label", "split", "height", "width"]]
    table = table.rename(columns={"path": "image"}).assign(group=number[rows])
    counted = {"images": table.groupby("group").size()}
    for column in ("set", "label", "split"):
        counted[f"{column}s"] = table[column].where(table[column] != "").groupby(table["group"]).nunique()
    for column, values in counted.items():
        table[column] = values.reindex(table["group"]).to_numpy(dtype=int)
    columns = ["group", "images", "sets", "labels", "splits", "image", "set", "label", "split", "height", "width"]
    return table[columns].sort_values(["group", "image"], kind="stable").reset_index(drop=True)


def contradicting(pairs: pd.DataFrame, positive: tuple[str, ...]) -> NDArray[np.bool_]:
    """Return which pairs have labels that cannot both be right, (m,).

    Within a set: different ones, unless one only says more than the other (`Pneumonia`, `Pneumonia/Viral`). Between
    sets, which word their labels differently: one is among the positives and the other is not.
    """
    a, b = (pairs[f"label_{side}"].to_numpy(dtype=str) for side in ("a", "b"))
    below = [np.char.startswith(x, np.char.add(y, "/")) for x, y in ((a, b), (b, a))]
    differ = (a != b) & ~below[0] & ~below[1]
    across = (np.isin(a, positive) != np.isin(b, positive)) & bool(positive)
    within = (pairs["set_a"] == pairs["set_b"]).to_numpy()
    return np.asarray((a != "") & (b != "") & np.where(within, differ, across))


def _both(pictures: pd.DataFrame, pairs: NDArray[np.intp], column: str) -> NDArray[np.bool_]:
    """Return which pairs have the same known text in a column."""
    values = pictures[column].to_numpy(dtype=str)[pairs]
    return np.asarray((values[:, 0] != "") & (values[:, 0] == values[:, 1]))


def _pairs(pairs: Iterator[tuple[int, int]]) -> NDArray[np.intp]:
    return np.array([(int(a), int(b)) for a, b in pairs], dtype=np.intp).reshape(-1, 2)
