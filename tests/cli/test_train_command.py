"""`radassay train` tells which generators there are, and what it needs."""

from radassay import registry
from radassay.cli.main import main


def test_list_tells_every_generator_apart_with_its_paper(capsys):
    assert main(["train", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for kind in ("generators", "volume-generators"):
        for name in registry.names(kind):
            row = next(i for i, line in enumerate(lines) if line.startswith(f"  {name} "))
            assert len(lines[row].split()) > 4
            assert lines[row + 1].strip() == registry.load(kind, name).paper
    sentences = [line[21:] for line in lines if line.startswith("  ") and line[2] != " "]
    assert len(set(sentences)) == len(sentences)
    assert "[not ready: " in next(line for line in lines if line.startswith("  command "))


def test_without_images_or_a_folder_it_says_what_it_wants(tmp_path, capsys):
    assert main(["train"]) == 2
    assert main(["train", str(tmp_path)]) == 2
    assert "radassay train IMAGES --out FOLDER" in capsys.readouterr().err
