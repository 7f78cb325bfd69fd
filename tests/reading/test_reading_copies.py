"""No two served files have equal bytes, and what makes them differ is too small to see and says nothing of the arm."""

import numpy as np
import pytest

from radassay.reading.answers import cautions
from radassay.reading.copies import dithered, undithered
from radassay.reading.leak import telling, told_by
from radassay.reading.pack import pack
from radassay.reading.pipeline import quantised
from radassay.reading.plan import ReadingPlan

PLAN = ReadingPlan(cases=20, readers=6, catch=2, training=2)


@pytest.fixture(scope="module")
def packed(chests):
    return pack(PLAN, *chests)


def test_no_two_files_have_equal_bytes_and_repeats_look_the_same(packed):
    assert len(set(packed.pixels.values())) == len(packed.pixels)
    first = {item.id: item.images[0] for item in packed.key.items}
    repeats = [(item.images[0], first[item.repeats]) for item in packed.key.items if item.role == "repeat"]
    assert len(repeats) >= 8
    for pair in repeats:
        shown = [np.rint(packed.pixels.stack(name) / 257).astype(np.uint8) for name in pair]
        assert np.array_equal(*shown)


@pytest.mark.parametrize("levels", [16, 256, 4096, 20000, 65536])
def test_the_dither_stays_below_a_grey_level_and_rounds_away(levels):
    rng = np.random.default_rng(0)
    stack, step = quantised(rng.random((2, 32, 32)), levels), 65535 / (levels - 1)
    out = dithered(stack, step, rng)
    moved = np.abs(out.astype(int) - stack)
    assert 0 < moved.max() <= max(1, step / 16)
    if step > 3:
        assert np.array_equal(undithered(out, step), np.rint(stack / step))


def test_the_dither_tells_no_arm(packed):
    step = packed.pixels.scale.step
    noise = [packed.pixels.stack(name) - undithered(packed.pixels.stack(name), step) * step for name in packed.cases]
    rows = np.stack([[n.mean(), n.std(), np.abs(np.diff(n, axis=-1)).mean(), *n[0, 0, :5]] for n in noise])
    found = told_by({"dither": rows}, packed.synthetic, packed.patients, np.random.default_rng(0))
    assert telling(found, 0.5) == []


def test_thumbnails_are_told_with_every_result(packed):
    assert packed.plan.size == 48 and "thumbnails" in packed.facts[0].reason
    assert "shown at 48 px: radiologists judge thumbnails" in cautions(packed.plan, 6)
    assert cautions(ReadingPlan(size=512), 6) == "" == cautions(PLAN, 6)
