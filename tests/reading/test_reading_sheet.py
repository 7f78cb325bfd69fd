"""Answer sheets: what is written, what comes back from spreadsheets, and every cell that is wrong."""

import csv
import io
import json

import pandas as pd
import pytest

from radassay.errors import InputError, RefusedError
from radassay.reading.asked import Asked, ReaderList
from radassay.reading.filled import Bounds, read_sheets
from radassay.reading.sheet import sheet

inside = pytest.importorskip("radassay.web.questions").inside

LEVELS = tuple(f"{step} {side}" for side in ("synthetic", "real") for step in ("certainly", "likely", "maybe"))
SURE = ("guessing", "unsure", "fairly sure", "sure", "certain")
PLAUSIBLE = ("implausible", "doubtful", "plausible")


def name(n):
    return f"{n:032x}"


def reader(n=1, options=("normal", "pneumonia"), structures=("ribs", "heart")):
    asked = (
        Asked(1, name(11), (name(21),), "diagnosis", "diagnosis", "What?", options, SURE, "On record: normal."),
        Asked(2, name(12), (name(22),), "diagnosis", "diagnosis", "What?", options, SURE),
        Asked(3, name(13), (name(24), name(23)), "choice", "choice", "Which is real?"),
        Asked(4, name(14), (name(25),), "plausibility", "plausibility", "Plausible?", structures, PLAUSIBLE),
        Asked(5, name(15), (name(26),), "realness", "realness", "Real or synthetic?", (), LEVELS),
    )
    return ReaderList(name(n), asked)


FILLED = {
    2: {"diagnosis": "pneumonia", "certainty": "4"},
    3: {"choice": "A"},
    4: {"structure: ribs": "yes", "structure: heart": "no", "where: heart": "12 30"},
    5: {"level": "6"},
}
VALUES = {
    name(12): {"option": "pneumonia", "certainty": 4},
    name(13): {"image": name(24)},
    name(14): {"structures": {"ribs": {"level": 3, "place": None}, "heart": {"level": 1, "place": [12, 30, 0]}}},
    name(15): {"level": 6},
}


def filled(who, cells=FILLED, separator=","):
    """Return a reader's sheet with cells by item number, as rows of text."""
    rows = list(csv.DictReader(io.StringIO(sheet(who).decode("utf-8-sig"))))
    for row in rows:
        row.update(cells.get(int(row["number"]), {}))
    return written(rows, separator)


def back(sheets, readers, page=None, shape=(64, 48, 1)):
    """Return what filled sheets say of images of so many columns, rows and slices."""
    return read_sheets(sheets, readers, Bounds(shape, inside), page)


def written(rows, separator=","):
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), delimiter=separator, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def values(table):
    return {row.item: json.loads(row.value) for row in table.itertuples()}


def test_an_exported_sheet_comes_back_as_it_was_filled():
    table = back({"a.csv": filled(reader()).encode()}, [reader(1), reader(2)]).answers
    assert values(table) == VALUES
    assert set(table["reader"]) == {name(1)} and list(table["at"]) == sorted(table["at"])


@pytest.mark.parametrize(
    "saved",
    [
        filled(reader(), separator=";").encode("utf-8-sig"),
        filled(reader(), separator="\t").encode("utf-16"),
        ("sep=;\r\n" + filled(reader(), separator=";")).encode("cp1252"),
        (filled(reader()) + "," * 14 + "\r\n\r\n").replace("\r\n", "\n").encode(),
        filled(reader(), {**FILLED, 5: {"level": "6,0"}, 3: {"choice": " a "}}).encode(),
        filled(reader(), {**FILLED, 5: {"level": "Maybe Real"}}).encode(),
    ],
    ids=["semicolon and mark", "UTF-16 with tabs", "sep line", "empty rows", "decimals and blanks", "words"],
)
def test_habits_of_spreadsheets(saved):
    found = values(back({"a.csv": saved}, [reader()]).answers)
    assert {k: found[k] for k in list(VALUES)[:3]} == {k: VALUES[k] for k in list(VALUES)[:3]}
    assert found[name(15)]["level"] == 6


def test_an_umlaut_saved_by_excel_without_unicode():
    who = reader(options=("normal", "Erguß"))
    saved = filled(who, {2: {"diagnosis": "ERGUß", "certainty": "sure"}}).encode("cp1252")
    assert values(back({"a.csv": saved}, [who]).answers)[name(12)] == {"option": "Erguß", "certainty": 4}


def test_every_wrong_cell_is_named_with_what_is_possible():
    cells = {
        1: {"diagnosis": "cold", "certainty": "9"},
        2: {"diagnosis": "normal"},
        3: {"choice": "C"},
        4: {"structure: ribs": "maybe", "where: heart": "left"},
        5: {"level": "3", "cannot_judge": "yes"},
    }
    with pytest.raises(InputError) as told:
        back({"a.csv": filled(reader(), cells).encode(), "b.csv": b"x,y\n1,2\n"}, [reader()])
    lines = str(told.value).splitlines()
    for part in (
        "a.csv, row 2, diagnosis: 'cold'; possible: normal or pneumonia",
        "a.csv, row 2, certainty: '9'; possible: 1 to 5",
        "a.csv, row 3, certainty: 'empty'",
        "a.csv, row 4, choice: 'C'; possible: A or B",
        "a.csv, row 5, structure: ribs: 'maybe'; possible: yes, doubtful or no",
        "a.csv, row 5, structure: heart: 'empty'",
        "a.csv, row 5, where: heart: 'left'",
        "a.csv, row 6, level: '3'; possible: nothing",
        "b.csv, row 1, number",
    ):
        assert any(part in line for line in lines), part
    assert "12 cells" in lines[0]


def test_strangers_and_shifted_columns():
    good = filled(reader())
    rows = list(csv.DictReader(io.StringIO(good)))
    rows[0]["item"], rows[1]["reader"] = "ffff-" * 7 + "ffff", name(9)
    rows[2]["number"], rows[3]["number"] = rows[3]["number"], rows[2]["number"]
    with pytest.raises(InputError) as told:
        back({"a.csv": written(rows).encode()}, [reader(1), reader(2)])
    text = str(told.value)
    assert "row 2, item" in text and "row 3, reader" in text
    assert "row 4, number: '4'; possible: 3" in text and "row 5, number" in text
    rows = list(csv.DictReader(io.StringIO(good)))
    rows[4]["reader"] = name(2)
    with pytest.raises(InputError, match="row 6, reader: .*; possible: one reader in every sheet"):
        back({"a.csv": written(rows).encode()}, [reader(1), reader(2)])


def test_an_answer_in_the_wrong_columns_is_not_lost():
    with pytest.raises(InputError, match="row 6, choice: 'A'; possible: nothing; this row asks for level"):
        back({"a.csv": filled(reader(), {5: {"choice": "A"}}).encode()}, [reader()])


def test_the_same_reader_twice():
    once, part = filled(reader()).encode(), filled(reader(), {5: FILLED[5]}).encode()
    table = back({"a": once, "b": once, "c": part}, [reader()]).answers
    assert values(table) == VALUES and len(table) == len(VALUES)
    other = filled(reader(), {5: {"level": "1"}}).encode()
    with pytest.raises(RefusedError, match="1 items have two different answers"):
        back({"a": once, "b": other}, [reader()])


def test_sheets_beside_answers_of_the_page():
    def page(*levels):
        fields = {"reader": name(1), "block": "realness", "item": name(15), "at": "2026-01-05T09:00:00+00:00"}
        rows = [{**fields, "version": str(n + 1), "value": json.dumps({"level": v})} for n, v in enumerate(levels)]
        return pd.DataFrame([{**row, "answer_id": f"{n}", "seen": "{}"} for n, row in enumerate(rows)])

    sheets = {"a": filled(reader()).encode()}
    table = back(sheets, [reader()], page(2, 6)).answers
    assert len(table) == 2 + len(VALUES) - 1
    with pytest.raises(RefusedError, match="two different answers"):
        back(sheets, [reader()], page(6, 2))


def test_cannot_judge_and_rows_left_empty():
    table = back({"a": filled(reader(), {2: {"cannot_judge": "x"}}).encode()}, [reader()]).answers
    assert values(table) == {name(12): {"cannot_judge": True, "reason": ""}}


def test_no_cell_is_a_formula_and_no_id_a_number():
    who = reader(options=("=1+1", "@sum"), structures=("-ribs", "+heart"))
    for separator, mark in (("comma", ","), ("semicolon", ";")):
        rows = list(csv.reader(io.StringIO(sheet(who, separator).decode("utf-8-sig")), delimiter=mark))
        assert len(rows) == 6 and len({len(row) for row in rows}) == 1
        assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
        assert all("-" in row[-1] and "-" in row[-2] for row in rows[1:])
    asked = Asked(1, name(1), (name(2),), "realness", "realness", '=HYPERLINK("x")', (), LEVELS)
    assert "'=HYPERLINK" in sheet(ReaderList(name(3), (asked,))).decode("utf-8-sig")
    answered = filled(who, {2: {"diagnosis": "'=1+1", "certainty": "1"}}).encode()
    assert values(back({"a": answered}, [who]).answers)[name(12)]["option"] == "=1+1"


def where(cell, shape=(64, 48, 1)):
    """Return the place that a cell tells of the second structure."""
    cells = {4: {**FILLED[4], "where: heart": cell}}
    found = values(back({"a": filled(reader(), cells).encode()}, [reader()], shape=shape).answers)
    return found[name(14)]["structures"]["heart"]["place"]


def test_places_within_the_image_are_taken():
    assert where("0 0") == [0, 0, 0] and where("63 / 47") == [63, 47, 0] and where("63,47") == [63, 47, 0]
    assert where("5 6 1") == [5, 6, 0]
    assert where("5 6 8", (64, 48, 8)) == [5, 6, 7]


@pytest.mark.parametrize(
    ("cell", "shape"),
    [
        ("5000 9999", (64, 48, 1)),
        ("64 5", (64, 48, 1)),
        ("5 48", (64, 48, 1)),
        ("5 6 2", (64, 48, 1)),
        ("5 6 0", (64, 48, 8)),
        ("5 6 9", (64, 48, 8)),
        ("5 6", (64, 48, 8)),
        ("5 -6", (64, 48, 1)),
        ("5.5 6", (64, 48, 8)),
    ],
)
def test_places_outside_the_image_and_half_places_are_named(cell, shape):
    possible = f"column 0 to 63, row 0 to 47{', slice 1 to 8' if shape[2] > 1 else ''}"
    with pytest.raises(InputError, match=f"row 5, where: heart: {cell!r}; possible: {possible}"):
        where(cell, shape)


def test_what_is_wrong_ends_in_a_sentence():
    with pytest.raises(InputError) as told:
        where("5000 9999")
    lines = str(told.value).splitlines()
    assert len(lines) == 2 and not any(line.startswith((".", ",", ";")) for line in lines)


def test_every_sheet_tells_how_far_it_is_filled():
    whole, part, none = filled(reader(1)), filled(reader(2), {5: FILLED[5], 2: {}}), filled(reader(3), {})
    few = written(list(csv.DictReader(io.StringIO(none)))[:2])
    files = {"a": whole, "b": part, "c": none, "d": few}
    found = back({file: text.encode() for file, text in files.items()}, [reader(n) for n in (1, 2, 3)])
    assert [(one.file, one.filled, one.rows) for one in found.counts] == [
        ("a", 4, 5),
        ("b", 1, 5),
        ("c", 0, 5),
        ("d", 0, 5),
    ]
    assert str(found.counts[1]) == f"b: 1 of 5 rows filled by reader {name(2)[:8]}"


def test_the_sheet_says_from_where_places_count():
    told = next(row["how"] for row in csv.DictReader(io.StringIO(filled(reader()))) if row["number"] == "4")
    assert "column and row of the fault, from 0 at the upper left" in told and "slice, from 1" in told
