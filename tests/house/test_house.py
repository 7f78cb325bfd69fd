"""The house rules that a machine can keep."""

import subprocess
import sys
from pathlib import Path

import pytest

from radassay import registry
from radassay.errors import RadassayError, UnknownName

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "radassay"


@pytest.mark.parametrize("kind", registry.KINDS)
def test_every_registered_plugin_loads_under_its_own_name(kind):
    assert registry.names(kind)
    for name in registry.names(kind):
        plugin = registry.load(kind, name)
        assert plugin.name == name
        assert plugin.__doc__


def test_an_unknown_plugin_is_answered_with_those_there_are():
    with pytest.raises(UnknownName, match=r"No generator named 'r3gn'\. Available: .*projection-gan"):
        registry.load("generators", "r3gn")


def test_an_error_says_what_was_wrong_what_was_got_and_what_is_possible():
    error = RadassayError("The size is wrong", got=63, possible="32, 64 or 128")
    assert str(error) == "The size is wrong. Got: 63. 32, 64 or 128."


def test_every_file_opens_by_saying_what_it_is():
    for path in SOURCE.rglob("*.py"):
        first = path.read_text(encoding="utf-8").splitlines()[:1]
        assert first and first[0].startswith('"""'), path


def test_no_directory_is_a_drawer_for_odds_and_ends():
    names = {p.name for p in ROOT.rglob("*") if p.is_dir() and ".venv" not in p.parts}
    assert not names & {"utils", "helpers", "misc", "common"}


LIGHT = """
import sys
from radassay.cli.main import main
main(["--help"])
heavy = {"numpy", "torch", "pandas", "scipy", "matplotlib"} & set(sys.modules)
assert not heavy, heavy
"""


def test_the_overview_loads_nothing_heavy():
    told = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True)
    assert "radassay demo --out" in told.stdout
