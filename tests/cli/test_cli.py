import pytest

from radassay.cli.main import COMMANDS, main


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_teaches_with_an_example(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    told = " ".join(capsys.readouterr().out.split())
    assert f"Example: radassay {command}" in told


def test_no_command_or_help_shows_all_commands(capsys):
    assert main([]) == 0
    told = capsys.readouterr().out
    assert all(f"  {name}" in told for name in COMMANDS)


def test_an_unknown_command_is_answered_with_those_there_are(capsys):
    assert main(["asess"]) == 2
    assert "assess" in capsys.readouterr().err


def test_a_missing_study_file_is_an_error_without_a_traceback(tmp_path, capsys):
    assert main(["run", str(tmp_path / "none.toml")]) == 2
    told = capsys.readouterr().err
    assert "Cannot read the study file" in told
    assert "Traceback" not in told


def test_the_demo_study_can_be_printed_to_start_from(capsys, tmp_path):
    assert main(["demo", "--show-study"]) == 0
    path = tmp_path / "study.toml"
    path.write_text(capsys.readouterr().out)
    from radassay.workbench.study import read_study

    assert read_study(path).name == "demo"


def test_list_names_every_plugin_with_a_sentence(capsys):
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {"checks:", "generators:", "controls:"} <= set(lines)
    assert all(len(line.split()) > 2 for line in lines if line.startswith("  "))
