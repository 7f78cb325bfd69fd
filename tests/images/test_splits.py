"""Splits: no patient on two sides, every class on each, and a test set whose uses are counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radassay.errors import InputError, RefusedError, SettingsError
from radassay.images import splits
from radassay.images.imageset import ImageSet
from radassay.images.splits import open_test, split
from radassay.images.store import PixelStore


def made(labels: list[str], patients: list[str], **columns: object) -> ImageSet:
    rows = pd.DataFrame({"image": [f"{i:04x}" for i in range(len(labels))], "label": labels, "patient": patients})
    rows = rows.assign(origin="acquired", source=rows["image"]).assign(**columns)
    return ImageSet.of("t", rows, PixelStore(Path("nowhere")))


def many(n_patients: int = 60, rare: int = 6) -> ImageSet:
    labels, patients = [], []
    for p in range(n_patients):
        for _ in range(1 + p % 3):
            patients.append(f"p{p}")
            labels.append("rare" if p < rare else "common")
    return made(labels, patients)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 25), st.sampled_from("ab")), min_size=12, max_size=80), st.integers(0, 99))
def test_no_patient_is_ever_on_two_sides(rows: list[tuple[int, str]], seed: int) -> None:
    images = made([label for _, label in rows], [f"p{p}" for p, _ in rows])
    try:
        done = split(images, seed=seed)
    except InputError:
        return
    assert len(done) == len(images)
    assert set(done.table["split"]) == set(splits.SPLITS)
    assert done.table.groupby("patient")["split"].nunique().max() == 1
    for _, part in done.table.groupby("split"):
        assert set(part["label"]) == set(images.table["label"])


def test_shares_are_kept_in_every_class() -> None:
    done = split(many(100, 20), seed=1)
    patients = done.table.drop_duplicates("patient")
    assert patients["split"].value_counts().to_dict() == {"train": 60, "validation": 20, "test": 20}
    assert patients[patients["label"] == "rare"]["split"].value_counts().to_dict() == {
        "train": 12, "validation": 4, "test": 4}  # fmt: skip


def test_the_split_depends_on_seed_and_not_on_row_order() -> None:
    images = many()
    first = split(images, seed=3)
    order = np.random.default_rng(0).permutation(len(images))
    shuffled = split(images.take(order), seed=3)
    assert shuffled.fingerprint == first.fingerprint
    assert split(images, seed=4).fingerprint != first.fingerprint


def test_three_patients_are_enough_and_two_are_told() -> None:
    done = split(many(60, 3), seed=0)
    rare = done.table[done.table["label"] == "rare"]
    assert set(rare["split"]) == set(splits.SPLITS)
    with pytest.raises(InputError, match="'rare' has too few patients"):
        split(many(60, 2), seed=0)
    two = split(many(60, 2), fractions=(0.7, 0.0, 0.3), seed=0)
    assert set(two.table["split"]) == {"train", "test"}


def test_images_without_patient_are_units_of_their_own() -> None:
    done = split(made(["a", "b"] * 10, [""] * 20), seed=0)
    assert done.table["split"].value_counts()["train"] == 12


@pytest.mark.parametrize("fractions", [(0.5, 0.2, 0.2), (1.2, -0.2, 0.0), (0.0, 0.5, 0.5)])
def test_wrong_fractions(fractions: tuple[float, float, float]) -> None:
    with pytest.raises(SettingsError):
        split(many(), fractions=fractions, seed=0)


def test_a_published_split_is_kept_and_checked() -> None:
    good = made(["a"] * 3, ["1", "2", "3"], split=["train", "validation", "test"])
    assert split(good, seed=0, published=True).fingerprint == good.fingerprint
    with pytest.raises(InputError, match="two sides"):
        split(made(["a"] * 3, ["1", "1", "3"], split=["train", "test", "test"]), seed=0, published=True)
    with pytest.raises(InputError, match="no complete"):
        split(many(), seed=0, published=True)


def test_each_use_of_the_test_set_is_recorded_and_counted(tmp_path: Path) -> None:
    images = split(many(), seed=0)
    test = open_test(images, tmp_path, purpose="trial", study="A")
    assert set(test.table["split"]) == {"test"}
    open_test(images, tmp_path, purpose="trial", study="A")  # resumed
    open_test(images, tmp_path, purpose="trial", study="B")
    with open(tmp_path / splits.LEDGER, "a") as file:
        file.write('{"purpose": "tr')  # a kill tears the line
    open_test(images, tmp_path, purpose="leakage", study="B")
    uses = splits.test_uses(tmp_path)
    assert (uses.openings, uses.distinct, uses.purposes) == (4, 3, (("leakage", 1), ("trial", 2)))
    assert splits.test_uses(tmp_path, images).openings == 4
    assert splits.test_uses(tmp_path, split(many(), seed=1)).openings == 0
    assert splits.test_uses(tmp_path / "none").openings == 0


def test_a_test_set_with_a_generated_image_is_refused_by_name(tmp_path: Path) -> None:
    images = split(many(), seed=0)
    origin = images.table["origin"].to_numpy(dtype=object).copy()
    row = int(np.flatnonzero(images.table["split"] == "test")[0])
    origin[row] = "generated"
    with pytest.raises(RefusedError, match=str(images.table["source"][row])):
        open_test(images.with_columns(origin=origin), tmp_path, purpose="trial", study="A")
    assert splits.test_uses(tmp_path).openings == 0


def test_patients_who_share_a_picture_stay_on_one_side():
    rows = [{"image": f"{n:064x}", "source": f"{n}", "patient": f"p{n}", "label": "ab"[n % 2]} for n in range(40)]
    rows += [
        {"image": f"{n:064x}", "source": f"again{n}", "patient": f"p{n + 1}", "label": "ab"[n % 2]} for n in range(8)
    ]
    for seed in range(20):
        table = split(ImageSet.of("s", rows, PixelStore(Path("unused"))), seed=seed).table
        assert (table.groupby("image")["split"].nunique() == 1).all()
        assert (table.groupby("patient")["split"].nunique() == 1).all()
