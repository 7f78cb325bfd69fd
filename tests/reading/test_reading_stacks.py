"""CT is shown as stacks in Hounsfield units, cut by one rule in either arm; what no arm can give is refused."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from radassay.errors import InputError, SettingsError
from radassay.images.imageset import ImageSet
from radassay.images.store import PixelStore
from radassay.reading.copies import undithered
from radassay.reading.leak import telling
from radassay.reading.pack import pack
from radassay.reading.pipeline import remedied
from radassay.reading.plan import ReadingPlan

SIZE = 24
PLAN = ReadingPlan(cases=12, readers=2, catch=1, training=2, split="any")


def scans(store, name, studies=16, slices=9, apart=3.0, change=lambda hu, rng: hu, seed=0, side=SIZE, **columns):
    """Return two classes of noisy volumes with a ramp from head to feet: -33.3 HU a millimetre."""
    rng, rows = np.random.default_rng(seed), []
    for study in range(2 * studies):
        ramp = -100 / 3 * apart * np.arange(slices)[::-1, None, None]
        hu = change(200.0 + ramp + rng.normal(0, 30, (slices, side, side)), rng)
        for n, picture in enumerate(np.rint(hu).astype(np.int16)):
            about = {"source": f"{study}#{n}", "study": f"S{study}", "patient": f"P{study}", "unit": "HU"}
            about |= {"low": -1350, "high": 150, "position_mm": n * apart, "spacing_mm": 0.7, "origin": "acquired"}
            about |= {"height": side, "width": side, "label": ("ill", "well")[study % 2]}
            rows.append({"image": store.put(picture), **about, **columns})
    return ImageSet.of(name, rows, store)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return PixelStore(tmp_path_factory.mktemp("scans"))


@pytest.fixture(scope="module")
def real(store):
    return scans(store, "real")


@pytest.fixture(scope="module")
def made(store):
    return scans(store, "made", slices=8, seed=1, origin="generated")


def hu(packed, name):
    return packed.pixels.stack(name) * packed.pixels.scale.slope + packed.pixels.scale.low


def test_a_stack_has_as_many_slices_as_the_shortest_study_and_true_hounsfield_units(real, made):
    served = pytest.importorskip("radassay.web.served")
    packed = pack(PLAN, real, made)
    about = served.Study.model_validate(packed.study).pixels
    assert (about.depth, about.width, about.spacing_mm) == (8, SIZE, (0.7, 0.7))
    assert {len(content) for content in packed.pixels.values()} == {about.n_bytes}
    assert (packed.plan.slices, packed.plan.slice_mm, packed.plan.size) == (8, 3.0, SIZE)
    name = next(i.id for i in packed.key.images if i.arm == "real" and not i.broken)
    one = next(i for i in packed.key.images if i.id == name)
    study = real.table.set_index("image").loc[one.image, "study"]
    rows = real.table[real.table["study"] == study].sort_values("position_mm")
    stored = np.stack([real.store.get(image) for image in rows["image"]]).astype(float)
    assert np.abs(hu(packed, name) - np.clip(stored[:8][::-1], *about.value_range)).max() < 0.15
    shown = {f.name: f for f in packed.facts}
    assert shown["n_slices"].value == 8 and "thumbnails" in shown["shown_side"].reason


def test_head_comes_first(real, made):
    packed = pack(PLAN, real, made)
    whole = [i.id for i in packed.key.images if not i.broken]
    # the ramp rises with the position, so the slice at the head is the brightest
    assert all((np.diff(hu(packed, name).mean(axis=(1, 2))) < -80).all() for name in whole)


def test_slices_are_thinned_to_one_distance_and_other_studies_are_left_out(store, real):
    fine = scans(store, "fine", slices=17, apart=1.5, seed=2, origin="generated")
    packed = pack(replace(PLAN, slices=5), real, fine)
    name = next(i.id for i in packed.key.images if i.arm == "synthetic" and not i.broken)
    assert packed.plan.slice_mm == 3.0
    assert np.diff(hu(packed, name).mean(axis=(1, 2))) == pytest.approx([-100] * 4, abs=10)
    with pytest.raises(InputError, match="too few"):
        pack(replace(PLAN, slices=5, slice_mm=3.0), real, scans(store, "wide", apart=4.0, seed=3))
    with pytest.raises(InputError, match="too few"):
        pack(replace(PLAN, slices=10, slice_mm=3.0), real, fine)


def test_the_shortest_study_is_covered_by_64_slices(store):
    arms = [scans(store, n, studies=2, slices=130, apart=1.0, seed=s) for s, n in enumerate("ab")]
    packed = pack(replace(PLAN, cases=2, catch=0, training=0), *arms)
    assert packed.plan.slices == 44 and packed.plan.slice_mm == 3.0


def test_an_arm_without_volumes_is_shown_by_single_slices_in_hounsfield_units(real, made):
    flat = made.with_columns(study="", position_mm=np.nan)
    packed = pack(PLAN, real, flat)
    assert packed.study["pixels"]["depth"] == 1 and packed.study["pixels"]["intercept"] < -400
    assert [p["name"] for p in packed.study["presets"]] == ["Lung", "Mediastinum", "Bone"]
    with pytest.raises(InputError, match="no stacks"):
        pack(replace(PLAN, slices=4), real, flat)
    assert pack(replace(PLAN, slices=1), real, made).study["pixels"]["depth"] == 1


def test_both_arms_are_cut_off_where_one_is(store, real):
    windowed = scans(store, "windowed", change=lambda x, rng: np.clip(x, -500, 150), seed=4, origin="generated")
    packed = pack(PLAN, real, windowed)
    assert packed.plan.hu == (-500, 150) and packed.study["pixels"]["value_range"] == [-500, 150]
    assert "cut off" in packed.facts[0].reason
    assert pack(replace(PLAN, hu=(-400.0, 100.0)), real, windowed).pixels.scale.low == -400
    with pytest.raises(SettingsError, match="hu"):
        replace(PLAN, hu=(100.0, -400.0))
    with pytest.raises(InputError, match="equalised"):
        pack(replace(PLAN, equalise=True), real, windowed)
    assert remedied(PLAN, ["histogram", "slices"], hu=True) == PLAN


def test_a_settled_plan_gives_the_same_study_again(real, made):
    packed = pack(PLAN, real, made)
    again = pack(packed.plan, real, made)
    assert again.plan == packed.plan and again.study == packed.study and again.key == packed.key
    assert again.pixels == packed.pixels


def test_slices_that_follow_each_other_otherwise_are_a_leak(store, real):
    def interpolated(x, rng):
        out = x.copy()
        out[1:-1:2] = (x[:-2:2] + x[2::2]) / 2
        return out

    plan = replace(PLAN, catch=0, training=0)
    fair = scans(store, "fair", seed=6, origin="generated")
    assert telling(pack(plan, real, fair).leaks(np.random.default_rng(0)), plan.leak_limit) == []
    worse = scans(store, "interpolated", change=interpolated, seed=5, origin="generated")
    assert "slices" in telling(pack(plan, real, worse).leaks(np.random.default_rng(0)), plan.leak_limit)


def test_a_stack_is_broken_in_every_slice_alike(real, made):
    packed = pack(PLAN, real, made)
    name = next(i.id for i in packed.key.images if i.broken)
    stack = undithered(packed.pixels.stack(name), packed.pixels.scale.step)
    assert stack.shape == (8, SIZE, SIZE) and np.diff(stack.mean(axis=(1, 2))).max() < 0


def test_memory_holds_one_stack_at_a_time(store):
    arms = [scans(store, n, studies=6, slices=40, seed=s, side=96) for s, n in enumerate("ab")]
    packed = pack(replace(PLAN, cases=6, catch=0, training=0), *arms)
    one = len(next(iter(packed.pixels.values())))
    assert one == 40 * 96 * 96 * 2
    tracemalloc.start()
    total = sum(len(content) for content in packed.pixels.values())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total > 25 * one and peak < 4 * one
