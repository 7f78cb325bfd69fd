"""What is served names no arm, treats both alike, and fits the folder that a server opens."""

import itertools
import json
from collections import Counter

import numpy as np
import pytest

from radassay.errors import InputError, RefusedError
from radassay.reading.copies import undithered
from radassay.reading.key import open_key, unblindings, write_key
from radassay.reading.pack import pack
from radassay.reading.plan import ReadingPlan

QUESTIONS = ("realness", "choice", "diagnosis", "plausibility")
PLAN = ReadingPlan(questions=QUESTIONS, positive="disease", cases=4, readers=3, catch=2, training=2)


@pytest.fixture(scope="module")
def packed(chests):
    return pack(PLAN, *chests)


def levels(packed, name):
    return undithered(packed.pixels.stack(name), packed.pixels.scale.step).tobytes()


def test_the_server_accepts_the_folder(packed, tmp_path):
    served = pytest.importorskip("radassay.web.served")
    study = served.Study.model_validate(packed.study)
    folder = served.write_served(tmp_path / "served", study, packed.pixels)
    assert folder.images == set(packed.pixels)


def test_same_plan_and_sets_same_bytes(packed, chests):
    again = pack(PLAN, *chests)
    assert json.dumps(again.study) == json.dumps(packed.study) and again.pixels == packed.pixels


def test_both_arms_are_equally_many_in_every_class(packed):
    images = packed.key.by_image
    cases = [i for i in packed.key.items if i.role == "case" and i.block != "choice"]
    counts = Counter((i.block, i.label, images[i.images[0]].arm) for i in cases)
    assert len(counts) == 12 and set(counts.values()) == {4}
    choices = [i for i in packed.key.items if i.block == "choice"]
    assert all(sorted(images[n].arm for n in i.images) == ["real", "synthetic"] for i in choices)


def test_a_tenth_or_more_comes_again_later_under_new_ids(packed):
    repeats = {i.id: i for i in packed.key.items if i.role == "repeat"}
    for question in QUESTIONS:
        cases = sum(i.role == "case" and i.block == question for i in packed.key.items)
        assert sum(i.block == question for i in repeats.values()) >= 0.1 * cases
    for order in packed.study["orders"].values():
        place = {name: n for n, name in enumerate(order)}
        assert all(place[i.repeats] + 1 < place[name] for name, i in repeats.items())
    first = {i.id: i for i in packed.key.items}
    for item in repeats.values():
        assert not set(item.images) & set(first[item.repeats].images)
        assert sorted(levels(packed, n) for n in item.images) == sorted(
            levels(packed, n) for n in first[item.repeats].images
        )


def test_readers_read_in_other_orders_and_diagnoses_are_not_sorted_by_class(packed):
    orders = list(packed.study["orders"].values())
    assert len({tuple(o) for o in orders}) == 3
    of = {i.id: i for i in packed.key.items}
    for order in orders:
        blocks = [of[name].block for name in order]
        assert [b for n, b in enumerate(blocks) if n == 0 or blocks[n - 1] != b] == list(PLAN.ordered)
        labels = [of[n].label for n in order if of[n].block == "diagnosis"]
        assert sum(a != b for a, b in itertools.pairwise(labels)) > 1
        labels = [of[n].label for n in order if of[n].block == "realness"]
        assert sum(a != b for a, b in itertools.pairwise(labels)) == 1


def test_nothing_served_tells_the_arm_but_the_told_training(packed, chests):
    told = json.loads(json.dumps(packed.study))
    training = {i for b in told["blocks"] for t in b["training"] for i in t["images"]}
    judged = {i for b in told["blocks"] for t in b["items"] for i in t["images"]}
    assert not training & judged
    for block in told["blocks"]:
        del block["training"], block["question"]
    del told["consent"]
    text = json.dumps(told)
    assert "synthetic" not in text and "catch" not in text and "repeat" not in text
    for images in chests:
        for column in ("image", "source", "patient"):
            assert not any(value and value in text for value in images.table[column])
    assert {len(content) for content in packed.pixels.values()} == {48 * 48 * 2}
    # ids say nothing: items lie in the order of random ids, and the arm is at random within it
    arms = [image.arm for image in packed.key.images]
    assert sum(a != b for a, b in itertools.pairwise(arms)) > len(arms) / 4


def test_patients_of_the_training_are_in_nothing_else(packed):
    images = packed.key.by_image
    by_role = {
        r: {images[n].patient for i in packed.key.items if i.role == r for n in i.images} for r in ("training", "case")
    }
    assert by_role["training"] and not by_role["training"] & by_role["case"]


def test_training_images_of_the_generator_are_no_test_of_it(chests):
    real, made = chests
    with pytest.raises(InputError, match="split"):
        pack(PLAN, real.with_columns(split="train"), made)
    with pytest.raises(RefusedError, match="not acquired"):
        pack(PLAN, real.with_columns(origin="generated"), made)
    with pytest.raises(RefusedError, match="copies"):
        pack(PLAN, real, real)
    with pytest.raises(InputError, match="too few"):
        pack(ReadingPlan(cases=400), real, made)


def test_the_key_stays_outside_and_its_opening_is_written_down(packed, tmp_path):
    with pytest.raises(RefusedError, match="served"):
        write_key(tmp_path / "served" / "key", packed.key, tmp_path / "served")
    write_key(tmp_path / "key", packed.key, tmp_path / "served")
    with pytest.raises(RefusedError, match="already"):
        write_key(tmp_path / "key", packed.key, tmp_path / "served")
    with pytest.raises(InputError, match="name"):
        open_key(tmp_path / "key", " ", "analysis", plan=packed.plan.hash)
    with pytest.raises(RefusedError, match="another plan"):
        open_key(tmp_path / "key", "A. Smith", "analysis", plan="0" * 64)
    assert unblindings(tmp_path / "key") == []
    for _ in range(2):
        assert open_key(tmp_path / "key", "A. Smith", "analysis", plan=packed.plan.hash, answers=b"x") == packed.key
    acts = unblindings(tmp_path / "key")
    assert [a.who for a in acts] == ["A. Smith"] * 2 and all(a.at and a.answers for a in acts)


def test_a_catch_trial_is_broken_and_a_case_is_not(packed):
    images = packed.key.by_image
    broken = [i for i in packed.key.items if i.role == "catch"]
    assert len(broken) == 2 and all(images[i.images[0]].broken for i in broken)
    assert not any(images[n].broken for i in packed.key.items if i.role != "catch" for n in i.images)
    pictures = [np.frombuffer(packed.pixels[i.images[0]], "<u2").reshape(48, 48) for i in broken]
    jump = [
        np.abs(np.diff(p.astype(float), axis=0))[11::12].mean() / np.abs(np.diff(p.astype(float), axis=0)).mean()
        for p in pictures
    ]
    assert min(jump) > 2
