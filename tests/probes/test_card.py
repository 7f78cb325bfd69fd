"""The data set card: what is filled in by itself, what a person says, and what stays unknown."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from subjects import drawn, phantoms, subject

import radassay.checklists
from radassay.checklists.audit import judge_audit
from radassay.checklists.rules import read_rules
from radassay.contracts.probe import Subject
from radassay.images.importing import import_images
from radassay.probes.cards.card import ESSENTIAL, KEY_OF, Card, rating
from radassay.probes.cards.questions import DOMAINS, QUESTIONS
from radassay.probes.cards.told import KEYS, read_card

RULES = read_rules(Path(radassay.checklists.__file__).parent / "audit.toml")
RNG = np.random.default_rng(0)
COMPLETE = """
origin = "Two hospitals in Lyon"
one_origin = "yes: both classes come from both"
inclusion = "Consecutive adults with fever, March to May 2020"
exclusion = "No, nobody wrote down who was left out"
labelled_by = "Two radiologists"
labelled_how = ["RT-PCR", "reading"]
labels_independent = "Partly: RT-PCR for one class"
licence = "https://creativecommons.org/licenses/by/4.0/"
consent = "Waived by the ethics committee"
"""


def plain(n=24, name="a", **columns):
    pictures = [RNG.integers(0, 255, (8, 8)).astype(np.uint8) for _ in range(n)]
    return drawn(pictures, name, **{"label": ["ill", "well"] * (n // 2), **columns})


def answers(told, name="a"):
    rows = told.tables["card"]
    return rows[rows["set"] == name].set_index("id")["answer"].to_dict()


def evidence(told, question, name="a"):
    rows = told.tables["card"]
    return rows[(rows["set"] == name) & (rows["id"] == question)]["evidence"].iloc[0]


def in_folder(images, folder):
    return Subject((images,), (folder,))


def measure(asked):
    return Card().measure(asked, RNG)


def essentials(told):
    return next(f for f in told.findings if f.name == "unknown_essentials" and f.role == "measurement")


def outcome(told):
    return next(o.outcome for o in judge_audit(told.findings, RULES).outcomes if o.rule == "essentials-known")


def test_of_a_bare_folder_nearly_everything_is_unknown_and_counted():
    told = measure(subject(plain()))
    assert evidence(told, "age") == "age unknown for 24 of 24 images"
    assert evidence(told, "patients") == "patient unknown for 24 of 24 images"
    unknown = next(f for f in told.findings if f.name == "unknown_questions")
    assert unknown.value == list(answers(told).values()).count("unknown") > 15
    assert unknown.details["questions"] == len(QUESTIONS)
    assert set(unknown.details["rating"]) == set(DOMAINS)
    assert essentials(told).value == len(ESSENTIAL)
    assert outcome(told) == "fails"


def test_what_the_table_holds_is_counted_by_patient():
    patients = [f"p{i // 2}" for i in range(23)] + [""]
    told = measure(subject(plain(patient=patients, sex="F", age_years=40.0, view="PA", site="Lyon")))
    assert evidence(told, "patients") == "patient known for 23 of 24 images, 12 patients"
    assert answers(told)["patients"] == "yes"
    assert answers(told)["one_origin"] == "yes"
    assert "11 patients have several images" in evidence(told, "visits")
    assert answers(told)["children"] == "yes"


@pytest.mark.parametrize(("share", "answer"), [(0.0, "yes"), (0.5, "no"), (1.0, "no")])
def test_children_in_one_class_are_told(share, answer):
    ages = [5.0 if i % 2 and i < 40 * share else 50.0 for i in range(40)]
    assert answers(measure(subject(plain(40, age_years=ages))))["children"] == answer


def test_classes_from_different_places_are_told():
    told = measure(subject(plain(site=["north", "south"] * 12)))
    assert answers(told)["one_origin"] == "no"
    assert evidence(told, "one_origin").startswith("0 of 24 images")


def test_what_a_person_writes_is_an_answer_and_quoted(tmp_path):
    (tmp_path / "card.toml").write_text(COMPLETE)
    told = measure(in_folder(plain(patient=[f"p{i}" for i in range(24)]), tmp_path))
    found = answers(told)
    assert [found[k] for k in ("origin", "exclusion", "labels_independent", "licence")] == [
        "yes",
        "no",
        "partly",
        "yes",
    ]
    assert evidence(told, "labelled_how") == "card.toml: RT-PCR, reading"
    assert found["devices"] == "unknown"
    assert outcome(told) == "passes"
    assert set(told.tables["card_about"]["key"]) == {line.split(" =")[0] for line in COMPLETE.split("\n") if line}


def test_a_word_does_not_replace_what_is_not_there_for_each_image(tmp_path):
    (tmp_path / "card.toml").write_text('patients = "one image of each"')
    assert answers(measure(in_folder(plain(), tmp_path)))["patients"] == "partly"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("license = 'MIT'", "not understood: license"),
        ("origin = { a = 1 }", "not understood: origin"),
        ("origin = ", "card.toml was not used"),
    ],
)
def test_a_card_that_cannot_be_used_is_told_and_stops_nothing(tmp_path, content, problem):
    (tmp_path / "card.toml").write_text(content)
    told = measure(in_folder(plain(), tmp_path))
    assert problem in next(f for f in told.findings if f.name == "unknown_questions").reason
    assert answers(told)["origin"] == "unknown"
    assert str(tmp_path) not in told.tables["card"].to_csv()


def test_columns_that_no_image_set_keeps_and_other_files_are_seen(tmp_path):
    from PIL import Image

    for i in range(4):
        Image.fromarray(RNG.integers(0, 255, (16, 16)).astype(np.uint8)).save(tmp_path / f"{i}.png")
    rows = {"filename": [f"{i}.png" for i in range(4)], "finding": ["ill", "well"] * 2, "doi": ["10.1/a", "", "", "x"]}
    pd.DataFrame(rows | {"RT_PCR_positive": ["Y", "", "N", ""]}).to_csv(tmp_path / "metadata.csv", index=False)
    (tmp_path / "LICENSE.txt").write_text("do as you like")
    (tmp_path / "train_list.txt").write_text("0.png")
    images, _ = import_images(tmp_path, tmp_path.parent / "set", name="a")
    told = measure(in_folder(images, tmp_path))
    assert evidence(told, "citation") == "metadata.csv: doi in 2 of 4 rows (2 different) (counted, not read)"
    assert answers(told)["labelled_how"] == answers(told)["licence"] == answers(told)["splits"] == "partly"
    assert "LICENSE.txt" in evidence(told, "licence")


def test_pixels_that_two_sets_share_are_counted():
    one = plain(name="a")
    other = type(one)("b", one.take(range(10)).table, one.store)
    told = measure(subject(one, other))
    assert evidence(told, "apart") == "pixels shared with other sets: 10 with b"
    assert answers(told, "b")["apart"] == "no"
    assert answers(told)["once"] == "yes"


def test_of_simulated_patients_the_essentials_are_known():
    told = measure(subject(phantoms(20)))
    assert essentials(told).value == 0
    assert outcome(told) == "passes"


def test_no_patient_and_no_old_age_is_in_the_tables():
    told = measure(subject(plain(patient=[f"secret{i}" for i in range(24)], age_years=[97.0] * 24)))
    everything = "".join(table.to_csv() for table in told.tables.values())
    everything += "".join(f.to_json() for f in told.findings)
    assert "secret" not in everything
    assert told.tables["card_images"]["age"].max() == 90


def test_the_same_sets_give_the_same_card():
    images = plain(patient=[f"p{i}" for i in range(24)])
    one, two = measure(subject(images)), measure(subject(images.take(list(range(23, -1, -1)))))
    pd.testing.assert_frame_equal(one.tables["card"], two.tables["card"])


def test_every_key_that_answers_a_question_is_documented():
    asked = {question.id for question in QUESTIONS}
    assert len(asked) == len(QUESTIONS)
    assert set(KEY_OF) <= asked
    assert set(KEY_OF.values()) <= set(KEYS)
    assert {i for ids in ESSENTIAL.values() for i in ids} <= asked
    assert {question.domain for question in QUESTIONS} == set(DOMAINS)


@given(st.lists(st.sampled_from(["yes", "partly", "no", "unknown"]), min_size=1))
def test_the_worst_answer_decides(given_):
    expected = "high concern" if "no" in given_ else "unclear" if "unknown" in given_ else None
    expected = expected or ("some concern" if "partly" in given_ else "low concern")
    assert rating(given_) == expected


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=40)


@given(st.dictionaries(st.sampled_from(sorted(KEYS)), TEXT, max_size=8))
def test_any_text_can_be_written_and_is_read_back(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("card") / "card.toml"
    lines = [f"{key} = {json.dumps(text, ensure_ascii=False)}" for key, text in texts.items()]
    path.write_text("\n".join(lines), encoding="utf-8")
    found, problem = read_card(path)
    assert problem == ""
    assert found == {key: " ".join(text.split()) for key, text in texts.items() if text.split()}
