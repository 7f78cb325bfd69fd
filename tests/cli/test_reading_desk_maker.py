"""What the process behind the coordinator's page says: its form, what there is to choose from, refusals in words."""

import dataclasses
import io
import json
import re
import sys
from pathlib import Path

import pytest

from radassay.cli import reading_desk_maker
from radassay.cli.reading_desk_form import GROUPS, REMEDY, about, defaults_of
from radassay.cli.reading_desk_sources import source_of, sources
from radassay.cli.reading_planning import sets_of
from radassay.errors import InputError
from radassay.images.imageset import ImageSet
from radassay.reading.plan import ReadingPlan

sys.path.insert(0, str(Path(__file__).parents[1] / "reading"))
from reading_sets import cohort, two_sets


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    # a folder within its own, since a test also searches the parent
    folder = tmp_path_factory.mktemp("sets") / "mine"
    folder.mkdir()
    whole = cohort(folder / "hidden" / "store", patients=80)
    for name, images in zip(("real", "made", "marked"), (*two_sets(whole), two_sets(whole, mark=3)[1]), strict=True):
        (folder / name).mkdir()
        (folder / name / "pixels").symlink_to(folder / "hidden" / "store" / "pixels")
        images.save(folder / name)
    return folder


def asked(sets, monkeypatch, capsys, **change):
    """Return what the process says to a small check, with some things changed: its lines, stdout and stderr."""
    ids = {source.name: source.id for source in sources([sets])}
    settings = {**defaults_of(), "cases": 4, "catch": 1, "training": 2, "runs": 20, "seed": 3}
    request = {"do": "check", "folders": [str(sets)], "real": ids["real"], "synthetic": ids["made"]}
    for name, value in change.items():
        (request if name in request else settings)[name] = value
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps({**request, "settings": settings}) + "\n"))
    monkeypatch.setattr(reading_desk_maker.os, "nice", lambda _: 0)
    assert reading_desk_maker.main() == 0
    out = capsys.readouterr()
    return [json.loads(line) for line in out.out.splitlines()], out.out, out.err


def test_every_setting_of_a_plan_but_its_seed_is_on_the_form_with_one_sentence_of_help():
    names = [field.name for group in GROUPS.values() for field in group]
    assert sorted(names) == sorted([REMEDY, *(f.name for f in dataclasses.fields(ReadingPlan) if f.name != "seed")])
    for group in about()["groups"]:
        for field in group["fields"]:
            assert re.fullmatch(r"[A-Z0-9][^`\n]{8,170}\.", field["help"]), field
            assert ". " not in field["help"] or field["name"] == "title"
            assert field["kind"] != "one" or field["default"] in field["options"]


def test_what_there_is_to_choose_from_is_named_and_counted_without_a_path(sets):
    found = sources([sets])
    assert [source.name for source in found] == ["made", "marked", "real"]
    told = {source.name: source.tell() for source in found}
    assert told["real"]["origins"] == ["acquired"]
    assert sum(told["real"]["classes"].values()) == told["real"]["images"] == 40
    assert str(sets) not in json.dumps(told)
    assert sources([sets / "real"])[0].path == (sets / "real").resolve()
    again = {source.name for source in sources([sets, sets.parent, sets])}
    assert again == {"made", "marked", "real"}
    for wrong in ("../real", str(sets / "real"), "real", None, 3):
        with pytest.raises(InputError):
            source_of([sets], wrong)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"cases": 5000}, "too few"),
        ({"margin": 3}, "margin must lie from"),
        ({"readers": "many"}, "Readers"),
        ({"readers": None}, "Readers"),
        ({"questions": ["diagnosis"]}, "class that it is about"),
        ({"questions": ["guess"]}, "Questions"),
        ({"labels": ["../../etc"]}, "every class"),
        ({"out": "/tmp"}, "no such setting"),
        ({"title": ""}, "cannot be used"),
        ({"real": "/etc/passwd"}, "not there"),
    ],
)
def test_what_cannot_be_is_refused_in_words(sets, monkeypatch, capsys, change, words):
    told, _, _ = asked(sets, monkeypatch, capsys, **change)
    assert words in " ".join(told[-1]["refused"].values())


def test_cases_and_power_are_told_and_few_readers_are_a_pilot(sets, monkeypatch, capsys):
    told, out, _ = asked(sets, monkeypatch, capsys, readers=5, questions=["realness", "choice"], alternatives=4)
    facts = {name: value for line in told for name, value in line.items()}
    assert facts["pilot"] is True
    assert len(facts["power"]) == 3
    assert "within the margin of 0.1" in facts["power"][0]
    assert {row["class"] for row in facts["cases"]} == {"disease", "healthy"}
    assert all(row["real"]["taken"] == 8 and row["synthetic"]["taken"] == 16 for row in facts["cases"])
    assert sum(row["real"]["there"] for row in facts["cases"]) == 40
    assert facts["result"]["blind"]
    again, _, _ = asked(sets, monkeypatch, capsys, readers=6)
    assert {"pilot": False}.items() <= {name: value for line in again for name, value in line.items()}.items()
    images = ImageSet.open(sets / "real").table["image"]
    assert not [name for name in images if name in out]


def test_a_leak_is_not_blind_until_a_reason_or_the_same_steps_for_both_arms(sets, monkeypatch, capsys):
    marked = {"synthetic": next(source.id for source in sources([sets]) if source.name == "marked"), "cases": 12}

    def checked(**change):
        return asked(sets, monkeypatch, capsys, **marked, **change)[0][-1]["result"]

    told = checked()
    assert not told["blind"]
    assert "border" in told["tells"]
    assert {row["by"]: row["above"] for row in told["leaks"]}["border"] is True
    assert checked(override="marks are in both archives")["blind"]
    alike = checked(same_pipeline=True)
    assert alike["blind"]
    assert "trimmed" in alike["shown"]
    assert alike["rounds"]
    assert alike["hash"] != told["hash"]


def test_an_error_that_may_name_a_file_is_told_on_the_terminal_alone(sets, monkeypatch, capsys):
    table = ImageSet.open(sets / "made").table.assign(origin="acquired", split="test", source="IM000123.dcm")
    mixed = ImageSet("mixed", table.assign(origin=["generated", *["acquired"] * (len(table) - 1)]), None)
    monkeypatch.setattr(reading_desk_maker, "sets_of", lambda *_: (mixed, sets_of(sets / "real", sets / "made")[1]))
    monkeypatch.setattr(reading_desk_maker, "cases_of", lambda *_: [])
    monkeypatch.setattr(reading_desk_maker, "_labels", lambda *_: ("healthy", "disease"))
    told, out, err = asked(sets, monkeypatch, capsys)
    assert "terminal" in told[-1]["refused"]["possible"]
    assert "IM000123.dcm" in err
    assert "IM000123.dcm" not in out
