import socket

import pytest
from PIL import Image

from radassay.cli.main import main
from radassay.encoders.weights import catalogue, known
from radassay.workbench.study import read_study


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """An empty folder of weights, and no network."""
    monkeypatch.setenv("RADASSAY_WEIGHTS", str(tmp_path / "weights"))

    def refused(*given, **settings):
        raise OSError("no network")

    monkeypatch.setattr(socket, "create_connection", refused)
    return tmp_path / "weights"


def test_list_tells_of_each_what_a_user_must_know(capsys):
    assert main(["weights", "list"]) == 0
    told = capsys.readouterr().out
    for name, entry in catalogue().items():
        assert f"{name}: " in told
        assert entry.licence in told and entry.seen in told and entry.caution in told
    assert "missing" in told


def test_where_tells_the_folder_and_the_file(capsys, alone):
    assert main(["weights", "where"]) == 0
    assert capsys.readouterr().out.strip() == str(alone)
    assert main(["weights", "where", "xrv"]) == 0
    assert capsys.readouterr().out.strip() == str(alone / known("xrv").file)


def test_get_without_a_network_says_how_to_bring_the_file(capsys):
    assert main(["weights", "get", "inception"]) == 2
    told = capsys.readouterr().err
    assert "no network" in told
    assert "radassay weights get inception --file PATH" in told
    assert "Traceback" not in told


def test_get_takes_a_file_brought_by_hand_and_pins_it(capsys, tmp_path, alone):
    (tmp_path / "stick.pt").write_bytes(b"weights")
    assert main(["weights", "get", "radimagenet", "--file", str(tmp_path / "stick.pt")]) == 2
    assert "--accept-unverified" in capsys.readouterr().err
    command = ["weights", "get", "radimagenet", "--file", str(tmp_path / "stick.pt"), "--accept-unverified"]
    assert main(command) == 0
    assert "recorded for later" in capsys.readouterr().out
    assert known("radimagenet").pinned in (alone / (known("radimagenet").file + ".sha256")).read_text()
    (tmp_path / "stick.pt").write_bytes(b"other weights")
    assert main(command) == 2
    assert "not the weights" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["get"], ["get", "inceptoin"], ["where", "inceptoin"]])
def test_an_unknown_name_is_answered_with_those_there_are(arguments, capsys):
    assert main(["weights", *arguments]) == 2
    assert "rad-dino" in capsys.readouterr().err


def test_list_of_encoders_says_which_are_ready(capsys, alone):
    assert main(["list", "encoders"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.startswith("  ")}
    assert "not ready" not in lines["random-conv"]
    assert "radassay weights get inception" in lines["inception"]
    alone.mkdir()
    (alone / known("inception").file).write_bytes(b"")
    main(["list", "encoders"])
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.startswith("  ")}
    assert "not ready" not in lines["inception"]


def test_a_study_with_an_encoder_without_weights_says_so_before_any_work(tmp_path, capsys):
    for label in ("normal", "pneumonia"):
        for folder in ("real", "made"):
            (tmp_path / folder / label).mkdir(parents=True)
            for number in range(4):
                Image.new("L", (40, 40), 30 * number).save(tmp_path / folder / label / f"{number}.png")
    study = tmp_path / "study.toml"
    study.write_text(
        'name = "s"\n[real]\nsource = "real"\npositive = ["pneumonia"]\n[synthetic]\nsource = "made"\n'
        '[checks]\nencoder = "inception"\n'
    )
    assert main(["run", str(study), "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert "radassay weights get inception" in told
    assert "Traceback" not in told
    assert not (tmp_path / "out").exists()


def test_weights_of_a_study_are_found_from_its_file(tmp_path):
    study = tmp_path / "study.toml"
    study.write_text(
        'name = "s"\n[real]\nsource = "real"\npositive = ["pneumonia"]\n[checks]\nencoder = "xrv"\n'
        'encoder_settings = {weights = "weights/xrv.pt"}\n'
        'second = "inception"\nsecond_settings = {weights = "~/i.pth"}\n'
    )
    checks = read_study(study).checks
    assert checks.encoder_settings == {"weights": str(tmp_path / "weights" / "xrv.pt")}
    assert checks.second_settings == {"weights": "~/i.pth"}
