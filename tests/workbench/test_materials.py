import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radassay.contracts.progress import silent
from radassay.errors import InputError, SettingsError
from radassay.images.imageset import ImageSet
from radassay.images.store import PixelStore
from radassay.workbench.making import labels_wanted
from radassay.workbench.materials import coded, labelled, simulate, taken
from radassay.workbench.study import Material


@pytest.fixture
def images(tmp_path) -> ImageSet:
    store = PixelStore(tmp_path / "pixels")
    rng = np.random.default_rng(0)
    rows = [
        {
            "image": store.put(rng.integers(0, 255, (8, 8), dtype=np.uint8)),
            "source": f"{number}.png",
            "patient": "" if number == 5 else f"secret-{number // 2}",
            "study": f"visit-{number}",
            "label": ["COVID", "normal", "flu"][number % 3],
        }
        for number in range(6)
    ]
    return ImageSet.of("s", rows, store)


def test_no_identifier_of_the_source_is_left_in_the_codes(images):
    table = coded(images).table
    assert not table["patient"].str.contains("secret").any()
    assert not table["study"].str.contains("visit").any()


def test_codes_keep_who_belongs_together_and_invent_nobody(images):
    before, after = images.table["patient"], coded(images).table["patient"]
    assert (after == "").sum() == 1
    same = before.to_numpy()[:, None] == before.to_numpy()[None]
    assert (same == (after.to_numpy()[:, None] == after.to_numpy()[None])).all()


@settings(max_examples=20, deadline=None)
@given(order=st.permutations(range(6)), rename=st.text(alphabet="abc", min_size=1, max_size=4))
def test_codes_depend_neither_on_file_order_nor_on_names(tmp_path_factory, order, rename):
    store = PixelStore(tmp_path_factory.getbasetemp() / "codes")
    rows = [{"image": f"{n:064x}", "source": str(n), "patient": f"p{n // 2}"} for n in range(6)]
    first = coded(ImageSet.of("s", rows, store)).table["patient"].tolist()
    other = [{**rows[n], "patient": rename + rows[n]["patient"]} for n in order]
    assert coded(ImageSet.of("s", other, store)).table["patient"].tolist() == first


def test_codes_of_two_sets_never_meet(images):
    ours, theirs = coded(images), coded(images, prefix="other/")
    assert not (set(ours.table["patient"]) & set(theirs.table["patient"])) - {""}


def test_labels_become_the_two_of_the_task(images):
    table = labelled(images, ["COVID"]).table
    assert set(table["label"]) == {"COVID", "other"}
    assert set(table["label_source"]) == {"COVID", "normal", "flu"}
    assert set(labelled(images, ["COVID", "flu"]).table["label"]) == {"positive", "normal"}


def test_an_image_without_a_label_is_no_negative(images):
    some = images.with_columns(label=["COVID", "", "normal", "", "normal", "COVID"])
    assert labelled(some, ["COVID"]).table["label"].value_counts().to_dict() == {"COVID": 2, "normal": 2}


def test_a_positive_label_that_is_not_there_is_answered_with_those_that_are(images):
    with pytest.raises(InputError, match="COVID, flu, normal"):
        labelled(images, ["Covid"])


def test_a_setting_that_a_cohort_does_not_have_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="Settings: patients"):
        simulate({"n_patients": 3}, tmp_path, name="x", size=32, origin="acquired", report=silent)


def test_simulated_chests_are_made_once(tmp_path):
    first = simulate({"patients": 3}, tmp_path, name="x", size=32, origin="acquired", report=silent)
    written = (tmp_path / "images.parquet").stat().st_mtime_ns
    again = simulate({"patients": 3}, tmp_path, name="x", size=32, origin="generated", report=silent)
    assert (tmp_path / "images.parquet").stat().st_mtime_ns == written
    assert set(again.table["origin"]) == {"generated"}
    assert first.table["image"].tolist() == again.table["image"].tolist()


@settings(max_examples=50, deadline=None)
@given(counts=st.lists(st.integers(1, 40), min_size=1, max_size=4), wanted=st.integers(1, 300))
def test_labels_asked_of_a_generator_follow_the_class_mix(counts, wanted):
    labels = [chr(97 + k) for k, n in enumerate(counts) for _ in range(n)]
    images = ImageSet.of("s", [{"image": str(i), "label": label} for i, label in enumerate(labels)], None)
    asked = labels_wanted(images, wanted)
    assert len(asked) == wanted
    for k, n in enumerate(counts):
        assert abs((asked == chr(97 + k)).sum() - n / sum(counts) * wanted) <= 1
    assert len(labels_wanted(images, 0)) == sum(counts)


def test_an_image_set_is_taken_as_it_is_and_copied_into_the_run(images, tmp_path):
    images.save(tmp_path)
    steps = []
    material = Material(source=str(tmp_path))
    found = taken(material, tmp_path / "run", name="mine", origin="acquired", report=steps.append)
    assert (found.name, steps[-1].done) == ("mine", 6)
    assert found.table.equals(images.table)
    assert all((found.pixels(row) == images.pixels(row)).all() for row in range(6))
    shutil.rmtree(tmp_path / "pixels")
    again = taken(material, tmp_path / "run", name="mine", origin="acquired", report=steps.append)
    assert again.table.equals(found.table) and len(steps) == 6
    assert set(taken(material, tmp_path / "run", name="s", origin="generated", report=silent).table["origin"]) == {
        "generated"
    }


def test_an_altered_picture_of_an_image_set_is_refused(images, tmp_path):
    images.save(tmp_path)
    first, second = (images.store.path(image) for image in images.table["image"][:2])
    first.write_bytes(second.read_bytes())
    with pytest.raises(InputError, match="altered"):
        taken(Material(source=str(tmp_path)), tmp_path / "run", name="s", origin="acquired", report=silent)


def test_what_only_files_can_be_told_is_refused_for_an_image_set(images, tmp_path):
    images.save(tmp_path)
    material = Material(source=str(tmp_path), patient_key="k", columns={"label": "finding"})
    with pytest.raises(SettingsError, match="image set already") as caught:
        taken(material, tmp_path / "run", name="s", origin="acquired", report=silent)
    assert "columns, patient_key" in str(caught.value)
