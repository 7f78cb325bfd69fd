"""The probe of sources finds class and source tied, and says where they cannot be told apart."""

import numpy as np
import pytest
from judging import answered, limits, outcomes, plain, rules
from PIL import Image
from subjects import phantoms, subject

from radassay.probes.shortcuts.source import BOUNDS, INSEPARABLE, Source
from radassay.probes.shortcuts.sources import scopes


def by_site(tie, n=160, seed=0, contrast=60):
    """Pictures of two hospitals of which one is brighter at the top; `tie` as in the simulated cohorts."""
    rng = np.random.default_rng(seed)
    ill = np.arange(n) % 2 == 0
    north = rng.random(n) < np.where(ill, (1 + tie) / 2, (1 - tie) / 2)

    def paint(row, _, pixels):
        if north[row]:
            pixels[:10] = np.clip(pixels[:10].astype(int) + contrast, 0, 255)
        return pixels

    return plain(n, seed, paint, site=np.where(north, "north", "south").tolist())


def test_bounds_are_those_of_the_rules():
    of = {rule.finding: rule.threshold.value for rule in rules().rules if rule.finding.startswith("source.")}
    assert of == {f"source.{name}": bound for name, bound in BOUNDS.items()}


def test_hospitals_that_look_different_but_are_not_tied_do_not_fail():
    answer, found = answered(Source(), subject(by_site(0.0), positive=("ill",)))
    assert found["auc_source_negatives"].low > 0.8
    assert found["auc_source_negatives_border"].low > 0.8
    assert "fails" not in outcomes(answer).values()
    assert set(limits(answer)) == set(BOUNDS)
    table = answer.tables["sources"]
    assert table["images"].sum() == 160
    assert set(table["source"]) == {"north", "south"}


def test_a_strong_tie_is_found_in_the_source_and_in_the_score_of_a_model():
    answer, found = answered(Source(), subject(by_site(0.7, n=300), positive=("ill",)))
    told = outcomes(answer)
    assert told["auc_source_prior"] == told["auc_source_by_disease_score"] == "fails"
    assert told["within_source_difference"] == "fails"  # nothing but the source is there to be told
    assert found["auc_pooled"].low > 0.7
    assert found["auc_within_source"].high < 0.65


def test_class_and_source_that_are_the_same_cannot_be_separated():
    answer, found = answered(Source(), subject(by_site(1.0), positive=("ill",)))
    assert found["auc_source_prior"].value == 1
    assert INSEPARABLE in found["auc_source_prior"].reason
    told = outcomes(answer)
    assert told["auc_source_prior"] == "fails"
    for name in ("within_source_difference", "unseen_source_difference", "auc_source_by_disease_score"):
        assert told[name] == "not run"
        assert "cannot be separated" in found[name].reason


def test_a_model_that_fails_in_an_unseen_hospital_is_told():
    rng = np.random.default_rng(0)
    north = rng.random(240) < 0.5

    def paint(row, ill, pixels):
        # the sign of the disease is bright in the one hospital and dark in the other
        pixels[24:40, 24:40] = np.clip(pixels[24:40, 24:40].astype(int) + (90 if ill == north[row] else -90), 0, 255)
        pixels[:6] = 250 if north[row] else 5
        return pixels

    sets = plain(240, 1, paint, site=np.where(north, "north", "south").tolist())
    _, found = answered(Source(), subject(sets, positive=("ill",)))
    assert found["auc_unseen"].high < 0.5
    assert found["auc_unseen_worst"].value <= found["auc_unseen"].value
    assert found["auc_unseen_worst"].details["source"] in ("north", "south")
    assert found["auc_seen"].value - found["auc_unseen"].value == pytest.approx(found["unseen_source_difference"].value)


def test_a_sign_that_holds_in_the_lungs_alone_holds_there_in_an_unseen_hospital(tmp_path):
    rng = np.random.default_rng(0)
    north = rng.random(240) < 0.5

    def paint(row, ill, pixels):
        # the lungs tell the disease in both hospitals; the frame, more strongly, the other way round in each
        pixels[24:40, 24:40] = np.clip(pixels[24:40, 24:40].astype(int) + (40 if ill else 0), 0, 255)
        pixels[:10] = 250 if ill == north[row] else 5
        return pixels

    lungs = np.zeros((64, 64), dtype=np.uint8)
    lungs[20:44, 20:44] = 255
    Image.fromarray(lungs).save(tmp_path / "lungs.png")
    sets = plain(240, 1, paint, site=np.where(north, "north", "south").tolist())
    outlined = {"lung": dict.fromkeys(range(240), tmp_path / "lungs.png")}
    asked = subject(sets, positive=("ill",), masks=outlined)
    _, found = answered(Source(), asked)
    assert found["auc_unseen_lungs"].low > found["auc_unseen"].high
    assert found["unseen_source_difference_lungs"].high < found["unseen_source_difference"].low
    assert "as outlined by the user" in found["auc_unseen_lungs"].reason


def test_sets_are_sources_of_each_other():
    one, other = by_site(0.0), by_site(0.0, seed=5)
    other = type(other)("other", other.table, other.store)
    answer, found = answered(Source(), subject(one, other, positive=("ill",)))
    assert {f.slice for f in answer.findings} == {"set=plain", "set=other", "all"}
    assert found["auc_source_negatives"].slice == "all"
    assert found["auc_source_prior"].details["with_label_of"] == {"plain": [80, 160], "other": [80, 160]}
    assert set(answer.pictures) == {"source-plain", "source-other", "source-all-sets"}


def test_small_and_unknown_hospitals_are_left_out_and_counted():
    sites = ["north"] * 50 + ["south"] * 50 + ["tiny"] * 5 + [""] * 15
    found = scopes(subject(plain(120, site=sites), positive=("ill",)))
    assert found[0].left_out == 20
    assert set(found[0].source) == {"north", "south"}
    _, told = answered(Source(), subject(plain(120, site=sites), positive=("ill",)))
    assert "20 images of small or unknown sources" in told["auc_source_prior"].reason


@pytest.mark.parametrize(
    ("columns", "words"),
    [({}, "no site is known"), ({"site": "north"}, "1 of 1 sites"), ({"label": "ill"}, "too few patients")],
)
def test_what_cannot_be_compared_is_not_run_with_the_reason(columns, words):
    answer, found = answered(Source(), subject(plain(40, **columns), positive=("ill",)))
    assert set(outcomes(answer).values()) == {"not run"}
    assert words in found["auc_source_prior"].reason


class Top:
    """A classifier that learns nothing: how bright the top is."""

    name, paper = "top", ""

    def fit_scores(self, pixels, jobs, validation, test, *, steps):
        yield from (test[:, :8].mean(axis=(1, 2)).astype(np.float64) for _ in jobs)


def test_a_network_is_asked_where_the_user_wants_one():
    _, found = answered(Source(), subject(by_site(0.0), positive=("ill",), classifier=Top()))
    assert found["auc_seen_deep"].low < 0.5 < found["auc_seen_deep"].high
    assert found["auc_unseen_deep"].value is not None


@pytest.mark.slow
def test_simulated_hospitals_fail_from_the_limit_of_detection_on():
    free, _ = answered(Source(), subject(phantoms(150, seed=3), positive=("disease",)))
    assert "fails" not in outcomes(free).values()
    # two even hospitals and classes with a tie t have an area of 0.5 + t / 2 from the hospital alone
    limit = limits(free)["auc_source_prior"]
    for tie in (2 * limit - 1, (1 + 2 * limit - 1) / 2, 1.0):
        answer, _ = answered(Source(), subject(phantoms(150, seed=3, tie=tie), positive=("disease",)))
        assert outcomes(answer)["auc_source_prior"] == "fails", tie
