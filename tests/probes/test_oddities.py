"""Every oddity planted into simulated chests is found and named; clean ones are left alone."""

import shutil
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from subjects import drawn, phantoms, repainted, subject

from radassay.checklists.judge import judge
from radassay.checklists.rules import RuleSet, parse_rules
from radassay.contracts.probe import Subject
from radassay.images.importing import import_images
from radassay.images.phantom import HOSPITALS
from radassay.images.phantom.anatomy import Chest
from radassay.images.phantom.cohort import Cohort
from radassay.images.phantom.views import Block
from radassay.probes.odd import plants
from radassay.probes.odd.look import Look
from radassay.probes.odd.oddities import Oddities
from radassay.probes.odd.survey import ODDITIES, survey
from radassay.probes.odd.told import contradicts, told_kind

SIZE, PATIENTS = 192, 60
BARE = tuple(replace(h, margin=(0.0, 0.0), marker_place=(-1.0, -1.0)) for h in HOSPITALS)
"""Hospitals that neither collimate nor mark: their films have nothing odd."""
REAL = Path(__file__).parents[2] / ".." / "shared" / "data"
SHARES = {
    "negative": plants.negative,
    "turned": plants.turned,
    "panels": plants.screenshot,
    "tint": plants.tint,
    "enlarged": plants.enlarged,
    "coloured_marks": plants.drawn,
    "text": plants.text,
    "marker": plants.marker,
    "border": plants.border,
    "blocking": plants.blocking,
}


def clean(name="clean", seed=0):
    return replace(phantoms(PATIENTS, seed, size=SIZE, hospitals=BARE), name=name)


@lru_cache(maxsize=1)
def answer():
    """The clean phantoms alone, with everything planted into them by the probe itself."""
    return Oddities().measure(subject(clean()), np.random.default_rng(0))


def value(found, name, role="measurement", slice_="set=clean"):
    return next(f for f in found.findings if f.name == name and f.role == role and f.slice == slice_)


def limit_of(oddity):
    measure = "mixed_kinds" if oddity in ("other_modality", "other_view") else f"share_{oddity}"
    return next((f.value for f in answer().findings if f.name == measure and f.role == "limit"), None)


@lru_cache(maxsize=1)
def planted():
    """One set an oddity, planted into as many random images as the limit of detection says, or half of them."""
    sets, where = [], {}
    for number, (oddity, plant) in enumerate(SHARES.items()):
        rng = np.random.default_rng([5, number])
        share = limit_of(oddity) or 0.5
        chosen = set(rng.choice(PATIENTS, int(np.ceil(share * PATIENTS)), replace=False).tolist())
        where[oddity] = {patient(source) for source in clean().table["source"].iloc[sorted(chosen)]}
        sets.append(repainted(clean(), lambda k, p, c=chosen, r=rng, f=plant: f(p, r) if k in c else p, oddity))
    return Oddities(planted=0).measure(subject(*sets), np.random.default_rng(0)), where


def patient(path):
    """The number of the patient in a path that ends in `P00012/00/00`."""
    return int(path.split("/")[-3][1:])


def audit_rules(slice_, ids=("oddities.",)):
    """The real rules on oddities, asked of one slice, whatever else the file holds."""
    rules = parse_rules(files("radassay.checklists").joinpath("audit.toml").read_bytes())
    mine = tuple(replace(r, slice=slice_) for r in rules.rules if r.finding.startswith(ids))
    return RuleSet(rules.name, rules.version, rules.sha256, mine)


def statuses(findings, slice_):
    asked = [f for f in findings if f.slice == slice_]
    return {v.rule: v.status for rung in judge(asked, audit_rules(slice_)).rungs for v in rung.verdicts}


def test_clean_phantoms_have_next_to_no_oddities():
    for measure in ["mixed_kinds", *(f"share_{o}" for o in ODDITIES if o not in ("no_radiograph", "other_modality"))]:
        assert value(answer(), measure).value <= 0.02, measure
    assert value(answer(), "n_no_radiograph").value == 0
    assert "not met" not in statuses(answer().findings, "set=clean").values()


def test_what_is_planted_by_the_probe_is_found():
    found = {f.name: f for f in answer().findings if f.name.startswith("found_")}
    assert set(found) == {f"found_{o}" for o in [*SHARES, "no_radiograph", "other_modality", "other_view"]}
    for name, finding in found.items():
        # a black bar on the dark air beside a body is not to be told from it
        assert finding.low >= (0.7 if name == "found_border" else 0.8), (name, finding.value)


@pytest.mark.parametrize("oddity", SHARES)
def test_an_oddity_at_the_limit_is_found_where_it_is(oddity):
    found, where = planted()
    rows = found.tables["odd_images"]
    same = ("text", "marker") if oddity in ("text", "marker") else (oddity,)
    rows = rows[(rows["set"] == oddity) & rows["oddity"].isin(same)]
    named = {patient(path) for path in rows["path"]}
    assert len(named & where[oddity]) >= 0.8 * len(where[oddity])
    assert len(named - where[oddity]) <= 0.02 * PATIENTS + 1
    rule = {
        "negative": "no-negatives",
        "turned": "none-turned",
        "panels": "no-screenshots",
        "tint": "no-tint",
        "enlarged": "no-thumbnails",
    }.get(oddity)
    if rule:
        assert statuses(found.findings, f"set={oddity}")[rule] == "not met"


def test_text_that_goes_with_the_label_fails():
    images = clean("tied")
    ill = (images.table["label"] == "disease").to_numpy()
    rng = np.random.default_rng(0)
    tied = repainted(images, lambda k, p: plants.marker(p, rng) if ill[k] else p, "tied")
    found = Oddities(planted=0).measure(subject(tied, positive=("disease",)), np.random.default_rng(0))
    area = value(found, "auc_oddities", slice_="set=tied")
    assert area.low > 0.65
    assert "side marker" in area.reason
    assert statuses(found.findings, "set=tied")["label-not-in-oddities"] == "not met"


@lru_cache(maxsize=1)
def other_kinds():
    """Lateral films and CT slices of phantoms that nobody trained on."""
    cohort, views = Cohort(patients=12, images_per_patient=1, seed=77), {"lateral": [], "axial": []}
    for number in range(12):
        picture, rng = cohort.picture(cohort.patient(number)), np.random.default_rng(number)
        block = Block(Chest(picture.patient.person, picture.pose, arms=False), picture.opacities)
        views["lateral"].append(np.rint(block.lateral(picture.hospital, rng) * 255).astype(np.uint8))
        views["axial"].append(block.cut("axial", rng.uniform(0.4, 0.65)))
    return views


@pytest.mark.parametrize(("view", "oddity"), [("lateral", "other_view"), ("axial", "other_modality")])
def test_another_kind_among_frontal_films_is_named(view, oddity):
    images = clean()
    pictures = [images.pixels(k) for k in range(len(images))] + other_kinds()[view]
    views = ["PA"] * len(pictures)
    mixed = drawn(pictures, "mixed", view=views, label="", patient=[f"p{k}" for k in range(len(pictures))])
    found = Oddities(planted=0).measure(subject(mixed), np.random.default_rng(0))
    assert value(found, f"share_{oddity}", slice_="set=mixed").value >= 0.8 * 12 / 72
    assert statuses(found.findings, "set=mixed")["one-kind-of-picture"] == "not met"
    seen = found.tables["kinds_seen"]
    assert seen.loc[seen["contradicted"], "kind"].nunique() <= 2
    assert value(found, "contradicted", slice_="set=mixed").value >= 0.5 * 12 / 72


def test_films_among_slices_are_named():
    ct = phantoms(40, 3, modality="CT", size=128)
    window = [np.rint(ct.display(k) * 255).astype(np.uint8) for k in range(len(ct))]
    films = [clean().pixels(k) for k in range(6)]
    found = Oddities(planted=0).measure(subject(drawn([*window, *films], "slices")), np.random.default_rng(0))
    assert value(found, "share_other_modality", slice_="set=slices").value == pytest.approx(6 / 46)
    assert value(found, "share_turned", slice_="set=slices").value is None


def test_what_is_no_radiograph_comes_first():
    images, rng = clean(), np.random.default_rng(0)
    pictures = [plants.notice(images.pixels(k), rng) if k == 7 else images.pixels(k) for k in range(30)]
    found = Oddities(planted=0).measure(subject(drawn(pictures, "notice")), np.random.default_rng(0))
    assert value(found, "n_no_radiograph", slice_="set=notice").value == 1
    first = found.tables["odd_images"].iloc[0]
    assert first["oddity"] == "no_radiograph"
    assert sum(found.tables["kinds_seen"]["kind"] == "none") == 1
    assert found.pictures["oddities"].startswith(b"\x89PNG")


def test_the_same_state_gives_the_same_answer():
    images = subject(repainted(clean(), plants_by_row, "some"))
    one, two = (Oddities(planted=2).measure(images, np.random.default_rng(4)) for _ in range(2))
    assert [f.to_json() for f in one.findings] == [f.to_json() for f in two.findings]
    assert one.pictures == two.pictures
    assert one.tables["odd_images"].equals(two.tables["odd_images"])


def plants_by_row(row, picture):
    return plants.text(picture, np.random.default_rng(row)) if row < 4 else picture


def test_of_very_many_images_a_random_part_of_whole_patients_is_looked_at():
    found = Oddities(planted=0, most=20).measure(subject(clean()), np.random.default_rng(0))
    assert len(found.tables["kinds_seen"]) == 20
    assert "20 of 60" in value(found, "mixed_kinds").reason


def test_what_the_metadata_say_is_understood():
    assert [told_kind(v, "") for v in ("PA", "AP Supine", "L", "Axial", "Coronal", "")] == [
        "frontal",
        "frontal",
        "lateral",
        "axial CT",
        "reformatted CT",
        "",
    ]
    assert told_kind("", "CT") == "CT"
    assert told_kind("", "X-ray") == "film"
    assert contradicts("CT", "frontal")
    assert contradicts("film", "none")
    assert not contradicts("film", "lateral")
    assert not contradicts("", "none")


def test_one_row_one_channel_and_tiny_pictures_are_looked_at():
    for shape in ((1, 1), (1, 40), (16, 16), (9, 300), (40, 30, 3)):
        looked = list(survey([Look(np.zeros(shape, dtype=np.uint8), (0.0, 255.0))]))
        assert len(looked) == 1
        assert looked[0].sights["no_radiograph"].seen


@pytest.mark.skipif(not REAL.is_dir(), reason="../shared/data is not there")
def test_the_notice_of_a_public_set_ranks_first(tmp_path):
    names = sorted((REAL / "cohen-cxr" / "images").iterdir())
    folder = tmp_path / "some"
    folder.mkdir()
    for path in [*names[:40], next(p for p in names if p.name.startswith("FAFA"))]:
        shutil.copyfile(path, folder / path.name)
    images, _ = import_images(folder, tmp_path / "set")
    found = Oddities(planted=0).measure(Subject((images,), (folder,)), np.random.default_rng(0))
    first = found.tables["odd_images"].iloc[0]
    assert Path(first["path"]).name.startswith("FAFA")
    assert first["oddity"] == "no_radiograph"
    with Image.open(folder / Path(first["path"]).name) as picture:
        assert picture.size == (320, 319)
