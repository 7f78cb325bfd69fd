"""`--workers` and `--ray` reach the place where trainings run, from every command that has them."""

import importlib

import pytest
import tyro

from radassay.cli.main import main
from radassay.engine.spread import Where
from radassay.errors import SettingsError

CALLS = {
    "run": ["study.toml"],
    "assess": ["real", "synthetic", "--positive", "ill"],
    "trial": ["study.toml"],
    "encode": ["set", "--out", "features"],
}


def asked(name, *options):
    command = importlib.import_module(f"radassay.cli.{name}_command").Command
    return tyro.cli(command, args=[*CALLS[name], *options])


@pytest.mark.parametrize("name", CALLS)
def test_every_such_command_says_where(name):
    assert asked(name, "--workers", "3", "--ray", "head:6379").where == Where(3, "head:6379")
    assert asked(name).where == Where(1 if name == "encode" else 0)
    with pytest.raises(SettingsError, match="worker"):
        _ = asked(name, "--workers", "-1").where


@pytest.mark.parametrize("name", ["run", "assess"])
def test_it_is_passed_on(name, monkeypatch, tmp_path):
    met = []
    module = importlib.import_module(f"radassay.cli.{name}_command")
    monkeypatch.setattr(module, "run_and_tell", lambda study, out, *, where, **_: met.append(where) or 0)
    (tmp_path / "study.toml").write_text(
        'name = "small"\n[real]\npositive = ["ill"]\nsimulated = { patients = 40, seed = 2 }\n'
    )
    monkeypatch.chdir(tmp_path)
    assert main([name, *CALLS[name], "--workers", "2"]) == 0
    assert met == [Where(2)]
