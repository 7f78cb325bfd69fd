"""The runner: planted faults are found above the stated limit of detection, and a broken check stops nothing."""

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest

from radassay import registry
from radassay.contracts.check import Inputs
from radassay.controls.artefacts import Blur
from radassay.controls.defects import Copies, ShuffledLabels
from radassay.controls.floor import blank, matched_inputs
from radassay.controls.markers import CornerMarker, CornerMarkerReal
from radassay.controls.rows import RememberedRows
from radassay.controls.runner import Controls, run_controls
from radassay.controls.wanted import Wanted
from radassay.errors import SettingsError
from radassay.evidence.finding import Finding

FEW = Controls(blanks=8, repeats=3, draws=100)


def run(checks, defects, inputs, settings=FEW, seed=0, **more):
    return run_controls(checks, defects, inputs, settings, np.random.default_rng(seed), **more)


def one(findings, role, name, control="", dose=None):
    found = [f for f in findings if (f.role, f.name, f.control, f.dose) == (role, name, control, dose)]
    assert len(found) == 1
    return found[0]


def test_every_measure_gets_floor_planted_values_and_limits(inputs, checks):
    defects = [Copies(doses=(0.05, 0.2)), Blur(doses=(0.5, 2.0)), CornerMarkerReal()]
    heard = []
    out = run([checks["close-copies"], checks["corner-tells"]], defects, inputs, report=heard.append)
    assert list(out) == ["close-copies", "corner-tells"]
    findings = out["close-copies"]
    assert len(findings) == 2 * (1 + 4 + 2)
    assert len({f.id for f in findings}) == len(findings)
    floor = one(findings, "floor", "sharpness")
    assert floor.low <= floor.value <= floor.high
    assert floor.unit == "grey"
    assert len(floor.details["values"]) == 8
    assert floor.level == pytest.approx(7 / 9, abs=1e-4)
    assert floor.n_patients == 130
    assert floor.inputs == inputs.fingerprints(inputs.training, inputs.held_out, inputs.synthetic)
    assert one(findings, "planted", "sharpness", "blur", 2.0).value < floor.low
    assert one(findings, "limit", "sharpness", "blur").unit == "pixels (sigma)"
    assert one(findings, "limit", "share_close", "copies").value is not None
    assert one(findings, "limit", "share_close", "blur").name == "share_close"
    real = out["corner-tells"]
    assert {f.control for f in real} == {"", "corner-marker-real"}
    assert one(real, "limit", "difference", "corner-marker-real").value is not None
    assert heard[-1].done == heard[-1].total == 8 + 8 + 3 * (2 + 2 + 5)
    assert [p.done for p in heard] == sorted({p.done for p in heard})
    for finding in [*findings, *real]:
        assert Finding.from_json(finding.to_json()) is not None
        assert finding.value is None or finding.low is not None or finding.reason


def test_a_blind_measure_says_so(inputs, checks):
    out = run([checks["close-copies"]], [ShuffledLabels(doses=(0.5, 1.0))], inputs)["close-copies"]
    limit = one(out, "limit", "share_close", "shuffled-labels")
    assert limit.value is None
    assert limit.reason.startswith(
        "not seen at any dose tried; doses from 50 % to 100 % of synthetic images; found with"
    )


def test_a_broken_check_stops_no_other(inputs, checks):
    out = run([checks["broken"], checks["close-copies"]], [Blur(doses=(2.0,))], inputs)
    assert {f.role for f in out["broken"]} == {"floor", "planted", "limit"}
    for finding in out["broken"]:
        assert finding.value is None
        assert "not measured" in finding.reason
        assert "no good" in finding.reason
    assert one(out["close-copies"], "floor", "sharpness").value is not None


def test_a_defect_that_cannot_be_planted_stops_no_other(inputs, checks):
    out = run([checks["close-copies"]], [CornerMarker(), Blur(doses=(2.0,))], inputs.but(positive=""))["close-copies"]
    assert "positive class" in one(out, "limit", "sharpness", "corner-marker").reason
    assert one(out, "limit", "sharpness", "blur").value is not None


def test_too_few_patients_are_a_reason(inputs, checks):
    alone = [s.changed(name=s.name, patients=np.full(len(s), "p")) for s in (inputs.training, inputs.held_out)]
    out = run([checks["close-copies"]], [Blur()], inputs.but(training=alone[0], held_out=alone[1]))["close-copies"]
    assert all(f.value is None and "too few real patients" in f.reason for f in out)


def lines(findings):
    return [f.to_json() for f in findings]


def test_numbers_repeat_and_depend_on_no_neighbour(inputs, checks):
    close, blur, copies = checks["close-copies"], Blur(doses=(0.5, 2.0)), Copies(doses=(0.05,))
    alone = run([close], [blur], inputs)["close-copies"]
    assert lines(alone) == lines(run([close], [blur], inputs)["close-copies"])
    more = run([checks["corner-tells"], checks["broken"], close], [copies, blur], inputs)["close-copies"]
    assert set(lines(alone)) <= set(lines(more))
    assert lines(alone) != lines(run([close], [blur], inputs, seed=1)["close-copies"])


@pytest.mark.slow
def test_the_number_of_processes_changes_nothing(inputs):
    # Plug-ins as installed, since those of this file are unknown to a new process.
    checks = [registry.load("checks", name)() for name in ("fidelity", "memorisation")]
    encoder = registry.load("encoders", "random-conv")()
    given = inputs.but(encode=encoder.encode, encoder=encoder.name, cache={})
    alone, beside = (
        run(checks, [Copies(doses=(0.1,)), Blur(doses=(1.0,))], given, replace(FEW, workers=workers))
        for workers in (1, 2)
    )
    assert {name: lines(found) for name, found in alone.items()} == {n: lines(f) for n, f in beside.items()}


def test_a_part_of_the_controls_gives_the_same_numbers_as_all_of_them(inputs, checks):
    close, defects = checks["close-copies"], [Blur(doses=(0.5, 2.0)), Copies(doses=(0.05, 0.2))]
    everything = run([close, checks["broken"]], defects, inputs)["close-copies"]
    heard = []
    wanted = Wanted({"close-copies.sharpness": {"blur": (2.0,), "unheard-of": (1.0,)}, "close-copies.share_close": {}})
    out = run([close, checks["broken"]], defects, inputs, wanted=wanted, report=heard.append)
    assert out["broken"] == []
    part = out["close-copies"]
    assert [(f.name, f.role, f.control, f.dose) for f in part] == [
        ("share_close", "floor", "", None),
        ("sharpness", "floor", "", None),
        ("sharpness", "planted", "blur", 2.0),
        ("sharpness", "limit", "blur", None),
    ]
    assert set(lines(part[:3])) <= set(lines(everything))
    assert heard[-1].total == 8 + 3
    assert run([close], defects, inputs, wanted=Wanted({})) == {"close-copies": []}


def test_a_dose_that_the_defect_does_not_try_itself_can_be_asked_for(inputs, checks):
    wanted = Wanted({"close-copies.sharpness": {"blur": (0.8, 0.4)}})
    out = run([checks["close-copies"]], [Blur(doses=(2.0,))], inputs, wanted=wanted)["close-copies"]
    assert [f.dose for f in out if f.role == "planted"] == [0.4, 0.8]


def test_many_images_are_thinned_and_the_finding_says_so(make, checks):
    inputs = make(training=300, held_out=100, synthetic=150)
    out = run([checks["close-copies"]], [Blur(doses=(2.0,))], inputs, replace(FEW, images=40))["close-copies"]
    limit = one(out, "limit", "sharpness", "blur")
    assert limit.details["images"] == {"training": 40, "held_out": 40, "synthetic": 40}
    assert limit.details["of"] == {"training": 300, "held_out": 100, "synthetic": 150}
    assert "found with 40 of 300 training, 40 of 100 held-out, 40 of 150 synthetic images" in limit.reason


def test_a_limit_tells_the_power_at_each_dose(inputs, checks):
    out = run([checks["close-copies"]], [Blur(doses=(0.3, 2.0))], inputs)["close-copies"]
    limit = one(out, "limit", "sharpness", "blur")
    assert limit.details["doses"] == [0.3, 2.0]
    assert limit.details["power"][0] <= limit.details["power"][1] == 1.0


def test_a_check_that_watches_nothing_costs_nothing(inputs, checks):
    class Still(type(checks["broken"])):
        name = "still"
        watched = {}
        meets = ()

    heard = []
    assert run([Still()], [Blur(), CornerMarkerReal()], inputs, report=heard.append) == {"still": []}
    assert not heard


class Counting:
    def __init__(self):
        self.rows = 0

    def __call__(self, pixels):
        self.rows += len(pixels)
        return pixels.reshape(len(pixels), -1)[:, ::7].copy()


def test_each_real_picture_is_encoded_once(inputs, checks):
    encode = Counting()
    given = inputs.but(encode=encode, encoder="toy", cache={})
    blur = Blur(doses=(1.0, 2.0))
    run([checks["uses-features"]], [blur], given)
    real, planted = 260, 100 * 2 * 3
    assert real < encode.rows < real + planted, "a picture blurred alike in two repeats is encoded once"
    assert encode.rows <= real + 2 * real
    assert len(given.cache) == 2, "the user's cache holds the two real samples and nothing planted"


def test_remembered_features_are_the_encoder_s(inputs):
    given = inputs.but(encode=Counting(), encoder="toy", cache={})
    remembered = RememberedRows(given)
    pixels = np.concatenate([inputs.held_out.pixels[5:9], inputs.synthetic.pixels[:3], inputs.training.pixels[:2]])
    assert (remembered(pixels) == Counting()(pixels)).all()
    known = given.encode.rows
    assert (remembered(pixels[:6]) == Counting()(pixels[:6])).all()
    assert given.encode.rows == known
    remembered.forget()
    assert (remembered(pixels[::-1]) == Counting()(pixels[::-1])).all()
    assert given.encode.rows == known + 3, "only what was not among the real images is encoded again"


def test_too_few_repeats_are_refused():
    with pytest.raises(SettingsError, match="at least 3 blanks"):
        Controls(blanks=1)


@dataclass(frozen=True)
class Trial:
    """New images with planted copies, judged against the limit of blank that was stated."""

    inputs: Inputs
    check: object
    limit: Finding

    def found(self, dose, repeats=40):
        hits = []
        for seed in range(repeats):
            rng = np.random.default_rng(10_000 + seed)
            planted = Copies().plant(blank(self.inputs, self.check, rng), dose, rng)
            values = {f.name: f.value for f in self.check.measure(planted, rng)}
            hits.append(values["share_close"] > self.limit.details["limit_of_blank"])
        return float(np.mean(hits))


def test_copies_above_the_limit_are_found_and_far_below_it_mostly_not(make, checks):
    above, below = [], []
    for seed in (0, 100, 200):
        inputs, check = make(training=300, synthetic=200, seed=seed), checks["close-copies"]
        defects = [Copies(doses=(0.02, 0.05, 0.1, 0.2, 0.4))]
        findings = run([check], defects, inputs, Controls(), seed)["close-copies"]
        trial = Trial(inputs, check, one(findings, "limit", "share_close", "copies"))
        assert 0.02 < trial.limit.value < 0.4
        assert trial.limit.low < trial.limit.value < trial.limit.high
        above.append(trial.found(1.15 * trial.limit.value))
        below.append(trial.found(trial.limit.value / 4))
    assert np.mean(above) >= 0.9
    assert np.mean(below) < 0.5


def test_a_stated_floor_holds_for_faultless_images(make, checks):
    alarms = []
    for seed in range(0, 1500, 100):
        inputs, check = make(seed=seed), checks["close-copies"]
        out = run([check], [], inputs, Controls(), seed)["close-copies"]
        matched = matched_inputs(inputs, check, np.random.default_rng(seed))
        value = {f.name: f.value for f in check.measure(matched, np.random.default_rng(0)) if f.slice == "all"}
        alarms.append(value["sharpness"] < one(out, "floor", "sharpness").details["limit_of_blank"])
    assert np.mean(alarms) < 0.34


def test_findings_are_small(inputs, checks):
    out = run([checks["close-copies"]], [Blur()], inputs)["close-copies"]
    assert all(len(f.to_json()) < 1500 for f in out)
    assert json.loads(out[0].to_json())["role"] == "floor"


@dataclass(frozen=True)
class Draws:
    """A check that answers with a random number."""

    name = "draws"
    question = "?"
    reads = "real"
    matched = False
    watched = {"number": "higher"}
    meets = ()

    def measure(self, inputs, rng):
        return [Finding(check=self.name, name="number", value=float(rng.random()), reason="quick")]

    def quick(self):
        return self


def test_every_measurement_has_its_own_random_stream(inputs):
    out = run([Draws()], [CornerMarkerReal()], inputs)["draws"]
    numbers = [value for f in out for value in f.details.get("values", [])]
    assert len(numbers) == len(set(numbers)) == 8 + 5 * 3
