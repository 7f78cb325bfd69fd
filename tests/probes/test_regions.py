"""The probe of regions finds what is planted outside the lungs, and nothing where nothing is planted."""

import numpy as np
import pytest
from judging import answered, limits, outcomes, plain, rules, smooth
from subjects import drawn, phantoms, repainted, subject

from radassay.anatomy.regions import corners, outside_centre
from radassay.probes.shortcuts.attribution import dilated
from radassay.probes.shortcuts.outlines import outlines
from radassay.probes.shortcuts.prediction import part
from radassay.probes.shortcuts.regions import BOUNDS, Regions
from radassay.probes.shortcuts.surgery import EDITS, marker


def cornered(row, ill, pixels):
    if ill:
        pixels[2:9, 2:9] = 240
    return pixels


def in_the_lung(row, ill, pixels):
    if ill:
        pixels[24:36, 10:22] = 240
    return pixels


@pytest.fixture(scope="module")
def clean():
    return answered(Regions(), subject(plain(), positive=("ill",)))


def test_bounds_are_those_of_the_rules():
    of = {rule.finding: rule.threshold.value for rule in rules().rules if rule.finding.startswith("regions.")}
    assert of == {f"regions.{name}": bound for name, bound in BOUNDS.items()}


def test_nothing_fails_where_nothing_is_planted(clean):
    answer, _ = clean
    assert "fails" not in outcomes(answer).values()
    assert {f.slice for f in answer.findings} == {"set=plain"}


def test_every_judged_measure_has_a_limit_and_an_interval(clean):
    answer, found = clean
    for name in BOUNDS:
        if found[name].value is not None:
            assert name in limits(answer)
            assert found[name].low <= found[name].value <= found[name].high


def test_a_marker_in_the_corner_is_found():
    answer, found = answered(Regions(), subject(plain(paint=cornered), positive=("ill",)))
    told = outcomes(answer)
    assert told["auc_border"] == told["auc_corners"] == told["auc_lungs_out"] == "fails"
    assert found["corners_erased_difference"].low > 0.1
    assert found["corners_erased_flips"].value > 0.2
    assert found["attribution_outside_difference"].low > 0
    assert "regions-weights" in answer.pictures
    assert set(answer.pictures) == set(answer.captions)


def test_what_lies_in_the_lungs_is_not_called_a_shortcut():
    answer, found = answered(Regions(), subject(plain(paint=in_the_lung), positive=("ill",)))
    assert found["auc_full"].low > 0.9
    assert found["lungs_out_difference"].low > 0.2
    assert "fails" not in outcomes(answer).values()


def test_the_same_state_gives_the_same_answer():
    sets = plain(60)
    first, second = (answered(Regions(), subject(sets))[0] for _ in range(2))
    assert [f.to_json() for f in first.findings] == [f.to_json() for f in second.findings]
    assert first.pictures == second.pictures


def test_too_few_patients_are_a_reason():
    answer, found = answered(Regions(), subject(plain(12), positive=("ill",)))
    assert set(outcomes(answer).values()) == {"not run"}
    assert "too few patients" in found["auc_border"].reason


def test_outlines_of_the_user_come_first(tmp_path):
    from PIL import Image

    picture = np.zeros((64, 64), dtype=np.uint8)
    picture[10:50, 8:28] = 255
    Image.fromarray(picture).save(tmp_path / "a.png")
    sets = plain(4)
    asked = subject(sets, masks={"lung": {2: tmp_path / "a.png"}})
    found = outlines(asked, np.arange(4), asked.thumbnails(64))
    assert found.given == 1
    np.testing.assert_array_equal(found.lungs[2], picture > 0)
    assert "of 1 images as outlined by the user" in found.told


def test_edits_change_only_their_place():
    pictures = smooth(3).astype(float) / 255
    for name, edit in EDITS.items():
        assert edit(pictures).shape == pictures.shape, name
    changed = (marker(pictures) != pictures).any(axis=0)
    assert changed[:16, :16].any()
    assert not changed[16:, 16:].any()


def test_regions_are_where_they_should_be():
    assert corners(32, 8).sum() == 4 * 64
    assert outside_centre(32)[:4].all()
    assert not outside_centre(32)[16, 16]
    lungs = np.zeros((1, 64, 64), dtype=bool)
    lungs[0, 30, 30] = True
    assert dilated(lungs).sum() == 29  # a disc of radius 3


def test_of_very_many_images_whole_patients_are_taken(tmp_path):
    sets = plain(60, patient=[f"p{i // 3}" for i in range(60)])
    whole = subject(sets, masks={"lung": {i: tmp_path / f"{i}" for i in range(60)}})
    some, caution = part(whole, np.random.default_rng(0), most=30)
    assert len(some) == 30
    assert "30 of 60 images" in caution
    assert (some.table["patient"].value_counts() == 3).all()
    kept = some.table["source"].tolist()
    for row, path in some.masks["lung"].items():
        assert whole.table["source"].iloc[int(path.name)] == kept[row]


class Brightness:
    """A classifier that learns nothing: the mean grey value."""

    name, paper = "brightness", ""

    def fit_scores(self, pixels, jobs, validation, test, *, steps):
        yield from (test.mean(axis=(1, 2)).astype(np.float64) for _ in jobs)


def test_a_network_is_asked_where_the_user_wants_one():
    bright = plain(60, paint=lambda row, ill, p: np.clip(p.astype(int) + 60 * ill, 0, 255).astype(np.uint8))
    _, found = answered(Regions(), subject(bright, positive=("ill",), classifier=Brightness()))
    assert found["auc_border_deep"].value > 0.9
    assert "trained once a fold" in found["auc_border_deep"].reason


def planted(base, paint, share):
    """The set with `paint` on a share of the diseased."""
    ill = np.flatnonzero(base.table["label"].to_numpy() == "disease")
    chosen = set(np.random.default_rng(0).permutation(ill)[: round(share * len(ill))].tolist())
    return repainted(base, lambda row, pixels: paint(pixels.copy()) if row in chosen else pixels)


def marked(pixels):
    pixels[4:14, 4:14] = 240
    return pixels


def framed(pixels):
    inner = pixels[6:-6, 6:-6].copy()
    pixels[:] = 128
    pixels[6:-6, 6:-6] = inner
    return pixels


def boxed(pixels):
    pixels[108:124, 4:46] = 0
    pixels[110:122:3, 6:44] = 235
    return pixels


@pytest.mark.slow
@pytest.mark.parametrize("paint", [marked, framed, boxed])
def test_defects_fail_at_and_above_the_limit_of_detection(paint):
    base = phantoms(150, seed=3)
    clean, _ = answered(Regions(), subject(base, positive=("disease",)))
    assert "fails" not in outcomes(clean).values()
    limit = limits(clean)["auc_border"]
    # what a share s of one class has and none of the other makes an area of 0.5 + s / 2
    least = 2 * (limit - 0.5)
    values = []
    for share in (least, (1 + least) / 2, 1.0):
        answer, found = answered(Regions(), subject(planted(base, paint, share), positive=("disease",)))
        assert outcomes(answer)["auc_border"] == "fails", share
        assert outcomes(answer)["auc_lungs_out"] != "passes", share
        values.append(found["auc_border"].value)
    assert values == sorted(values)


@pytest.mark.slow
def test_a_tied_hospital_fails_and_an_untied_one_does_not():
    tied, found = answered(Regions(), subject(phantoms(150, seed=3, tie=1.0), positive=("disease",)))
    assert outcomes(tied)["auc_border"] == outcomes(tied)["auc_lungs_out"] == "fails"
    assert found["auc_outlines_alone"].low < 0.6


def test_a_drawn_set_without_labels_is_not_run():
    answer, found = answered(Regions(), subject(drawn(smooth(5), "bare")))
    assert "no image has a label" in found["auc_border"].reason
    assert not answer.pictures
