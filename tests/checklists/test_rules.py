"""Rule files: what is read, and how a wrong one is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from radassay.checklists.ladder import NAMES
from radassay.checklists.rules import Number, OfFloor, OfPlanted, Within, parse_rules, read_rules
from radassay.errors import SettingsError

GOOD = """
name = "mine"
version = "1"

[[rule]]
id = "r"
question = "q?"
failure = "f"
rung = 2
finding = "shortcut.auc_border"
compare = "upper limit below"
threshold = 0.65
why = "convention"
advice = "a"
"""


def changed(old: str, new: str) -> bytes:
    assert old in GOOD
    return GOOD.replace(old, new).encode()


def test_the_built_in_rules_are_read_and_every_one_has_its_source() -> None:
    rules = read_rules()
    assert rules.name == "local"
    assert {rule.rung for rule in rules.rules} == set(range(len(NAMES)))
    for rule in rules.rules:
        assert rule.why.strip()
        assert rule.advice.strip()
        assert not rule.failure.endswith(".")
        assert rule.question.endswith("?")


def test_the_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    import hashlib

    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    rules = read_rules(path)
    assert rules.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert rules.sha256 in rules.title


@pytest.mark.parametrize(
    ("threshold", "compare", "expected"),
    [
        ("0.65", "upper limit below", Number(0.65)),
        ("0", "value at most", Number(0.0)),
        ("[-0.05, 0.05]", "interval within", Within(-0.05, 0.05)),
        ("{ floor_times = 2.0 }", "upper limit below", OfFloor(2.0, 0.0)),
        ("{ floor_times = 1.0, plus = 0.1 }", "lower limit above", OfFloor(1.0, 0.1)),
        ("{ planted = 'blur', dose = 2.0 }", "upper limit below", OfPlanted("blur", 2.0)),
    ],
)
def test_forms_of_thresholds(threshold: str, compare: str, expected: object) -> None:
    text = GOOD.replace("threshold = 0.65", f"threshold = {threshold}").replace("upper limit below", compare)
    assert parse_rules(text.encode()).rules[0].threshold == expected


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"[[rule", "TOML"),
        (b"\xff\xfe", "TOML"),
        (b'name = "x"\nversion = "1"\n', "no rules"),
        (changed('id = "r"', 'id = ""'), "`id`"),
        (changed("upper limit below", "p value below"), "upper limit below"),
        (changed("rung = 2", "rung = 7"), "0 to 6"),
        (changed("rung = 2", "rung = true"), "0 to 6"),
        (changed("threshold = 0.65", "threshold = nan"), "finite"),
        (changed("threshold = 0.65", "treshold = 0.65"), "treshold"),
        (changed("threshold = 0.65", ""), "threshold"),
        (changed("threshold = 0.65", "threshold = { planted = 'blur' }"), "dose"),
        (changed("threshold = 0.65", "threshold = { planted = 'blur', floor_times = 2 }"), "planted"),
        (changed("threshold = 0.65", "threshold = [0, 1]"), "threshold"),
        (changed("threshold = 0.65", "threshold = 0.65\nrequires_limit = 3"), "requires_limit"),
        (changed("threshold = 0.65", "threshold = 0.65\nrequires_limit = { control = 'copies' }"), "at_most"),
        (changed("shortcut.auc_border", "auc_border"), "shortcut.auc_border"),
        (changed('why = "convention"', ""), "why"),
        (changed('compare = "upper limit below"', 'compare = "measured"'), "measured"),
        ((GOOD + GOOD[GOOD.index("[[rule]]") :]).encode(), "same id"),
    ],
)
def test_a_bad_file_is_refused_with_what_is_possible(content: bytes, told: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse_rules(content, "mine.toml")
    assert "mine.toml" in str(refused.value)
    assert told in str(refused.value)


def test_the_rule_is_named() -> None:
    with pytest.raises(SettingsError, match="rule 'r'"):
        parse_rules(changed("rung = 2", "rung = 9"))


def test_an_absent_file_is_a_settings_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"absent\.toml"):
        read_rules(tmp_path / "absent.toml")
