"""The shortcut check finds a tie of hospital and disease, and nothing where there is none."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from real_images import sample, textures

from radassay.anatomy.regions import border, outside_lungs, thumbnails
from radassay.checks.shortcut import Shortcut
from radassay.contracts.check import Inputs
from radassay.images.intensity import to_display
from radassay.images.phantom import Cohort

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"


def measured(real, positive="covid", check=None, **fields):
    cut = len(real) * 3 // 4
    inputs = Inputs(real.take(np.arange(cut)), real.take(np.arange(cut, len(real))), positive=positive, **fields)
    findings = (check or Shortcut()).measure(inputs, np.random.default_rng(0))
    return {f.name if f.slice == "all" else f"{f.name} {f.slice}": f for f in findings}


def labelled(n, seed=0, **columns):
    labels = np.where(np.arange(n) % 2 == 0, "covid", "normal")
    return labels, sample("a", textures(n, seed, 32), label=labels, **columns)


def marked(real, depth=3):
    pixels = real.pixels.copy()
    pixels[real.labels == "covid", :depth, :depth] = 1
    return real.changed(name="marked", pixels=pixels)


@pytest.fixture(scope="module")
def plain():
    return labelled(240)[1]


NAMES = ("auc_border", "auc_lungs_out", "auc_histogram", "auc_full")


def test_nothing_is_found_where_there_is_nothing(plain):
    found = measured(plain)
    assert found["auc_null"].low < 0.5 < found["auc_null"].high
    for name in ("auc_shape", "auc_file"):
        assert found[name].low <= 0.5 <= found[name].high, name
    assert all(found[name].low < 0.55 for name in NAMES)


@pytest.mark.slow
def test_intervals_hold_chance_where_there_is_nothing():
    # 95 in 100 by name; 92 of 100 or fewer would be seen by chance in 1 of 6 repetitions, 89 in 1 of 100
    found = [measured(labelled(60, seed)[1]) for seed in range(100)]
    for name in NAMES:
        held = sum(f[name].low <= 0.5 <= f[name].high for f in found)
        assert held >= 90, name


def test_a_marker_in_the_corner_is_found(plain):
    found = measured(marked(plain))
    assert found["auc_border"].low > 0.9
    assert found["auc_lungs_out"].low > 0.9
    assert found["auc_null"].high < 0.7


def test_what_lies_in_the_lungs_is_not_called_a_shortcut(plain):
    pixels = plain.pixels.copy()
    pixels[plain.labels == "covid", 12:18, 5:11] = 1
    found = measured(plain.changed(name="ill", pixels=pixels))
    assert found["auc_full"].low > 0.9
    assert found["auc_border"].low <= 0.5
    assert found["auc_lungs_out"].low <= 0.5


def test_the_file_gives_the_label_away():
    labels, _ = labelled(200)
    covid = labels == "covid"
    _, real = labelled(200, format=np.where(covid, "jpeg", "png"), width=np.where(covid, 256.0, 300.0))
    found = measured(real)
    assert found["auc_file"].value == found["auc_shape"].value == found["auc_aspect"].value == 1.0


def test_hospital_and_label_tied_are_told():
    labels, _ = labelled(200)
    _, real = labelled(200, site=np.where(labels == "covid", "north", "south"))
    found = measured(real)
    assert found["association_site_label"].value == pytest.approx(1)
    assert found["auc_site"].value == 1
    assert "too few patients" in found["auc_site_negatives label=negative"].reason


def test_hospital_and_label_dealt_alike_are_not_said_to_be_surely_untied():
    real = labelled(200, site=np.where(np.arange(200) // 2 % 2, "north", "south"))[1]
    found = measured(real)["association_site_label"]
    assert found.low == 0
    assert found.value < 0.1 < found.high


def test_a_synthetic_set_that_learned_the_shortcut_is_told(plain):
    found = measured(plain, synthetic=marked(plain))
    assert found["auc_border"].low < 0.5
    assert found["auc_border synthetic"].low > 0.9


def test_one_class_or_few_patients_is_a_reason(plain):
    assert "too few patients" in measured(plain, positive="unheard of")["auc_border"].reason
    few = measured(plain.take(np.arange(12)))
    assert few["auc_border"].value is None
    assert "6 with and 6 without" in few["auc_border"].reason


def test_repeated_images_of_a_patient_are_no_evidence():
    rng = np.random.default_rng(0)
    base = textures(60, 5, 32)
    labels = np.repeat(np.where(rng.random(60) < 0.5, "covid", "normal"), 5)
    patients = np.repeat([f"p{i}" for i in range(60)], 5)
    noisy = np.repeat(base, 5, axis=0) + rng.normal(0, 0.02, (300, 32, 32)).astype(np.float32)
    found = measured(sample("a", noisy, label=labels, patient=patients))["auc_border"]
    assert found.low < 0.5 < found.high
    assert found.n_patients == 60


def test_regions_leave_the_middle_out_and_thumbnails_keep_the_mean():
    assert border().sum() == 32 * 32 - 24 * 24
    assert not outside_lungs()[15, 8]
    assert outside_lungs()[0].all()
    assert outside_lungs()[:, 0].all()
    assert 0.35 < outside_lungs().mean() < 0.45
    for size in (24, 32, 50, 64):
        pixels = textures(2, 0, size)
        np.testing.assert_allclose(
            thumbnails(pixels).mean(axis=(1, 2)), pixels.mean(axis=(1, 2)), atol=1e-3 if size % 32 == 0 else 0.02
        )


@pytest.mark.slow
@pytest.mark.parametrize("tie", [0.0, 1.0])
def test_phantoms_with_hospital_and_disease_tied_fail_and_untied_pass(tie):
    made = list(Cohort(patients=400, images_per_patient=1, tie=tie, size=32).pictures())
    pixels = np.stack([p.pixels() for p in made])
    columns = {"label": [p.patient.label for p in made], "patient": [p.patient.code for p in made]}
    found = measured(sample("phantoms", pixels, **columns), positive="disease")["auc_border"]
    if tie:
        assert found.low > 0.6
    else:
        assert found.high < 0.6


EXPECTED = {
    "darkcovidnet": ("Covid-19", {"auc_border": 0.94, "auc_lungs_out": 0.95, "auc_full": 0.98, "auc_aspect": 0.70}),
    "covid-ct": ("CT_COVID", {"auc_border": 0.77, "auc_full": 0.80}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.skipif(not (DATA / "covid-ct").exists(), reason="needs ../shared/data/darkcovidnet and covid-ct")
def test_what_is_known_of_the_public_sets_is_found(name):
    positive, expected = EXPECTED[name]
    paths = sorted(p for p in (DATA / name).glob("*/*") if p.suffix.lower() in (".png", ".jpg", ".jpeg"))
    pictures = [np.asarray(Image.open(p).convert("L")) for p in paths]
    real = sample(
        name,
        np.stack([to_display(p, (0, 255), 64) for p in pictures]),
        label=[p.parent.name for p in paths],
        height=[float(p.shape[0]) for p in pictures],
        width=[float(p.shape[1]) for p in pictures],
    )
    found = measured(real, positive=positive)
    for finding, value in expected.items():
        assert found[finding].value == pytest.approx(value, abs=0.02), finding
