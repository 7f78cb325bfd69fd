"""Progress in a log file: one line when something new is counted, then one now and then, with a rate that is true."""

import itertools

import pytest

from radassay.cli import progress as shown
from radassay.contracts.progress import Progress


@pytest.fixture
def lines(monkeypatch, capsys):
    """Report on a clock that goes on ten seconds with each report; return what was printed."""
    clock = itertools.count(100.0, 10.0)
    monkeypatch.setattr(shown.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(shown.sys.stderr, "isatty", lambda: False)

    def told(*reports):
        with shown.progress() as report:
            for each in reports:
                report(each)
        return capsys.readouterr().err.splitlines()

    return told


def test_a_task_that_counts_something_else_starts_its_rate_anew(lines):
    told = lines(
        Progress(64, 2784, "pairs compared", task="trial"),
        Progress(2784, 2784, "pairs compared", task="trial"),
        Progress(1, 14, "trainings", task="trial"),
        Progress(3, 14, "trainings", task="trial"),
        Progress(5, 14, "trainings", task="trial"),
    )
    assert told == [
        "trial: 64/2784 pairs compared",
        "trial: 1/14 trainings",
        "trial: 5/14 trainings, 0.2 trainings/s, 0:45 left",
    ]


def test_lines_are_a_quarter_of_a_minute_apart(lines):
    told = lines(*(Progress(done, 100, "images", task="encoder") for done in range(5)))
    assert [line.split()[1] for line in told] == ["0/100", "2/100", "4/100"]


def test_what_is_counted_in_turn_prints_no_line_each_time(lines):
    told = lines(*(Progress(done, 4, unit, task="run") for done in range(4) for unit in ("images", "pairs")))
    assert len(told) == 2 + 3
