"""The served folder: what is refused, what a reader's list looks like, which answers fit."""

from __future__ import annotations

import json

import pytest
from served_studies import ids, study_folder

from radassay.errors import InputError, RefusedError
from radassay.web.questions import Block, Item, fitting
from radassay.web.served import ServedFolder
from radassay.web.worklist import break_due, shown_images, worklist


@pytest.fixture
def folder(tmp_path):
    return study_folder(tmp_path / "served", kinds="ABCD")


def test_a_forgotten_key_in_the_folder_is_refused(folder):
    (folder.path / "key.json").write_text("{}")
    with pytest.raises(RefusedError, match=r"key\.json"):
        ServedFolder.open(folder.path)


def test_a_link_out_of_the_folder_is_refused(folder, tmp_path):
    image = sorted(folder.images)[0]
    file = folder.path / "pixels" / f"{image}.bin"
    moved = file.rename(tmp_path / "elsewhere.bin")
    file.symlink_to(moved)
    with pytest.raises(RefusedError, match="link"):
        ServedFolder.open(folder.path)


def test_pixels_of_another_length_are_refused(folder):
    file = next((folder.path / "pixels").iterdir())
    file.write_bytes(file.read_bytes() + b"\0\0")
    with pytest.raises(InputError, match="length"):
        ServedFolder.open(folder.path)


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.update(arm="synthetic"),
        lambda s: s["blocks"][0]["items"][0].update(id="synthetic-001"),
        lambda s: s["blocks"][0]["items"][0].update(feedback="told too early"),
        lambda s: s["blocks"][1]["items"].append(s["blocks"][1]["items"][0]),
        lambda s: s.update(presets=[{"name": "x", "key": "i", "width": 1, "center": 0}]),
        lambda s: s.update(orders={"0123456789abcdef": ["0123456789abcdef"]}),
        lambda s: s["pixels"].update(slope=0),
    ],
)
def test_a_study_that_says_too_much_or_makes_no_sense_is_refused(folder, change):
    file = folder.path / "study.json"
    study = json.loads(file.read_text())
    change(study)
    file.write_text(json.dumps(study))
    with pytest.raises(InputError, match=r"study\.json cannot be used"):
        ServedFolder.open(folder.path)


def test_order_follows_from_the_reader_and_keeps_blocks_together(folder):
    one, other = (worklist(folder.study, reader) for reader in ids(2, seed=3))
    assert [t.item.id for t in one] != [t.item.id for t in other]
    assert [t.block.id for t in one] == [t.block.id for t in other] == sorted(t.block.id for t in one)
    assert one == worklist(folder.study, ids(2, seed=3)[0])
    assert one[0].training and not any(t.training for t in one[1:])


def test_the_first_place_of_a_choice_goes_to_either_image_equally_often(folder):
    item = folder.study.blocks[1].items[0]
    first = sum(shown_images(folder.study, reader, item)[0] == item.images[0] for reader in ids(400, seed=1))
    assert 160 < first < 240  # 4 standard deviations of a fair coin


def test_a_given_order_is_kept(folder):
    file = folder.path / "study.json"
    study = json.loads(file.read_text())
    reader = ids(1, seed=9)[0]
    order = [item["id"] for block in study["blocks"] for item in block["items"][::-1]]
    study["orders"] = {reader: order}
    file.write_text(json.dumps(study))
    assert [t.item.id for t in worklist(ServedFolder.open(folder.path).study, reader) if not t.training] == order


def test_answers_that_do_not_fit_are_refused():
    image, item = ids(2)
    block = Block(id="d", kind="plausibility", question="?", options=("ribs",), items=(Item(id=item, images=(image,)),))
    shape = (8, 8, 1)
    good = {"structures": {"ribs": {"level": 1, "place": [7, 0, 0]}}}
    assert fitting(block, block.items[0], good, shape) == good
    assert fitting(block, block.items[0], {"cannot_judge": True}, shape)["cannot_judge"] is True
    for bad in (
        {"structures": {"ribs": {"level": 1}}},
        {"structures": {"ribs": {"level": 1, "place": [8, 0, 0]}}},
        {"structures": {}},
        {"level": 3},
        {"cannot_judge": False},
        [],
        None,
    ):
        with pytest.raises(InputError):
            fitting(block, block.items[0], bad, shape)


def test_a_break_is_due_after_the_session_and_not_after_a_pause(folder):
    def minute(m):
        return f"2026-01-01T{8 + m // 60:02d}:{m % 60:02d}:00.000+00:00"

    reading = [minute(m) for m in range(0, 50, 5)]
    assert break_due(folder.study, reading, minute(50))
    assert not break_due(folder.study, reading[:5], minute(25))
    assert not break_due(folder.study, reading, minute(70))
