"""Patients of a cohort are what the settings say, and always the same."""

import numpy as np
import pytest

from radassay.errors import SettingsError
from radassay.images.phantom import Cohort


def test_a_patient_does_not_depend_on_how_many_are_drawn_or_in_which_order() -> None:
    few, many = Cohort(patients=2, seed=5, size=32), Cohort(patients=900, seed=5, size=32)
    assert few.patient(1) == many.patient(1)
    first = [p.pixels() for p in few.pictures()]
    again = [p.pixels() for p in many.pictures(range(1, -1, -1))]
    assert np.array_equal(first[0], again[2])
    assert np.array_equal(first[3], again[1])


def test_seeds_and_patients_differ() -> None:
    one = Cohort(size=32).picture(Cohort().patient(0)).pixels()
    assert not np.array_equal(one, Cohort(size=32, seed=1).picture(Cohort(seed=1).patient(0)).pixels())
    assert not np.array_equal(one, Cohort(size=32).picture(Cohort().patient(1)).pixels())


def test_visits_change_the_pose_and_not_the_person() -> None:
    cohort = Cohort(size=32)
    patient = cohort.patient(3, label="disease")
    first, second = cohort.picture(patient, 0), cohort.picture(patient, 1)
    assert first.pose != second.pose
    assert first.chest.person == second.chest.person
    assert not np.array_equal(first.pixels(), second.pixels())
    assert first.row()["study"] != second.row()["study"]


def test_disease_and_hospital_can_be_changed_alone() -> None:
    cohort = Cohort(size=64)
    for i in range(6):
        ill, well = (cohort.picture(cohort.patient(i, label=label, site="A")) for label in ("disease", "healthy"))
        assert (ill.pose, ill.patient.person) == (well.pose, well.patient.person)
        difference = np.abs(ill.grey() - well.grey())
        seen = ill.masks().opacity
        assert difference[seen].mean() > 4 * difference[~seen].mean()
        here, there = (cohort.picture(cohort.patient(i, label="disease", site=s)) for s in ("A", "B"))
        assert np.array_equal(here.exact(), there.exact())


def test_opacities_brighten_what_they_cover() -> None:
    cohort = Cohort(size=64, extent=(0.2, 0.2))
    change = []
    for i in range(6):
        ill, well = (cohort.picture(cohort.patient(i, label=label, site="A")) for label in ("disease", "healthy"))
        assert not well.masks().opacity.any()
        change.append((ill.grey() - well.grey())[ill.masks().opacity].mean())
    assert min(change) > 0.01


@pytest.mark.parametrize(("tie", "share"), [(0.0, 0.5), (0.5, 0.75), (1.0, 1.0)])
def test_tie_sets_how_often_label_and_hospital_agree(tie: float, share: float) -> None:
    patients = [Cohort(tie=tie, seed=2).patient(i) for i in range(800)]
    agree = np.mean([(p.label == "disease") == (p.site == "B") for p in patients])
    assert agree == pytest.approx(share, abs=0.05 if tie < 1 else 0)


def test_prevalence_sex_and_age_follow_their_distributions() -> None:
    patients = [Cohort(prevalence=0.3).patient(i) for i in range(800)]
    assert np.mean([p.label == "disease" for p in patients]) == pytest.approx(0.3, abs=0.05)
    assert np.mean([p.person.sex == "F" for p in patients]) == pytest.approx(0.5, abs=0.06)
    assert np.mean([p.person.age for p in patients]) == pytest.approx(55, abs=2)
    old = [p.person.bone for p in patients if p.person.age > 75]
    young = [p.person.bone for p in patients if p.person.age < 40]
    assert np.mean(old) < np.mean(young) - 0.1


def test_draw_gives_fresh_patients_without_end() -> None:
    cohort = Cohort(size=32)
    rng = np.random.default_rng(0)
    one, two = (cohort.draw("disease", "B", rng) for _ in range(2))
    assert one.patient.person != two.patient.person
    assert (one.patient.label, one.patient.site) == ("disease", "B")
    again = cohort.draw("disease", "B", np.random.default_rng(0))
    assert np.array_equal(one.pixels(), again.pixels())


def test_drawn_and_stored_patients_are_of_one_distribution() -> None:
    cohort, rng = Cohort(), np.random.default_rng(1)
    drawn = [cohort.draw("disease", "A", rng).patient for _ in range(400)]
    listed = [cohort.patient(i, "disease", "A") for i in range(400)]
    for get in (lambda p: p.person.age, lambda p: p.disease.extent, lambda p: p.person.heart):
        a, b = np.array([get(p) for p in drawn]), np.array([get(p) for p in listed])
        assert abs(a.mean() - b.mean()) < 4 * np.sqrt(a.var() / 400 + b.var() / 400)


@pytest.mark.parametrize(
    "settings",
    [{"tie": 1.5}, {"prevalence": -0.1}, {"extent": (0.3, 0.1)}, {"size": 4}, {"modality": "MR"}, {"patients": 0}],
)
def test_settings_out_of_range_are_refused(settings: dict) -> None:
    with pytest.raises(SettingsError, match=next(iter(settings))):
        Cohort(**settings)


def test_an_unknown_hospital_is_refused() -> None:
    with pytest.raises(SettingsError, match="Hospitals: A, B"):
        Cohort().patient(0, site="C")


@pytest.mark.parametrize("size", [32, 64, 100, 128])
def test_pictures_have_the_size_asked_for(size: int) -> None:
    picture = Cohort(size=size).picture(Cohort(size=size).patient(0))
    assert picture.pixels().shape == picture.masks().lung.shape == (size, size)
    assert picture.pixels().dtype == np.uint8


def test_ct_slices_run_from_head_to_feet_through_lung() -> None:
    cohort = Cohort(size=48, modality="CT", images_per_patient=4)
    pictures = [cohort.picture(cohort.patient(1, label="disease"), k) for k in range(4)]
    assert [p.position_mm for p in pictures] == sorted((p.position_mm for p in pictures), reverse=True)
    assert all(p.masks().lung.mean() > 0.04 for p in pictures)
    assert pictures[-1].masks().heart.any()
    assert len({p.row()["study"] for p in pictures}) == 1
    assert pictures[0].pixels().dtype == np.int16
