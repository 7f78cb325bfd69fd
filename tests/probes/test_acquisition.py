"""The probe of acquisition finds traces of file, colour and processing, and nothing in noise."""

import io

import numpy as np
import pytest
from judging import answered, limits, outcomes, plain, rules, smooth
from PIL import Image
from subjects import phantoms, repainted, subject

from radassay.images.file_facts import jpeg_steps
from radassay.probes.shortcuts import acquisition, destruction
from radassay.probes.shortcuts.acquisition import BOUNDS, Acquisition
from radassay.stats.auc import auc
from radassay.stats.crossvalidated import model_of

ILL = (np.arange(120) % 2 == 0).tolist()


def each(yes, no):
    return [yes if ill else no for ill in ILL]


@pytest.fixture(scope="module")
def clean():
    return answered(Acquisition(), subject(plain(), positive=("ill",)))


def test_bounds_are_those_of_the_rules():
    of = {rule.finding: rule.threshold.value for rule in rules().rules if rule.finding.startswith("acquisition.")}
    assert of == {f"acquisition.{name}": bound for name, bound in BOUNDS.items()}


def test_nothing_fails_where_nothing_is_planted(clean):
    answer, found = clean
    assert "fails" not in outcomes(answer).values()
    for name in ("auc_labels_shuffled", "auc_noise_pictures", "auc_constant_pictures"):
        assert found[name].low <= 0.5 <= found[name].high
    assert found["auc_constant_pictures"].value == 0.5
    assert "no picture has colour" in found["auc_colour"].reason
    assert set(limits(answer)) == set(BOUNDS) - {"auc_colour"}


def test_the_file_gives_the_label_away():
    for columns in ({"format": each("jpeg", "png")}, {"width": each(300.0, 280.0)}, {"bits": each(8.0, 16.0)}):
        answer, found = answered(Acquisition(), subject(plain(**columns), positive=("ill",)))
        assert found["auc_file_facts"].value > 0.99, columns
        assert outcomes(answer)["auc_file_facts"] == "fails"


def test_colour_gives_the_label_away():
    def tinted(row, ill, pixels):
        red = np.clip(pixels * (1.06 if ill else 1.0), 0, 255)
        return np.stack([red, pixels, pixels], axis=-1).astype(np.uint8)

    answer, found = answered(Acquisition(), subject(plain(paint=tinted), positive=("ill",)))
    assert outcomes(answer)["auc_colour"] == "fails"
    assert found["auc_file_type"].value == 0.5


def test_grain_gives_the_label_away_and_lowers_what_is_expected_elsewhere():
    grain = np.random.default_rng(0)

    def grainy(row, ill, pixels):
        noisy = pixels + grain.normal(0, 12 if ill else 2, pixels.shape)
        return np.clip(noisy, 0, 255).astype(np.uint8)

    answer, found = answered(Acquisition(), subject(plain(paint=grainy), positive=("ill",)))
    assert outcomes(answer)["auc_fine_detail"] == outcomes(answer)["auc_patches_outside"] == "fails"
    assert found["auc_intact"].low > 0.9
    assert found["auc_expected_elsewhere"].high < 0.6
    assert found["auc_expected_elsewhere"].value == pytest.approx(
        0.5 + found["auc_intact"].value - found["auc_patches_outside"].value
    )


def test_what_has_a_place_is_left_when_patches_are_not():
    def left_or_right(row, ill, pixels):
        pixels[24:40, (8 if ill else 40) : (24 if ill else 56)] = 230
        return pixels

    answer, found = answered(Acquisition(), subject(plain(paint=left_or_right), positive=("ill",)))
    assert found["auc_intact"].low > 0.9
    assert found["auc_expected_elsewhere"].value > 0.8
    assert "fails" not in outcomes(answer).values()


def test_a_pipeline_that_finds_something_in_noise_makes_everything_not_run(monkeypatch):
    sets = plain()
    ill = (sets.table["label"] == "ill").to_numpy(dtype=float)[:, None]
    monkeypatch.setattr(destruction, "intact", lambda pixels: ill + np.random.default_rng(0).normal(0, 0.1, ill.shape))
    answer, found = answered(Acquisition(), subject(sets, positive=("ill",)))
    assert set(outcomes(answer).values()) == {"not run"}
    assert "pure noise" in found["auc_file_facts"].reason


def test_shuffling_patches_keeps_what_has_no_order():
    pixels = (smooth(5) / 255).astype(np.float32)
    mixed = destruction.shuffled_patches(pixels, np.random.default_rng(0))
    assert not np.array_equal(mixed, pixels)
    np.testing.assert_allclose(destruction.without_order(mixed), destruction.without_order(pixels), atol=1e-6)
    np.testing.assert_array_equal(np.sort(mixed, axis=None), np.sort(pixels, axis=None))


def test_compression_is_read_from_jpeg_files_alone(tmp_path):
    picture = Image.fromarray(smooth(1)[0])
    for quality in (30, 95):
        picture.save(tmp_path / f"{quality}.jpg", quality=quality)
    picture.save(tmp_path / "a.png")
    assert jpeg_steps(tmp_path / "30.jpg") > 3 * jpeg_steps(tmp_path / "95.jpg")
    assert np.isnan(jpeg_steps(tmp_path / "a.png"))
    assert np.isnan(jpeg_steps(tmp_path / "none.jpg"))


def test_unknown_file_types_are_a_reason():
    _, found = answered(Acquisition(), subject(plain(format=""), positive=("ill",)))
    assert "file type is not known" in found["auc_file_facts"].reason


def test_a_network_is_asked_where_the_user_wants_one():
    class Brightness:
        name, paper = "brightness", ""

        def fit_scores(self, pixels, jobs, validation, test, *, steps):
            yield from (test.mean(axis=(1, 2)).astype(np.float64) for _ in jobs)

    _, found = answered(Acquisition(), subject(plain(), positive=("ill",), classifier=Brightness()))
    assert found["auc_patches_shuffled_deep"].value is not None


def test_pictures_are_png_with_captions(clean):
    answer, _ = clean
    assert list(answer.pictures) == ["acquisition-plain"] == list(answer.captions)
    assert Image.open(io.BytesIO(answer.pictures["acquisition-plain"])).format == "PNG"


def test_models_of_a_set_serve_all_its_labels():
    labels = (["a", "b", "c"] * 40)[:120]
    answer, _ = answered(Acquisition(), subject(plain(label=labels)))
    assert {f.slice for f in answer.findings} == {f"set=plain, label={label}" for label in "abc"}
    assert model_of(np.ones((10, 2))) is not None
    assert acquisition.NOISES >= 1


def tint(pixels):
    return np.stack([np.clip(pixels * 1.06, 0, 255), pixels, pixels * 0.94], axis=-1).astype(np.uint8)


@pytest.mark.slow
def test_a_tint_fails_from_the_limit_of_detection_on():
    base = phantoms(150, seed=3)
    clean, _ = answered(Acquisition(), subject(base, positive=("disease",)))
    assert "fails" not in outcomes(clean).values()
    ill = np.flatnonzero(base.table["label"].to_numpy() == "disease")
    least = 2 * (limits(clean)["auc_file_facts"] - 0.5)
    for share in (least, (1 + least) / 2, 1.0):
        chosen = set(np.random.default_rng(0).permutation(ill)[: round(share * len(ill))].tolist())
        sets = repainted(base, lambda row, pixels, chosen=chosen: tint(pixels) if row in chosen else pixels)
        answer, _ = answered(Acquisition(), subject(sets, positive=("disease",)))
        assert outcomes(answer)["auc_colour"] == "fails", share


@pytest.mark.slow
def test_a_tied_hospital_fails():
    answer, _ = answered(Acquisition(), subject(phantoms(150, seed=3, tie=1.0), positive=("disease",)))
    assert outcomes(answer)["auc_fine_detail"] == outcomes(answer)["auc_patches_outside"] == "fails"


@pytest.mark.slow
@pytest.mark.parametrize("tie", [0.0, 0.8])
def test_what_is_expected_elsewhere_is_what_untied_patients_get(tie):
    sets, elsewhere = phantoms(200, seed=21, tie=tie), phantoms(200, seed=99)
    _, found = answered(Acquisition(), subject(sets, positive=("disease",)))
    ill = (sets.table["label"] == "disease").to_numpy(dtype=float)[:, None]
    model = model_of(destruction.intact(sets.load(64)))
    weights = model.weights(ill, np.arange(len(sets)) % 5)[:, :, 0].mean(axis=0)
    scores = destruction.intact(elsewhere.load(64)) @ weights
    external = auc(scores, (elsewhere.table["label"] == "disease").to_numpy())
    assert found["auc_expected_elsewhere"].value == pytest.approx(external, abs=0.1)
    if tie:
        assert found["auc_intact"].value > external + 0.2
