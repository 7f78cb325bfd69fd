"""A study shows images of one modality: others are left out by name, or the plan is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from radassay.errors import InputError
from radassay.images.imageset import ImageSet
from radassay.reading.pack import pack
from radassay.reading.plan import ReadingPlan

PLAN = ReadingPlan(cases=4, readers=2, catch=1, training=2)


@pytest.fixture(scope="module")
def mixed(chests):
    """Return films among which every fourth is called a CT slice, and made films that name no modality."""
    real, made = chests
    names = np.where(np.arange(len(real)) % 4 == 0, "CT", "X-ray")
    table = real.table.assign(modality=names)
    return ImageSet(real.name, table, real.store), made.with_columns(modality="")


def modalities(packed, real):
    known = real.table.set_index("image")["modality"]
    return {str(known[image.image]) for image in packed.key.images if image.arm == "real"}


def test_a_set_of_two_modalities_is_refused_with_what_to_do(mixed):
    with pytest.raises(InputError, match="several modalities") as told:
        pack(PLAN, *mixed)
    count = int((mixed[0].table["modality"] == "CT").sum())
    assert f"real: {count} CT, {len(mixed[0]) - count} X-ray; synthetic: {len(mixed[1])} unknown" in str(told.value)
    assert "as `modality`: CT or X-ray" in str(told.value)


@pytest.mark.parametrize("modality", ["X-ray", "CT"])
def test_the_plan_chooses_one(mixed, modality):
    packed = pack(replace(PLAN, modality=modality), *mixed)
    assert modalities(packed, mixed[0]) == {modality} and packed.plan.modality == modality


def test_arms_of_different_modalities_are_refused(chests):
    real, made = chests
    with pytest.raises(InputError, match="several modalities"):
        pack(PLAN, real.with_columns(modality="X-ray"), made.with_columns(modality="CT"))
    with pytest.raises(InputError, match="synthetic set holds no image of the modality"):
        pack(replace(PLAN, modality="X-ray"), real.with_columns(modality="X-ray"), made.with_columns(modality="CT"))


def test_one_modality_is_settled_and_none_that_is_known_is_no_reason_to_refuse(chests):
    real, made = chests
    alone = pack(PLAN, real.with_columns(modality="X-ray"), made.with_columns(modality=""))
    assert alone.plan.modality == "X-ray"
    again = pack(alone.plan, real.with_columns(modality="X-ray"), made.with_columns(modality=""))
    assert (again.plan, again.study, again.key) == (alone.plan, alone.study, alone.key)
    unknown = pack(PLAN, *(one.with_columns(modality="") for one in chests))
    assert unknown.plan.modality == "" and unknown.study["orders"] == alone.study["orders"]


def test_images_of_no_known_modality_are_left_out_where_one_is_named(chests):
    real, made = chests
    names = np.where(np.arange(len(real)) % 4 == 0, "", "X-ray")
    some = ImageSet(real.name, real.table.assign(modality=names), real.store)
    assert modalities(pack(replace(PLAN, modality="X-ray"), some, made), some) == {"X-ray"}
