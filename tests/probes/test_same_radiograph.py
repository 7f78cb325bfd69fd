"""The same radiograph is found whatever was done to its file, told from other visits, and judged by the rules."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from subjects import drawn, phantoms, subject

from radassay.checklists.audit import judge_audit
from radassay.checklists.rules import read_rules
from radassay.images.imageset import ImageSet
from radassay.images.importing import import_images
from radassay.images.phantom import Cohort
from radassay.probes.radiographs.pairs import COLUMNS, MOST_COPIES
from radassay.probes.radiographs.planted import ALTERATIONS
from radassay.probes.radiographs.same_radiograph import SameRadiograph

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"


def asked(chests, planted=0, drawn=0):
    return SameRadiograph(planted=planted, drawn=drawn).measure(chests, np.random.default_rng(0))


def measured(answer, name, where="all"):
    (found,) = [f for f in answer.findings if (f.name, f.slice, f.role) == (name, where, "measurement")]
    return found


def outcomes(answer):
    judged = judge_audit(answer.findings, read_rules("audit")).outcomes
    return {(o.rule, o.slice): o.outcome for o in judged if o.probe == "same-radiograph"}


def named(images, name):
    return ImageSet(name, images.table, images.store)


def added(images, pictures, **columns):
    """The set with more pictures, whose columns are lists or single values."""
    more = drawn(pictures, images.name, **{"patient": [f"new{i}" for i in range(len(pictures))], **columns})
    for image in more.table["image"]:
        images.store.put(more.store.get(image))
    rows = [*images.table.to_dict("records"), *more.table.to_dict("records")]
    return ImageSet.of(images.name, rows, images.store)


def altered(images, row, *names):
    """A picture of the set after these alterations, as uint8."""
    picture = images.display(row)
    for name in names:
        picture = ALTERATIONS[name](picture, np.random.default_rng(row))
    return np.rint(picture * 255).astype(np.uint8)


@lru_cache(maxsize=2)
def clean(patients=9):
    """Two sets of so many patients with two visits each, between which the diaphragm moved by 9 mm or more."""
    cohort = Cohort(images_per_patient=2, size=128, seed=5)
    visits = ([cohort.picture(cohort.patient(i), visit) for visit in (0, 1)] for i in range(150))
    apart = [pair for pair in visits if abs(pair[0].pose.inspiration - pair[1].pose.inspiration) >= 1]
    sets = []
    for name, pairs in (("a", apart[:patients]), ("b", apart[patients : 2 * patients])):
        pictures = [picture for pair in pairs for picture in pair]
        known = {c: [picture.row()[c] for picture in pictures] for c in ("source", "patient", "study", "label")}
        sets.append(drawn([picture.pixels() for picture in pictures], name, **known))
    return subject(*sets)


@lru_cache(maxsize=1)
def of_clean():
    return asked(clean(), planted=36)


@lru_cache(maxsize=1)
def of_more():
    """Of 36 copies one more or less decides, and which are found depends on how a processor rounds."""
    return asked(clean(18), planted=72)


def test_other_visits_of_a_patient_and_other_patients_are_kept_apart():
    answer = of_clean()
    assert not answer.tables["same_radiograph"]["verified"].any()
    assert measured(answer, "shared", "sets=a+b").value == 0
    assert measured(answer, "same_patient_apart", "set=a").value == 9
    assert measured(answer, "groups").value == 0
    assert answer.tables["radiograph_groups"].empty


def test_clean_sets_pass_for_copies_would_have_been_found():
    judged = outcomes(of_more())
    assert judged["no-radiograph-in-two-sets", "sets=a+b"] == "passes"
    assert judged["no-radiograph-twice", "set=a"] == "passes"
    assert judged["copies-would-be-found", "all"] == "passes"
    assert judged["no-radiograph-on-two-sides", "set=a"] == "not run"
    limit = next(f for f in of_more().findings if (f.role, f.name, f.slice) == ("limit", "shared", "sets=a+b"))
    assert limit.value <= 3


def test_the_best_pairs_below_the_threshold_are_listed_and_drawn():
    answer = of_clean()
    pairs = answer.tables["same_radiograph"]
    assert tuple(pairs.columns) == COLUMNS
    assert len(pairs)
    assert set(pairs["image_a"]) <= set(clean().table["path"])
    assert pairs["score"].is_monotonic_decreasing
    assert set(answer.pictures) == {"same-radiograph-line"} == set(answer.captions)


def test_the_same_state_gives_the_same_answer():
    small = subject(*(named(s.take(range(8)), s.name) for s in clean().sets))
    first, second = asked(small, 6, 2), asked(small, 6, 2)
    assert [f.to_json() for f in first.findings] == [f.to_json() for f in second.findings]
    assert first.pictures == second.pictures
    assert first.tables["same_radiograph"].equals(second.tables["same_radiograph"])


TOGETHER = (
    ("cropped", "windowed", "recompressed"),
    ("mirrored", "inverted"),
    ("made smaller", "put in a black frame", "darkened"),
    ("turned by 3 degrees", "squashed", "written on"),
)


def test_a_copy_is_found_whatever_was_done_to_it():
    ours = clean().sets[0]
    ways = [*((name,) for name in ALTERATIONS), *TOGETHER]
    copies = added(clean().sets[1], [altered(ours, row, *names) for row, names in enumerate(ways)])
    answer = asked(subject(ours, copies))
    pairs = answer.tables["same_radiograph"]
    sure = pairs[pairs["verified"]]
    wanted = {(f"/data/a/{ours.table['source'][row]}", f"/data/b/{row:05d}.png") for row in range(len(ways))}
    found = set(zip(sure["image_a"], sure["image_b"], strict=True))
    assert found == wanted, {ways[int(b[-9:-4])] for _, b in wanted - found}
    assert measured(answer, "shared", "sets=a+b").value == len(ways)
    assert outcomes(answer)["no-radiograph-in-two-sets", "sets=a+b"] == "fails"
    turned = sure.set_index("image_b")[["mirrored", "inverted"]]
    for row, names in enumerate(ways):
        assert turned.loc[f"/data/b/{row:05d}.png"].tolist() == ["mirrored" in names, "inverted" in names], names


@lru_cache(maxsize=1)
def troubled():
    """A set with a split in which one radiograph comes back on the other side, and one under other names."""
    chests = clean().sets[0]
    labels = {"disease": "healthy", "healthy": "disease"}
    middle = sorted(chests.table["patient"])[8]
    chests = chests.with_columns(split=["train" if p < middle else "test" for p in chests.table["patient"]])
    row = int(np.flatnonzero(chests.table["split"] == "train")[0])
    other = int(np.flatnonzero(chests.table["split"] == "train")[1])
    pictures = [altered(chests, row, "cropped"), altered(chests, other, "darkened"), chests.pixels(other)]
    told = [chests.table["label"][row], labels[chests.table["label"][other]], chests.table["label"][other]]
    mine = chests.table["patient"]
    return subject(
        added(chests, pictures, label=told, split=["test", "train", "train"], patient=[mine[row], "new", mine[other]])
    )


@lru_cache(maxsize=1)
def of_troubled():
    return asked(troubled(), drawn=2)


def test_what_crosses_a_split_contradicts_a_label_or_changes_its_patient_is_counted():
    answer = of_troubled()
    assert measured(answer, "across_splits", "set=a").value == 1
    assert measured(answer, "patients_across_splits", "set=a").value == 1
    assert measured(answer, "contradicting_labels", "set=a").value == 2
    assert measured(answer, "two_patients", "set=a").value == 2
    assert measured(answer, "repeated", "set=a").value == 4
    assert measured(answer, "groups").value == 2
    assert measured(answer, "largest_group").value == 3
    judged = outcomes(answer)
    for rule in (
        "radiograph-on-two-sides",
        "patient-on-two-sides",
        "contradicting-labels",
        "radiograph-of-two-patients",
    ):
        assert judged[f"no-{rule}", "set=a"] == "fails"


def test_groups_say_which_sets_labels_and_splits_they_cross():
    groups = of_troubled().tables["radiograph_groups"]
    assert groups["group"].tolist() == [1, 1, 1, 2, 2]
    assert groups["labels"].tolist() == [2, 2, 2, 1, 1]
    assert groups["splits"].tolist() == [1, 1, 1, 2, 2]
    assert (groups["sets"] == 1).all()


def test_the_telling_pairs_are_drawn_first():
    answer = of_troubled()
    assert list(answer.pictures) == ["same-radiograph-01", "same-radiograph-02", "same-radiograph-line"]
    assert "split train against test" in answer.captions["same-radiograph-01"]
    assert "label disease against healthy" in answer.captions["same-radiograph-02"].replace(
        "healthy against disease", "disease against healthy"
    )
    assert max(map(len, answer.pictures.values())) < 200_000


def test_without_planted_copies_a_pass_is_open():
    small = subject(named(clean().sets[0].take(range(6)), "a"))
    judged = outcomes(asked(small))
    assert judged["no-radiograph-twice", "set=a"] == "inconclusive"
    assert judged["copies-would-be-found", "all"] == "not run"


def test_slices_of_one_volume_are_no_repeats():
    scans = phantoms(1, 3, images_per_patient=40, modality="CT")
    answer = asked(subject(named(scans, "ct")))
    assert measured(answer, "repeated", "set=ct").value == 0
    assert measured(answer, "same_patient_apart", "set=ct").value == 40 * 39 / 2


def test_blank_and_tiny_pictures_match_only_their_equals():
    grey = [np.full((64, 64), value, dtype=np.uint8) for value in (0, 100, 100, 200)]
    answer = asked(subject(drawn([*grey, np.zeros((3, 5), dtype=np.uint8)], "blank")), planted=4)
    pairs = answer.tables["same_radiograph"]
    assert pairs.loc[pairs["verified"], "relation"].tolist() == ["identical pixels"]
    assert measured(answer, "planted_found").value < 0.5
    assert outcomes(answer)["copies-would-be-found", "all"] != "passes"


def test_a_picture_repeated_very_often_is_one_group_and_no_flood_of_pairs():
    rng = np.random.default_rng(0)
    often = rng.integers(0, 255, (32, 32)).astype(np.uint8)
    answer = asked(subject(drawn([often] * 400, "often")), planted=2, drawn=1)
    assert measured(answer, "groups").value == 1
    assert measured(answer, "largest_group").value == 400
    assert len(answer.tables["same_radiograph"]) < 400 * MOST_COPIES


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "cohen-cxr").exists(), reason="needs ../shared/data/cohen-cxr")
def test_films_of_one_patient_on_other_days_are_kept_apart(tmp_path):
    """Visits on known different days are different radiographs; the few that match were looked at by eye."""
    images, _ = import_images(DATA / "cohen-cxr", tmp_path, name="cohen")
    visits = images.table.groupby("patient")["study"].nunique()
    chosen = images.table["patient"].isin(visits.index[(visits > 1) & (visits.index != "")]).to_numpy()
    answer = asked(subject(images.take(np.flatnonzero(chosen)[:200])))
    apart = measured(answer, "same_patient_apart", "set=cohen")
    assert apart.value > 0.98 * apart.details["pairs of one patient"]
