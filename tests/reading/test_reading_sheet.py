"""Answer sheets: what is written, what comes back from spreadsheets, and every cell that is wrong."""

import csv
import io
import json

import pandas as pd
import pytest

from radassay.errors import InputError, RefusedError
from radassay.reading.asked import Asked, ReaderList
from radassay.reading.filled import read_sheets
from radassay.reading.sheet import sheet

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


def written(rows, separator=","):
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), delimiter=separator, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def values(table):
    return {row.item: json.loads(row.value) for row in table.itertuples()}


def test_an_exported_sheet_comes_back_as_it_was_filled():
    table = read_sheets({"a.csv": filled(reader()).encode()}, [reader(1), reader(2)])
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
    found = values(read_sheets({"a.csv": saved}, [reader()]))
    assert {k: found[k] for k in list(VALUES)[:3]} == {k: VALUES[k] for k in list(VALUES)[:3]}
    assert found[name(15)]["level"] == 6


def test_an_umlaut_saved_by_excel_without_unicode():
    who = reader(options=("normal", "Erguß"))
    saved = filled(who, {2: {"diagnosis": "ERGUß", "certainty": "sure"}}).encode("cp1252")
    assert values(read_sheets({"a.csv": saved}, [who]))[name(12)] == {"option": "Erguß", "certainty": 4}


def test_every_wrong_cell_is_named_with_what_is_possible():
    cells = {
        1: {"diagnosis": "cold", "certainty": "9"},
        2: {"diagnosis": "normal"},
        3: {"choice": "C"},
        4: {"structure: ribs": "maybe", "where: heart": "left"},
        5: {"level": "3", "cannot_judge": "yes"},
    }
    with pytest.raises(InputError) as told:
        read_sheets({"a.csv": filled(reader(), cells).encode(), "b.csv": b"x,y\n1,2\n"}, [reader()])
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
        read_sheets({"a.csv": written(rows).encode()}, [reader(1), reader(2)])
    text = str(told.value)
    assert "row 2, item" in text and "row 3, reader" in text
    assert "row 4, number: '4'; possible: 3" in text and "row 5, number" in text
    rows = list(csv.DictReader(io.StringIO(good)))
    rows[4]["reader"] = name(2)
    with pytest.raises(InputError, match="row 6, reader: .*; possible: one reader in every sheet"):
        read_sheets({"a.csv": written(rows).encode()}, [reader(1), reader(2)])


def test_an_answer_in_the_wrong_columns_is_not_lost():
    with pytest.raises(InputError, match="row 6, choice: 'A'; possible: nothing; this row asks for level"):
        read_sheets({"a.csv": filled(reader(), {5: {"choice": "A"}}).encode()}, [reader()])


def test_the_same_reader_twice():
    once, part = filled(reader()).encode(), filled(reader(), {5: FILLED[5]}).encode()
    table = read_sheets({"a": once, "b": once, "c": part}, [reader()])
    assert values(table) == VALUES and len(table) == len(VALUES)
    other = filled(reader(), {5: {"level": "1"}}).encode()
    with pytest.raises(RefusedError, match="1 items have two different answers"):
        read_sheets({"a": once, "b": other}, [reader()])


def test_sheets_beside_answers_of_the_page():
    def page(*levels):
        fields = {"reader": name(1), "block": "realness", "item": name(15), "at": "2026-01-05T09:00:00+00:00"}
        rows = [{**fields, "version": str(n + 1), "value": json.dumps({"level": v})} for n, v in enumerate(levels)]
        return pd.DataFrame([{**row, "answer_id": f"{n}", "seen": "{}"} for n, row in enumerate(rows)])

    sheets = {"a": filled(reader()).encode()}
    table = read_sheets(sheets, [reader()], page(2, 6))
    assert len(table) == 2 + len(VALUES) - 1
    with pytest.raises(RefusedError, match="two different answers"):
        read_sheets(sheets, [reader()], page(6, 2))


def test_cannot_judge_and_rows_left_empty():
    table = read_sheets({"a": filled(reader(), {2: {"cannot_judge": "x"}}).encode()}, [reader()])
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
    assert values(read_sheets({"a": answered}, [who]))[name(12)]["option"] == "=1+1"
