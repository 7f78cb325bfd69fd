"""Lesions of known size in drawn backgrounds: what shrinking loses, and what the probe says of it."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.fft import idctn
from scipy.ndimage import gaussian_filter
from subjects import drawn, phantoms, subject

from radassay.checklists.audit import judge_audit
from radassay.checklists.rules import read_rules
from radassay.probes.shrinking.findings import crossing
from radassay.probes.shrinking.lesions import simulated
from radassay.probes.shrinking.rescaling import Rescaling, modality_of
from radassay.stats.detectability import Background

SIDE = 192


@lru_cache(maxsize=8)
def lesion_set(folder, radius, patients=24, seed=0, contrast=60.0):
    """A subject whose pictures hold one soft round lesion each, of about this radius, outlined."""
    rng = np.random.default_rng(seed)
    spectrum = Background(slope=3.0, floor=10.0).spectrum((SIDE, SIDE), 400.0)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    lung = np.hypot(rows - SIDE / 2, columns - SIDE / 2) < 0.47 * SIDE
    pictures, masks = [], {"opacity": {}, "lung": {}}
    for patient in range(patients):
        mine = radius * np.exp(0.15 * rng.standard_normal())
        middle = SIDE / 2 + rng.uniform(-1, 1, 2) * 0.15 * SIDE
        inside = np.hypot(rows - middle[0], columns - middle[1]) < mine
        noise = idctn(np.sqrt(spectrum) * rng.standard_normal((SIDE, SIDE)), norm="ortho")
        shown = 110 + noise + contrast * gaussian_filter(inside.astype(float), 0.2 * mine)
        pictures.append(np.clip(np.rint(shown), 0, 255).astype(np.uint8))
        masks["opacity"][patient] = inside
        masks["lung"][patient] = lung
    images = drawn(pictures, "lesions", patient=[f"p{i:02d}" for i in range(patients)])
    # rows are sorted by hash; the file name still tells which picture it was
    order = [int(Path(source).stem) for source in images.table["source"]]
    files = {"opacity": {}, "lung": {}}
    for kind, known in masks.items():
        for row, number in enumerate(order):
            files[kind][row] = Path(folder) / f"{kind}-{radius}-{seed}-{number}.png"
            Image.fromarray(known[number].astype(np.uint8) * 255).save(files[kind][row])
    return subject(images, masks=files)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(tmp_path_factory.mktemp("outlines"))


def measured(asked, seed=0, **settings):
    return Rescaling(**settings).measure(asked, np.random.default_rng(seed))


def one(answer, name, slice, role="measurement"):
    [found] = [f for f in answer.findings if (f.name, f.slice, f.role) == (name, slice, role)]
    return found


def outcome(answer):
    [found] = [o for o in judge_audit(answer.findings, read_rules("audit")).outcomes if o.rule == "information-lost"]
    return found.outcome


def test_smaller_pictures_lose_more(folder):
    answer = measured(lesion_set(folder, 6))
    kept = [one(answer, "detectability_kept", f"set=lesions, size={size}").value for size in (128, 64)]
    assert 1 > kept[0] > kept[1] > 0


def test_small_lesions_lose_more_than_large_ones(folder):
    small, large = (measured(lesion_set(folder, radius)) for radius in (4, 20))
    for size in (128, 64):
        place = f"set=lesions, size={size}"
        few, many = (one(answer, "detectability_kept", place) for answer in (small, large))
        assert few.high < many.low
    assert one(small, "smallest_size", "set=lesions").low > one(large, "smallest_size", "set=lesions").high


def test_a_set_of_large_lesions_passes(folder):
    answer = measured(lesion_set(folder, 20))
    assert one(answer, "information_lost", "set=lesions").high < 0.05
    assert outcome(answer) == "passes"


@pytest.mark.parametrize("seed", range(3))
def test_a_loss_above_the_limit_of_detection_fails(folder, seed):
    answer = measured(lesion_set(folder, 2.5, seed=seed))
    assert (
        one(answer, "information_lost", "set=lesions").value
        > one(answer, "information_lost", "set=lesions", "limit").value
    )
    assert outcome(answer) == "fails"


@pytest.mark.slow
def test_at_the_limit_of_detection_nearly_all_sets_fail(folder):
    # the true loss of a radius is that of very many patients
    radii = np.arange(3.0, 6.5, 0.5)
    truth = {r: one(measured(lesion_set(folder, r, 80, 99)), "information_lost", "set=lesions").value for r in radii}
    limits, fails = [], []
    for seed in range(12):
        limits.append(one(measured(lesion_set(folder, 5, 24, seed)), "information_lost", "set=lesions", "limit").value)
    radius = max(r for r in radii if truth[r] >= np.median(limits))
    for seed in range(12):
        fails.append(outcome(measured(lesion_set(folder, radius, 24, 100 + seed))) == "fails")
    assert np.mean(fails) >= 0.85


def test_thin_lesions_are_counted_as_lost(folder):
    answer = measured(lesion_set(folder, 2.5))
    lost = one(answer, "lesions_lost", "set=lesions, size=64")
    assert lost.low > 0.5
    assert one(measured(lesion_set(folder, 20)), "lesions_lost", "set=lesions, size=64").value == 0


def test_contrast_of_large_lesions_stays_and_of_thin_ones_falls(folder):
    large, thin = (
        one(measured(lesion_set(folder, r)), "contrast_kept", "set=lesions, size=64").value for r in (20, 2.5)
    )
    assert large == pytest.approx(1, abs=0.05)
    assert thin < 0.8


def test_the_same_twice(folder):
    first, second = (measured(lesion_set(folder, 6)) for _ in range(2))
    assert [f.to_json() for f in first.findings] == [f.to_json() for f in second.findings]
    assert first.pictures == second.pictures
    assert first.tables["rescaling"].equals(second.tables["rescaling"])


@pytest.mark.parametrize(
    ("kept", "halvings"), [([1, 0.97, 0.9], 1 + 2 / 7), ([1, 0.95, 0.9], 1), ([1, 1, 0.9], 1.5), ([0.9, 0.8, 0.7], 0)]
)
def test_where_the_curve_falls_below_95_per_cent(kept, halvings):
    assert crossing(np.array([256.0, 128.0, 64.0]), np.array(kept)) == pytest.approx(256 * 0.5**halvings)


def test_sizes_that_do_not_shrink_are_not_run(folder):
    answer = measured(lesion_set(folder, 6))
    for size in (512, 256):
        found = one(answer, "detectability_kept", f"set=lesions, size={size}")
        assert found.value is None
        assert "192 pixels already" in found.reason


def test_without_outlines_lesions_are_simulated_and_nothing_is_judged():
    answer = measured(subject(phantoms(12)), patients=2)
    found = one(answer, "detectability_kept", "set=phantoms, size=64")
    assert found.value is not None
    assert "Simulated" in found.reason
    assert one(answer, "information_lost", "set=phantoms").value is None
    assert outcome(answer) == "not run"


def test_outlines_of_very_few_patients_are_not_enough(folder):
    asked = lesion_set(folder, 6, 4)
    assert one(measured(asked, patients=2), "information_lost", "set=lesions").value is None


@pytest.mark.parametrize("kind", ["constant", "all inside", "tiny", "broken outline"])
def test_odd_pictures_and_outlines_are_no_exception(tmp_path, kind):
    side = 9 if kind == "tiny" else 96
    level = np.arange(8) if kind == "constant" else np.random.default_rng(0).integers(0, 255, (8, side, side))
    pictures = [np.full((side, side), value).astype(np.uint8) for value in level]
    inside = np.zeros((side, side), np.uint8)
    inside[side // 3 : 2 * side // 3, side // 3 : 2 * side // 3] = 255
    file = tmp_path / "outline.png"
    Image.fromarray(np.full_like(inside, 255) if kind == "all inside" else inside).save(file)
    if kind == "broken outline":
        file.write_bytes(file.read_bytes()[:40])
    asked = subject(drawn(pictures), masks={"opacity": dict.fromkeys(range(8), file)})
    assert one(measured(asked, patients=2), "information_lost", "set=drawn")


def test_only_so_many_pictures_are_looked_at(folder):
    answer = measured(lesion_set(folder, 6), most_images=10)
    found = one(answer, "information_lost", "set=lesions")
    assert found.n_patients == 10
    assert "10 of the 24" in found.reason


def test_the_table_has_a_row_for_each_lesion_and_size(folder):
    table = measured(lesion_set(folder, 6)).tables["rescaling"]
    assert sorted(table["size"].unique()) == [64, 128, 192]
    assert len(table) == 3 * 24
    assert {"set", "image", "lesion", "size", "contrast", "cnr", "dprime", "detectability_kept"} <= set(table)


def test_simulated_shadows_are_exact_and_lie_in_the_outlines():
    case = next(simulated(96, "X-ray", ((0.1, 0.3),), 1))
    assert case.shadow[case.opacity].min() > case.shadow[~case.opacity].mean()


@pytest.mark.parametrize(
    ("name", "label", "kind"), [("covid-ct", "a", "CT"), ("x", "CT_COVID", "CT"), ("doctor", "infect", "X-ray")]
)
def test_slices_are_known_by_name_where_no_column_tells(name, label, kind):
    images = drawn([np.zeros((8, 8), np.uint8)], name, label_source=label)
    assert modality_of(images) == kind
