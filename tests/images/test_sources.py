"""Sources: folders, tables, what names what, and what leads outside."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

from radassay.errors import InputError
from radassay.images.sources import list_source
from radassay.images.tables import TableMapping, read_table

from .files import DATA, picture, save


def table(root: Path, text: str, name: str = "metadata.csv", encoding: str = "utf-8") -> Path:
    root.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(text.encode(encoding))
    return root / name


def told(listing):
    return {item.file.source: item.told for item in listing.items}


def test_the_first_folder_is_the_class(tmp_path: Path) -> None:
    for name in ("a/x.png", "a/deep/y.png", "b/z.png", "flat.png"):
        save(tmp_path / name, picture())
    labels = {source: t.label for source, t in told(list_source(tmp_path)).items()}
    assert labels == {"a/x.png": "a", "a/deep/y.png": "a", "b/z.png": "b", "flat.png": ""}


def test_folders_called_train_and_test_are_a_split(tmp_path: Path) -> None:
    for name in ("train/a/x.png", "val/a/y.png", "test/b/z.png"):
        save(tmp_path / name, picture())
    listing = list_source(tmp_path)
    assert {(t.split, t.label) for t in told(listing).values()} == {("train", "a"), ("validation", "a"), ("test", "b")}
    assert listing.notes


def test_a_table_is_mapped_by_the_names_of_its_columns(tmp_path: Path) -> None:
    for name in ("images/x.png", "images/y.png", "masks/x.png"):
        save(tmp_path / name, picture())
    table(
        tmp_path,
        "Patient ID,offset,Sex,Age,Finding Labels,View Position,file_name,Hospital\n"
        "7,3.0,Male,50+,Pneumonia,PA,x.png,A\n7,,U,unknown,No Finding,AP,y.png,\n",
    )
    listing = list_source(tmp_path)
    x, y = told(listing)["images/x.png"], told(listing)["images/y.png"]
    assert (x.patient, x.study, x.sex, x.age_text, x.label, x.view, x.site) == (
        "7", "7/3.0", "M", "50+", "Pneumonia", "PA", "A")  # fmt: skip
    assert (y.patient, y.study, y.sex, y.age_text, y.label, y.site) == ("7", "", "", "", "No Finding", "")
    assert {o.path: o.status for o in listing.outcomes} == {"masks/x.png": "ignored", "metadata.csv": "ignored"}


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd", "a/../../secret.png", "C:\\secret.png", "..\\s.png"])
def test_a_table_cannot_lead_outside(tmp_path: Path, name: str) -> None:
    save(tmp_path / "secret.png", picture())
    save(tmp_path / "set" / "x.png", picture())
    table(tmp_path / "set", f"filename,label\n{name},a\nx.png,b\n")
    listing = list_source(tmp_path / "set")
    assert list(told(listing)) == ["x.png"]
    assert [o.reason for o in listing.outcomes if o.status == "rejected"] == [
        "the table leads outside the folder of the images"
    ]


def test_rows_without_file_and_ambiguous_names_are_told(tmp_path: Path) -> None:
    for name in ("one/x.png", "two/x.png", "three/y.png"):
        save(tmp_path / name, picture())
    listing = list_source(table(tmp_path, "filename\nx.png\ngone.png\ny.png\n\n"))
    reasons = {o.path: o.reason for o in listing.outcomes}
    assert "2 files are called so" in reasons["x.png"]
    assert "no such file" in reasons["gone.png"]
    assert list(told(listing)) == ["three/y.png"]


def test_naming_one_column_loses_no_other(tmp_path: Path) -> None:
    save(tmp_path / "x.png", picture())
    path = table(tmp_path, "filename,patientid,verdict,sex\nx.png,7,ill,F\n")
    (item,) = list_source(path, mapping=TableMapping(label="verdict")).items
    assert (item.told.label, item.told.patient, item.told.sex) == ("ill", "7", "F")
    (item,) = list_source(path, mapping=TableMapping(label="verdict", sex="-")).items
    assert (item.told.patient, item.told.sex) == ("7", "")


def test_a_row_may_name_a_folder_of_slices(tmp_path: Path) -> None:
    for name in ("ct1/0.dcm", "ct1/1.dcm", "ct2/0.dcm"):
        save(tmp_path / name, picture(), "PNG")
    listing = list_source(table(tmp_path, "path,patient\nct1,7\n"))
    assert {s: t.patient for s, t in told(listing).items()} == {"ct1/0.dcm": "7", "ct1/1.dcm": "7"}
    assert {o.path: o.reason for o in listing.outcomes}["ct2/0.dcm"] == "no row of the table names it"


def test_words_that_mean_nothing_are_noted(tmp_path: Path) -> None:
    save(tmp_path / "x.png", picture())
    listing = list_source(table(tmp_path, "filename,sex,split\nx.png,divers,holdout\n"))
    assert (listing.items[0].told.sex, listing.items[0].told.split) == ("", "")
    assert any("divers" in n for n in listing.notes)
    assert any("holdout" in n for n in listing.notes)


def test_rows_that_contradict_each_other_are_a_warning(tmp_path: Path) -> None:
    save(tmp_path / "x.png", picture())
    listing = list_source(table(tmp_path, "filename,label\nx.png,a\nx.png,b\n"))
    assert listing.items[0].told.label == "a"
    assert "2 rows" in listing.items[0].warnings[0]


def test_links_that_lead_outside_or_nowhere_and_pipes_are_not_opened(tmp_path: Path) -> None:
    root = tmp_path / "set"
    save(tmp_path / "outside.png", picture())
    save(root / "a" / "x.png", picture())
    (root / "out.png").symlink_to(tmp_path / "outside.png")
    (root / "dir").symlink_to(tmp_path)
    (root / "loop.png").symlink_to(root / "loop.png")
    (root / "in.png").symlink_to(root / "a" / "x.png")
    os.mkfifo(root / "pipe.png")
    listing = list_source(root)
    assert set(told(listing)) == {"a/x.png", "in.png"}
    assert {o.path for o in listing.outcomes} == {"out.png", "dir", "loop.png", "pipe.png"}
    assert {o.status for o in listing.outcomes} == {"rejected"}


def test_latin1_semicolons_and_parquet(tmp_path: Path) -> None:
    read, notes = read_table(table(tmp_path, "filename;site\nx.png;Köln\n", encoding="latin-1"))
    assert read["site"].tolist() == ["Köln"]
    assert "latin-1" in notes[0]
    pd.DataFrame({"filename": ["x.png"], "age": [65], "site": [None]}).to_parquet(tmp_path / "t.parquet")
    read, _ = read_table(tmp_path / "t.parquet")
    assert read.iloc[0].tolist() == ["x.png", "65", ""]


def test_a_table_without_images_or_with_a_wrong_mapping_is_an_error_that_lists_the_columns(tmp_path: Path) -> None:
    save(tmp_path / "x.png", picture())
    path = table(tmp_path, "alpha,beta\n1,2\n", "other.csv")
    with pytest.raises(InputError, match="alpha, beta"):
        list_source(path)
    with pytest.raises(InputError, match="image = gamma"):
        list_source(path, mapping=TableMapping(image="gamma"))


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\0\0\0\0", b"PAR1 but no table", b'"' * 500_000])
def test_broken_tables_are_input_errors(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(InputError):
        list_source(tmp_path / "t.csv", mapping=TableMapping(image="filename"))


@pytest.mark.skipif(not (DATA / "figure1").exists(), reason="needs ../shared/data/figure1")
def test_figure1_names_images_by_patient(tmp_path: Path) -> None:
    listing = list_source(DATA / "figure1")
    assert len(listing.items) == 55
    patients = {s: t.patient for s, t in told(listing).items()}
    assert patients["images/COVID-00003a.jpg"] == patients["images/COVID-00003b.jpg"] == "COVID-00003"
    assert any(t.age_text == "50+" for t in told(listing).values())
    assert any("latin-1" in n for n in listing.notes) or (DATA / "figure1/metadata.csv").read_bytes().isascii()
