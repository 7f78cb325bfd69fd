"""Published splits that come as text files."""

import pandas as pd
import pytest

from radassay.errors import InputError, SettingsError
from radassay.images.imageset import ImageSet
from radassay.workbench.split_lists import listed

FILES = ["x/a.png", "x/b.png", "y/c.png", "y/d.png"]


@pytest.fixture
def images():
    return ImageSet.of("set", pd.DataFrame({"image": list("1234"), "source": FILES}), store=None)


def lists(folder, **of):
    for name, lines in of.items():
        (folder / f"{name}.txt").write_text("\n".join(lines) + "\n")
    return {name: [f"{name}.txt"] for name in of}


def test_two_lists_leave_the_rest_to_the_third_split(images, tmp_path):
    told = listed(images, lists(tmp_path, train=["a.png", "c.png"], test=["d.png"]), tmp_path)
    assert dict(zip(told.table["source"], told.table["split"], strict=True)) == {
        "x/a.png": "train",
        "x/b.png": "validation",
        "y/c.png": "train",
        "y/d.png": "test",
    }


@pytest.mark.parametrize(
    ("of", "error", "why"),
    [
        ({"train": ["a.png"]}, SettingsError, "two splits"),
        ({"train": ["a.png"], "holdout": ["b.png"]}, SettingsError, "two splits"),
        ({"train": ["a.png"], "test": ["a.png"]}, InputError, "in two splits"),
        ({"train": ["a.png"], "test": ["z.png"]}, InputError, "not in set"),
        ({"train": ["a.png"], "test": ["b.png"], "validation": ["c.png"]}, InputError, "No split list names 1"),
    ],
)
def test_lists_that_cannot_be_are_refused(images, tmp_path, of, error, why):
    with pytest.raises(error, match=why):
        listed(images, lists(tmp_path, **of), tmp_path)


def test_a_list_that_is_not_there_is_named(images, tmp_path):
    with pytest.raises(InputError, match=r"no\.txt"):
        listed(images, {"train": ["no.txt"], "test": ["no.txt"]}, tmp_path)
